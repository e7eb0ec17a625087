#!/usr/bin/env bats
# As many processes as needed: min-procs to max-procs, and those that have served their time.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-10000}

has_children() { herd_has_children misbehave "$1"; }
has_at_least() { [ "$(herd_children misbehave | wc -l)" -ge "$1" ]; }

@test "only min-procs children run while there is nothing to do" {
	SECTION='min-procs = 2' start_front 8 --default bench
	has_children 2
	ask 'say=hello' | grep -x hello
	has_children 2
}

@test "the first request starts the first process, and waits for it" {
	SECTION='min-procs = 0' start_front 8 --default bench
	has_children 0
	ask 'say=hello' | grep -x hello
	has_children 1
}

@test "two hundred at once are all answered where no process runs" {
	SECTION='min-procs = 0' start_front 8 --default bench
	has_children 0
	REQUESTS=200 put_load --connections 200 --mix 100:5ms
	wait_until 5 has_children 8
}

@test "a load starts what it needs at once, and no answer is lost" {
	SECTION=$'min-procs = 1\nidle-timeout = 1s' start_front 8 --default bench
	begin_load --mix 100:5ms
	wait_until 5 has_children 8
	check_load
	wait_until 15 has_children 1
	# Those of the highest numbers went first.
	[ "$(herd_children misbehave)" = "$(pid_of_child 0)" ]
	[ "$(count_log 'idle for idle-timeout')" -ge 7 ]
	[ "$(count_log 'killed by signal')" -eq "$(count_log 'killed by signal 15')" ]
}

@test "no more are started than requests wait" {
	SECTION='min-procs = 1' start_front 8 --default bench
	hold 1 1500 say=one
	wait_busy 1
	hold 2 1500 say=two
	wait_until 5 has_children 2
	check_held 1
	check_held 2
	has_children 2
}

@test "one more is started at once for each request that has to wait" {
	local n begun
	SECTION='min-procs = 0' start_front 8 --default bench
	begun=$(now_us)
	for n in {1..8}; do
		hold "$n" 4000
		wait_busy "$n"
	done
	[ $(($(now_us) - begun)) -lt 3000000 ]
	has_children 8
}

@test "those that are needed now and then stay" {
	local n
	SECTION=$'min-procs = 1\nidle-timeout = 2s' start_front 4 --default bench
	for n in 1 2 3; do
		hold 1 400 say=one
		wait_busy 1
		hold 2 400 say=two
		check_held 1
		check_held 2
	done
	has_children 2
	[ "$(count_log 'idle for idle-timeout')" -eq 0 ]
	wait_until 10 has_children 1
}

@test "load that comes and goes loses nothing while processes come and go" {
	local n
	SECTION=$'min-procs = 0\nidle-timeout = 100ms' start_front 6 --default bench
	for n in 1 2 3; do
		REQUESTS=$((REQUESTS / 5)) put_load --mix 100:1ms
		wait_until 10 has_children 0
	done
}

@test "a program that cannot start is not tried by all" {
	SECTION=$'min-procs = 0\nqueue-timeout = 2s' start_front 8 --die-at-start 3
	run ask 'say=hello'
	has_log '503'
	[ "$(count_log 'app\.[0-9]: started')" -le 8 ]
	[ "$(count_log 'app\.1: started')" -eq 0 ]
}

@test "a program that could not start is tried again for later requests" {
	printf '#!/bin/sh\n[ -e %s/good ] || exit 3\nexec %s/misbehave\n' "$PLACE" "$TEST_APPS" \
		>"$TEST_APPS/lame"
	chmod 755 "$TEST_APPS/lame"
	PROGRAM=lame SECTION=$'min-procs = 0\nqueue-timeout = 1s\nidle-timeout = 0' start_front 8
	run ask say=hello
	wait_until 10 has_log 'app.0: (back-off|starting) -> stopped'
	touch "$PLACE/good"
	ask say=hello | grep -x hello
}

@test "requests that take long are as quick to get their processes" {
	SECTION='min-procs = 0' start_front 40 --default bench
	REQUESTS=40 begin_load --connections 40 --mix 100:4000ms
	wait_until 3 has_children 40
	check_load
}

@test "max-requests: each is replaced between two requests, one at a time" {
	SECTION='max-requests = 200' start_front 4 --default bench
	put_load
	[ "$(count_log 'has reached max-requests')" -ge $((REQUESTS / 500)) ]
	wait_until 10 has_children 4
	# Never two of them at once; the log sums up what it says too often.
	awk '/more like this/ { next } /has reached max-requests/ { if (open++) exit 1 } /app\.[0-3]: starting -> running/ { open = 0 }' "$HERD_LOG"
}

@test "max-requests of the only process: the others wait for the new one" {
	SECTION='max-requests = 10' start_front 1 --default bench
	REQUESTS=1000 put_load
	[ "$(count_log 'has reached max-requests')" -ge 10 ]
}

# Nobody of BEFORE is there any more.
are_new() { [ -z "$(comm -12 <(sort <<<"$BEFORE") <(herd_children misbehave | sort))" ]; }

@test "max-age: all are new after a while, and none at the same time as another" {
	SECTION='max-age = 2s' start_front 3 --default bench
	BEFORE=$(herd_children misbehave)
	begin_load --mix 100:1ms
	wait_until 20 has_logs 3 'has reached max-age'
	check_load
	wait_until 10 are_new
	wait_until 10 has_children 3
}

@test "max-memory: a process that grows is replaced" {
	SECTION='max-memory = 64m' start_front 2 --default bench
	ask 'grow=100' >/dev/null
	wait_until 10 has_log 'has reached max-memory'
	wait_until 10 has_children 2
	[ "$(count_log 'has reached max-memory')" -eq 1 ]
	ask 'say=hello' | grep -x hello
}

@test "a mux that is killed is told again what it needs to know, and nothing is lost after" {
	SECTION=$'min-procs = 0\nidle-timeout = 1s' start_front 4 --default bench
	ask say=hello | grep -x hello
	kill -KILL "$(herd_children fcgi-mux)"
	wait_until 10 has_logs 2 'mux: started'
	ask say=hello | grep -x hello
	wait_until 10 has_children 0
	ask say=hello | grep -x hello
}

@test "SIGTERM while processes come and go: what runs is finished, and none is left" {
	SECTION=$'min-procs = 0\nmax-requests = 20\nidle-timeout = 100ms' start_front 6 --default bench
	hold 1 1000 say=one
	wait_busy 1
	begin_load --mix 100:1ms
	wait_until 10 has_logs 3 'has reached max-requests'
	stop_herd
	check_held 1
	[ -z "$(herd_children misbehave)" ]
}

@test "php-cgi scales, and is replaced, and loses nothing" {
	requires php-cgi
	place_file www/index.php <<<'<?php usleep(2000); echo "pid ", getmypid(), "\n";' >/dev/null
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		status-path = /status
		[php]
		listen = $FRONT
		bin-path = /usr/bin/php-cgi
		min-procs = 0
		max-procs = 6
		max-requests = 100
		bin-environment = PHP_FCGI_MAX_REQUESTS=0
		idle-timeout = 1s
		$(as_root "user = $(server_user)" "listen-owner = $(server_user)")
	INI
	)"
	wait_until 10 has_log ': ready$'
	REQUESTS=3000 put_load --any --param "SCRIPT_FILENAME=$PLACE/www/index.php" \
		--param SCRIPT_NAME=/index.php --param REDIRECT_STATUS=200
	[ "$(count_log 'has reached max-requests')" -ge 10 ]
	wait_until 15 herd_has_children php-cgi 0
}
