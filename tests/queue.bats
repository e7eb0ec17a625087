#!/usr/bin/env bats
# Requests that wait for a process, and such that take too long.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-10000}

@test "a full queue refuses with 503, and says when to come back" {
	SECTION='queue-limit = 1' start_front 1
	hold 1 1500
	wait_busy 1
	hold 2 0
	wait_until 5 is_refused
	check_held 1
	check_held 2
	statistic_is_least 'answered 503' 2
}
is_refused() { ask pid --timeout 500 2>/dev/null | grep -q 'Retry-After: ' && ask pid | grep -q 'Status: 503'; }

@test "a queue of no length refuses what finds all processes busy" {
	SECTION='queue-limit = 0' start_front 1
	hold 1 700
	wait_busy 1
	ask pid | grep 'Status: 503'
	check_held 1
	ask pid | grep '^pid'
}

@test "a request waits for no longer than queue-timeout" {
	SECTION='queue-timeout = 1s' start_front 1
	hold 1 4000
	wait_busy 1
	run ask pid
	[[ $output == *'Status: 503'* ]]
	[[ $output == *'Retry-After: '* ]]
	[[ $output == *queue-timeout* ]]
	statistic_is 'answered 503' 1
	check_held 1
}

@test "what waits longer than queue-timeout is refused one by one, not with all that wait" {
	SECTION='queue-timeout = 2s' start_front 1
	hold 1 1500
	wait_busy 1
	# Ten wait for less than two seconds, in spite of those before them.
	fcgi_client --at-once --repeat 10 --query 'sleep=20&pid' "$FRONT" >"$PLACE/answers"
	[ "$(grep -c '^pid' "$PLACE/answers")" -eq 10 ]
	statistic_is 'answered 503' 0
}

@test "the queue is first in, first out" {
	local n
	start_front 1
	hold 0 1000
	wait_busy 0
	for n in 1 2 3 4 5; do
		hold $n 0
		wait_until 5 statistic_is fastcgi.backend.app.queued $n
	done
	for n in 1 2 3 4 5; do check_held $n; done
	[ "$(sed -n 's/.*: busy-//p' "$HERD_LOG" | tr -d '\n')" = 012345 ]
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

@test "the same for many modest ones beside several greedy ones, who get their share" {
	local n
	start_front 2
	for n in 1 2 3; do
		fcgi_client --at-once --repeat 100 --timeout 20000 --query "stderr-fd=greedy-$n&sleep=10" "$FRONT" >/dev/null 3>&- &
		STARTED+=($!)
		wait_until 10 has_log "greedy-$n"
	done
	for n in 1 2 3 4 5; do ask "stderr-fd=modest-$n"; done
	wait_until 10 has_log modest-5
	# Each of the five has waited for a turn or two of the three, on two processes.
	[ "$(sed -n '1,/modest-5/p' "$HERD_LOG" | grep -c greedy)" -le 80 ]
	for n in 1 2 3; do [ "$(sed -n '1,/modest-5/p' "$HERD_LOG" | grep -c "greedy-$n")" -ge 4 ]; done
}

@test "what finds the backlog of the only server full waits, and is answered" {
	requires spawn-fcgi
	local i
	spawn-fcgi -n -b 1 -s "$PLACE/server.1" -M 0666 -- "$TEST_APPS/misbehave" --no-values \
		2>>"$HERD_LOG" 3>&- &
	STARTED+=($!)
	wait_until 10 test -S "$PLACE/server.1"
	start_alone --server "$PLACE/server.1"
	for i in {1..8}; do hold "$i" 200; done
	for i in {1..8}; do check_held "$i"; done
	has_log 'server\.1\]: its backlog is full: requests wait'
}

@test "a client that leaves the queue is taken out of it" {
	start_front 1
	hold 1 3500
	wait_busy 1
	"$TEST_APPS/bad-client" --stage sent --clients 30 --rest 300 --param QUERY_STRING=stderr-fd=left "$FRONT"
	ask pid
	check_held 1
	wait_until 5 is_idle
	# The process has worked for none of them.
	[ "$(count_log ': left$')" -eq 0 ]
}

@test "a client that aborts in the queue is answered, and its request never run" {
	start_front 1
	hold 1 3500
	wait_busy 1
	fcgi_client --at-once --repeat 5 --abort 300 --query 'stderr-fd=left' "$FRONT"
	check_held 1
	ask pid
	[ "$(count_log ': left$')" -eq 0 ]
	is_idle
}

@test "the application can be told for how long a request waited" {
	local waited
	SECTION='queue-time-variable = WAITED_MS' start_front 1
	ask env | grep -xE 'WAITED_MS=[0-9]'
	hold 1 800
	wait_busy 1
	ask env >"$PLACE/answer"
	waited=$(sed -n 's/^WAITED_MS=//p' "$PLACE/answer")
	[ "$waited" -ge 300 ]
	[ "$waited" -le 1500 ]
	# Nothing else is changed, and there is only one.
	[ "$(grep -c '^WAITED_MS=' "$PLACE/answer")" -eq 1 ]
	grep -x 'QUERY_STRING=env' "$PLACE/answer"
	ask env --param WAITED_MS=forged | grep '^WAITED_MS=' | tail -n 1 | grep -xE 'WAITED_MS=[0-9]+'
	ask env | grep -c WAITED_MS
}

@test "a request that runs for longer than request-timeout is a 504, and its process is started anew" {
	local pid
	SECTION='request-timeout = 2s' start_front 2
	pid=$(pid_of_child 0)
	run ask hang --param SCRIPT_FILENAME=/srv/www/slow.php
	[[ $output == *'Status: 504'* ]]
	[[ $output == *'no answer after'* ]]
	wait_until 5 has_log "request /\?hang: 504.*app\.0\[$pid\]: no answer after [2-4][0-9]{3} ms; script=/srv/www/slow.php"
	wait_pids_gone 5 "$pid"
	wait_until 5 herd_has_children misbehave 2
	ask pid
	statistic_is 'answered 504' 1
	statistic_is fastcgi.backend.app.0.died 1
}

@test "request-timeout ends what has begun to answer, too, without an end that looks good" {
	SECTION='request-timeout = 1s' start_front 2
	run ask 'size=5000&sleep=20000'
	[ "$status" -eq 2 ]
	has_log 'answer broken off: app.0'
	wait_until 5 herd_has_children misbehave 2
	statistic_is 'broken answers' 1
}

@test "what was in the socket of a process that hung has its whole time with the next one" {
	SECTION=$'capacity = 2\nkeepalive = 0\nrequest-timeout = 3s' start_front 1 --start-delay 1500
	hang
	ask pid | grep '^pid'
	wait_until 5 grep -q 504 "$PLACE/hung"
	statistic_is 'answered 504' 1
}

@test "a child that ignores SIGTERM is replaced after request-timeout all the same" {
	local pid
	SECTION=$'request-timeout = 1s\nshutdown-timeout = 1s' start_front 1 --ignore-term
	pid=$(pid_of_child 0)
	ask hang | grep 'Status: 504'
	wait_pids_gone 10 "$pid"
	wait_until 5 herd_has_children misbehave 1
	ask pid
}

@test "with all processes stuck, what waits is served by those that replace them" {
	local n
	SECTION='request-timeout = 1s' start_front 2
	for n in 1 2; do
		ask "hang&n=$n" >/dev/null 2>&1 3>&- &
		STARTED+=($!)
	done
	wait_until 5 statistic_is fastcgi.backend.app.load 2
	for n in 1 2 3 4; do hold $n 0; done
	for n in 1 2 3 4; do check_held $n; done
}

@test "a slow request is named in the log, and goes on" {
	SECTION='slow-request = 1s' start_front 1
	ask 'sleep=2500&pid' --param SCRIPT_FILENAME=/srv/www/slow.php | grep '^pid'
	has_log "request /\?sleep=2500&pid: slow: app\.0\[$(pid_of_child 0)\] has not answered for [12][0-9]{3} ms; script=/srv/www/slow.php"
	[ "$(count_log ': slow: ')" -eq 1 ]
	statistic_is 'slow requests' 1
	statistic_is fastcgi.backend.app.0.died 0
}

@test "hundreds of requests at once on a connection do not starve a load beside it" {
	REQUESTS=1000
	PROGRAM=bench-app start_front 4
	while true; do
		fcgi_client --at-once --repeat 500 --timeout 20000 --param BENCH_SLEEP=1000 --sum "$FRONT" >/dev/null || exit 1
	done 3>&- &
	STARTED+=($!)
	wait_until 5 statistic_is_least fastcgi.backend.app.queued 100
	# A turn is one request of each: 17 connections over four processes, a millisecond each.
	put_load --keep --rate 300 --json >"$PLACE/load"
	[ "$(sed 's/.*"p99_us":\([0-9]*\).*/\1/' "$PLACE/load")" -lt 100000 ]
}
