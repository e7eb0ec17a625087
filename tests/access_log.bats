#!/usr/bin/env bats
# The access log: a line for each request when it is over, in a file that can be moved away, and
# nothing that waits for it.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-2000}

# start_logged NUMBER [ARGUMENT ...]: as start_front, with $ACCESS.
start_logged() {
	ACCESS=$PLACE/access
	WHOLE="access-log = $ACCESS
${WHOLE-}" start_front "$@"
}

# logs COUNT PATTERN: so many lines of the access log match, now or soon.
logs() { wait_until 5 has_lines_like "$@" || { cat "$ACCESS" >&2 && return 1; }; }
has_lines_like() { [ "$(grep -cE -- "$2" "$ACCESS" 2>/dev/null)" -eq "$1" ]; }

# value NAME: of the last line.
value() { tail -n 1 "$ACCESS" | sed -nE "s/.* $1=([^ ]*).*/\1/p"; }

# is_between LOW VALUE HIGH: also with decimals.
is_between() { awk -v low="$1" -v value="$2" -v high="$3" 'BEGIN { exit !(low <= value && value <= high) }'; }

@test "each request has a line with all fields in their order" {
	start_logged 2
	ask pid --param SCRIPT_FILENAME=/srv/x.php
	logs 1 .
	grep -E "^20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}Z front=$FRONT backend=app proc=0 pid=$(pid_of_child 0) \
method=\"GET\" uri=\"/\?pid\" script=\"/srv/x\.php\" status=200 body=0 sent=[0-9]+ waited=0\.00[0-9] \
first=0\.0[0-9]{2} total=0\.0[0-9]{2} retries=0 end=ok$" "$ACCESS"
	# It says when that was.
	[ $(($(date +%s) - $(date +%s -d "$(cut -d ' ' -f 1 "$ACCESS")"))) -le 5 ]
}

@test "bytes are those of the answer, its head included, and of the body" {
	start_logged 1
	ask 'size=100000' --param REQUEST_METHOD=POST --body-size 70000 >"$PLACE/answer"
	logs 1 'method="POST"'
	[ "$(value sent)" -eq "$(wc -c <"$PLACE/answer")" ]
	[ "$(value sent)" -ge 100000 ]
	[ "$(value body)" -eq 70000 ]
}

@test "the status is that of the head, also where it comes in pieces" {
	start_logged 1
	ask 'status=404'
	ask 'out=Sta&out=tus:%20201%0d%0aX:%20y%0d%0a%0d%0abody'
	ask pid
	ask 'out=Location:%20/x%0d%0a%0d%0a'
	logs 4 .
	[ "$(sed -nE 's/.* status=([^ ]*).*/\1/p' "$ACCESS" | tr '\n' ' ')" = '404 201 200 302 ' ]
}

@test "a file that is sent in place of a body is counted" {
	head -c 300000 /dev/zero >"$PLACE/www/file"
	SECTION=$'allow-x-send-file = enable\n'"x-sendfile-docroot = $PLACE/www" start_logged 1
	ask "out=Status:%20206%0d%0aX-Sendfile:%20$PLACE/www/file%0d%0a%0d%0a" >"$PLACE/answer"
	logs 1 'status=206 .* end=ok$'
	[ "$(value sent)" -eq "$(wc -c <"$PLACE/answer")" ]
	[ "$(value sent)" -ge 300000 ]
	run ask "out=X-Sendfile:%20/nowhere%0d%0a%0d%0a"
	logs 1 'status=403 .* end=failed$'
}

@test "the time in the queue, to the first byte and in all is told" {
	start_logged 1
	hold 1 600
	wait_busy 1
	hold 2 300
	check_held 1
	check_held 2
	logs 2 'end=ok'
	is_between 0.4 "$(value waited)" 0.9
	is_between 0.7 "$(value first)" 1.3
	is_between "$(value first)" "$(value total)" 1.4
}

@test "it is told how a request ended" {
	start_logged 1
	# The client leaves.
	run timeout -s KILL 1 "$TEST_APPS/fcgi-client" --query 'stderr-fd=busy-1&sleep=2500' "$FRONT"
	logs 1 'status=- .* sent=0 .* first=- .* end=aborted$'
	# The answer breaks off.
	run ask half
	logs 1 'status=200 .* end=broken$'
	# There is none, also with another process.
	run ask close
	logs 1 'status=502 .* retries=2 end=failed$'
	# What came is no request.
	run fcgi_client --param "TOO_LONG=$(head -c 70000 /dev/zero | tr '\0' x)" "$FRONT"
	logs 1 'backend=- proc=- pid=- .* status=431 .* waited=- .* end=failed$'
}

@test "who waits in vain has no process" {
	SECTION='queue-limit = 1
queue-timeout = 1s' start_logged 1
	hold 1 2500
	wait_busy 1
	run ask pid
	logs 1 'backend=app proc=- pid=- .* status=503 .* end=failed$'
	is_between 0.9 "$(value waited)" 2.5
	check_held 1
}

@test "requests for the status and the ping have no line" {
	WHOLE='ping-path = /ping' start_logged 1
	status_page | grep -q '^pool'
	[ "$("$FCGI_MUX" --get "$FRONT" /ping)" = pong ]
	ask pid
	logs 1 .
	logs 0 '/status|/ping'
}

@test "what a client sends ends no line and no value" {
	start_logged 1
	ask pid --param REQUEST_URI=$'/"\n end=ok\\\x1b[2J' --param REQUEST_METHOD=$'G"T'
	logs 1 .
	grep -F 'method="G\x22T" uri="/\x22\x0a end=ok\x5c\x1b[2J" script=' "$ACCESS"
	ask pid --param "REQUEST_URI=/$(head -c 60000 /dev/zero | tr '\0' '"')"
	logs 2 .
	[ "$(tail -n 1 "$ACCESS" | wc -c)" -lt 10000 ]
}

@test "as JSON each line is an object with the same" {
	requires jq
	ACCESS=$PLACE/access
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		log-format = json
		access-log = $ACCESS
		$(as_root "user = $(server_user)")
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/misbehave
		max-procs = 1
	INI
	)"
	wait_until 15 has_log '"ready"'
	ask pid --param REQUEST_URI=$'/"\n\xff' --param SCRIPT_FILENAME=/x
	run fcgi_client --param "TOO_LONG=$(head -c 70000 /dev/zero | tr '\0' x)" "$FRONT"
	logs 2 .
	[ "$(jq -r '.uri' "$ACCESS" | head -n 1)" = '/"' ]
	head -n 1 "$ACCESS" | jq -e '.backend == "app" and .proc == 0 and .pid > 1 and .status == 200 and .end == "ok" and
		.total >= 0 and .script == "/x" and (.time | startswith("20"))'
	tail -n 1 "$ACCESS" | jq -e '.backend == null and .proc == null and .status == 431 and .uri == null and .waited == null'
	# The same names in the same order as in plain lines.
	[ "$(head -n 1 "$ACCESS" | jq -r 'keys_unsorted | join(" ")')" = \
		'time front backend proc pid method uri script status body sent waited first total retries end' ]
}

@test "after a load each request has its line, and all of them are whole" {
	PROGRAM=bench-app start_logged 4
	put_load --keep
	put_load
	logs $((2 * REQUESTS)) '^20[^ ]* front=.* end=ok$'
	logs $((2 * REQUESTS)) .
	# Many lines went in one write.
	statistic_is 'access lines lost' 0
}

@test "USR1 opens the file again, whoever may write there" {
	start_logged 2
	! is_root || chmod 700 "$PLACE/tmp"
	ask pid
	logs 1 .
	mv "$ACCESS" "$PLACE/moved"
	ask 'say=moved'
	kill -USR1 "$HERD_PID"
	wait_until 5 test -e "$ACCESS"
	wait_until 5 grep -q 'say=moved' "$PLACE/moved"
	ask 'say=new'
	logs 1 'say=new'
	logs 1 .
	[ "$(wc -l <"$PLACE/moved")" -eq 2 ]
	[ "$(stat -c %a "$ACCESS")" = 640 ]
}

@test "without a place to open it again it goes on in the old one" {
	mkdir "$PLACE/logs"
	ACCESS=$PLACE/logs/access
	WHOLE="access-log = $ACCESS" start_front 1
	ask pid
	mv "$PLACE/logs" "$PLACE/moved"
	kill -USR1 "$HERD_PID"
	wait_until 5 has_log 'cannot open the access log again: No such file'
	ACCESS=$PLACE/moved/access
	ask pid
	logs 2 .
}

@test "a new fcgi-mux goes on in the same file" {
	start_logged 1
	ask pid
	logs 1 .
	kill -KILL "$(pid_of_mux)"
	wait_until 10 has_logs 2 ': mux: started pid='
	ask pid
	logs 2 'end=ok'
}

@test "what was not written yet is written at the end" {
	start_logged 1
	ask pid
	stop_herd
	[ "$(grep -c 'end=ok' "$ACCESS")" -eq 1 ]
}

@test "a place that cannot be opened is an error at the start" {
	run -1 "$FCGI_HERD" -n --config "$(place_file herd.ini <<-INI
		access-log = $PLACE/nowhere/access
		$(as_root "user = $(server_user)")
		[app]
		listen = $PLACE/front.sock
		bin-path = $TEST_APPS/misbehave
	INI
	)" 3>&-
	grep -E "cannot open the access log $PLACE/nowhere/access: No such file" <<<"$output"
	[ ! -e "$PLACE/front.sock" ]
}

@test "a full disk costs lines, is said once, and nothing waits" {
	WHOLE='access-log = /dev/full' PROGRAM=bench-app start_front 4
	put_load --keep
	put_load --keep
	wait_until 5 has_log 'access log: cannot write: No space left on device'
	statistic_is_least 'access lines lost' $((2 * REQUESTS - 500))
	[ "$(count_log 'access log: cannot write')" -eq 1 ]
}

@test "a FIFO that nobody reads costs lines, and they come when somebody does" {
	mkfifo -m 666 "$PLACE/fifo"
	WHOLE="access-log = $PLACE/fifo" PROGRAM=bench-app start_front 4
	put_load --keep
	statistic_is_least 'access lines lost' $((REQUESTS - 1000))
	[ "$(count_log 'access log: it takes too little')" -eq 1 ]
	timeout 20 cat "$PLACE/fifo" >"$PLACE/read" 3>&- &
	STARTED+=($!)
	wait_until 5 has_log 'access log: goes on; lines lost=[1-9]'
	ask 'say=last'
	wait_until 5 grep -q 'say=last' "$PLACE/read"
	# What was lost was whole lines.
	run ! grep -vE '^20[^ ]* front=.* end=ok$' "$PLACE/read"
	[ $(($(wc -l <"$PLACE/read") + $(statistic 'access lines lost'))) -eq $((REQUESTS + 1)) ]
}

@test "a FIFO with a reader gets all" {
	mkfifo -m 666 "$PLACE/fifo"
	ACCESS=$PLACE/read
	timeout 60 cat "$PLACE/fifo" >"$ACCESS" 3>&- &
	STARTED+=($!)
	WHOLE="access-log = $PLACE/fifo" PROGRAM=bench-app start_front 4
	# As much at once as the pipe and the buffer take, however late the reader is.
	local round
	for round in 1 2 3 4 5; do
		REQUESTS=400 put_load --keep
		logs $((round * 400)) 'end=ok$'
	done
	statistic_is 'access lines lost' 0
}

@test "standard output can be both logs, as in a container" {
	FRONT=$PLACE/front.sock
	place_file herd.ini >/dev/null <<-INI
		log = stdout
		access-log = stdout
		$(as_root "user = $(server_user)")
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/misbehave
		max-procs = 1
	INI
	mkfifo "$PLACE/fifo"
	cat "$PLACE/fifo" >"$PLACE/out" 3>&- &
	STARTED+=($!)
	"$FCGI_HERD" -n --config "$PLACE/herd.ini" >"$PLACE/fifo" 2>>"$HERD_LOG" 3>&- &
	adopt $!
	wait_until 15 grep -q ': ready$' "$PLACE/out"
	ask 'stderr-fd=words&pid'
	wait_until 5 grep -q 'uri="/?stderr-fd=words&pid" .*end=ok$' "$PLACE/out"
	grep 'app\.0.*words' "$PLACE/out"
	stop_herd
	[ ! -s "$HERD_LOG" ]
}

@test "/dev/stdout is a file as any other where standard output is no socket" {
	FRONT=$PLACE/front.sock
	place_file herd.ini >/dev/null <<-INI
		log = /dev/stdout
		$(as_root "user = $(server_user)")
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/misbehave
		max-procs = 1
	INI
	"$FCGI_HERD" -n --config "$PLACE/herd.ini" >"$PLACE/out" 2>>"$HERD_LOG" 3>&- &
	adopt $!
	wait_until 15 grep -q ': ready$' "$PLACE/out"
	ask pid
	stop_herd
	[ ! -s "$HERD_LOG" ]
}

@test "alone fcgi-mux opens it before it gives up its rights, and again as it is then" {
	requires spawn-fcgi
	start_server 1
	mkdir -m 777 "$PLACE/logs"
	ACCESS=$PLACE/logs/access
	start_alone --server "$PLACE/server.1" --access-log "$ACCESS"
	ask pid
	logs 1 'backend=main proc=0 pid=- .*end=ok$'
	mv "$ACCESS" "$PLACE/moved"
	kill -USR1 "$MUX_PID"
	wait_until 5 test -e "$ACCESS"
	ask pid
	logs 1 'end=ok'
	! is_root || [ "$(stat -c %U "$ACCESS")" = nobody ]
}
