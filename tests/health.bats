#!/usr/bin/env bats
# What a front tells those who ask how it is, and what others answer to the same question.

bats_require_minimum_version 1.5.0
load helpers
load front

# values [ADDR]: a line of what is told of the load there.
values() { "$FCGI_MUX" --values "${1-$FRONT}" | sed -n 's/^HERD_//p' | paste -sd ' '; }
values_are() { [ "$(values "${2-$FRONT}")" = "$1" ]; }
load_is() { values_are "CAPACITY=$1 BUSY=$2 QUEUED=$3" "${4-$FRONT}"; }

# fails STATUS PATTERN ARGUMENT ...
fails() {
	run -"$1" --separate-stderr "$FCGI_MUX" --values "${@:3}"
	grep -E -- "fcgi-mux.*: .*$2" <<<"${stderr-}"
}

@test "a front tells how much its processes take, have, and have waiting" {
	start_front 2
	"$FCGI_MUX" --values "$FRONT" >"$PLACE/values"
	grep -x 'FCGI_MPXS_CONNS=1' "$PLACE/values"
	grep -xE 'FCGI_MAX_CONNS=[1-9][0-9]*' "$PLACE/values"
	load_is 2 0 0
	hold 1 2000
	wait_busy 1
	load_is 2 1 0
	hold 2 2000
	wait_busy 2
	hold 3 10
	hold 4 10
	hold 5 10
	wait_until 10 load_is 2 2 3
	for i in 1 2 3 4 5; do check_held "$i"; done
	load_is 2 0 0
}

@test "capacity is what the processes say that they take" {
	start_front 3 --mpxs --max-reqs 20
	wait_until 10 load_is 60 0 0
}

@test "only what is asked for is answered, and by name" {
	start_front 1
	# GET_VALUES: HERD_BUSY and a name that nobody knows; then none.
	{
		record 1 9 0 21 0 '\x09\0HERD_BUSY\x08\0UNKNOWN_'
		record 1 9 0 0 0
	} >"$PLACE/raw"
	fcgi_client --timeout 300 --raw "$PLACE/raw" "$FRONT" >"$PLACE/records" || :
	[ "$(cat "$PLACE/records")" = "GET_VALUES_RESULT id=0 length=12
GET_VALUES_RESULT id=0 length=0" ]
}

# Sections a and b share requests of $PLACE/1.sock, and b has some of its own; c is elsewhere.
start_sections() {
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = debug
		listen = $PLACE/1.sock
		check-local = disable
		bin-path = $TEST_APPS/misbehave
		$(as_root "user = $(server_user)")
		[a]
		max-procs = 2
		extension = .a, .also-a
		[b]
		max-procs = 3
		extension = .a, .b
		[c]
		listen = $PLACE/2.sock
		max-procs = 1
		extension = .c, .also-c
	INI
	)"
	wait_until 15 has_log ': ready$'
}

# hold_c NUMBER: as hold, in section c.
hold_c() {
	FRONT=$PLACE/2.sock ask "stderr-fd=busy-$1&sleep=1000&pid" --param SCRIPT_NAME=/x.c \
		>"$PLACE/held.$1" 3>&- &
	HELD[$1]=$!
	STARTED+=("${HELD[$1]}")
}

@test "each section behind a front counts once, and no other" {
	start_sections
	wait_until 10 load_is 5 0 0 "$PLACE/1.sock"
	wait_until 10 load_is 1 0 0 "$PLACE/2.sock"
	hold_c 1
	hold_c 2
	wait_until 10 load_is 1 1 1 "$PLACE/2.sock"
	load_is 5 0 0 "$PLACE/1.sock"
	check_held 1
	check_held 2
}

@test "an authorizer does not add to what its responders take" {
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = debug
		$(as_root "user = $(server_user)")
		max-procs = 2
		[guard]
		listen = $PLACE/front.sock, $PLACE/guard.sock
		mode = authorizer
		check-local = disable
		bin-path = $TEST_APPS/authorizer
		[app]
		listen = $PLACE/front.sock
		max-procs = 3
		bin-path = $TEST_APPS/misbehave
	INI
	)"
	wait_until 15 has_log ': ready$'
	wait_until 10 load_is 3 0 0 "$PLACE/front.sock"
	wait_until 10 load_is 2 0 0 "$PLACE/guard.sock"
}

# Where it is started again too soon, once more; from the second time on it has to wait.
is_without_processes() {
	kill -KILL "$(pid_of_child 0)" 2>/dev/null || :
	fails 1 'none of its processes takes requests' "$FRONT"
}

@test "a front behind which nothing runs is there, and not well" {
	WHOLE='ping-path = /ping' start_front 1
	wait_until 20 is_without_processes
	[ "$("$FCGI_MUX" --get "$FRONT" /ping)" = pong ]
	wait_until 20 load_is 1 0 0
}

@test "a front whose hosts have no limit says so" {
	requires spawn-fcgi
	start_server 1 --no-values
	start_server 2 --no-values
	start_alone --server "$PLACE/server.1" --server "$PLACE/server.2"
	wait_until 10 load_is 4294967295 0 0
}

@test "programs that do not know how much they have to do answer the rest" {
	requires spawn-fcgi
	start_server 1 --max-conns 7 --late-values
	[ "$("$FCGI_MUX" --values "$PLACE/server.1" | paste -sd ' ')" = 'FCGI_MAX_CONNS=7 FCGI_MAX_REQS=1 FCGI_MPXS_CONNS=0' ]
}

@test "libfcgi and PHP answer the rest" {
	requires spawn-fcgi php-cgi
	spawn-fcgi -n -s "$PLACE/lib.sock" -- "$TEST_APPS/authorizer" 3>&- &
	STARTED+=($!)
	spawn-fcgi -n -s "$PLACE/php.sock" -- "$(command -v php-cgi)" 3>&- &
	STARTED+=($!)
	wait_until 10 test -S "$PLACE/lib.sock"
	wait_until 10 test -S "$PLACE/php.sock"
	for program in lib php; do
		"$FCGI_MUX" --values "$PLACE/$program.sock" >"$PLACE/values"
		grep -x 'FCGI_MAX_CONNS=1' "$PLACE/values"
		! grep HERD "$PLACE/values"
	done
}

@test "php-fpm answers the rest" {
	local fpm
	requires root
	fpm=$(compgen -c php-fpm | head -n 1) || skip "needs php-fpm"
	"$fpm" -F -y "$(place_file fpm.conf <<-INI
		[global]
		error_log = $PLACE/web.log
		daemonize = no
		[w]
		user = www-data
		listen = $PLACE/fpm.sock
		pm = static
		pm.max_children = 1
	INI
	)" 3>&- &
	STARTED+=($!)
	wait_until 10 test -S "$PLACE/fpm.sock"
	[ "$("$FCGI_MUX" --values "$PLACE/fpm.sock")" = 'FCGI_MPXS_CONNS=0' ]
}

@test "--values fails with a reason where there is no answer" {
	requires spawn-fcgi
	fails 1 'cannot connect: No such file or directory' "$PLACE/nobody"
	fails 1 'cannot connect: Connection refused' "127.0.0.1:$(free_port)"
	fails 64 'takes an address' "$PLACE/nobody" /path
	fails 64 'takes an address'
	fails 64 'an address is' nonsense
	start_server 1 --no-values
	fails 1 '(closed before|reset by peer)' "$PLACE/server.1"
}
