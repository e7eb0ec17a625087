#!/usr/bin/env bats
# What fcgi-herd does with processes and sockets, seen from outside.

load helpers

# config LINE ...: a section [app] with these lines; else two children that share a front.
config() {
	HERD_INI=$PLACE/herd.ini
	{
		echo "log-level = debug"
		echo "[app]"
		echo "listen = $PLACE/front.sock"
		unless_given "balance = shared" "$@"
		unless_given "max-procs = 2" "$@"
		as_root "user = $(server_user)"
		printf '%s\n' "$@"
	} >"$HERD_INI"
}

# unless_given DEFAULT LINE ...: the default, where no line has its key.
unless_given() {
	local line
	for line in "${@:2}"; do [ "${line%% =*}" != "${1%% =*}" ] || return 0; done
	echo "$1"
}

has_log() { grep -qE -- "$1" "$HERD_LOG"; }
has_log_times() { [ "$(grep -cE -- "$1" "$HERD_LOG")" -ge "$2" ]; }

# Until every child named has lived for long enough to be started again at once.
wait_running() {
	local name
	wait_until 15 has_log ': ready$' || { cat "$HERD_LOG" >&2 && return 1; }
	for name; do wait_until 5 has_log "$name: starting -> running"; done
}

# The pid that the child of this name was started with last.
pid_of() { sed -n "s/.*: $1: started pid=//p" "$HERD_LOG" | tail -n 1; }
is_another() { [ -n "$(pid_of "$1")" ] && [ "$(pid_of "$1")" != "$2" ]; }

refute() { ! "$@"; }

has_descendants() { [ "$(descendants "$1" | wc -l)" -eq "$2" ]; }

# A program that fails with status 3 as long as $PLACE/broken exists.
breakable() {
	place_file breakable >/dev/null <<-SH
		#!/bin/sh
		[ ! -e $PLACE/broken ] || exit 3
		exec $TEST_APPS/misbehave
	SH
	chmod 755 "$PLACE/breakable"
}

@test "a child that had lived and is killed is started again at once" {
	config "bin-path = $TEST_APPS/misbehave"
	start_herd --config "$HERD_INI"
	wait_running app.0 app.1
	local before other start
	before=$(pid_of app.0)
	other=$(pid_of app.1)
	start=$(now_us)
	kill -KILL "$before"
	wait_until 5 is_another app.0 "$before"
	[ $(($(now_us) - start)) -lt 1000000 ]
	has_log 'app\.0: killed by signal 9 \(Killed\); starting again$'
	[ "$(pid_of app.1)" = "$other" ]
	fcgi_client --query pid "$PLACE/front.sock"
	stop_herd
}

@test "a child that dies early waits longer each time, and comes back" {
	breakable
	config "bin-path = $PLACE/breakable" "max-procs = 1"
	start_herd --config "$HERD_INI"
	wait_running app.0
	touch "$PLACE/broken"
	kill -KILL "$(pid_of app.0)"
	wait_until 10 has_log 'exited with status 3; starting again in [0-9]+ ms failures=4'
	local failures delay middle
	while read -r delay failures; do
		middle=$((100 * 2 ** (failures - 1)))
		[ "$delay" -ge $((middle / 2)) ]
		[ "$delay" -le $((middle * 3 / 2)) ]
	done < <(sed -nE 's/.*starting again in ([0-9]+) ms failures=([0-9]+)/\1 \2/p' "$HERD_LOG")
	rm "$PLACE/broken"
	wait_until 10 has_log_times 'app.0: starting -> running' 2
	fcgi_client --query pid "$PLACE/front.sock"
	stop_herd
}

@test "a php-cgi parent that is killed takes its workers along" {
	requires php-cgi
	config "bin-path = $(command -v php-cgi)" "bin-environment = PHP_FCGI_CHILDREN=3"
	start_herd --config "$HERD_INI"
	wait_running app.0
	local parent workers
	parent=$(pid_of app.0)
	wait_until 10 has_descendants "$parent" 3
	workers=$(descendants "$parent")
	kill -KILL "$parent"
	# shellcheck disable=SC2086 # a list of pids
	wait_pids_gone 5 $workers
	wait_until 5 is_another app.0 "$parent"
	wait_until 10 has_descendants "$(pid_of app.0)" 3
	stop_herd
}

@test "when the supervisor is killed the children go, and the workers that they have" {
	requires php-cgi
	config "bin-path = $(command -v php-cgi)" "bin-environment = PHP_FCGI_CHILDREN=3"
	start_herd --config "$HERD_INI"
	wait_running app.0 app.1
	wait_until 10 has_descendants "$HERD_PID" 8
	local all
	all=$(descendants "$HERD_PID")
	kill -KILL "$HERD_PID"
	# shellcheck disable=SC2086 # a list of pids
	wait_pids_gone 5 $all
}

@test "the kill-signal stops a child in order" {
	local program=$TEST_APPS/showenv
	[ -x "$program" ] || skip "needs the example program"
	config "bin-path = $program" "kill-signal = SIGUSR1" "shutdown-timeout = 20s"
	start_herd --config "$HERD_INI"
	wait_running app.0 app.1
	stop_herd
	has_log_times 'app\.[01]: exited with status 0; stopped' 2
}

@test "a child is stopped by the kill-signal alone" {
	place_file patient >/dev/null <<-SH
		#!/bin/sh
		trap 'echo "told by SIGTERM"' TERM
		trap 'echo "told by SIGHUP"; exit 0' HUP
		while :; do sleep 1000 & wait; done
	SH
	chmod 755 "$PLACE/patient"
	config "bin-path = $PLACE/patient" "kill-signal = HUP" "shutdown-timeout = 20s"
	start_herd --config "$HERD_INI"
	wait_running
	stop_herd
	has_log_times 'app\.[01]\[[0-9]+\]: told by SIGHUP' 2
	refute has_log 'told by SIGTERM'
}

@test "a child that ignores the kill-signal is killed after shutdown-timeout" {
	config "bin-path = $TEST_APPS/misbehave --ignore-term" "shutdown-timeout = 300ms"
	start_herd --config "$HERD_INI"
	wait_running app.0 app.1
	stop_herd
	has_log_times 'still there after 300 ms' 2
	has_log_times 'app\.[01]: killed by signal 9 \(Killed\); stopped' 2
}

@test "a second SIGTERM kills at once" {
	config "bin-path = $TEST_APPS/misbehave --ignore-term" "shutdown-timeout = 60s"
	start_herd --config "$HERD_INI"
	wait_running app.0 app.1
	kill "$HERD_PID"
	wait_until 5 has_log_times 'running -> stopping' 2
	refute has_log 'stopping -> killed'
	kill "$HERD_PID"
	wait_pids_gone 5 "$HERD_PID"
	has_log_times 'stopping -> killed' 2
	[ ! -e "$PLACE/front.sock" ]
}

@test "what a child started in a session of its own is gone at the end" {
	config "bin-path = $TEST_APPS/misbehave"
	start_herd --config "$HERD_INI"
	wait_running
	local stray
	stray=$(fcgi_client --query fork=setsid "$PLACE/front.sock" | sed -n 's/^forked //p')
	refute is_gone "$stray"
	stop_herd
	is_gone "$stray"
}

@test "a failed start says which child, and leaves nothing behind" {
	config "bin-path = $TEST_APPS/misbehave --die-at-start 3"
	run "$FCGI_HERD" --config "$HERD_INI" --pid-file "$PLACE/pid"
	[ "$status" -eq 1 ]
	[[ $output == *"app.0: child exited with: 3"* ]]
	[[ $output != *"spawned successfully"* ]]
	[ ! -e "$PLACE/front.sock" ]
	[ ! -e "$PLACE/pid" ]
	[ -z "$(pgrep -f "$HERD_INI")" ]
	sed -i 's/shared/least-load/' "$HERD_INI"
	run "$FCGI_HERD" --config "$HERD_INI"
	[ "$status" -eq 1 ]
	[ ! -e "$PLACE/front.sock" ]
	local directory
	directory=$(sed -n "s/.*: the children's sockets are in //p" <<<"$output")
	[ -n "$directory" ]
	[ ! -e "$directory" ]
	[ -z "$(pgrep -f "$PLACE/bin/")" ]
}

@test "one child of many that dies at once fails the start, and the others are stopped" {
	place_file picky >/dev/null <<-SH
		#!/bin/sh
		mkdir $PLACE/tmp/first 2>/dev/null && exec $TEST_APPS/misbehave
		mkdir $PLACE/tmp/second 2>/dev/null && exec $TEST_APPS/misbehave
		exit 7
	SH
	chmod 755 "$PLACE/picky"
	config "bin-path = $PLACE/picky" "max-procs = 3"
	run "$FCGI_HERD" --config "$HERD_INI"
	[ "$status" -eq 1 ]
	[[ $output == *"app."[0-2]": child exited with: 7"* ]]
	[ -z "$(pgrep -f "$PLACE/bin/")" ]
	[ ! -e "$PLACE/front.sock" ]
}

@test "in the background it reports the children, and then is gone from the terminal" {
	config "bin-path = $TEST_APPS/misbehave"
	# The command substitution ends only when nobody holds its pipe any more.
	run timeout 20 "$FCGI_HERD" --config "$HERD_INI" --log "$HERD_LOG" --pid-file "$PLACE/pid"
	[ "$status" -eq 0 ]
	local supervisor pids
	supervisor=$(cat "$PLACE/pid")
	adopt "$supervisor"
	pids=$(sed -n 's/^fcgi-herd: child spawned successfully: PID: //p' <<<"$output")
	[ "$(sort <<<"$pids")" = "$(pgrep -P "$supervisor" | sort)" ]
	[ "$(ps -o tty= -p "$supervisor")" = "?" ]
	kill "$supervisor"
	# shellcheck disable=SC2086 # a list of pids
	wait_pids_gone 10 "$supervisor" $pids
	[ ! -e "$PLACE/pid" ]
}

@test "100,000 lines of four children arrive whole and tagged, none lost" {
	place_file chatty >/dev/null <<-SH
		#!/bin/sh
		awk 'BEGIN { for (i = 1; i <= 12500; i++) print "to stdout " i " ........................." }'
		awk 'BEGIN { for (i = 1; i <= 12500; i++) print "to stderr " i " ........................." > "/dev/stderr" }'
		printf 'no end of line'
		exec $TEST_APPS/misbehave
	SH
	chmod 755 "$PLACE/chatty"
	config "bin-path = $PLACE/chatty" "max-procs = 4"
	start_herd --config "$HERD_INI"
	wait_until 60 has_log_times 'to stderr 12500 ' 4
	wait_running
	stop_herd
	# Each line: its head, then text that nothing was mixed into; counted for each child and stream.
	local result
	result=$(awk '/ to std(out|err) / {
			if ($0 !~ /^[^ ]+Z app\.[0-3]\[[0-9]+\]: to std(out|err) [0-9]+ \.+$/) { print "torn: " $0; next }
			key = $2 " " $4; if ($5 != ++count[key]) print "out of order: " $0 }
		END { for (key in count) print count[key] }' "$HERD_LOG" | sort | uniq -c)
	[[ $result =~ ^\ *8\ 12500$ ]] || { echo "$result" | head >&2 && false; }
	has_log_times 'app\.[0-3]\[[0-9]+\]: no end of line$' 4
}

@test "a line beyond 64 KiB is passed on in pieces" {
	place_file long-winded >/dev/null <<-SH
		#!/bin/sh
		awk 'BEGIN { for (i = 0; i < 200000; i++) printf "y"; print "" }'
		exec $TEST_APPS/misbehave
	SH
	chmod 755 "$PLACE/long-winded"
	config "bin-path = $PLACE/long-winded"
	start_herd --config "$HERD_INI"
	wait_running
	stop_herd
	[ "$(grep -E ': y+$' "$HERD_LOG" | sed 's/.*: //' | tr -cd y | wc -c)" -eq 400000 ]
}

@test "a socket that somebody answers at is refused" {
	config "bin-path = $TEST_APPS/misbehave"
	start_herd --config "$HERD_INI"
	wait_running
	run "$FCGI_HERD" -n --config "$HERD_INI"
	[ "$status" -eq 1 ]
	[[ $output == *"$PLACE/front.sock"*"already in use"* ]]
	[ -S "$PLACE/front.sock" ]
	fcgi_client --query pid "$PLACE/front.sock"
	stop_herd
}

@test "a stale socket is replaced, and the own one removed at the end" {
	config "bin-path = $TEST_APPS/misbehave"
	start_herd --config "$HERD_INI"
	wait_running
	kill -KILL "$HERD_PID"
	wait_pids_gone 5 "$HERD_PID"
	[ -S "$PLACE/front.sock" ]
	: >"$HERD_LOG"
	wait_until 5 is_refused
	start_herd --config "$HERD_INI"
	wait_running
	fcgi_client --query pid "$PLACE/front.sock"
	stop_herd
	[ ! -e "$PLACE/front.sock" ]
}

# Nobody answers at the front any more: the last child has seen that the supervisor is gone.
is_refused() { ! fcgi_client --query pid "$PLACE/front.sock" >/dev/null 2>&1; }

@test "a file where the socket should be is never deleted" {
	config "bin-path = $TEST_APPS/misbehave"
	echo precious >"$PLACE/front.sock"
	run "$FCGI_HERD" -n --config "$HERD_INI"
	[ "$status" -eq 1 ]
	[ "$(cat "$PLACE/front.sock")" = precious ]
}

# listens_as UMASK MODE: the socket's mode is MODE, and what start_herd made is stopped again.
listens_as() {
	(umask "$1" && exec "$FCGI_HERD" -n --config "$HERD_INI" >>"$HERD_LOG" 2>&1 3>&- 4>&-) &
	HERD_PID=$!
	STARTED+=("$HERD_PID")
	wait_running
	[ "$(stat -c %a "$PLACE/front.sock")" = "$2" ]
	stop_herd
	: >"$HERD_LOG"
}

@test "the socket's mode is what was asked for, whatever the umask" {
	config "bin-path = $TEST_APPS/misbehave"
	listens_as 077 660
	listens_as 000 660
	config "bin-path = $TEST_APPS/misbehave" "listen-mode = 0666"
	listens_as 077 666
	listens_as 000 666
}

@test "the socket belongs to whom it was asked to" {
	requires root
	config "bin-path = $TEST_APPS/misbehave" "listen-owner = daemon" "listen-group = mail"
	start_herd --config "$HERD_INI"
	wait_running
	[ "$(stat -c %U:%G "$PLACE/front.sock")" = daemon:mail ]
	stop_herd
}

@test "the pid file names the supervisor, guards against a second one, and goes at the end" {
	config "bin-path = $TEST_APPS/misbehave"
	echo 1 >"$PLACE/pid"
	start_herd --config "$HERD_INI" --pid-file "$PLACE/pid"
	wait_running
	[ "$(cat "$PLACE/pid")" = "$HERD_PID" ]
	[ "$(wc -c <"$PLACE/pid")" -eq $((${#HERD_PID} + 1)) ]
	sed "s|front.sock|other.sock|" "$HERD_INI" >"$PLACE/other.ini"
	run "$FCGI_HERD" -n --config "$PLACE/other.ini" --pid-file "$PLACE/pid"
	[ "$status" -eq 1 ]
	[[ $output == *"$PLACE/pid"*"$HERD_PID"* ]]
	[ ! -e "$PLACE/other.sock" ]
	[ "$(cat "$PLACE/pid")" = "$HERD_PID" ]
	stop_herd
	[ ! -e "$PLACE/pid" ]
	mkfifo "$PLACE/pid"
	run "$FCGI_HERD" -n --config "$HERD_INI" --pid-file "$PLACE/pid"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write pid file $PLACE/pid: something else is there"* ]]
	[ -p "$PLACE/pid" ]
}

@test "SIGUSR1 opens the log again after it was moved away" {
	config "bin-path = $TEST_APPS/misbehave"
	start_herd --config "$HERD_INI" --log "$PLACE/own.log"
	HERD_LOG=$PLACE/own.log
	wait_running
	mv "$PLACE/own.log" "$PLACE/old.log"
	kill -USR1 "$HERD_PID"
	wait_until 5 test -s "$PLACE/own.log"
	fcgi_client --query 'stderr-fd=after the move' "$PLACE/front.sock"
	wait_until 5 has_log 'app\.[01]\[[0-9]+\]: after the move$'
	stop_herd
	refute grep -q 'after the move' "$PLACE/old.log"
}

@test "a mux that is killed comes back, and the children stay" {
	config "bin-path = $TEST_APPS/misbehave" "balance = least-load"
	start_herd --config "$HERD_INI"
	wait_running mux app.0 app.1
	local mux first second
	mux=$(pid_of mux)
	first=$(pid_of app.0)
	second=$(pid_of app.1)
	fcgi_client --query pid "$PLACE/front.sock"
	kill -KILL "$mux"
	wait_until 10 is_another mux "$mux"
	fcgi_client --query pid "$PLACE/front.sock"
	[ "$(pid_of app.0)" = "$first" ]
	[ "$(pid_of app.1)" = "$second" ]
	stop_herd
}

@test "where descriptors run out, a child is tried again and again, and the rest goes on" {
	requires prlimit
	config "bin-path = $TEST_APPS/misbehave"
	start_herd --config "$HERD_INI"
	wait_running app.0 app.1
	local other
	other=$(pid_of app.1)
	prlimit --pid "$HERD_PID" --nofile=3:
	kill -KILL "$(pid_of app.0)"
	wait_until 10 has_log 'app\.0: cannot .*; starting again in [0-9]+ ms failures=3'
	fcgi_client --query pid "$PLACE/front.sock"
	prlimit --pid "$HERD_PID" --nofile=1024:
	wait_until 10 has_log_times 'app\.0: starting -> running' 2
	[ "$(pid_of app.1)" = "$other" ]
	stop_herd
}

@test "a mux that does not start fails the start" {
	config "bin-path = $TEST_APPS/misbehave" "balance = least-load"
	printf '#!/bin/sh\nexit 5\n' >"$PLACE/bin/fcgi-mux"
	run "$FCGI_HERD" --config "$HERD_INI"
	[ "$status" -eq 1 ]
	[[ $output == *"fcgi-mux exited with: 5"* ]]
	[ ! -e "$PLACE/front.sock" ]
	[ -z "$(pgrep -f "$PLACE/bin/")" ]
}

@test "SIGTERM during the start ends it" {
	config "bin-path = $TEST_APPS/misbehave" "balance = least-load"
	# A mux that never says that it is ready.
	printf '#!/bin/sh\nexec sleep 1000\n' >"$PLACE/bin/fcgi-mux"
	start_herd --config "$HERD_INI"
	wait_until 10 has_log 'app\.1: starting -> running'
	refute has_log ': ready$'
	stop_herd
	[ ! -e "$PLACE/front.sock" ]
}
