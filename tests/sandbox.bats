#!/usr/bin/env bats
# What somebody can do who has taken over fcgi-mux, or a child. The system calls one by one are in
# tests/unit/test_sandbox.c; here it is the programs themselves.

load helpers
load front

# seccomp_of PID: 2 where a filter is in force.
seccomp_of() { sed -n 's/^Seccomp:\t//p' "/proc/$1/status"; }

@test "fcgi-mux is in its sandbox, alone and under a supervisor, and says so" {
	[ -z "${SANITIZED-}" ] || skip "a sanitized build has none"
	start_front 1
	wait_until 10 has_log 'mux\[[0-9]+\]: sandbox: seccomp$'
	[ "$(seccomp_of "$(pid_of_mux)")" -eq 2 ]
	has_log 'mux\[[0-9]+\]: (warning: )?sandbox: Landlock'
	ask "" | grep -qx ok
	stop_herd
	start_server 1
	start_alone --server "$PLACE/server.1"
	[ "$(seccomp_of "$MUX_PID")" -eq 2 ]
	ask "" | grep -qx ok
}

@test "sandbox = disable leaves it out, and says so" {
	WHOLE='sandbox = disable' start_front 1
	wait_until 10 has_log 'mux\[[0-9]+\]: sandbox: disabled$'
	[ "$(seccomp_of "$(pid_of_mux)")" -eq 0 ]
	ask "" | grep -qx ok
	stop_herd
}

@test "a child is in no sandbox of fcgi-mux's" {
	start_front 1
	ask "" | grep -qx ok
	[ "$(seccomp_of "$(pid_of_child 0)")" -eq 0 ]
	stop_herd
}

# A request whose answer names this file.
ask_for() { ask "out=X-Sendfile:%20$1%0d%0a%0d%0a"; }

# What the log says of files is said only where the kernel has Landlock.
has_landlock() { has_log 'sandbox: Landlock, version'; }

@test "with x-sendfile-docroot fcgi-mux reads there and nowhere else, and otherwise says why not" {
	mkdir "$PLACE/www/files" "$PLACE/www/other"
	echo inside >"$PLACE/www/files/page"
	SECTION=$'allow-x-send-file = enable\nx-sendfile-docroot = '"$PLACE/www/files" start_front 1
	[ "$(ask_for "$PLACE/www/files/page" | body)" = inside ]
	[ "$(count_log 'all files may be read')" -eq 0 ]
	stop_herd
	: >"$HERD_LOG"
	SECTION='allow-x-send-file = enable' start_front 1
	ask "" | grep -qx ok
	has_landlock || skip "needs Landlock"
	has_log 'sandbox: Landlock.*all files may be read, as is needed for allow-x-send-file without'
	[ "$(ask_for "$PLACE/www/files/page" | body)" = inside ]
	stop_herd
	: >"$HERD_LOG"
	SECTION='extension = .php' start_front 1
	wait_until 10 has_log 'all files may be read, as is needed for check-local'
	stop_herd
}

@test "a directory that takes the place of x-sendfile-docroot is out of reach until a restart" {
	[ -z "${SANITIZED-}" ] || skip "a sanitized build has no sandbox"
	local above=$PLACE/www
	mkdir "$above/one" "$above/two"
	echo one >"$above/one/page"
	echo two >"$above/two/page"
	ln -s one "$above/now"
	SECTION=$'allow-x-send-file = enable\nx-sendfile-docroot = '"$above/now" start_front 1
	[ "$(ask_for "$above/now/page" | body)" = one ]
	has_landlock || skip "needs Landlock"
	ln -sfn two "$above/now"
	ask_for "$above/now/page" | grep -q '^Status: 403'
	stop_herd
	# What the manual advises.
	ln -sfn one "$above/now"
	SECTION=$'allow-x-send-file = enable\nx-sendfile-docroot = '"$above" start_front 1
	ln -sfn two "$above/now"
	[ "$(ask_for "$above/now/page" | body)" = two ]
	stop_herd
}

@test "a docroot that comes later is served" {
	SECTION=$'allow-x-send-file = enable\nx-sendfile-docroot = '"$PLACE/www/later" start_front 1
	ask_for "$PLACE/www/later/page" | grep -q '^Status: 404'
	mkdir "$PLACE/www/later"
	echo here >"$PLACE/www/later/page"
	[ "$(ask_for "$PLACE/www/later/page" | body)" = here ]
	stop_herd
}

@test "alone it opens its log again and removes its socket" {
	local as=() logs=$PLACE/tmp/logs
	mkdir -m 777 "$logs" "$PLACE/tmp/sockets"
	is_root && requires setpriv && as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	start_server 1
	FRONT=$PLACE/tmp/sockets/front.sock
	"${as[@]}" "$FCGI_MUX" --listen "$FRONT" --log "$logs/log" --server "$PLACE/server.1" 3>&- &
	MUX_PID=$!
	STARTED+=("$MUX_PID")
	wait_until 10 grep -q ': ready$' "$logs/log"
	mv "$logs/log" "$logs/old"
	kill -USR1 "$MUX_PID"
	wait_until 10 test -f "$logs/log"
	end_tree "$MUX_PID" TERM
	[ "$WAIT_STATUS" -eq 0 ]
	grep -q 'stopping' "$logs/log"
	[ ! -e "$FRONT" ]
}

# Nobody is at that port: what matters here is that asking does not end it.
@test "names are looked up inside, and with srv all ports are open, as the log says" {
	start_alone --resolver 127.0.0.1:1 --server app.example.test:9000
	wait_until 10 has_log 'cannot look up app.example.test: all name servers fail'
	[ "$(count_log 'all TCP ports')" -eq 0 ]
	end_tree "$MUX_PID" TERM
	[ "$WAIT_STATUS" -eq 0 ]
	start_alone --resolver '[::1]:1' --srv _app._tcp.example.test
	wait_until 10 has_log 'cannot look up _app._tcp.example.test: all name servers fail'
	! has_landlock || has_log 'all TCP ports may be connected to, as is needed for srv'
	end_tree "$MUX_PID" TERM
	[ "$WAIT_STATUS" -eq 0 ]
}

@test "the status page shows the memory of children, which is in /proc" {
	start_front 1
	ask "" | grep -qx ok
	"$FCGI_MUX" --get "$FRONT" "/status?json&full" | grep -qE '"memory": *[1-9]'
	stop_herd
}

# intruders LINE ...: two of them behind a front that is root's.
intruders() {
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = debug
		$(printf '%s\n' "$@")
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/intruder
		max-procs = 2
	INI
	)"
	wait_until 15 has_log ': ready$'
}

# intrude: a child tries all that it can; what came of it goes to $SEEN.
intrude() {
	local socket
	socket=$(awk -v inode="$(readlink "/proc/$(pid_of_child 1)/fd/0" | tr -cd 0-9)" \
		'$7 == inode { print $8 }' /proc/net/unix)
	SEEN=$(fcgi_client --param "SUPERVISOR=$HERD_PID" --param "MUX=$(pid_of_mux)" \
		--param "SOCKETS=${socket%/*}" --param "SIBLING=$socket" --param "FRONT=$FRONT" "$FRONT")
	SOCKET=$socket
}

# All that there is in SEEN and is not refused.
not_refused() {
	grep ': ' <<<"$SEEN" | grep -viE ': (Operation not permitted|Permission denied)$' |
		grep -viE '^(Status|Content-type):'
}

@test "a child that was taken over cannot touch the supervisor, fcgi-mux, or its siblings' sockets" {
	requires root
	intruders "user = www-data"
	intrude
	[ "$(grep -c ': ' <<<"$SEEN")" -ge 20 ]
	[ "$(not_refused)" = "" ]
	# Nothing of it is gone either.
	[ -S "$SOCKET" ]
	[ -S "$FRONT" ]
	fcgi_client "$FRONT" | grep -q '^become root: Operation not permitted'
	stop_herd
}

@test "the test can fail: a child that stays root gets in everywhere" {
	requires root
	intruders
	intrude
	[ "$(not_refused | wc -l)" -ge 10 ]
	[ ! -e "$FRONT" ]
	# It is traced now, and takes no other signal.
	kill -KILL "$HERD_PID"
	wait_pids_gone 10 "$HERD_PID"
	rm -rf "${SOCKET%/*}"
}

# A supervisor whose fcgi-mux is hostile-mux, with two sections: one of two
# children, and one of a child that has the front to itself. STRANGER is a process of nobody's.
hostile_mux() {
	mkdir "$PLACE/bin/hostile"
	cp "$FCGI_HERD" "$PLACE/bin/hostile/fcgi-herd"
	cp "$TEST_APPS/hostile-mux" "$PLACE/bin/hostile/fcgi-mux"
	sleep 1000 3>&- &
	STRANGER=$!
	STARTED+=("$STRANGER")
	FCGI_HERD=$PLACE/bin/hostile/fcgi-herd
	FRONT=$PLACE/own.sock
	TZ="$STRANGER,-$STRANGER,$$,$BASHPID" start_herd --config "$(place_file herd.ini <<-INI
		log-level = info
		$(as_root "user = $(server_user)")
		[app]
		listen = $PLACE/front.sock
		bin-path = $TEST_APPS/misbehave
		max-procs = 2
		[own]
		listen = $FRONT
		balance = shared
		bin-path = $TEST_APPS/misbehave
		max-procs = 1
	INI
	)"
	wait_until 15 has_log ': ready$'
}

@test "a hostile fcgi-mux moves the supervisor to nothing, whatever it says" {
	hostile_mux
	local children
	children=$(herd_children misbehave)
	[ "$(wc -l <<<"$children")" -eq 3 ]
	# While it goes on the supervisor does its work.
	[ "$(ask "" | body)" = ok ]
	wait_until 30 has_log 'mux\[[0-9]+\]: done$'
	[ "$(herd_children misbehave)" = "$children" ]
	! is_gone "$STRANGER"
	! is_gone "$HERD_PID"
	[ "$(count_log 'app\.[01]: (killed|exited|draining|stuck)|own\.0: (killed|exited)')" -eq 0 ]
	# 50 a second of each kind of line.
	[ "$(count_log 'mux: ')" -le 2000 ]
	local descriptors
	descriptors=$(find "/proc/$HERD_PID/fd" -mindepth 1 | wc -l)
	[ "$descriptors" -le 40 ]
	stop_herd
}
