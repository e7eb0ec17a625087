# helpers.bash: what the bats files share. Each test has a place of its own, $PLACE, which every
# user can enter, and leaves no process behind.

TOP=${TOP:-$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)}
FCGI_HERD=${FCGI_HERD:-$TOP/build/fcgi-herd}
FCGI_MUX=${FCGI_MUX:-$TOP/build/fcgi-mux}
TEST_APPS=${TEST_APPS:-$TOP/build/tests/apps}
PATH=$PATH:/usr/sbin:/sbin

# Pids that clean_up has to end, with all that descends from them.
STARTED=()

setup() { make_place; }
teardown() { clean_up; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# The current user's name, or for root one that servers can drop their privileges to.
server_user() { if is_root; then echo www-data; else id -un; fi; }

# Lines that only root needs in a configuration.
as_root() { ! is_root || printf '%s\n' "$@"; }

# requires root | not-root | PROGRAM ...: skips the test where that is not so.
requires() {
	local what
	for what; do
		case $what in
		root) is_root || skip "needs root" ;;
		not-root) ! is_root || skip "needs another user than root" ;;
		*) command -v "$what" >/dev/null || skip "needs $what" ;;
		esac
	done
}

# The tree may lie where only its owner gets in, so the programs move to where children of any user
# can be executed.
make_place() {
	PLACE=$(mktemp -d "${TMPDIR:-/tmp}/test.XXXXXX")
	chmod 755 "$PLACE"
	mkdir "$PLACE/bin" "$PLACE/www"
	mkdir -m 1777 "$PLACE/tmp"
	find "$TEST_APPS" "$TOP/build/examples" "$TOP/build/fcgi-load" "$TOP/build/bench-app" -maxdepth 1 -type f -perm -u+x \
		-exec cp -t "$PLACE/bin" {} + 2>/dev/null || :
	# Where one is missing, the tests that need it say so.
	cp "$FCGI_HERD" "$FCGI_MUX" "$PLACE/bin" || :
	FCGI_HERD=$PLACE/bin/${FCGI_HERD##*/}
	FCGI_MUX=$PLACE/bin/${FCGI_MUX##*/}
	TEST_APPS=$PLACE/bin
	HERD_LOG=$BATS_TEST_TMPDIR/herd.log
}

# Microseconds of a clock.
now_us() { echo "${EPOCHREALTIME/./}"; }

# wait_until SECONDS COMMAND ...: until the command succeeds. Fails after the time.
wait_until() {
	local deadline=$(($(now_us) + $1 * 1000000))
	shift
	until "$@"; do
		[ "$(now_us)" -lt "$deadline" ] || { echo "not in time: $*" >&2 && return 1; }
		sleep 0.02
	done
}

# retry TIMES INTERVAL COMMAND ...
retry() {
	local times=$1 interval=$2
	shift 2
	for ((; times > 1; times--)); do
		"$@" && return
		sleep "$interval"
	done
	"$@"
}

# A zombie is gone: it only waits for its parent to look.
is_gone() {
	local state
	state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ]
}

are_gone() {
	local pid
	for pid; do is_gone "$pid" || return 1; done
}

# wait_pids_gone SECONDS PID ...
wait_pids_gone() {
	local seconds=$1
	shift
	wait_until "$seconds" are_gone "$@"
}

# All pids that descend from PID, without itself.
descendants() {
	local child
	for child in $(pgrep -P "$1"); do
		echo "$child"
		descendants "$child"
	done
}

# wait_socket PATH: until it is there; fails at once when the supervisor has died.
wait_socket() {
	wait_until 10 is_socket_or_herd_gone "$1"
	[ -S "$1" ] || { cat "$HERD_LOG" >&2 && return 1; }
}
is_socket_or_herd_gone() { [ -S "$1" ] || { [ -n "${HERD_PID-}" ] && is_gone "$HERD_PID"; }; }

# A TCP port of the loopback where nobody listens.
free_port() {
	local port taken
	taken=$(ss -tlnH | awk '{ sub(/.*:/, "", $4); print $4 }')
	while port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000)); do
		grep -qx "$port" <<<"$taken" || { echo "$port" && return; }
	done
}

# Copies standard input to a file in $PLACE, and prints its path.
place_file() {
	cat >"$PLACE/$1"
	echo "$PLACE/$1"
}

# start_herd ARGUMENT ...: fcgi-herd in the foreground, as $HERD_PID, with $HERD_LOG.
start_herd() {
	"$FCGI_HERD" -n "$@" >>"$HERD_LOG" 2>&1 3>&- 4>&- &
	HERD_PID=$!
	STARTED+=("$HERD_PID")
}

# Ends a pid that was started here and all that descends from it. Sets WAIT_STATUS, and LEFT to what
# was still there 20 seconds after the signal or outlived its parent; that is killed.
end_tree() { # PID SIGNAL
	local tree
	tree=$(descendants "$1")
	WAIT_STATUS=0
	kill "-$2" "$1" 2>/dev/null || :
	wait_pids_gone 20 "$1" 2>/dev/null || kill -KILL "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || WAIT_STATUS=$?
	[ "$WAIT_STATUS" -ne 127 ] || WAIT_STATUS=0 # not a child of this shell
	LEFT=
	for pid in $tree; do
		is_gone "$pid" || LEFT+="$(ps -o pid=,ppid=,args= -p "$pid")"$'\n'
	done
	for pid in $tree; do kill -KILL "$pid" 2>/dev/null || :; done
}

# stop_herd [SIGNAL]: stops it in order and fails where anything of its tree is left, or its status
# is not 0.
stop_herd() {
	end_tree "$HERD_PID" "${1:-TERM}"
	local pid=$HERD_PID
	HERD_PID=
	for i in "${!STARTED[@]}"; do [ "${STARTED[i]}" != "$pid" ] || unset "STARTED[i]"; done
	[ -z "$LEFT" ] || { printf 'left over:\n%s' "$LEFT" >&2 && return 1; }
	[ "$WAIT_STATUS" -eq 0 ] || { echo "status $WAIT_STATUS" >&2 && cat "$HERD_LOG" >&2 && return 1; }
}

# adopt PID: as after start_herd, for one that went into the background by itself.
adopt() {
	HERD_PID=$1
	STARTED+=("$1")
}

# Pids of the children of the supervisor that run PROGRAM, in order.
herd_children() { pgrep -P "$HERD_PID" -x "$1" | sort -n; }
herd_has_children() { [ "$(herd_children "$1" | wc -l)" -eq "$2" ]; }

fcgi_client() { "$TEST_APPS/fcgi-client" "$@"; }

clean_up() {
	local pid log
	# A test that was skipped before it had a place has nothing, and "" would be everything.
	[ -n "${PLACE-}" ] || return 0
	for pid in "${STARTED[@]}"; do end_tree "$pid" TERM; done
	# What runs from the place and had lost its parent.
	for pid in $(pgrep -f "^$PLACE/"); do kill -KILL "$pid" 2>/dev/null || :; done
	# bats shows it where the test has failed.
	for log in "$HERD_LOG" "$PLACE/web.log"; do
		[ ! -f "$log" ] || tail -n 20 "$log" | cut -c 1-200
	done
	rm -rf "$PLACE"
}
