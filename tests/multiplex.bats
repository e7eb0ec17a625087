#!/usr/bin/env bats
# Programs that take several requests at once on one connection.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-10000}

# count_lines LINE FILE
count_lines() { grep -cx -- "$1" "$2" || :; }

# at_once NUMBER QUERY: so many requests at the same time on one connection; what they print, but for heads.
at_once() {
	fcgi_client --at-once --repeat "$1" --query "$2" "$FRONT" | grep -vE '^(Status: 200|Content-Type: .*)?.$|^$'
}

# wait_aborted COUNT: so many requests were aborted where they ran.
wait_aborted() { wait_until 5 has_logs "$1" ': aborted id='; }

@test "a program that multiplexes gets its requests on one connection, with ids from 1" {
	start_front 1 --mpxs --max-reqs 20
	at_once 20 'sleep=500&at-once&connection&id' >"$PLACE/answers"
	[ "$(count_lines 'connection 1' "$PLACE/answers")" -eq 20 ]
	[ "$(count_lines 'at-once 20' "$PLACE/answers")" -eq 20 ]
	[ "$(grep '^id' "$PLACE/answers" | sort -k 2n | tr '\n' ' ')" = "$(printf 'id %d ' $(seq 20))" ]
}

@test "requests of many connections share one to a program that multiplexes" {
	local n
	start_front 1 --mpxs --max-reqs 10
	for n in $(seq 10); do hold $n 1000 'at-once&connection'; done
	for n in $(seq 10); do check_held $n; done
	[ "$(cat "$PLACE"/held.* | grep -cx 'connection 1')" -eq 10 ]
	cat "$PLACE"/held.* | grep -x 'at-once 10'
}

@test "a program that multiplexes gets no more at once than FCGI_MAX_REQS" {
	start_front 1 --mpxs --max-reqs 5
	at_once 40 'sleep=20&at-once' >"$PLACE/answers"
	[ "$(grep -c '^at-once' "$PLACE/answers")" -eq 40 ]
	grep -x 'at-once 5' "$PLACE/answers"
	[ "$(count_log 'more requests than it takes')" -eq 0 ]
}

@test "capacity goes before what the program says" {
	SECTION='capacity = 3' start_front 1 --mpxs --max-reqs 5
	at_once 20 'sleep=20&at-once' >"$PLACE/answers"
	[ "$(grep '^at-once' "$PLACE/answers" | sort -k 2n | tail -n 1)" = 'at-once 3' ]
}

@test "a program that does not multiplex gets one request a connection" {
	start_front 1 --fork-workers 3 --max-conns 3 --max-reqs 20
	# It would refuse a second one on the same connection.
	at_once 30 'sleep=10&id' >"$PLACE/answers"
	[ "$(grep -c '^id ' "$PLACE/answers")" -eq 30 ]
}

@test "requests are shared among programs that multiplex by their load" {
	local n
	start_front 4 --mpxs --max-reqs 10
	at_once 40 'sleep=500&pid&at-once' >"$PLACE/answers"
	for n in 0 1 2 3; do [ "$(count_lines "pid $(pid_of_child $n)" "$PLACE/answers")" -eq 10 ]; done
	[ "$(count_lines 'at-once 10' "$PLACE/answers")" -eq 40 ]
}

@test "each request gets an id of its own, so that nothing late is taken for its answer" {
	start_front 1 --mpxs --max-reqs 10
	for n in 1 2 3; do
		hold $n $((n == 2 ? 400 : 2000)) id
		wait_busy $n
	done
	check_held 2
	ask 'id&connection' >"$PLACE/answer"
	grep -x 'id 4' "$PLACE/answer"
	grep -x 'connection 1' "$PLACE/answer"
	for n in 1 3; do check_held $n; done
	grep -x 'id 1' "$PLACE/held.1"
	grep -x 'id 3' "$PLACE/held.3"
}

@test "a client that leaves has its request aborted, and the others on the connection go on" {
	start_front 1 --mpxs --max-reqs 10
	hold 1 4000 'id&connection'
	wait_busy 1
	run ask 'stderr-fd=leaver&sleep=9000' --timeout 300
	[ "$status" -eq 3 ]
	wait_aborted 1
	has_log 'aborted id=2'
	# It answered the abort: its place is free again.
	wait_until 5 statistic_is fastcgi.backend.app.load 1
	ask 'id&connection' | grep -x 'id 3'
	check_held 1
	grep -x 'id 1' "$PLACE/held.1"
	statistic_is fastcgi.backend.app.0.connected 1
}

@test "FCGI_ABORT_REQUEST of the web server reaches the request's process and is answered" {
	start_front 1 --mpxs --max-reqs 10
	hold 1 2000 id
	wait_busy 1
	fcgi_client --keep --abort 300 --query 'sleep=9000&say=finished' "$FRONT" >"$PLACE/answer"
	[ ! -s "$PLACE/answer" ]
	wait_aborted 1
	has_log 'aborted id=2'
	wait_until 5 statistic_is fastcgi.backend.app.load 1
	check_held 1
}

@test "an id is not used again before its end, however late that comes" {
	local n
	start_front 1 --mpxs --max-reqs 4
	run ask 'deaf&sleep=5000' --timeout 200
	[ "$status" -eq 3 ]
	wait_aborted 1
	# It is still at work on it: that counts as load, and is id 1.
	statistic_is fastcgi.backend.app.load 1
	for n in 2 3 4 5 6; do ask 'id&connection' | grep -x "id $n"; done
	wait_until 10 statistic_is fastcgi.backend.app.load 0
	ask 'id&connection' | grep -x 'id 7'
	[ "$(count_log 'began again')" -eq 0 ]
}

@test "aborted requests that never end take their places away, and no more" {
	start_front 1 --mpxs --max-reqs 3
	for _ in 1 2; do
		run ask 'deaf&hang' --timeout 200
		[ "$status" -eq 3 ]
	done
	wait_aborted 2
	at_once 10 'sleep=10&id' >"$PLACE/answers"
	[ "$(grep -c '^id ' "$PLACE/answers")" -eq 10 ]
	[ "$(grep -cx 'id [12]' "$PLACE/answers")" -eq 0 ]
	[ "$(count_log 'more requests than it takes')" -eq 0 ]
}

@test "a request over request-timeout takes none of those along that share its connection" {
	local n
	SECTION='request-timeout = 2s' start_front 2 --mpxs --max-reqs 10
	ask 'hang' >"$PLACE/hanging" 2>&1 3>&- &
	STARTED+=($!)
	# Half of the time is over; these are under way when the child is killed.
	ask 'sleep=1000'
	for n in 1 2 3; do hold $n 1800; done
	for n in 1 2 3; do check_held $n; done
	wait_until 10 grep -q 'Status: 504' "$PLACE/hanging"
	wait_until 10 herd_has_children misbehave 2
	wait_until 5 is_idle
	ask pid
}

@test "a client that does not read holds up no other request of its process" {
	REQUESTS=3000
	WHOLE='response-buffer = 64k' start_front 1 --mpxs --max-reqs 64 --max-conns 4
	"$TEST_APPS/bad-client" --stage answering --rest 60000 --param QUERY_STRING=size=3000000 "$FRONT" >"$PLACE/bad" 3>&- &
	STARTED+=($!)
	wait_until 5 grep -q there "$PLACE/bad"
	put_load --keep --per-connection 2 --param QUERY_STRING=bench --answer 2000
	put_load --param QUERY_STRING=bench --answer 2000
	statistic_is fastcgi.backend.app.load 1
	# As soon as it has gone its request has, too.
	end_tree "${STARTED[-1]}" KILL
	wait_until 5 is_idle
}

@test "requests that share a connection with one whose client does not read are answered" {
	local n
	WHOLE='response-buffer = 64k' start_front 1 --mpxs --max-reqs 64 --max-conns 4
	hold 1 3000
	wait_busy 1
	# It comes to the same connection, while nothing holds that up.
	"$TEST_APPS/bad-client" --stage answering --rest 60000 --param QUERY_STRING=size=3000000 "$FRONT" >"$PLACE/bad" 3>&- &
	STARTED+=($!)
	wait_until 5 grep -q there "$PLACE/bad"
	check_held 1
}

@test "many requests at once on many connections over programs that multiplex are all right" {
	start_front 2 --mpxs --max-reqs 50
	put_load --keep --per-connection 8 --param QUERY_STRING=bench --answer 3000
	REQUESTS=3000 put_load --keep --per-connection 4 --param QUERY_STRING=bench --body 70000 --answer 100000
	[ "$(count_log 'more requests than it takes|began again')" -eq 0 ]
	is_idle
}

@test "clients that leave all the time harm no request on the same connections" {
	local stage
	start_front 2 --mpxs --max-reqs 50
	begin_load --keep --per-connection 4 --param QUERY_STRING=bench --answer 1000
	while ! is_gone "$LOAD"; do
		for stage in sent answering body; do
			"$TEST_APPS/bad-client" --stage $stage --clients 20 --body-size 1000 \
				--param "QUERY_STRING=size=5000&sleep=30" "$FRONT" >/dev/null
		done
	done
	check_load
	wait_until 10 is_idle
	wait_aborted 50
	[ "$(count_log 'more requests than it takes|began again')" -eq 0 ]
	# Nothing is left over of those that left.
	REQUESTS=2000 put_load --keep --per-connection 4 --param QUERY_STRING=bench
}
