#!/usr/bin/env bats
# fcgi-herd under the init systems of contrib: each is run for real where it can be.

bats_require_minimum_version 1.5.0
load helpers

setup() {
	make_place
	FRONT=$PLACE/front.sock
	CONFIG=$(place_file herd.ini <<-INI
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/misbehave --default say=hello
		max-procs = 2
		$(as_root "user = $(server_user)" "listen-owner = $(server_user)")
	INI
	)
	export CONFIG
	PATH=$PLACE/bin:$PATH
	# Of Debian, where systemd runs: this is about the script.
	export _SYSTEMCTL_SKIP_REDIRECT=true
}

serves() { [[ $(fcgi_client "$FRONT" 2>/dev/null) == *hello* ]]; }

# supervise COMMAND ...: a supervisor in the background, as $SUPERVISOR.
supervise() {
	"$@" >>"$HERD_LOG" 2>&1 3>&- 4>&- </dev/null &
	SUPERVISOR=$!
	STARTED+=("$SUPERVISOR")
}

# The pid of the one fcgi-herd below PID, as $HERD_PID.
find_herd() { # PID
	local pid
	for pid in $(descendants "$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != fcgi-herd ] || { HERD_PID=$pid && return; }
	done
	return 1
}
has_new_herd() { # PID OLD
	find_herd "$1" && [ "$HERD_PID" != "$2" ]
}

## The protocols

# A service manager's end of NOTIFY_SOCKET: writes the messages to $PLACE/notes, one a line.
receive_notes() { # PATH, or @NAME
	# shellcheck disable=SC2016 # Perl's variables
	supervise perl -MSocket -MIO::Handle -e '
		my ($address, $notes) = @ARGV;
		$address =~ s/^@/\0/;
		socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!;
		bind(S, pack("S", AF_UNIX) . $address) or die $!;
		open(my $out, ">", $notes) or die $!;
		$out->autoflush(1);
		while (defined recv(S, $_, 4096, 0)) { s/\n+/ /g; print $out "$_\n" }' \
		"$1" "$PLACE/notes"
	wait_until 10 test -e "$PLACE/notes"
}

has_note() { grep -q "$1" "$PLACE/notes"; }

@test "systemd's protocol: ready when it serves, a sign of life for the watchdog, stopping" {
	requires perl
	receive_notes "$PLACE/notify"
	NOTIFY_SOCKET=$PLACE/notify WATCHDOG_USEC=100000 start_herd --config "$CONFIG"
	wait_until 10 has_note '^READY=1 STATUS=backends: 1, children: 2'
	serves
	wait_until 10 has_note '^WATCHDOG=1'
	stop_herd
	wait_until 10 has_note '^STOPPING=1'
	[ "$(grep -c READY "$PLACE/notes")" -eq 1 ]
}

@test "systemd's protocol: an abstract socket, and the pid of one that went into the background" {
	requires perl
	receive_notes "@$PLACE/notify"
	NOTIFY_SOCKET=@$PLACE/notify run -0 "$FCGI_HERD" --config "$CONFIG" -P "$PLACE/pid" 3>&- 4>&-
	adopt "$(cat "$PLACE/pid")"
	wait_until 10 has_note "^READY=1 MAINPID=$HERD_PID "
}

@test "a start that fails is never ready" {
	requires perl
	receive_notes "$PLACE/notify"
	sed -i 's|^bin-path.*|bin-path = /bin/false|' "$CONFIG"
	NOTIFY_SOCKET=$PLACE/notify run ! "$FCGI_HERD" -n --config "$CONFIG" 3>&- 4>&-
	wait_until 10 has_note '^STOPPING=1'
	run ! has_note READY
}

@test "the children see nothing of the service manager" {
	sed -i "s|^bin-path.*|bin-path = $TEST_APPS/misbehave --default env|" "$CONFIG"
	local child
	export NOTIFY_SOCKET=/nowhere NOTIFY_FD=9 WATCHDOG_USEC=1000000
	start_herd --config "$CONFIG" 9>"$PLACE/nine"
	wait_until 10 test -s "$PLACE/nine"
	child=$(herd_children misbehave | head -n 1)
	run ! grep -zE 'NOTIFY|WATCHDOG|LISTEN_' "/proc/$child/environ"
	run ! ls "/proc/$child/fd/9"
	run ! ls "/proc/$(herd_children fcgi-mux)/fd/9"
}

@test "variables that make no sense are told, and the work is done" {
	NOTIFY_SOCKET=nowhere start_herd --config "$CONFIG"
	wait_until 10 serves
	grep 'cannot tell the service manager anything: Invalid argument' "$HERD_LOG"
}

# activate ADDR PROGRAM ...: systemd's own tool passes a socket on the first connection.
activate() {
	supervise systemd-socket-activate -l "$1" "${@:2}"
	HERD_PID=$SUPERVISOR # it executes the program
}

@test "socket activation: the passed socket is the front, and stays" {
	requires systemd-socket-activate
	activate "$FRONT" "$FCGI_HERD" -n --config "$CONFIG"
	wait_socket "$FRONT"
	wait_until 10 serves
	wait_until 10 grep -q ready "$HERD_LOG"
	herd_has_children misbehave 2
	stop_herd
	[ -S "$FRONT" ]
}

@test "socket activation: without a mux, and in the background" {
	requires systemd-socket-activate
	echo 'balance = shared' >>"$CONFIG"
	supervise systemd-socket-activate -l "$FRONT" "$FCGI_HERD" --config "$CONFIG" -P "$PLACE/pid"
	wait_socket "$FRONT"
	wait_until 10 serves
	adopt "$(cat "$PLACE/pid")"
	herd_has_children misbehave 2
	serves
}

@test "socket activation: a port" {
	requires systemd-socket-activate
	local port
	port=$(free_port)
	sed -i "s|^listen = .*|listen = 127.0.0.1:$port|" "$CONFIG"
	activate "127.0.0.1:$port" "$FCGI_HERD" -n --config "$CONFIG"
	FRONT=127.0.0.1:$port
	wait_until 10 serves
}

@test "socket activation: fcgi-mux alone" {
	requires systemd-socket-activate
	start_herd --config "$CONFIG"
	wait_socket "$FRONT"
	supervise systemd-socket-activate -l "$PLACE/mux.sock" \
		"$FCGI_MUX" --listen "$PLACE/mux.sock" --server "$FRONT"
	wait_until 10 test -S "$PLACE/mux.sock"
	FRONT=$PLACE/mux.sock
	wait_until 10 serves
}

@test "socket activation: a socket that no listen names is a mistake, and nothing is started" {
	requires systemd-socket-activate
	activate "$PLACE/other.sock" "$FCGI_HERD" -n --config "$CONFIG"
	wait_until 10 test -S "$PLACE/other.sock"
	run ! fcgi_client "$PLACE/other.sock"
	wait_pids_gone 10 "$HERD_PID"
	grep -F "not among the listen addresses: $PLACE/other.sock" "$HERD_LOG"
	[ ! -e "$FRONT" ]
}

## systemd

# The units with the programs that there are here.
units() {
	mkdir "$PLACE/units"
	cp "$TOP"/contrib/systemd/* "$PLACE/units"
	sed -i "s|/usr/sbin/|$PLACE/bin/|" "$PLACE"/units/*.service
}

@test "systemd-analyze verify finds nothing in the units" {
	requires systemd-analyze
	units
	for unit in fcgi-herd.service fcgi-herd@blog.service fcgi-mux.service fcgi-herd.socket \
		fcgi-mux.socket; do
		run systemd-analyze verify --man=no "$PLACE/units/$unit"
		grep -F "$PLACE/units" <<<"$output" && false
		[ "$status" -eq 0 ]
	done
}

# From 0 to 10; most services of a distribution have 9 and more.
@test "systemd-analyze security: the units expose little" {
	requires systemd-analyze
	systemd-analyze security --help | grep -q -- --offline || skip "needs a newer systemd-analyze"
	units
	systemd-analyze security --offline=yes --threshold=55 "$PLACE/units/fcgi-herd.service"
	systemd-analyze security --offline=yes --threshold=20 "$PLACE/units/fcgi-herd@.service"
	systemd-analyze security --offline=yes --threshold=20 "$PLACE/units/fcgi-mux.service"
}

## The init script

# The script as it would be installed, for the files of this test.
install_script() { # LINE OF SETTINGS ...
	printf '%s\n' "CONFIG=$CONFIG" "PIDFILE=$PLACE/herd.pid" "SPAWN_PHP=$PLACE/spawn-php" \
		"PATH=$PATH" "$@" >"$PLACE/default"
	sed "s|/etc/default/fcgi-herd$|$PLACE/default|" "$TOP/contrib/init.d/fcgi-herd" >"$PLACE/init"
	chmod 755 "$PLACE/init"
}

init() { "$PLACE/init" "$@" 3>&- 4>&-; }

start_script() {
	run -0 init start
	adopt "$(cat "$PLACE/herd.pid")"
	wait_until 10 serves
}

@test "init script: start, status, stop" {
	install_script
	run -3 init status
	start_script
	run -0 init status
	[[ $output == *"process $HERD_PID"* ]]
	run -0 init start
	[[ $output == *"running already"* ]]
	[ "$(cat "$PLACE/herd.pid")" = "$HERD_PID" ]
	run -0 init stop
	is_gone "$HERD_PID"
	[ ! -e "$FRONT" ]
	run -3 init status
	run -0 init stop
}

@test "init script: a pid that went to somebody else is not ours" {
	install_script
	sleep 60 3>&- 4>&- &
	STARTED+=("$!")
	echo "$!" >"$PLACE/herd.pid"
	run -1 init status
	run -0 init stop
	kill -0 "$!"
	echo "$!" >"$PLACE/herd.pid"
	start_script
	kill -0 "${STARTED[0]}"
}

@test "init script: reload sends SIGHUP, restart replaces; neither with a mistake in the file" {
	install_script
	run -7 init reload
	start_script
	run -0 init reload
	serves
	[ "$(cat "$PLACE/herd.pid")" = "$HERD_PID" ]
	run -0 init restart
	is_gone "$HERD_PID"
	adopt "$(cat "$PLACE/herd.pid")"
	wait_until 10 serves
	echo 'no-such-key = 1' >>"$CONFIG"
	run ! init restart
	[[ $output == *no-such-key* ]]
	run ! init reload
	[[ $output == *no-such-key* ]]
	serves
	run -0 init try-restart || :
	[ "$(cat "$PLACE/herd.pid")" = "$HERD_PID" ]
}

@test "init script: try-restart starts nothing" {
	install_script
	run -0 init try-restart
	[ ! -e "$PLACE/herd.pid" ]
}

@test "init script: a request that runs is finished by stop" {
	install_script
	start_script
	fcgi_client --param QUERY_STRING='sleep=1000&say=finished' "$FRONT" >"$PLACE/answer" 3>&- 4>&- &
	local client=$!
	STARTED+=("$client")
	wait_until 10 is_connected
	run -0 init stop
	wait "$client"
	grep finished "$PLACE/answer"
}
is_connected() { [ "$(ss -xH state established src "$FRONT" | wc -l)" -ge 1 ]; }

@test "init script: what does not stop in time is killed" {
	install_script STOP_SECONDS=1
	sed -i "s|^bin-path.*|bin-path = /bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'|" "$CONFIG"
	echo 'shutdown-timeout = 1h' >>"$CONFIG"
	run -0 init start
	adopt "$(cat "$PLACE/herd.pid")"
	run -0 init stop
	# SIGKILL is not waited for.
	wait_until 5 is_gone "$HERD_PID"
}

@test "init script: nothing configured is no failure, a wrong start is one" {
	install_script "CONFIG=$PLACE/absent"
	run -0 init start
	[[ $output == *"not configured"* ]]
	install_script
	sed -i 's|^bin-path.*|bin-path = /bin/false|' "$CONFIG"
	run ! init start
	run ! init
	run -2 init no-such-action
}

@test "init script: spawn-php.sh with its settings" {
	requires php-cgi
	printf '%s\n' '<?php echo "hello ", getenv("PHP_FCGI_MAX_REQUESTS");' >"$PLACE/hello.php"
	install_script "CONFIG=$PLACE/absent" "SPAWN_PHP_SH=$TOP/spawn-php.sh"
	printf '%s\n' "SPAWNFCGI=$FCGI_HERD" "FCGISOCKET=$FRONT" MAX_PROCS=2 PHP_FCGI_MAX_REQUESTS=77 \
		"PIDFILE=$PLACE/php.pid" >"$PLACE/spawn-php"
	run -0 init start
	adopt "$(cat "$PLACE/php.pid")"
	wait_until 10 serves_php
	run -3 init reload
	run -0 init force-reload
	is_gone "$HERD_PID"
	adopt "$(cat "$PLACE/php.pid")"
	wait_until 10 serves_php
	run -0 init stop
	is_gone "$HERD_PID"
	run -3 init status
}
serves_php() {
	fcgi_client --param SCRIPT_FILENAME="$PLACE/hello.php" --param REDIRECT_STATUS=200 "$FRONT" \
		2>/dev/null | grep -q 'hello 77'
}

@test "init script: LSB headers, and what Debian's policy wants" {
	for header in Provides Required-Start Required-Stop Default-Start Default-Stop \
		Short-Description; do
		grep -q "^# $header:" "$TOP/contrib/init.d/fcgi-herd"
	done
	install_script DAEMON=no-such-program
	run -0 init start
	[ -z "$output" ]
	sh -n "$TOP/contrib/fcgi-herd.default"
}

## Supervisors

@test "runit: up, ready, reload, restart, and down for good after a mistake" {
	requires runsv sv
	cp -r "$TOP/contrib/runit/fcgi-herd" "$PLACE/service"
	rm -r "$PLACE/service/log"
	# A herd that is killed leaves the directory behind that it would make for these.
	echo "socket = $PLACE/child" >>"$CONFIG"
	supervise runsv "$PLACE/service"
	# Before runsv has begun "sv check" is content with "down".
	wait_until 10 test -s "$PLACE/service/supervise/ready"
	sv check "$PLACE/service"
	serves
	find_herd "$SUPERVISOR"
	sv hup "$PLACE/service"
	wait_until 10 grep -q SIGHUP "$HERD_LOG"
	serves
	local before=$HERD_PID
	sv restart "$PLACE/service"
	# sv counts in seconds, and takes the old process for the new one in the same.
	wait_until 10 has_new_herd "$SUPERVISOR" "$before"
	wait_until 10 serves
	kill -KILL "$HERD_PID"
	wait_until 10 has_new_herd "$SUPERVISOR" "$HERD_PID"
	wait_until 10 serves
	echo 'no-such-key = 1' >>"$CONFIG"
	sv term "$PLACE/service"
	wait_until 10 grep -q no-such-key "$HERD_LOG"
	wait_until 10 is_down_for_good
	sv -w 10 exit "$PLACE/service"
	wait_pids_gone 10 "$SUPERVISOR"
}
is_down_for_good() { sv status "$PLACE/service" | grep '^down: ' | grep -qv 'want up'; }

@test "runit: the log" {
	requires runsv sv svlogd
	cp -r "$TOP/contrib/runit/fcgi-herd" "$PLACE/service"
	LOG=$PLACE/log supervise runsv "$PLACE/service"
	wait_until 10 sv check "$PLACE/service"
	wait_until 10 grep -q ready "$PLACE/log/current"
	sv -w 10 exit "$PLACE/service"
	wait_pids_gone 10 "$SUPERVISOR"
}

@test "s6: ready by notification-fd, reload, restart, and down for good after a mistake" {
	requires s6-supervise s6-svc s6-svwait s6-svstat
	cp -r "$TOP/contrib/s6/fcgi-herd" "$PLACE/service"
	supervise s6-supervise "$PLACE/service"
	wait_until 10 test -e "$PLACE/service/supervise/control"
	s6-svwait -U -t 10000 "$PLACE/service"
	serves
	find_herd "$SUPERVISOR"
	s6-svc -h "$PLACE/service"
	wait_until 10 grep -q SIGHUP "$HERD_LOG"
	local before=$HERD_PID
	s6-svc -wR -T 10000 -r "$PLACE/service"
	serves
	has_new_herd "$SUPERVISOR" "$before"
	echo 'no-such-key = 1' >>"$CONFIG"
	s6-svc -t "$PLACE/service"
	wait_until 10 grep -q no-such-key "$HERD_LOG"
	wait_until 10 is_down_for_s6
	s6-svc -x "$PLACE/service"
	wait_pids_gone 10 "$SUPERVISOR"
}
is_down_for_s6() { [ "$(s6-svstat -o up,wantedup,exitcode "$PLACE/service")" = 'false false 78' ]; }

@test "OpenRC: the script is a shell's" {
	sh -n "$TOP/contrib/openrc/fcgi-herd"
}

## Process 1

# start_init COMMAND ...: as process 1 of a namespace, as in a container.
start_init() {
	requires unshare nsenter
	local own=()
	is_root || own=(--user --map-current-user)
	unshare "${own[@]}" --pid --fork --mount --mount-proc true 2>/dev/null ||
		skip "needs namespaces"
	supervise unshare "${own[@]}" --pid --fork --kill-child --mount --mount-proc "$@"
	wait_until 10 serves
	HERD_PID=$(pgrep -P "$SUPERVISOR")
}

# Ends process 1, whose status unshare has.
stop_init() {
	kill -TERM "$HERD_PID"
	wait_pids_gone 20 "$SUPERVISOR"
	wait "$SUPERVISOR"
}

@test "process 1: serves, and ends with 0 on SIGTERM when the running request is finished" {
	start_init "$FCGI_HERD" -n --config "$CONFIG"
	fcgi_client --param QUERY_STRING='sleep=1000&say=finished' "$FRONT" >"$PLACE/answer" 3>&- 4>&- &
	local client=$!
	STARTED+=("$client")
	wait_until 10 is_connected
	stop_init
	wait "$client"
	grep finished "$PLACE/answer"
	[ ! -e "$FRONT" ]
}

@test "process 1: reaps strangers" {
	requires root
	start_init "$FCGI_HERD" -n --config "$CONFIG"
	# Two that lose their parent at once, and end then.
	nsenter -t "$HERD_PID" -p -m sh -c '(sleep 0.3 & sleep 0.4 &)' 3>&- 4>&-
	wait_until 10 has_adopted
	wait_until 10 has_no_stranger
	serves
	stop_init
}
has_adopted() { pgrep -P "$HERD_PID" -x sleep >/dev/null; }
has_no_stranger() {
	pgrep -P "$HERD_PID" | xargs ps -o comm= -p >"$PLACE/comms"
	run ! grep -v -e misbehave -e fcgi-mux "$PLACE/comms"
}
