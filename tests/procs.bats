#!/usr/bin/env bats
# Which process gets a request, over which connection, and what is sent again when it fails.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-2000}

ask_as() { # METHOD QUERY
	fcgi_client --param "REQUEST_METHOD=$1" --param "REQUEST_URI=/$1" --query "$2" "$FRONT" 2>&1
}

# check_retried METHOD COUNT: a request that every process drops is sent so often again.
check_retried() {
	local retries
	retries=$(statistic retries)
	ask_as "$1" close | grep 'Status: 502'
	[ "$(statistic retries)" -eq $((retries + $2)) ]
}

# Of fcgi-mux, from and to all sides.
count_sockets() { find "/proc/$(pid_of_mux)/fd" -lname 'socket:*' | wc -l; }
has_sockets() { [ "$(count_sockets)" -eq "$1" ]; }

@test "retry = safe sends GET, HEAD, OPTIONS and TRACE again, and is the default" {
	local method
	# Their connections are new each time: on a reused one everything may be sent again.
	SECTION=$'keepalive = 0\ndisable-time = 0' start_front 4
	for method in GET HEAD OPTIONS TRACE; do check_retried $method 2; done
	for method in POST PUT DELETE PATCH get ''; do check_retried "$method" 0; done
}

@test "retry = none sends nothing again" {
	local method
	SECTION=$'keepalive = 0\ndisable-time = 0\nretry = none' start_front 4
	for method in GET HEAD PUT POST; do check_retried $method 0; done
}

@test "retry = idempotent sends PUT and DELETE again, too" {
	local method
	SECTION=$'keepalive = 0\ndisable-time = 0\nretry = idempotent' start_front 4
	for method in GET PUT DELETE; do check_retried $method 2; done
	for method in POST PATCH; do check_retried $method 0; done
}

@test "retry = all sends everything again" {
	local method
	SECTION=$'keepalive = 0\ndisable-time = 0\nretry = all' start_front 4
	for method in GET PUT POST PATCH; do check_retried $method 2; done
}

@test "a body that is sent again is whole" {
	local n
	SECTION=$'keepalive = 0\nretry = all' start_front 4
	for n in $(seq 20); do
		fcgi_client --query 'sleep=50&sum' --body-size 50000 "$FRONT" >"$PLACE/sum.$n" 3>&- &
		HELD[$n]=$!
	done
	# A request may meet both, and is sent again twice then.
	for n in 0 1; do kill -KILL "$(pid_of_child $n)"; done
	for n in $(seq 20); do
		wait "${HELD[$n]}"
		grep 'length=50000' "$PLACE/sum.$n"
	done
	[ "$(cat "$PLACE"/sum.* | grep length= | sort -u | wc -l)" -eq 1 ]
}

@test "what never reached a process is sent again, whatever retry says" {
	requires spawn-fcgi
	start_server 1
	start_alone --retry none --server "$PLACE/nobody" --server "$PLACE/server.1"
	ask_as POST pid | grep '^pid'
	has_log 'cannot connect: No such file or directory'
}

@test "what a lone process that died had not taken is run once, by the next" {
	SECTION=$'capacity = 2\nkeepalive = 0' start_front 1
	hold 1 1000
	wait_busy 1
	hold 2 0
	wait_until 5 statistic_is fastcgi.backend.app.load 2
	kill -KILL "$(pid_of_child 0)"
	check_held 1
	check_held 2
	[ "$(count_log ': busy-1$')" -eq 2 ]
	[ "$(count_log ': busy-2$')" -eq 1 ]
}

@test "connections to a process are kept, and it is not asked to close them" {
	start_front 1
	ask connection >"$PLACE/first"
	for _ in 1 2 3 4 5; do ask connection | diff - "$PLACE/first"; done
}

@test "keepalive = 0 keeps none" {
	local n
	SECTION='keepalive = 0' start_front 1
	for n in 1 2 3; do ask connection; done >"$PLACE/answers"
	[ "$(grep '^connection' "$PLACE/answers" | sort -u | wc -l)" -eq 3 ]
}

@test "keepalive = N keeps no more than N of each process" {
	local n sockets
	SECTION='keepalive = 2' start_front 1 --fork-workers 6 --max-conns 6
	# One is there already: it brought the values.
	ask pid
	sockets=$(count_sockets)
	for n in 1 2 3 4 5 6; do
		hold $n 500
		wait_busy $n
	done
	[ "$(count_sockets)" -ge $((sockets + 5)) ]
	for n in 1 2 3 4 5 6; do check_held $n; done
	wait_until 2 has_sockets $((sockets + 1))
}

@test "a connection older than keepalive-time is not used again, and closed" {
	local sockets
	SECTION='keepalive-time = 1s' start_front 1
	ask connection | grep -x 'connection 1'
	ask connection | grep -x 'connection 1'
	sockets=$(count_sockets)
	wait_until 5 has_sockets $((sockets - 1))
	ask connection | grep -x 'connection 2'
}

@test "keepalive-time holds for connections in use all the time, and costs no request" {
	PROGRAM=bench-app SECTION='keepalive-time = 200ms' start_front 2
	REQUESTS=3000 put_load --keep --rate 2000
	[ "$(statistic fastcgi.backend.app.0.connected)" -ge 5 ]
	is_idle
}

@test "a program that closes after each answer costs no error" {
	start_front 4 --close-always
	put_load --keep --param QUERY_STRING=bench
	put_load --param QUERY_STRING=bench
	fcgi_client --param REQUEST_METHOD=POST --keep --repeat 100 --query sum --body-size 5000 "$FRONT" >"$PLACE/answers"
	[ "$(grep -c 'length=5000' "$PLACE/answers")" -eq 100 ]
}

@test "of what others run with an unknown number of workers no connection is kept" {
	requires spawn-fcgi
	local n
	start_server 1 --no-values
	start_alone --server "$PLACE/server.1"
	for n in 1 2 3; do ask connection; done >"$PLACE/answers"
	[ "$(grep '^connection' "$PLACE/answers" | sort -u | wc -l)" -eq 3 ]
	# So that others get in.
	FRONT=$PLACE/server.1 ask pid --timeout 2000 | grep '^pid'
}

@test "of what others run connections are kept where their number is known" {
	requires spawn-fcgi
	local n
	start_server 1 --max-conns 1
	start_server 2 --no-values
	start_alone --server "$PLACE/server.1"
	for n in 1 2 3; do ask connection; done >"$PLACE/answers"
	[ "$(grep '^connection' "$PLACE/answers" | sort -u | wc -l)" -eq 1 ]
	end_tree "$MUX_PID" TERM
	: >"$HERD_LOG"
	start_alone --server "$PLACE/server.2" --capacity 1
	for n in 1 2 3; do ask connection; done >"$PLACE/answers"
	[ "$(grep '^connection' "$PLACE/answers" | sort -u | wc -l)" -eq 1 ]
}

@test "children and processes of others share the load of a section" {
	requires spawn-fcgi
	local n
	start_server 1 --default say=other
	SECTION="server = $PLACE/server.1" start_front 2
	for n in 1 2 3; do hold $n 700; done
	for n in 1 2 3; do check_held $n; done
	[ "$(cat "$PLACE"/held.* | grep -c '^pid')" -eq 3 ]
	# Three at the same time: each process had one.
	[ "$(cat "$PLACE"/held.* | grep '^pid' | sort -u | wc -l)" -eq 3 ]
	for n in 0 1 2; do statistic_is_least "fastcgi.backend.app.$n.connected" 1; done
	# Children are 0 and 1; the other one is gone, and nobody notices.
	end_tree "${STARTED[0]}" TERM
	put_load --param QUERY_STRING=bench
	statistic_is_least fastcgi.backend.app.2.disabled 1
	statistic_is fastcgi.backend.app.2.died 0
}

@test "sections with the same front share its requests and one queue" {
	local n
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = debug
		status-path = /status
		$(as_root "user = $(server_user)")
		max-procs = 1
		listen = $FRONT
		[one]
		bin-path = $TEST_APPS/misbehave
		[two]
		bin-path = $TEST_APPS/misbehave
	INI
	)"
	wait_until 15 has_log ': ready$'
	wait_until 5 has_logs 2 'probing -> up'
	# Equal loads: in turn.
	for n in 1 2 3 4 5 6; do ask pid; done | grep '^pid' >"$PLACE/pids"
	[ "$(uniq "$PLACE/pids" | wc -l)" -eq 6 ]
	[ "$(sort -u "$PLACE/pids" | wc -l)" -eq 2 ]
	# What waits gets whichever is free first.
	hold 1 2500
	hold 2 500
	for n in 1 2; do wait_busy $n; done
	for n in 3 4 5; do hold $n 0; done
	for n in 2 3 4 5; do check_held $n; done
	kill -0 "${HELD[1]}"
	check_held 1
	# One that is gone leaves all to the other.
	put_load --param QUERY_STRING=bench
	is_idle
}

@test "IPv4, IPv6 and names of remote processes" {
	requires spawn-fcgi
	local port n host SERVERS=()
	for host in 127.0.0.1 ::1 localhost; do
		port=$(free_port)
		spawn-fcgi -n -a "${host/localhost/127.0.0.1}" -p "$port" -- "$TEST_APPS/misbehave" 3>&- 2>>"$HERD_LOG" &
		STARTED+=($!)
		wait_until 10 is_listening "$host" "$port"
		[[ $host != *:* ]] || host="[$host]"
		SERVERS+=(--server "$host:$port")
	done
	start_alone "${SERVERS[@]}"
	for n in 1 2 3; do hold $n 500; done
	for n in 1 2 3; do check_held $n; done
	[ "$(cat "$PLACE"/held.* | grep '^pid' | sort -u | wc -l)" -eq 3 ]
}
is_listening() { (: <"/dev/tcp/$1/$2") 2>/dev/null; }

@test "a server that takes no connections is given up after connect-timeout" {
	requires spawn-fcgi
	local port sleeper
	start_server 1
	port=$(free_port)
	spawn-fcgi -n -a 127.0.0.1 -p "$port" -b 1 -- "$TEST_APPS/misbehave" 2>>"$HERD_LOG" 3>&- &
	sleeper=$!
	STARTED+=("$sleeper")
	wait_until 10 is_listening 127.0.0.1 "$port"
	# It sleeps, and these fill the kernel's queue.
	kill -STOP "$sleeper"
	"$TEST_APPS/bad-client" --stage connected --clients 10 --rest 60000 "127.0.0.1:$port" 3>&- &
	STARTED+=($!)
	start_alone --connect-timeout 1s --slow-start 0 --server "127.0.0.1:$port" --server "$PLACE/server.1"
	# Nothing keeps it from being tried but that it does not answer.
	wait_until 20 has_log 'used without its values'
	ask_as POST pid | grep '^pid'
	has_log 'cannot connect within connect-timeout'
	ask_as POST pid | grep '^pid'
	kill -CONT "$sleeper"
}
