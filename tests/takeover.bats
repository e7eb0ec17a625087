#!/usr/bin/env bats
# SIGUSR2: another fcgi-herd goes on in the same process, with all that is open.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-10000}

# For start_front: the pids are not to be looked for among a line for each request.
export LEVEL=info

begin_work() { begin_load --mix 100:1ms; }
is_under_way() { statistic_is_least requests 100 2>/dev/null; }
take_over() { kill -USR2 "$HERD_PID"; }
has_taken_over() { has_logs "${1:-1}" ': reload: done in [0-9]+ ms$'; }
pids() { { herd_children misbehave && herd_children fcgi-mux; } | sort; }
are_replaced() { [ -z "$(comm -12 <(echo "$BEFORE") <(pids))" ]; }

# The program on disk is another file from now on.
renew_program() {
	cp "$FCGI_HERD" "$FCGI_HERD.new"
	mv "$FCGI_HERD.new" "$FCGI_HERD"
}
program_of() { stat -L -c %i "/proc/$1/exe"; }

# What a process has open, without the numbers of what is opened anew each time.
count_open() { find "/proc/$1/fd" -mindepth 1 -maxdepth 1 | wc -l; }

@test "under load the program is another one, its pid the same, and no answer is lost" {
	start_front 4 --default bench
	BEFORE=$(pids)
	begin_work
	wait_until 10 is_under_way
	renew_program
	[ "$(program_of "$HERD_PID")" != "$(stat -c %i "$FCGI_HERD")" ]
	take_over
	wait_until 20 has_taken_over
	[ "$(program_of "$HERD_PID")" = "$(stat -c %i "$FCGI_HERD")" ]
	check_load
	are_replaced
	herd_has_children misbehave 4
	herd_has_children fcgi-mux 1
	stop_herd
	[ ! -e "$FRONT" ]
}

@test "again and again: nothing is left open, in itself or in children" {
	local n open child
	start_front 2 --default bench
	take_over
	wait_until 20 has_taken_over 1
	open=$(count_open "$HERD_PID")
	child=$(count_open "$(herd_children misbehave | head -n 1)")
	for n in 2 3 4; do
		take_over
		wait_until 20 has_taken_over "$n"
	done
	wait_until 5 has_open "$open"
	[ "$(count_open "$(herd_children misbehave | head -n 1)")" -eq "$child" ]
	ask say=hello | grep -x hello
}
has_open() { [ "$(count_open "$HERD_PID")" -eq "$1" ]; }

@test "children see nothing of it" {
	start_front 2 --default bench
	take_over
	wait_until 20 has_taken_over
	local pid
	for pid in $(pids); do
		! grep -zE '^FCGI_HERD' "/proc/$pid/environ"
		# Signals that were blocked on the way are not.
		grep -qE '^SigBlk:\s*0*$' "/proc/$pid/status"
	done
	grep -qE '^SigBlk:\s*0*$' "/proc/$HERD_PID/status"
}

@test "a program that cannot be executed, or fails, changes nothing" {
	start_front 2 --default bench
	BEFORE=$(pids)
	cp "$FCGI_HERD" "$PLACE/good"
	echo 'no program' >"$FCGI_HERD.new"
	chmod 755 "$FCGI_HERD.new"
	mv "$FCGI_HERD.new" "$FCGI_HERD"
	begin_work
	take_over
	wait_until 10 has_logs 1 'reload: .*nothing has changed'
	printf '#!/bin/sh\necho broken >&2\nexit 1\n' >"$FCGI_HERD"
	take_over
	wait_until 10 has_logs 2 'reload: .*nothing has changed'
	check_load
	[ "$(pids)" = "$BEFORE" ]
	mv "$PLACE/good" "$FCGI_HERD"
	take_over
	wait_until 20 has_taken_over
	are_replaced
}

@test "what a child of before writes is still logged" {
	start_front 2 --default bench
	hold 1 2000 'stderr-fd=the-last-word'
	wait_busy 1
	take_over
	wait_until 5 has_log 'SIGUSR2: reload'
	check_held 1
	wait_until 10 has_log 'app\.[01]\[[0-9]+\]: the-last-word'
	wait_until 20 has_taken_over
}

@test "in the background the pid file stays, and the end is in order" {
	FRONT=$PLACE/front.sock
	run -0 "$FCGI_HERD" -s "$FRONT" -M 0666 -P "$PLACE/pid" --log "$HERD_LOG" \
		$(! is_root || echo "-u $(server_user)") --max-procs 2 \
		-- "$TEST_APPS/misbehave" --default say=hello 3>&- 4>&-
	adopt "$(cat "$PLACE/pid")"
	BEFORE=$(pids)
	take_over
	wait_until 20 has_taken_over
	[ "$(cat "$PLACE/pid")" = "$HERD_PID" ]
	are_replaced
	fcgi_client "$FRONT" | grep -x hello
	stop_herd
	[ ! -e "$PLACE/pid" ] && [ ! -e "$FRONT" ]
}

@test "a child that dies on the way is missed, and started again" {
	local n
	SECTION='retry = all' start_front 4 --default bench
	begin_work
	wait_until 10 is_under_way
	for n in 1 2 3; do
		take_over
		kill -KILL "$(herd_children misbehave | shuf -n 1)" || : # it may have ended in between
		wait_until 20 has_taken_over "$n"
		wait_until 5 herd_has_children misbehave 4
	done
	check_load
}

@test "sockets that a service manager passed are taken along" {
	requires systemd-socket-activate
	FRONT=$PLACE/front.sock
	systemd-socket-activate -l "$FRONT" "$FCGI_HERD" -n --listen "$FRONT" --log-level info --max-procs 2 \
		$(! is_root || echo "-u $(server_user)") -- "$TEST_APPS/misbehave" --default say=hello \
		>>"$HERD_LOG" 2>&1 3>&- 4>&- &
	HERD_PID=$!
	STARTED+=("$HERD_PID")
	wait_until 5 test -S "$FRONT"
	! is_root || chmod 666 "$FRONT"
	fcgi_client "$FRONT" | grep -x hello
	wait_until 5 has_log ': ready$'
	take_over
	wait_until 20 has_taken_over
	fcgi_client "$FRONT" | grep -x hello
	stop_herd
	[ -S "$FRONT" ]
}
