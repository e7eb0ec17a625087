#!/bin/sh
# arrows.sh: who may include whom, and what may be done in one file only, as src/README says.
# Looks at src/ of the current directory.
set -u

lint=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
code=$work/code
found=$work/found
: >"$found"

find src -name '*.[ch]' | sort | xargs awk -f "$lint/strip.awk" >"$code" || exit 2
[ -s "$code" ] || {
	echo "arrows: no source in src/" >&2
	exit 2
}

# forbid MESSAGE FILES WHAT [SAVE-IN]: regular expressions; files without "src/".
forbid() {
	grep -E "^src/($2):[0-9]+:.*($3)" "$code" | grep -vE "^src/(${4:-none})(:|$)" |
		sed "s|\$|    <- $1|" >>"$found"
}

include() { # an #include line of quoted names that match
	printf '[[:space:]]*#[[:space:]]*include[[:space:]]*"(%s)' "$1"
}

# Data and calls go down only.
above_base='fcgi|policy|config|os|herd|mux'
forbid 'base includes nothing else' 'base/.*' "$(include "($above_base)/")"
forbid 'fcgi may include base only' 'fcgi/.*' "$(include '(policy|config|os|herd|mux)/')"
forbid 'policy may include base only' 'policy/.*' "$(include '(fcgi|config|os|herd|mux)/')"
forbid 'config may include base only' 'config/.*' "$(include '(fcgi|policy|os|herd|mux)/')"
forbid 'os may include base only' 'os/.*' "$(include '(fcgi|policy|config|herd|mux)/')"
forbid 'herd and mux meet in os/control only' 'herd/.*' "$(include 'mux/')"
forbid 'herd and mux meet in os/control only' 'mux/.*' "$(include 'herd/')"
forbid 'an include names its folder' '.*' "$(include '[^/"]*"')"

# Only herd, mux and the programs log.
forbid 'libraries return a sentence and do not log' '(base|fcgi|policy|config|os)/.*' \
	"$(include 'base/log\.h')" 'base/log\.c'

# fcgi and policy are pure: no descriptor, no clock, no randomness.
pure='(assert|ctype|errno|limits|stdbool|stddef|stdint|stdio|stdlib|string|strings)\.h'
forbid 'fcgi and policy are pure' '(fcgi|policy)/.*' '#[[:space:]]*include[[:space:]]*<' \
	"(fcgi|policy)/[^:]*:[0-9]+:#include <$pure>[[:space:]]*"
forbid 'fcgi and policy are pure' '(fcgi|policy)/.*' \
	'\b(s?rand|random|[dlm]rand48|getenv|v?f?printf|puts|f[a-z]*open|perror) *\(|\bFILE\b'

# One file each.
forbid 'libev belongs to os/loop' '.*' '<ev(\+\+)?\.h>|\bev_[a-z_]+ *\(' 'os/loop\.[ch]'
forbid 'libcap-ng belongs to os/privileges.c' '.*' '<cap-ng\.h>|\bcapng_[a-z_]+ *\(' \
	'os/privileges\.c'
forbid 'libseccomp belongs to os/sandbox.c' '.*' \
	'<seccomp\.h>|\b(seccomp_[a-z_]+|SCMP_[A-Z0-9_]+) *\(' 'os/sandbox\.c'
forbid 'c-ares belongs to os/resolver.c' '.*' '<ares[a-z_]*\.h>|\bares_[a-z_]+ *\(' 'os/resolver\.c'
forbid 'inih belongs to config/ini.c' '.*' '<ini\.h>|\bini_parse[a-z_]* *\(' 'config/ini\.c'
forbid 'processes are started by os/spawn.c and os/reexec.c' '.*' \
	'\b(v?fork|clone[0-9]*|exec(l|lp|le|v|vp|ve|vpe|veat)|fexecve|posix_spawnp?|system|popen|daemon) *\(' \
	'os/(spawn|reexec)\.c'
forbid 'users and groups are looked up by config/check' '.*' \
	'\bget(pw(nam|uid|ent)|gr(nam|gid|ent))(_r)? *\(' 'config/check_ac(counts|cess)\.c'
forbid 'supplementary groups are looked up by os/privileges.c' '.*' \
	'\b(getgrouplist|initgroups) *\(' '(os/privileges|config/check_accounts)\.c'
forbid 'hosts are looked up by os/address.c' '.*' \
	'\b(getaddrinfo|getnameinfo|gethostby[a-z_0-9]+) *\(' 'os/address\.c'
forbid 'numbers are taken apart and put together by base/bytes.h' '.*' \
	'(<<|>>) *(8|16|24|32)\b' 'base/bytes\.h'

forbid 'is not used in this tree' '.*' \
	'\b(strn?cpy|st[rp]ncat|strcat|stpn?cpy|v?sprintf|ato(i|l|ll|f)|gets|strtok|alloca|strn?dupa) *\('

[ ! -s "$found" ] || {
	cat "$found"
	exit 1
}
