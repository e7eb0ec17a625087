# front.bash: fcgi-mux under fcgi-herd in front of test programs, and requests to it. After helpers.

# start_front NUMBER [ARGUMENT ...]: so many supervised children of PROGRAM (misbehave) behind $FRONT.
# WHOLE and SECTION are more lines for the configuration.
start_front() {
	local number=$1
	shift
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = ${LEVEL-debug}
		status-path = /status
		${WHOLE-}
		$(as_root "user = $(server_user)" "listen-owner = $(server_user)")
		[app]
		listen = $FRONT
		${SECTION-}
		bin-path = $TEST_APPS/${PROGRAM-misbehave} $*
		max-procs = $number
	INI
	)"
	wait_until 15 has_log ': ready$'
}

# start_alone ARGUMENT ...: fcgi-mux at $FRONT without a supervisor, as MUX_PID.
start_alone() {
	FRONT=$PLACE/alone.sock
	"$FCGI_MUX" --listen "$FRONT" --log-level debug "$@" >>"$HERD_LOG" 2>&1 3>&- &
	MUX_PID=$!
	STARTED+=("$MUX_PID")
	wait_until 10 has_log 'fcgi-mux.*: ready$'
}

# start_server NUMBER [ARGUMENT ...]: misbehave at $PLACE/server.NUMBER, run by somebody else.
start_server() {
	local socket=$PLACE/server.$1
	shift
	spawn-fcgi -n -s "$socket" -M 0666 -- "$TEST_APPS/misbehave" "$@" 2>>"$HERD_LOG" 3>&- &
	STARTED+=($!)
	wait_until 10 test -S "$socket"
}

has_log() { grep -qE -- "$1" "$HERD_LOG"; }
# count_log PATTERN; has_logs COUNT PATTERN: at least.
count_log() { grep -cE -- "$1" "$HERD_LOG" || :; }
has_logs() { [ "$(count_log "$2")" -ge "$1" ]; }

# ask QUERY [OPTION ...]: one GET.
ask() {
	local query=$1
	shift
	fcgi_client --param REQUEST_METHOD=GET --param "REQUEST_URI=/?$query" --query "$query" "$@" "$FRONT"
}

body() { sed '1,/^\r*$/d'; }

# pid_of_child NUMBER: of the latest process.
pid_of_child() { sed -n "s/.*: app\.$1: started pid=//p" "$HERD_LOG" | tail -n 1; }
pid_of_mux() { sed -n 's/.*: mux: started pid=//p' "$HERD_LOG" | tail -n 1; }

# Asks in the background for what takes so long; the answer goes to $PLACE/held.NUMBER.
hold() { # NUMBER MILLISECONDS [MORE]
	ask "stderr-fd=busy-$1&sleep=$2&pid${3+&$3}" >"$PLACE/held.$1" 3>&- &
	HELD[$1]=$!
	STARTED+=("${HELD[$1]}")
}

# Until a process works on it.
wait_busy() { wait_until 10 has_log "busy-$1"; } # NUMBER

# One that never answers: a process works on it; what comes instead goes to $PLACE/hung.
hang() {
	ask 'stderr-fd=busy-1&hang' >"$PLACE/hung" 2>&1 3>&- 4>&- &
	STARTED+=($!)
	wait_busy 1
}

# Its answer is there and good.
check_held() { # NUMBER
	wait "${HELD[$1]}"
	grep -q '^pid ' "$PLACE/held.$1"
}

# statistic NAME: from the page of fcgi-mux.
status_page() { fcgi_client --param REQUEST_METHOD=GET --param SCRIPT_NAME=/status "$FRONT" | body; }
statistic() { status_page | sed -n "s/^$1: //p"; }
statistic_is() { [ "$(statistic "$1")" -eq "$2" ]; }
statistic_is_least() { [ "$(statistic "$1")" -ge "$2" ]; }

# Nothing is queued, and no process has anything to do.
is_idle() { ! status_page | grep -E '\.(load|queued): ' | grep -qv ': 0$'; }

# put_load OPTION ...: GETs from 16 connections at a time; fails where one answer is not good.
put_load() {
	"$TEST_APPS/fcgi-load" --connections 16 --requests "$REQUESTS" --seconds $((60 + REQUESTS / 500)) \
		"$@" "$FRONT"
}

# The same in the background, as $LOAD.
begin_load() {
	put_load "$@" >"$PLACE/load" 3>&- &
	LOAD=$!
	STARTED+=("$LOAD")
}

# It has come to its end, and all answers were good.
check_load() {
	wait_pids_gone $((60 + REQUESTS / 500)) "$LOAD"
	wait "$LOAD" || { cat "$PLACE/load" && false; }
}

# record VERSION TYPE ID LENGTH PADDING [CONTENT]: bytes of a record, the numbers decimal, the content
# with escapes.
# shellcheck disable=SC2059
record() {
	printf "$(printf '\\x%02x' "$1" "$2" $(($3 >> 8)) $(($3 & 255)) $(($4 >> 8)) $(($4 & 255)) "$5" 0)"
	printf "${6-}"
}
begin() { record 1 1 "$1" 8 0 '\0\1\1\0\0\0\0\0'; } # ID
