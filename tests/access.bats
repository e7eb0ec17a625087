#!/usr/bin/env bats
# Who may come in at a front: by address over TCP, by user through a Unix socket.

load helpers
load front

# tcp HOST [LINE ...]: fcgi-mux alone at a port of HOST, with these lines, and a server behind it.
tcp() {
	local host=$1
	shift
	PORT=$(free_port)
	start_server 1
	"$FCGI_MUX" --config "$(place_file mux.ini <<-INI
		status-path = /status
		[app]
		listen = $host:$PORT
		server = $PLACE/server.1
		$(printf '%s\n' "$@")
	INI
	)" >>"$HERD_LOG" 2>&1 3>&- &
	MUX_PID=$!
	STARTED+=("$MUX_PID")
	wait_until 10 has_log 'fcgi-mux.*: ready$'
}

# Whether a request to ADDRESS is served.
is_served() { fcgi_client --query "" "$1" 2>/dev/null | grep -qx ok; }
# Whether a connection to it is closed before anything comes.
is_closed() {
	run fcgi_client --query "" "$1"
	[ "$status" -ne 0 ]
	[[ $output == *"closed before the end of the answer"* || $output == *"Connection reset"* ||
		$output == *"Broken pipe"* ]]
}

# How often the kernel was asked who a client is while one came.
count_questions() {
	strace -f -o "$PLACE/trace" -e trace=getpeername,getsockopt -p "$MUX_PID" 2>/dev/null 3>&- &
	local tracer=$!
	STARTED+=("$tracer")
	wait_until 10 grep -q 'TracerPid:.[1-9]' "/proc/$MUX_PID/status"
	is_served "127.0.0.1:$PORT"
	kill "$tracer"
	wait_pids_gone 10 "$tracer"
	grep -cE 'getpeername|PEERCRED' "$PLACE/trace" || :
}

@test "without a list all come in, and the kernel is not asked who they are" {
	requires strace
	tcp 127.0.0.1
	[ "$(count_questions)" -eq 0 ]
	end_tree "$MUX_PID" TERM
	: >"$HERD_LOG"
	tcp 127.0.0.1 "allowed-clients = all"
	[ "$(count_questions)" -eq 0 ]
	end_tree "$MUX_PID" TERM
	: >"$HERD_LOG"
	tcp 127.0.0.1 "allowed-clients = 127.0.0.1"
	[ "$(count_questions)" -eq 1 ]
}

@test "allowed-clients lets in addresses and blocks, and closes the rest unread" {
	tcp 127.0.0.1 "allowed-clients = 127.0.0.2, 192.0.2.0/24"
	is_closed "127.0.0.1:$PORT"
	wait_until 5 has_log 'warning: front 127\.0\.0\.1:[0-9]+: client 127\.0\.0\.1 may not come in$'
	end_tree "$MUX_PID" TERM
	: >"$HERD_LOG"
	tcp 127.0.0.1 "allowed-clients = 192.0.2.1" "allowed-clients = 127.0.0.0/8"
	is_served "127.0.0.1:$PORT"
	[ "$(count_log 'may not come in')" -eq 0 ]
}

@test "an IPv6 client, by a block of IPv6" {
	[ -e /proc/net/if_inet6 ] || skip "needs IPv6"
	tcp "[::1]" "allowed-clients = ::/96"
	is_served "[::1]:$PORT"
	end_tree "$MUX_PID" TERM
	: >"$HERD_LOG"
	tcp "[::1]" "allowed-clients = 127.0.0.1, ::2"
	is_closed "[::1]:$PORT"
	wait_until 5 has_log 'client ::1 may not come in$'
}

@test "a flood of those who may not come in is a bounded log, and the others are served" {
	requires root setpriv
	start_server 1
	"$FCGI_MUX" --config "$(place_file mux.ini <<-INI
		[app]
		listen = $PLACE/front.sock
		listen-mode = 0666
		server = $PLACE/server.1
		allowed-users = daemon
	INI
	)" >>"$HERD_LOG" 2>&1 3>&- &
	STARTED+=($!)
	wait_until 10 has_log 'fcgi-mux.*: ready$'
	setpriv --reuid 4242 --regid 4242 --clear-groups "$PLACE/bin/fcgi-load" --any --requests 3000 \
		--connections 4 "$PLACE/front.sock" >"$PLACE/flood" || :
	grep -q '^errors: 3000' "$PLACE/flood"
	setpriv --reuid daemon --regid daemon --clear-groups "$TEST_APPS/fcgi-client" --query "" \
		"$PLACE/front.sock" | grep -qx ok
	wait_until 5 has_log 'more like this: front .*: user 4242 may not come in'
	[ "$(count_log 'user 4242 may not come in')" -le 300 ]
}

@test "allowed-users lets in these and root, whoever can open the socket" {
	requires root setpriv
	WHOLE="" SECTION=$'listen-mode = 0666\nallowed-users = daemon, 4242' start_front 1
	local as
	for as in daemon 4242; do
		setpriv --reuid "$as" --regid 4242 --clear-groups "$TEST_APPS/fcgi-client" \
			--query "" "$FRONT" | grep -qx ok
	done
	is_served "$FRONT"
	[ "$(count_log 'may not come in')" -eq 0 ]
	run setpriv --reuid 4243 --regid 4242 --clear-groups "$TEST_APPS/fcgi-client" --query "" "$FRONT"
	[ "$status" -ne 0 ]
	wait_until 5 has_log "front $FRONT: user 4243 may not come in$"
	stop_herd
}

@test "those who were turned away are counted" {
	requires root setpriv
	SECTION=$'listen-mode = 0666\nallowed-users = daemon' start_front 1
	for _ in 1 2 3; do
		run setpriv --reuid 4243 --regid 4242 --clear-groups "$TEST_APPS/fcgi-client" "$FRONT"
		[ "$status" -ne 0 ]
	done
	"$FCGI_MUX" --get "$FRONT" "/status?openmetrics" | grep -qE 'refused_clients_total 3$'
	stop_herd
}

@test "a front beyond loopback needs a list, in a file" {
	run timeout 30 "$FCGI_HERD" --check --config "$(place_file open.ini <<-INI
		[app]
		listen = 0.0.0.0:9000
		server = /run/nobody.sock
	INI
	)"
	[ "$status" -eq 78 ]
	[[ $output == *"open.ini:2: listen: whoever can connect to 0.0.0.0:9000 can run programs here"* ]]
	[[ $output == *"allowed-clients"* ]]
	sed -i '$a allowed-clients = all' "$PLACE/open.ini"
	run timeout 30 "$FCGI_HERD" --check --config "$PLACE/open.ini"
	[ "$status" -eq 0 ]
	[[ $output == *"allowed-clients = all"* ]]
	[[ $output != *"warning: "*"whoever can connect"* ]]
}

@test "the environment's list is the default, and what it says wrong is told" {
	local file
	file=$(place_file open.ini <<-INI
		[app]
		listen = 0.0.0.0:9000
		server = /run/nobody.sock
	INI
	)
	FCGI_WEB_SERVER_ADDRS=192.0.2.1,2001:db8::1 run timeout 30 "$FCGI_HERD" --check --config "$file"
	[ "$status" -eq 0 ]
	[[ $output == *"allowed-clients = 192.0.2.1, 2001:db8::1"* ]]
	FCGI_WEB_SERVER_ADDRS=www.example.org run timeout 30 "$FCGI_HERD" --check --config "$file"
	[ "$status" -eq 78 ]
	[[ $output == *"FCGI_WEB_SERVER_ADDRS: allowed-clients: \"www.example.org\": not an address"* ]]
}

@test "spawn-fcgi's command line binds to the world with a warning" {
	local port
	port=$(free_port)
	start_herd -a 0.0.0.0 -p "$port" -- "$TEST_APPS/misbehave"
	wait_until 10 has_log 'child spawned successfully'
	has_log 'warning: .*whoever can connect to 0\.0\.0\.0:'
	is_served "127.0.0.1:$port"
	stop_herd
}

# What children with balance = shared have of the list, in the words of lib/proc.h.
shared_list() {
	PORT=$(free_port)
	start_herd --config "$(place_file shared.ini <<-INI
		[app]
		listen = 127.0.0.1:$PORT
		balance = shared
		max-procs = 1
		bin-path = $TEST_APPS/misbehave
		$(printf '%s\n' "$@")
	INI
	)"
	wait_until 10 has_log ': ready$'
	SEEN=$(fcgi_client --query proc "127.0.0.1:$PORT" | grep '^env FCGI_WEB_SERVER_ADDRS' || :)
	stop_herd
	: >"$HERD_LOG"
}

@test "children that share a front get the list, and behind fcgi-mux they have none" {
	shared_list "allowed-clients = 127.0.0.1, ::1"
	[ "$SEEN" = "env FCGI_WEB_SERVER_ADDRS=127.0.0.1,::1" ]
	shared_list "allowed-clients = all"
	[ -z "$SEEN" ]
	export FCGI_WEB_SERVER_ADDRS=127.0.0.1
	shared_list
	[ "$SEEN" = "env FCGI_WEB_SERVER_ADDRS=127.0.0.1" ]
	# It would shut out fcgi-mux, which has looked already.
	export FCGI_WEB_SERVER_ADDRS=192.0.2.1
	PORT=$(free_port)
	SECTION=$'host = 127.0.0.1\nport = '"$PORT" start_front 1
	ask proc | grep -q '^pid '
	[ "$(ask proc | grep -c FCGI_WEB_SERVER_ADDRS)" -eq 0 ]
	stop_herd
}

@test "a program with libfcgi keeps to the list that it gets" {
	[ -x "$PLACE/bin/showenv" ] || skip "needs the example showenv"
	local list
	for list in 192.0.2.1 127.0.0.1; do
		PORT=$(free_port)
		start_herd --config "$(place_file shared.ini <<-INI
			[app]
			listen = 127.0.0.1:$PORT
			balance = shared
			max-procs = 1
			bin-path = $PLACE/bin/showenv
			allowed-clients = $list
		INI
		)"
		wait_until 10 has_log ': ready$'
		if [ "$list" = 127.0.0.1 ]; then
			fcgi_client "127.0.0.1:$PORT" | grep -qi '^content-type'
		else
			is_closed "127.0.0.1:$PORT"
		fi
		stop_herd
		: >"$HERD_LOG"
	done
}
