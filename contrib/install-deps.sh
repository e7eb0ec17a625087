#!/bin/sh
# install-deps.sh [-n] GROUP ...
#
# Installs what is missing of the groups build, check, container, bench, demo, deb, soak, fuzz, afl,
# coverage and lint with the system's package manager, and says what. Services of these packages are
# neither started nor enabled. With -n, or where it cannot install, it names the packages and fails.
# Nothing missing: nothing said or done.
set -u

policy=/usr/sbin/policy-rc.d

say() { printf '%s\n' "install-deps: $*" >&2; }

# What is there counts, whatever package it came from.
has_command() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }
has_library() { pkg-config --exists "$1" 2>/dev/null; }
has_header() { echo "#include <$1>" | "${CC:-cc}" -E -x c - >/dev/null 2>&1; }

# What clang links where this is asked for.
has_sanitizer() {
	echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang "-fsanitize=$1" -x c -o /dev/null - 2>/dev/null
}

has_python() { python3 -c "import $1" 2>/dev/null; }
has_file() { [ -e "$1" ]; }
has_fpm() { command -v "$1" >/dev/null || ls /usr/sbin/php-fpm* >/dev/null 2>&1; }

need() { # PACKAGE TEST ARGUMENT
	"$2" "$3" || missing="$missing $1"
}

need_for_build() {
	need gcc has_command "${CC:-cc}"
	need libc6-dev has_header stdlib.h
	need make has_command make
	need pkg-config has_command pkg-config
	need libev-dev has_header ev.h
	need libinih-dev has_library inih
	need libcap-ng-dev has_library libcap-ng
	need libseccomp-dev has_library libseccomp
	need libc-ares-dev has_library libcares
}

need_for_check() {
	need bats has_command bats
	need libcmocka-dev has_library cmocka
	need libfcgi-dev has_header fcgiapp.h
	need php-cgi has_command php-cgi
	need nginx-light has_command nginx
	need lighttpd has_command lighttpd
	need apache2-bin has_command apache2
	need haproxy has_command haproxy
	need caddy has_command caddy
	need spawn-fcgi has_command spawn-fcgi
	need curl has_command curl
	need dnsmasq-base has_command dnsmasq
	need wrk has_command wrk
	need procps has_command ps
	need iproute2 has_command ip
	need nftables has_command nft
	need util-linux has_command setpriv
	# systemd-analyze and systemd-socket-activate; as a package it starts nothing by itself.
	need systemd has_command systemd-analyze
	need runit has_command runsv
	need s6 has_command s6-supervise
	need perl has_command perl
	need python3 has_command python3
	need python3-yaml has_python yaml
}

# The steps of the container in a tree of its own, once it has been made.
need_for_container() {
	need debootstrap has_command debootstrap
	need util-linux has_command unshare
}

# What is measured beside ours; one that is not there is left out.
need_for_bench() {
	need haproxy has_command haproxy
	need nginx-light has_command nginx
	need libnginx-mod-stream has_file /usr/lib/nginx/modules/ngx_stream_module.so
	need lighttpd has_command lighttpd
	need php-cgi has_command php-cgi
	need php-fpm has_fpm php-fpm
	need wrk has_command wrk
	need strace has_command strace
	need util-linux has_command taskset
}

need_for_demo() {
	need libfcgi-dev has_header fcgiapp.h
	need lighttpd has_command lighttpd
	need procps has_command ps
}

need_for_deb() {
	need dpkg-dev has_command dpkg-buildpackage
	need debhelper has_command dh
	need lintian has_command lintian
	need libcmocka-dev has_library cmocka
}

# Only with VALGRIND=1.
need_for_soak() {
	need valgrind has_command valgrind
}

need_for_fuzz() {
	need clang has_command clang
	need libclang-rt-dev has_sanitizer fuzzer
}

need_for_afl() {
	need afl++ has_command afl-fuzz
	need clang has_command clang
}

need_for_coverage() {
	need llvm has_command llvm-profdata
	need gcc has_command gcov
}

need_for_lint() {
	need gcc has_command gcc
	need clang has_command clang
	need clang-tidy has_command clang-tidy
	need clang-format has_command clang-format
	need cppcheck has_command cppcheck
	need shellcheck has_command shellcheck
	need mandoc has_command mandoc
}

cannot() {
	say "$1; please install:$missing"
	exit 1
}

apt_install() {
	# shellcheck disable=SC2086 # a list of packages
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" $missing \
		</dev/null >&2
}

# An own policy-rc.d for as long as apt-get runs. One of the administrator stays, and decides: where
# it would let services start, nothing is installed.
forbid_services() {
	if [ -e "$policy" ]; then
		"$policy" lighttpd start >/dev/null 2>&1
		[ $? -eq 101 ] || cannot "$policy is there and would let services start"
		return
	fi
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	if ! (set -C && umask 022 && printf '#!/bin/sh\nexit 101\n' >"$policy") ||
		! chmod 755 "$policy"; then
		cannot "cannot write $policy, which keeps services from starting"
	fi
}

# A server that came for the tests must not take port 80 after the next boot either.
disable_service() { # PACKAGE SERVICE
	case "$missing " in
	*" $1"[\ -]*) ;;
	*) return ;;
	esac
	if [ -e "/etc/init.d/$2" ]; then
		update-rc.d "$2" disable >/dev/null 2>&1 &&
			say "$2 stays stopped; to have it run: update-rc.d $2 enable"
	else # it has a unit only
		systemctl disable "$2" >/dev/null 2>&1 &&
			say "$2 stays stopped; to have it run: systemctl enable $2"
	fi
}

disable_services() {
	disable_service nginx nginx
	disable_service lighttpd lighttpd
	disable_service haproxy haproxy
	disable_service caddy caddy
	for service in /etc/init.d/php*-fpm; do
		disable_service php-fpm "${service##*/}"
	done
}

install_as_root() {
	exec 9>/run/lock/fcgi-herd-install-deps
	flock 9
	forbid_services
	apt_install -s >/dev/null 2>&1 9>&- || apt-get update -q </dev/null >&2 9>&-
	apt_install 9>&- || { apt-get update -q </dev/null >&2 && apt_install; } 9>&- ||
		cannot "apt-get failed"
	disable_services
}

only_name=
if [ "${1-}" = --as-root ]; then # the second half, perhaps by way of sudo
	shift
	missing=" $*"
	install_as_root
	exit
fi
if [ "${1-}" = -n ]; then
	only_name=yes
	shift
fi

missing=
for group; do
	case $group in
	build | check | container | bench | demo | deb | soak | fuzz | afl | coverage | lint) "need_for_$group" ;;
	*)
		say "no such group: $group"
		exit 2
		;;
	esac
done
[ -n "$missing" ] || exit 0
missing=$(echo "$missing" | tr ' ' '\n' | sort -u | tr '\n' ' ')

[ -z "$only_name" ] || cannot "something is missing"
command -v apt-get >/dev/null || cannot "no apt-get here"
become_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || cannot "neither root nor sudo"
	become_root=sudo
	[ -t 0 ] || become_root='sudo -n'
fi
say "installing with apt-get:$missing"
# shellcheck disable=SC2086 # lists
$become_root sh "$0" --as-root $missing || exit 1
