#!/usr/bin/env bats
# What fcgi-mux does with requests, seen from both of its sides.

bats_require_minimum_version 1.5.0

load helpers
load front

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

# send_raw: bytes from standard input; lists the records that come back within half a second.
send_raw() {
	cat >"$PLACE/raw"
	fcgi_client --raw "$PLACE/raw" --timeout 500 "$FRONT" 2>/dev/null || :
}

# whole_request ID: without a body.
whole_request() {
	begin "$1"
	record 1 4 "$1" 0 0
	record 1 5 "$1" 0 0
}

@test "requests with any ids, in any order, cut up and padded, on one connection" {
	local id
	start_front 2 --default say=hello
	{
		for id in 65535 7 256; do begin $id; done
		# QUERY_STRING=env in three pieces, between those of the others.
		record 1 4 7 9 255 "$(printf '\\%o\\%oQUERY_S' 12 3)$(printf '%0255d' 0)"
		record 1 4 65535 0 0
		record 1 4 7 6 1 'TRINGex'
		record 1 5 65535 0 7 '1234567'
		record 1 4 7 2 0 'nv'
		record 1 4 256 0 0
		record 1 4 7 0 0
		record 1 5 7 0 0
		record 1 5 256 0 0
	} | send_raw >"$PLACE/records"
	for id in 65535 7 256; do
		grep "^STDOUT id=$id length=[1-9]" "$PLACE/records"
		[ "$(grep "^END_REQUEST id=$id " "$PLACE/records")" = "END_REQUEST id=$id length=8 app-status=0 status=0" ]
	done
	[ "$(grep -vcE 'id=(65535|7|256) ' "$PLACE/records")" -eq 0 ]
}

@test "answers come as they are ready, not in the order of the requests" {
	start_front 2
	{
		begin 1
		record 1 4 1 23 0 "$(printf '\\%o\\%oQUERY_STRINGsleep=300' 12 9)"
		record 1 4 1 0 0
		record 1 5 1 0 0
		whole_request 2
	} | send_raw | grep END_REQUEST >"$PLACE/records"
	[ "$(sed 's/ length.*//' "$PLACE/records" | tr '\n' ' ')" = 'END_REQUEST id=2 END_REQUEST id=1 ' ]
}

@test "unknown roles and types are answered as the specification says, the rest is served" {
	start_front 1
	{
		record 1 200 0 5 3 'abcdefgh'
		record 1 1 3 8 0 '\0\11\1\0\0\0\0\0'
		# Of requests that never were, and a type unknown for a request: nothing.
		record 1 5 99 1 0 x
		record 1 2 98 0 0
		record 1 200 97 0 0
		whole_request 1
	} | send_raw >"$PLACE/records"
	grep -x 'UNKNOWN_TYPE id=0 length=8' "$PLACE/records"
	grep -x 'END_REQUEST id=3 length=8 app-status=0 status=3' "$PLACE/records"
	grep -x 'END_REQUEST id=1 length=8 app-status=0 status=0' "$PLACE/records"
	[ "$(grep -cE 'id=9[789] ' "$PLACE/records")" -eq 0 ]
}

@test "a request can be aborted while it comes in and while it runs, and its id used again" {
	start_front 1
	{
		begin 5
		record 1 2 5 0 0
		begin 5
		record 1 4 5 0 0
		record 1 2 5 0 0
		whole_request 5
	} | send_raw >"$PLACE/records"
	[ "$(grep -c '^END_REQUEST id=5 length=8 app-status=0 status=0' "$PLACE/records")" -eq 3 ]
	# One answer: a head and a line.
	[ "$(grep -c '^STDOUT id=5 length=[1-9]' "$PLACE/records")" -eq 2 ]
	fcgi_client --keep --abort 200 --query 'sleep=3500&say=finished' "$FRONT" >"$PLACE/answer"
	[ ! -s "$PLACE/answer" ]
	wait_until 10 is_idle
	# Of the three only the last, then the one that ran, and this.
	ask count | grep -x 'count 3'
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

@test "a length that is no number is refused with 411, before a program waits for it" {
	local length
	start_front 1
	for length in -1 12x ' 1'; do
		run fcgi_client --param "CONTENT_LENGTH=$length" --query 'sum' --body-size 1 "$FRONT"
		[[ $output == *'Status: 411'* ]]
	done
	fcgi_client --param CONTENT_LENGTH= --query pid "$FRONT" | grep '^pid'
}

@test "a body over max-request-size is refused with 413, at once where its length says so" {
	SECTION='max-request-size = 100k' start_front 1
	fcgi_client --query 'sum' --body-size 102400 "$FRONT" | grep -q 'length=102400'
	run fcgi_client --query 'sum' --body-size 102401 "$FRONT"
	[[ $output == *'Status: 413'* ]]
	# It says more than it sends: what came of it is not waited for.
	run "$TEST_APPS/bad-client" --stage params-end --rest 200 --param CONTENT_LENGTH=102401 "$FRONT"
	wait_until 5 has_logs 2 'max-request-size'
	# And one that sends more than it says.
	run fcgi_client --param CONTENT_LENGTH=5 --query 'sum' --body-size 500000 "$FRONT"
	[[ $output == *'Status: 413'* ]]
	statistic_is 'answered 413' 3
	ask count | grep -x 'count 2'
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
	start_front 2
	kill -KILL "$(pid_of_mux)"
	# Connections wait in the kernel meanwhile.
	ask pid
	ask pid
}

@test "fcgi-mux alone serves processes that others run" {
	local n
	requires spawn-fcgi
	for n in 1 2; do start_server $n; done
	start_alone --server "$PLACE/server.1" --server "$PLACE/server.2"
	ask pid
	# One that is gone is left out.
	end_tree "${STARTED[0]}" TERM
	for n in 1 2 3 4 5; do ask pid; done
	end_tree "$MUX_PID" TERM
	[ "$WAIT_STATUS" -eq 0 ]
	# As root it has become somebody who may not remove it; the next one replaces it.
	is_root || [ ! -e "$FRONT" ]
	: >"$HERD_LOG"
	start_alone --server "$PLACE/server.2"
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
	"$TEST_APPS/bad-client" --stage connected --clients 60 --rest 1500 "$FRONT" 3>&- &
	STARTED+=($!)
	wait_until 10 has_log 'cannot accept'
	for n in 1 2 3 4 5; do hold "$n" 5; done
	for n in 1 2 3 4 5; do check_held "$n"; done
}

@test "a server that nobody runs is a 502 that says so" {
	start_alone --server "$PLACE/nobody"
	run ask pid
	[[ $output == *'Status: 502'* ]]
	[[ $output == *'No such file or directory'* ]]
}
