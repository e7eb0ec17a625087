#!/usr/bin/env bats
# What fcgi-mux does with requests, seen from both of its sides.

bats_require_minimum_version 1.5.0

load helpers

# start_front NUMBER [ARGUMENT ...]: so many supervised children of misbehave behind $FRONT.
start_front() {
	local number=$1
	shift
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = debug
		${WHOLE-}
		[app]
		listen = $FRONT
		${SECTION-}
		bin-path = $TEST_APPS/misbehave $*
		max-procs = $number
		$(as_root "user = $(server_user)")
	INI
	)"
	wait_until 15 has_log ': ready$'
}

has_log() { grep -qE -- "$1" "$HERD_LOG"; }

# ask QUERY [OPTION ...]: one GET.
ask() {
	local query=$1
	shift
	fcgi_client --param REQUEST_METHOD=GET --param "REQUEST_URI=/?$query" --query "$query" "$@" "$FRONT"
}

body() { sed '1,/^\r*$/d'; }

# pid_of_child NUMBER: of the latest process.
pid_of_child() { sed -n "s/.*: app\.$1: started pid=//p" "$HERD_LOG" | tail -n 1; }

# Asks in the background for what takes so long; the answer goes to $PLACE/held.NUMBER.
hold() { # NUMBER MILLISECONDS
	ask "stderr-fd=busy-$1&sleep=$2&pid" >"$PLACE/held.$1" 3>&- &
	HELD[$1]=$!
	STARTED+=("${HELD[$1]}")
}

# Until a process works on it.
wait_busy() { wait_until 10 has_log "busy-$1"; } # NUMBER

# Its answer is there and good.
check_held() { # NUMBER
	wait "${HELD[$1]}"
	grep -q '^pid ' "$PLACE/held.$1"
}

@test "requests come back whole whatever the cuts of their records" {
	local chop size expected
	start_front 2
	for size in 0 1 127 128 65535 65536 700001; do
		expected=$(fcgi_client --query sum --body-size $size "$FRONT" | body)
		grep -q "$size" <<<"$expected"
		for chop in 1 7 8 9 4096 65543; do
			[ $((size / chop)) -lt 100000 ] || continue
			[ "$(fcgi_client --query sum --body-size $size --chop $chop "$FRONT" | body)" = "$expected" ]
		done
	done
}

@test "answers come back whole, also to a client that reads slowly" {
	local size
	start_front 1
	for size in 0 1 65535 65536 3000000; do
		[ "$(ask "size=$size" | body | wc -c)" -eq $size ]
	done
	[ "$(ask 'size=3000000' --slow-read 1 | body | cksum)" = "$(ask 'size=3000000' | body | cksum)" ]
}

@test "one process serves many kept connections and many requests at once on one" {
	start_front 1
	[ "$(fcgi_client --keep --repeat 50 --query pid "$FRONT" | grep -c '^pid ')" -eq 50 ]
	[ "$(fcgi_client --at-once --repeat 50 --query pid "$FRONT" | grep -c '^pid ')" -eq 50 ]
	# The next one does not wait for the one before it to hang up.
	fcgi_client --keep --repeat 2 --query 'sleep=300&pid' "$FRONT" >/dev/null 3>&- &
	STARTED+=($!)
	ask pid
}

@test "a request for values is answered truly" {
	ulimit -n 140
	start_front 1
	fcgi_client --values "$FRONT" >"$PLACE/values"
	grep -x 'FCGI_MPXS_CONNS=1' "$PLACE/values"
	# Half of 140 descriptors, but for a few.
	grep -x 'FCGI_MAX_CONNS=38' "$PLACE/values"
	grep -x 'FCGI_MAX_REQS=1024' "$PLACE/values"
}

@test "the least loaded process gets the request; the lowest number among equals" {
	start_front 3
	for _ in 1 2 3; do ask pid | grep -x "pid $(pid_of_child 0)"; done
	hold 1 1000
	wait_busy 1
	ask pid | grep -x "pid $(pid_of_child 1)"
}

@test "when all are busy requests wait in the queue" {
	start_front 1
	hold 1 500
	wait_busy 1
	hold 2 0
	ask pid
	check_held 1
	check_held 2
}

@test "a full queue refuses with 503, and says when to come back" {
	SECTION='queue-limit = 1' start_front 1
	hold 1 1500
	wait_busy 1
	hold 2 0
	wait_until 5 is_refused
	check_held 1
	check_held 2
}
is_refused() { ask pid --timeout 500 2>/dev/null | grep -q 'Retry-After: ' && ask pid | grep -q 'Status: 503'; }

@test "a request waits for no longer than queue-timeout" {
	SECTION='queue-timeout = 1s' start_front 1
	hold 1 4000
	wait_busy 1
	run ask pid
	[[ $output == *'Status: 503'* ]]
	[[ $output == *queue-timeout* ]]
	check_held 1
}

@test "a connection with many requests does not starve the others" {
	start_front 1
	fcgi_client --at-once --repeat 100 --timeout 20000 --query 'stderr-fd=greedy&sleep=20' "$FRONT" >/dev/null 3>&- &
	STARTED+=($!)
	wait_until 10 has_log greedy
	ask 'stderr-fd=modest'
	wait_until 10 has_log modest
	# Ten are more than the turns that it has to wait.
	[ "$(sed -n '1,/modest/p' "$HERD_LOG" | grep -c greedy)" -le 10 ]
}

@test "a request that runs for longer than request-timeout is a 504, and its process is started anew" {
	local pid
	SECTION='request-timeout = 2s' start_front 2
	pid=$(pid_of_child 0)
	run ask hang
	[[ $output == *'Status: 504'* ]]
	[[ $output == *'no answer after'* ]]
	has_log "request /\?hang: 504.*app.0.$pid"
	wait_pids_gone 5 "$pid"
	wait_until 5 herd_has_children misbehave 2
	ask pid
}

@test "a slow request is named in the log" {
	SECTION='slow-request = 1s' start_front 1
	ask 'sleep=2500&pid'
	has_log 'request /\?sleep=2500&pid: slow: app.0'
	[ "$(grep -c ': slow: ' "$HERD_LOG")" -eq 1 ]
}

@test "a process gets as many requests at once as it says that it takes" {
	local n
	start_front 1 --fork-workers 3 --max-conns 3
	for n in 1 2 3; do
		hold $n 1000
		wait_busy $n
	done
	# All three at the same time.
	for n in 1 2 3; do kill -0 "${HELD[n]}"; done
	for n in 1 2 3; do check_held $n; done
}

@test "a process that does not tell its values is used as well" {
	start_front 1 --no-values
	ask pid
	ask pid
}

@test "a process that takes its time to start gets no request before it is ready" {
	start_front 2 --start-delay 500
	wait_until 10 has_log 'app.1.*values: max_conns'
	kill -KILL "$(pid_of_child 0)"
	wait_until 10 has_log 'app.0.*down -> probing'
	# It would be the least loaded, with the lowest number.
	ask pid | grep -x "pid $(pid_of_child 1)"
}

@test "stderr and the application's status are passed on" {
	start_front 1
	run fcgi_client --query 'stderr=oops&app-status=3' "$FRONT"
	[ "$status" -eq 1 ]
	[[ $output == *oops* ]]
}

@test "a GET whose process dies before it answers is sent again, at most twice" {
	start_front 4
	run ask crash
	[[ $output == *'Status: 502'* ]]
	[[ $output == *'fcgi-mux: '* ]]
	[ "$(grep -c 'is sent again' "$HERD_LOG")" -eq 2 ]
	wait_until 10 herd_has_children misbehave 4
}

@test "a POST on a fresh connection whose process dies is not sent again" {
	start_front 2
	run fcgi_client --param REQUEST_METHOD=POST --query crash "$FRONT"
	[[ $output == *'Status: 502'* ]]
	[ "$(grep -c 'is sent again' "$HERD_LOG")" -eq 0 ]
}

@test "an answer that breaks off never ends cleanly" {
	start_front 2
	run ask half
	[ "$status" -eq 2 ]
	[[ $output == *half* ]]
	[[ $output != *502* ]]
}

@test "nonsense from a process is a 502, and the others go on" {
	start_front 2
	for deed in garbage wrong-id close; do
		run ask "$deed"
		[[ $output == *'Status: 502'* ]]
	done
	ask twice
	ask pid
}

@test "a POST that was answered with garbage is not sent again, on a kept connection either" {
	start_front 2
	ask pid
	run fcgi_client --param REQUEST_METHOD=POST --query garbage "$FRONT"
	[[ $output == *'Status: 502'* ]]
	run ! has_log 'is sent again'
}

@test "garbage from a web server closes its connection and harms no other" {
	start_front 1
	hold 1 1000
	wait_busy 1
	printf 'GET / HTTP/1.0\r\n\r\n' >"$PLACE/garbage"
	run fcgi_client --raw "$PLACE/garbage" "$FRONT"
	wait_until 5 has_log 'no FastCGI'
	check_held 1
}

@test "an answer before the body's end reaches the web server" {
	start_front 1
	run fcgi_client --param REQUEST_METHOD=POST --query 'early&say=done' --body-size 5000000 "$FRONT"
	[[ $output == *done* ]]
	ask pid
}

@test "a client that leaves frees its place in the queue and its process" {
	start_front 1
	run ask 'sleep=1500&pid' --timeout 100
	[ "$status" -eq 3 ]
	run ask 'sleep=1500&pid' --timeout 100
	[ "$status" -eq 3 ]
	# The first is still working; the second must not be run after it.
	run ask count
	[[ $output == *2* ]]
}

@test "parameters that take too much are refused with 431" {
	start_front 1
	run fcgi_client --param "LONG=$(head -c 70000 /dev/zero | tr '\0' x)" "$FRONT"
	[[ $output == *'Status: 431'* ]]
}

@test "SIGTERM finishes what runs, then everything ends" {
	start_front 2
	hold 1 700
	wait_busy 1
	stop_herd
	check_held 1
	[ ! -e "$FRONT" ]
}

@test "a killed mux is started again on the same sockets" {
	local mux
	start_front 2
	mux=$(sed -n 's/.*: mux: started pid=//p' "$HERD_LOG" | tail -n 1)
	kill -KILL "$mux"
	# Connections wait in the kernel meanwhile.
	ask pid
	ask pid
}

# start_alone SERVER ...: fcgi-mux in front of processes that others run.
start_alone() {
	local arguments=()
	for server; do arguments+=(--server "$server"); done
	"$FCGI_MUX" --listen "$FRONT" "${arguments[@]}" >>"$HERD_LOG" 2>&1 3>&- &
	MUX_PID=$!
	STARTED+=("$MUX_PID")
	wait_until 10 has_log 'fcgi-mux.*: ready$'
}

@test "fcgi-mux alone serves processes that others run" {
	local n
	requires spawn-fcgi
	FRONT=$PLACE/alone.sock
	for n in 1 2; do
		spawn-fcgi -n -s "$PLACE/server.$n" -M 0666 -- "$TEST_APPS/misbehave" 3>&- &
		STARTED+=($!)
		wait_until 10 test -S "$PLACE/server.$n"
	done
	start_alone "$PLACE/server.1" "$PLACE/server.2"
	ask pid
	# One that is gone is left out.
	end_tree "${STARTED[0]}" TERM
	for n in 1 2 3 4 5; do ask pid; done
	end_tree "$MUX_PID" TERM
	[ "$WAIT_STATUS" -eq 0 ]
	# As root it has become somebody who may not remove it; the next one replaces it.
	is_root || [ ! -e "$FRONT" ]
	: >"$HERD_LOG"
	start_alone "$PLACE/server.2"
	ask pid
}

@test "a reader of the log that goes away takes nobody along" {
	FRONT=$PLACE/alone.sock
	"$FCGI_MUX" --listen "$FRONT" --server "$PLACE/nobody" 2> >(head -c 1 >/dev/null) 3>&- &
	STARTED+=($!)
	wait_until 10 test -S "$FRONT"
	for _ in 1 2 3; do ask pid | grep 'Status: 502'; done
}

@test "with no room for connections they wait, and are served when there is some" {
	local n
	# Of these it lets web servers have 38.
	ulimit -n 140
	start_front 1
	for n in $(seq 60); do hold "$n" 5; done
	wait_until 10 has_log 'cannot accept'
	for n in $(seq 60); do check_held "$n"; done
}

@test "a server that nobody runs is a 502 that says so" {
	FRONT=$PLACE/alone.sock
	start_alone "$PLACE/nobody"
	run ask pid
	[[ $output == *'Status: 502'* ]]
	[[ $output == *'No such file or directory'* ]]
}
