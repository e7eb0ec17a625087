#!/usr/bin/env bats
# Who the processes are and what they may, as they see it themselves.

load helpers

setup() {
	make_place
	FRONT=$PLACE/front.sock
}

# config LINE ...: a section [app] of one child that has the front itself, and these lines.
config() {
	printf '%s\n' "[app]" "listen = $FRONT" "listen-mode = 0666" "balance = shared" \
		"max-procs = 1" "$@" >"$PLACE/herd.ini"
}

# start [COMMAND ...]: the supervisor with this configuration, run by COMMAND, until it is ready.
start() {
	"$@" "$FCGI_HERD" -n --config "$PLACE/herd.ini" >>"$HERD_LOG" 2>&1 3>&- 4>&- &
	HERD_PID=$!
	STARTED+=("$HERD_PID")
	wait_until 15 is_ready_or_gone
	grep -q ': ready$' "$HERD_LOG" || { cat "$HERD_LOG" >&2 && return 1; }
}
is_ready_or_gone() { grep -q ': ready$' "$HERD_LOG" || is_gone "$HERD_PID"; }

# What the child says of itself, without the head of the answer, to $SEEN.
ask() {
	SEEN=$(fcgi_client --query proc "$FRONT" | tr '\t' ' ')
	[ -n "$SEEN" ]
}

sees() { grep -qxE -- "$1" <<<"$SEEN" || { echo "no \"$1\" in: $SEEN" >&2 && return 1; }; }

# The four equal numbers of an Uid or Gid line.
four() { echo "$1 $1 $1 $1"; }

# A user with more groups than one, where there is any.
sociable_user() {
	local user uid
	while IFS=: read -r user _ uid _; do
		[ "$uid" -eq 0 ] || [ "$(id -g "$user")" -eq 0 ] || [ "$(id -G "$user" | wc -w)" -lt 2 ] ||
			{ echo "$user" && return; }
	done < <(getent passwd)
	echo www-data
}

# has_nothing: no capability in any set, and none to come.
has_nothing() {
	sees "CapInh: 0+"
	sees "CapPrm: 0+"
	sees "CapEff: 0+"
	sees "CapBnd: 0+"
	sees "CapAmb: 0+"
	sees "NoNewPrivs: 1"
}

# status_of PID: the same of another process.
status_of() { SEEN=$(tr -s '\t' ' ' <"/proc/$1/status"); }

@test "a child has the ids and groups of its user, no capabilities, and no way to gain any" {
	requires root
	local user
	user=$(sociable_user)
	config "bin-path = $TEST_APPS/misbehave" "user = $user"
	start
	ask
	sees "Uid: $(four "$(id -u "$user")")"
	sees "Gid: $(four "$(id -g "$user")")"
	[ "$(sed -n 's/^groups //p' <<<"$SEEN" | tr ' ' '\n' | sort)" = "$(id -G "$user" | tr ' ' '\n' | sort)" ]
	has_nothing
	stop_herd
}

@test "group replaces the primary group" {
	requires root
	config "bin-path = $TEST_APPS/misbehave" "user = www-data" "group = mail"
	start
	ask
	sees "Uid: $(four "$(id -u www-data)")"
	sees "Gid: $(four 8)"
	has_nothing
	stop_herd
}

@test "a child that is started again is dropped in the same way" {
	requires root
	config "bin-path = $TEST_APPS/misbehave" "user = www-data"
	start
	local pid
	pid=$(herd_children misbehave)
	kill -KILL "$pid"
	wait_until 10 is_replaced "$pid"
	ask
	sees "Uid: $(four "$(id -u www-data)")"
	has_nothing
	stop_herd
}

is_replaced() { [ -n "$(herd_children misbehave)" ] && [ "$(herd_children misbehave)" != "$1" ]; }

@test "the supervisor keeps what it needs for its children, and nothing else" {
	requires root setpriv
	config "bin-path = $TEST_APPS/misbehave" "user = www-data"
	start
	status_of "$HERD_PID"
	# chown 0, dac_override 1, fowner 3, kill 5, setgid 6, setuid 7, setpcap 8
	local mask
	mask=$(printf '%016x' $((1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8)))
	sees "CapEff: $mask"
	sees "CapPrm: $mask"
	sees "CapBnd: $mask"
	sees "CapInh: 0+"
	stop_herd
}

# The path of the socket that a process has as descriptor 0.
socket_of() {
	awk -v inode="$(readlink "/proc/$1/fd/0" | tr -cd 0-9)" '$7 == inode { print $8 }' /proc/net/unix
}

@test "fcgi-mux is somebody else without capabilities, and alone gets at the children's sockets" {
	requires root
	config "bin-path = $TEST_APPS/misbehave" "user = www-data"
	sed -i 's/shared/least-load/' "$PLACE/herd.ini"
	start
	local mux socket
	mux=$(herd_children fcgi-mux)
	status_of "$mux"
	sees "Uid: $(four "$(id -u nobody)")"
	sees "Gid: $(four "$(id -g nobody)")"
	sees "Groups: $(id -g nobody) ?"
	has_nothing
	socket=$(socket_of "$(herd_children misbehave)")
	[ "${socket##*/}" = app-0 ]
	[ "$(stat -c '%U:%G %a' "${socket%/*}")" = "root:$(id -gn nobody) 710" ]
	[ "$(stat -c '%U %a' "$socket")" = "nobody 600" ]
	ask
	sees "Uid: $(four "$(id -u www-data)")"
	has_nothing
	stop_herd
	[ ! -e "${socket%/*}" ]
}

@test "started by another user than root, everything stays that user" {
	local as=() uid
	uid=$(id -u)
	if is_root; then
		requires setpriv
		as=(setpriv --reuid 2 --regid 2 --clear-groups)
		uid=2
	fi
	chmod 1777 "$PLACE"
	config "bin-path = $TEST_APPS/misbehave"
	start "${as[@]}"
	ask
	sees "Uid: $(four "$uid")"
	sees "CapEff: 0+"
	sees "CapPrm: 0+"
	sees "NoNewPrivs: 1"
	stop_herd
}

@test "chroot: a static program sees its own files only, and comes back there" {
	requires root
	mkdir -p "$PLACE/root/bin"
	cp "$TEST_APPS/static-showproc" "$PLACE/root/bin/"
	config "bin-path = /bin/static-showproc" "user = www-data" "chroot = $PLACE/root"
	start
	local round pid
	for round in 1 2; do
		SEEN=$(fcgi_client "$FRONT")
		sees "uid $(id -u www-data) $(id -u www-data)"
		sees "gid $(id -g www-data) $(id -g www-data)"
		sees "cwd /"
		sees "passwd hidden"
		sees "proc hidden"
		sees "ls / bin"
		pid=$(herd_children static-showproc)
		[ "$(tr -s '\t' ' ' <"/proc/$pid/status" | grep '^CapBnd')" = "CapBnd: 0000000000000000" ]
		[ "$round" -eq 2 ] || kill -KILL "$pid"
		wait_until 10 herd_has_children static-showproc 1
	done
	stop_herd
}

@test "-c: the socket lies inside the chroot; with -S outside" {
	requires root
	mkdir -p "$PLACE/root/bin" "$PLACE/root/run"
	cp "$TEST_APPS/static-showproc" "$PLACE/root/bin/"
	start_herd -c "$PLACE/root" -u www-data -s /run/app.sock -- /bin/static-showproc
	wait_until 10 grep -q ': ready$' "$HERD_LOG"
	SEEN=$(fcgi_client "$PLACE/root/run/app.sock")
	sees "passwd hidden"
	stop_herd
	[ ! -e "$PLACE/root/run/app.sock" ]
	start_herd -S -c "$PLACE/root" -u www-data -s "$FRONT" -- /bin/static-showproc
	wait_socket "$FRONT"
	SEEN=$(fcgi_client "$FRONT")
	sees "passwd hidden"
	stop_herd
	[ ! -e "$FRONT" ]
}

@test "the whole environment is passed on, but for what is the supervisor's own" {
	config "bin-path = $TEST_APPS/misbehave" "bin-environment = SET=by us"
	export FROM_OUTSIDE="two words" SET=before LISTEN_FDS=0 LISTEN_FDNAMES=x NOTIFY_SOCKET=/nowhere
	start
	ask
	sees "env FROM_OUTSIDE=two words"
	sees "env SET=by us"
	[ "$(grep -cE '^env (LISTEN_|NOTIFY_)' <<<"$SEEN")" -eq 0 ]
	[ "$(grep -c '^env SET=' <<<"$SEEN")" -eq 1 ]
	stop_herd
}

@test "a cleaned environment holds what is copied and what is set, no more" {
	export FROM_OUTSIDE="two words" SECRET=1
	config "bin-path = $TEST_APPS/misbehave" "bin-copy-environment = FROM_OUTSIDE, NOT_THERE" \
		"bin-environment = SET=1" "bin-environment = PHP_FCGI_CHILDREN=3"
	start
	ask
	[ "$(grep '^env ' <<<"$SEEN" | sort)" = "$(printf 'env %s\n' 'FROM_OUTSIDE=two words' PHP_FCGI_CHILDREN=3 SET=1)" ]
	stop_herd
}

# Descriptors as the child sees them: 0 is a listening socket that waits, 1 and 2 the way to the log.
sees_three_descriptors() {
	ask
	sees 'fd 0 socket:\[[0-9]+\] blocking'
	sees 'fd 1 pipe:\[[0-9]+\] blocking'
	sees 'fd 2 pipe:\[[0-9]+\] blocking'
	[ "$(grep -c '^fd ' <<<"$SEEN")" -eq 3 ] || { echo "$SEEN" >&2 && return 1; }
}

@test "a child has the socket as descriptor 0, its output, and nothing else that we had open" {
	config "bin-path = $TEST_APPS/misbehave"
	exec 8</etc/passwd 9>"$PLACE/tmp/inherited"
	start
	sees_three_descriptors
	stop_herd
	sed -i 's/shared/least-load/; s/max-procs = 1/max-procs = 3/' "$PLACE/herd.ini"
	: >"$HERD_LOG"
	start
	sees_three_descriptors
	stop_herd
}

@test "a child leads a process group, with default signals, whatever we were started with" {
	config "bin-path = $TEST_APPS/misbehave"
	start bash -c 'trap "" HUP PIPE USR2 CHLD; exec "$@"' -
	ask
	sees "SigBlk: 0+"
	sees "SigIgn: 0+"
	[ "$(sed -n 's/^pgid //p' <<<"$SEEN")" = "$(sed -n 's/^pid //p' <<<"$SEEN")" ]
	stop_herd
}

@test "umask and directory are set" {
	config "bin-path = $TEST_APPS/misbehave" "umask = 027" "directory = $PLACE/www"
	start
	ask
	sees "Umask: 0027"
	sees "cwd $PLACE/www"
	stop_herd
}
