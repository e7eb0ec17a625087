#!/usr/bin/env bats
# The container of contrib, in all that its last stage says. Its first stage: make check-container.

bats_require_minimum_version 1.5.0
load helpers
load front
load container

setup() {
	requires root unshare nsenter setpriv chroot ldd perl
	[ -z "${SANITIZED-}" ] || skip "its fcgi-mux is a shell script"
	unshare --pid --fork --mount --mount-proc true 2>/dev/null || skip "needs namespaces"
	make_place
}

# With a program that does as it is asked, behind a front that says more.
start_misbehaving() {
	make_root "$PLACE/bin/misbehave"
	sed -i 's|showenv|misbehave|; s|^kill-signal|;&|; 1i log-level = debug' "$ROOT/etc/fcgi-herd.ini"
	start_container
}

@test "container: there is nothing in it but programs and their libraries" {
	make_root "$PLACE/bin/showenv"
	[ ! -e "$ROOT/bin/sh" ]
	[ "$(ls "$ROOT/usr/sbin")" = $'fcgi-herd\nfcgi-mux\nshowenv' ]
	[ -z "$(find "$ROOT" -type f \( -perm /6022 -o -uid 65534 \))" ]
}

@test "container: it serves, as process 1, without root or a capability, and is healthy" {
	make_root "$PLACE/bin/showenv"
	start_container
	[[ $(fcgi_client "$FRONT") == *'<title>showenv</title>'* ]]
	is_healthy
	local pid
	for pid in "$HERD_PID" $(descendants "$HERD_PID"); do
		[ "$(awk '/^Uid:/ { print $2, $3, $4 }' "/proc/$pid/status")" = '65534 65534 65534' ]
		[ "$(awk '/^Cap(Prm|Eff):/ && $2 !~ /^0+$/' "/proc/$pid/status")" = '' ]
		grep -x $'NoNewPrivs:\t1' "/proc/$pid/status"
	done
	[ "$(awk '/^NSpid:/ { print $NF }' "/proc/$HERD_PID/status")" = 1 ]
	in_container /usr/sbin/fcgi-herd --status /run/fcgi/front.sock | grep 'all is well'
	stop_container
	[ ! -e "$FRONT" ]
}

@test "container: its root directory cannot be written to" {
	start_misbehaving
	run ! nsenter -t "$HERD_PID" -m touch "$ROOT/etc/more"
	nsenter -t "$HERD_PID" -m touch "$ROOT/tmp/more" "$ROOT/run/fcgi/more"
	stop_container
}

@test "container: it is not healthy when its processes are stuck" {
	start_misbehaving
	kill -STOP "$(pid_in_namespace fcgi-mux)"
	local check
	mapfile -t check < <(exec_form 'HEALTHCHECK.*CMD')
	run ! timeout 1 nsenter -t "$HERD_PID" -p -m -r "${check[@]}"
	kill -CONT "$(pid_in_namespace fcgi-mux)"
	wait_until 5 is_healthy
	stop_container
	run ! is_healthy
}
pid_in_namespace() { pgrep -P "$HERD_PID" -x "$1"; }

@test "container: a child that dies is started again, and strangers are reaped" {
	start_misbehaving
	kill -KILL "$(pid_in_namespace misbehave | head -n 1)"
	wait_until 10 has_misbehaving 4
	# Two that lose their parent at once, and end then.
	nsenter -t "$HERD_PID" -p sh -c '(sleep 0.2 & sleep 0.3 &)' 3>&- 4>&-
	wait_until 10 has_no_stranger
	stop_container
}
has_misbehaving() { [ "$(pid_in_namespace misbehave | wc -l)" -eq "$1" ]; }
has_no_stranger() { ! pgrep -P "$HERD_PID" | xargs ps -o comm= -p | grep -v -e misbehave -e fcgi-mux; }

@test "container: STOPSIGNAL lets running and waiting requests finish, and ends with 0" {
	local n
	start_misbehaving
	for n in 1 2 3 4 5 6; do hold $n 700; done
	wait_until 10 statistic_is 'listen queue' 2
	stop_container
	for n in 1 2 3 4 5 6; do check_held $n; done
}

@test "container: HUP takes up a changed configuration, and no request is lost" {
	# shellcheck disable=SC2034 # for begin_load
	REQUESTS=5000
	[ -x "$PLACE/bin/fcgi-load" ] || skip "needs fcgi-load"
	make_root "$PLACE/bin/bench-app"
	sed -i 's|showenv|bench-app|; s|^kill-signal|;&|; /^access-log/d' "$ROOT/etc/fcgi-herd.ini"
	start_container
	begin_load
	# A file of the root directory, which is read-only inside.
	sed -i 's|^bin-path.*|&\nmax-procs = 2|' "$ROOT/etc/fcgi-herd.ini"
	kill -HUP "$HERD_PID"
	wait_until 20 has_log 'reload: done'
	check_load
	[ "$(pid_in_namespace bench-app | wc -l)" -eq 2 ]
	stop_container
}
