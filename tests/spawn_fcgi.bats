#!/usr/bin/env bats
# The command line of spawn-fcgi, row by row, beside the original where it is there.

load helpers

setup() {
	make_place
	SOCKET=$PLACE/front.sock
	# The program runs as somebody else, where we can do that.
	AS_SERVER=()
	! is_root || AS_SERVER=(-u "$(server_user)" -g "$(server_user)")
	# Whoever the program runs as can write what it sees.
	SEEN=$PLACE/tmp/seen
	place_file show >/dev/null <<-'SH'
		#!/bin/sh
		# show FILE [ARGUMENT ...]: writes what it was started with, and stays.
		out=$1.part
		{
			for argument; do echo "argument $argument"; done
			echo "directory $(pwd)"
			echo "descriptor 0 $(readlink /proc/$$/fd/0 | tr -d '0-9')"
			env | grep -E '^(PHP_FCGI_CHILDREN|FROM_OUTSIDE)='
			sed -n 's/^Uid:/uid/p; s/^Gid:/gid/p; s/^Groups:/groups/p' /proc/$$/status | tr '\t' ' '
		} >"$out"
		mv "$out" "$1"
		exec sleep 1000
	SH
	chmod 755 "$PLACE/show"
	export FROM_OUTSIDE=1
}

# herd ARGUMENT ...: as a user of spawn-fcgi starts it. Sets status, output, and SUPERVISOR.
herd() {
	run timeout 30 "$FCGI_HERD" -P "$PLACE/pid" "$@"
	[ "$status" -ne 0 ] || {
		SUPERVISOR=$(cat "$PLACE/pid")
		adopt "$SUPERVISOR"
	}
}

stop() {
	kill "$SUPERVISOR"
	wait_pids_gone 10 "$SUPERVISOR"
}

# original ARGUMENT ...: the real one. Sets status and output.
original() {
	local pid
	run spawn-fcgi "$@"
	while read -r pid; do adopt "$pid"; done < <(sed -n 's/.*PID: //p' <<<"$output")
}

# The four equal numbers of an Uid or Gid line.
four() { echo "$1 $1 $1 $1"; }

refute() { ! "$@"; }

has_original() { [ -x /usr/bin/spawn-fcgi ]; }

seen() { grep -qxF -- "$1" "$SEEN"; }

# fails_with_255 TEXT ARGUMENT ...: refused, in these words, and nothing is left.
fails_with_255() {
	run timeout 30 "$FCGI_HERD" "${@:2}"
	[ "$status" -eq 255 ] || { echo "status $status: $output" >&2 && return 1; }
	[[ $output == *"$1"* ]] || { echo "output: $output" >&2 && return 1; }
	[ ! -e "$SOCKET" ]
}

@test "nothing at all: help, and failure" {
	run "$FCGI_HERD"
	[ "$status" -eq 255 ]
	[[ $output == *"-f"*"-s"* ]]
}

@test "-h and -?: help; -v: one line" {
	run "$FCGI_HERD" -h
	[ "$status" -eq 0 ]
	[[ $output == *"-f"*"-s"* ]]
	run "$FCGI_HERD" '-?'
	[ "$status" -eq 0 ]
	run "$FCGI_HERD" -v
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == fcgi-herd* ]]
}

@test "an unknown option fails" {
	fails_with_255 "unknown option" -z -s "$SOCKET" -- "$PLACE/show" "$SEEN"
}

@test "no application; no place to listen; two of them; a path too long" {
	local long
	long=$(printf '/tmp/%0103d' 0)
	fails_with_255 "no application" -s "$SOCKET"
	fails_with_255 "listen" -- "$PLACE/show" "$SEEN"
	fails_with_255 "exclude each other" -s "$SOCKET" -p "$(free_port)" -- "$PLACE/show" "$SEEN"
	fails_with_255 "107" -s "$long" -- "$PLACE/show" "$SEEN"
	[ ! -e "$SEEN" ]
}

@test "-- application: executed directly, its arguments as they are" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN" 'two words' "\$HOME" -n
	[ "$status" -eq 0 ]
	wait_until 5 test -e "$SEEN"
	seen "argument two words"
	seen "argument \$HOME"
	seen "argument -n"
	seen "descriptor 0 socket:[]"
	seen "FROM_OUTSIDE=1"
	stop
}

@test "-f: a shell's command line, ignored where an application follows" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -f "$PLACE/show $SEEN 'two words' \$FROM_OUTSIDE"
	[ "$status" -eq 0 ]
	wait_until 5 test -e "$SEEN"
	seen "argument two words"
	seen "argument 1"
	stop
	herd -s "$SOCKET" "${AS_SERVER[@]}" -f "false" -- "$PLACE/show" "$SEEN.2"
	[ "$status" -eq 0 ]
	stop
}

@test "the child's pid is printed, and the same child is seen as with the original" {
	requires spawn-fcgi
	herd -s "$SOCKET" "${AS_SERVER[@]}" -C 5 -d "$PLACE/tmp" -- "$PLACE/show" "$SEEN" a 'b c'
	[ "$status" -eq 0 ]
	[[ $output =~ fcgi-herd:\ child\ spawned\ successfully:\ PID:\ ([0-9]+) ]]
	[ "$(pgrep -P "$SUPERVISOR")" = "${BASH_REMATCH[1]}" ]
	wait_until 5 test -e "$SEEN"
	stop
	mv "$SEEN" "$PLACE/ours"
	original -s "$SOCKET.2" "${AS_SERVER[@]}" -C 5 -d "$PLACE/tmp" -- "$PLACE/show" "$SEEN" a 'b c'
	[[ $output =~ spawn-fcgi:\ child\ spawned\ successfully:\ PID:\ ([0-9]+) ]]
	wait_until 5 test -e "$SEEN"
	diff "$PLACE/ours" "$SEEN"
}

# same_end STATUS MESSAGE ARGUMENT ...: a program that ends at once, ours and the original's.
same_end() {
	herd -s "$SOCKET" "${AS_SERVER[@]}" "${@:3}"
	[ "$status" -eq "$1" ] || { echo "status $status: $output" >&2 && return 1; }
	[[ $output == *"fcgi-herd: $2"* ]] || { echo "output: $output" >&2 && return 1; }
	[ ! -e "$SOCKET" ]
	[ ! -e "$PLACE/pid" ]
	has_original || return 0
	original -s "$SOCKET.2" "${AS_SERVER[@]}" "${@:3}"
	rm -f "$SOCKET.2"
	[ "$status" -eq "$1" ]
	[[ $output == *"spawn-fcgi: $2"* ]]
}

@test "a child that ends at once: its status, 1 for a signal, errno where exec failed" {
	printf '#!/nonexistent/interpreter\n' >"$PLACE/orphan"
	printf 'no program\n' >"$PLACE/text"
	chmod 755 "$PLACE/orphan"
	same_end 3 "child exited with: 3" -- /bin/sh -c 'exit 3'
	same_end 1 "child signaled: 9" -- /bin/sh -c 'kill -9 $$'
	same_end 2 "child exited with: 2" -- "$PLACE/nothing"
	same_end 2 "child exited with: 2" -- "$PLACE/orphan"
	same_end 13 "child exited with: 13" -- "$PLACE/text"
}

@test "a child that ends at once with 0 is a failed start too" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -- /bin/true
	[ "$status" -eq 1 ]
	[[ $output == *"child exited with: 0"* ]]
	[ ! -e "$SOCKET" ]
}

@test "-d: a directory that is not there fails with 255" {
	fails_with_255 "$PLACE/nowhere" -s "$SOCKET" "${AS_SERVER[@]}" -d "$PLACE/nowhere" -- \
		"$PLACE/show" "$SEEN"
}

@test "paths and the program begin where it was started, in the background too" {
	cd "$PLACE/tmp"
	run timeout 30 "$FCGI_HERD" -s front.sock -P pid "${AS_SERVER[@]}" -- ../show seen
	[ "$status" -eq 0 ]
	SUPERVISOR=$(cat "$PLACE/tmp/pid")
	adopt "$SUPERVISOR"
	[ -S "$PLACE/tmp/front.sock" ]
	wait_until 5 test -e "$SEEN"
	seen "directory $PLACE/tmp"
	stop
	[ ! -e "$PLACE/tmp/front.sock" ]
	[ ! -e "$PLACE/tmp/pid" ]
}

@test "-p: a port of the loopback only; -a: elsewhere" {
	local port
	port=$(free_port)
	herd -p "$port" "${AS_SERVER[@]}" -- "$TEST_APPS/misbehave"
	[ "$status" -eq 0 ]
	fcgi_client --query pid "127.0.0.1:$port"
	[ "$(ss -tlnH "sport = :$port" | awk '{ print $4 }')" = "127.0.0.1:$port" ]
	stop
	herd -a ::1 -p "$port" "${AS_SERVER[@]}" -- "$TEST_APPS/misbehave"
	[ "$status" -eq 0 ]
	fcgi_client --query pid "[::1]:$port"
	stop
}

@test "-p: what is no port, and no address for -a, are errors" {
	fails_with_255 "70000" -p 70000 -- "$PLACE/show" "$SEEN"
	fails_with_255 "80x" -p 80x -- "$PLACE/show" "$SEEN"
	fails_with_255 "-a is not" -a somewhere -p "$(free_port)" -- "$PLACE/show" "$SEEN"
}

@test "-s: 107 bytes are good" {
	local path
	path=$PLACE/$(head -c $((107 - ${#PLACE} - 1)) /dev/zero | tr '\0' x)
	herd -s "$path" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 0 ]
	[ -S "$path" ]
	stop
	[ ! -e "$path" ]
}

@test "-M: the mode, 0660 whatever the umask; what is not octal is an error" {
	umask 077
	herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$(stat -c %a "$SOCKET")" = 660 ]
	stop
	herd -s "$SOCKET" "${AS_SERVER[@]}" -M 0604 -- "$PLACE/show" "$SEEN"
	[ "$(stat -c %a "$SOCKET")" = 604 ]
	stop
	fails_with_255 "listen-mode" -s "$SOCKET" -M 0989 -- "$PLACE/show" "$SEEN"
}

@test "-b: the backlog" {
	requires ss
	herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$(ss -xlH src "$SOCKET" | awk '{ print $4 }')" -eq 1024 ]
	stop
	herd -s "$SOCKET" "${AS_SERVER[@]}" -b 7 -- "$PLACE/show" "$SEEN"
	[ "$(ss -xlH src "$SOCKET" | awk '{ print $4 }')" -eq 7 ]
	stop
}

@test "-C: PHP_FCGI_CHILDREN; without it the variable is left alone" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -C 3 -- "$PLACE/show" "$SEEN"
	wait_until 5 test -e "$SEEN"
	seen "PHP_FCGI_CHILDREN=3"
	stop
	PHP_FCGI_CHILDREN=8 herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN.2"
	SEEN=$SEEN.2
	wait_until 5 test -e "$SEEN"
	seen "PHP_FCGI_CHILDREN=8"
	stop
}

@test "-F: children that share the socket, a line and a check for each" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -F 3 -- "$TEST_APPS/misbehave"
	[ "$status" -eq 0 ]
	[ "$(sed -n 's/.*PID: //p' <<<"$output" | sort)" = "$(pgrep -P "$SUPERVISOR" | sort)" ]
	[ "$(pgrep -P "$SUPERVISOR" | wc -l)" -eq 3 ]
	fcgi_client --query pid "$SOCKET"
	stop
	herd -s "$SOCKET" "${AS_SERVER[@]}" -F 3 -- /bin/sh -c \
		"mkdir $PLACE/tmp/first 2>/dev/null && exec sleep 1000; exit 9"
	[ "$status" -eq 9 ]
	[ ! -e "$SOCKET" ]
}

@test "-P: one pid and a line end; killing it stops everything; the file goes" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -F 2 -- "$PLACE/show" "$SEEN"
	[ "$(wc -l <"$PLACE/pid")" -eq 1 ]
	local children
	children=$(pgrep -P "$SUPERVISOR")
	kill "$(cat "$PLACE/pid")"
	# shellcheck disable=SC2086 # a list of pids
	wait_pids_gone 10 "$SUPERVISOR" $children
	[ ! -e "$PLACE/pid" ]
	[ ! -e "$SOCKET" ]
}

@test "-n: stays in the foreground" {
	start_herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$TEST_APPS/misbehave" --default stderr-fd=complaint
	wait_until 10 grep -q ': ready' "$HERD_LOG"
	refute is_gone "$HERD_PID"
	fcgi_client "$SOCKET"
	wait_until 5 grep -q 'main\.0\[.*: complaint$' "$HERD_LOG"
	stop_herd
	"$FCGI_HERD" -n -s "$SOCKET" "${AS_SERVER[@]}" -- /bin/sh -c 'exit 4' 2>"$HERD_LOG" || status=$?
	[ "$status" -eq 4 ]
	grep -q 'child exited with: 4' "$HERD_LOG"
}

@test "the last of two equal options wins" {
	herd -s "$PLACE/first.sock" -s "$SOCKET" -M 0600 -M 0604 "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 0 ]
	[ ! -e "$PLACE/first.sock" ]
	[ "$(stat -c %a "$SOCKET")" = 604 ]
	stop
}

@test "-s: a live socket is refused, a stale one replaced, another file left alone" {
	herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	run "$FCGI_HERD" -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 255 ]
	[[ $output == *"already in use"* ]]
	[ -S "$SOCKET" ]
	kill -KILL "$SUPERVISOR"
	wait_pids_gone 5 "$SUPERVISOR"
	wait_until 5 is_stale
	herd -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 0 ]
	stop
	echo precious >"$SOCKET"
	run "$FCGI_HERD" -s "$SOCKET" "${AS_SERVER[@]}" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 255 ]
	[ "$(cat "$SOCKET")" = precious ]
}

is_stale() { ! ss -xlH src "$SOCKET" | grep -q .; }

@test "-u and -g: ids of the application, and of the socket; by number too" {
	requires root
	herd -s "$SOCKET" -u daemon -- "$PLACE/show" "$SEEN"
	wait_until 5 test -e "$SEEN"
	seen "uid $(four "$(id -u daemon)")"
	seen "gid $(four "$(id -g daemon)")"
	[ "$(stat -c %U:%G "$SOCKET")" = daemon:daemon ]
	stop
	herd -s "$SOCKET" -u "$(id -u daemon)" -g mail -- "$PLACE/show" "$SEEN.2"
	SEEN=$SEEN.2
	wait_until 5 test -e "$SEEN"
	seen "uid $(four "$(id -u daemon)")"
	seen "gid 8 8 8 8"
	[ "$(stat -c %U:%G "$SOCKET")" = daemon:mail ]
	stop
}

@test "-U and -G: the owner of the socket" {
	requires root
	herd -s "$SOCKET" -u daemon -U www-data -- "$PLACE/show" "$SEEN"
	[ "$(stat -c %U:%G "$SOCKET")" = www-data:www-data ]
	stop
	herd -s "$SOCKET" -u daemon -G mail -- "$PLACE/show" "$SEEN"
	[ "$(stat -c %U:%G "$SOCKET")" = daemon:mail ]
	stop
	has_original || return 0
	original -s "$SOCKET" -u daemon -U www-data -- "$PLACE/show" "$SEEN"
	[ "$(stat -c %U:%G "$SOCKET")" = www-data:www-data ]
	rm "$SOCKET"
	original -s "$SOCKET" -u daemon -G mail -- "$PLACE/show" "$SEEN"
	[ "$(stat -c %U:%G "$SOCKET")" = daemon:mail ]
}

@test "a target that is root, or is nobody here, is refused" {
	requires root
	fails_with_255 "root" -s "$SOCKET" -u root -- "$PLACE/show" "$SEEN"
	fails_with_255 "root" -s "$SOCKET" -u 0 -- "$PLACE/show" "$SEEN"
	fails_with_255 "root" -s "$SOCKET" -u daemon -g root -- "$PLACE/show" "$SEEN"
	fails_with_255 "nobody-of-that-name" -s "$SOCKET" -u nobody-of-that-name -- "$PLACE/show" "$SEEN"
}

@test "as root without -u: a warning" {
	requires root
	herd -s "$SOCKET" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 0 ]
	[[ $output == *"warning: "*"root"* ]]
	wait_until 5 test -e "$SEEN"
	seen "uid 0 0 0 0"
	stop
}

@test "options for root are ignored for others, with a warning" {
	local as=()
	! is_root || as=(setpriv --reuid "$(id -u daemon)" --regid "$(id -g daemon)" --clear-groups)
	chmod 1777 "$PLACE"
	run timeout 20 "${as[@]}" "$FCGI_HERD" -P "$PLACE/pid" -s "$SOCKET" -u www-data -c /tmp -- \
		"$PLACE/show" "$SEEN"
	[ "$status" -eq 0 ]
	adopt "$(cat "$PLACE/pid")"
	[[ $output == *"warning: "*"user is ignored"* ]]
	[[ $output == *"warning: "*"chroot is ignored"* ]]
	[ -S "$SOCKET" ]
}

@test "a set-user-id start is refused" {
	requires root
	chmod 4755 "$FCGI_HERD"
	run setpriv --reuid "$(id -u daemon)" --regid "$(id -g daemon)" --clear-groups \
		"$FCGI_HERD" -s "$SOCKET" -- "$PLACE/show" "$SEEN"
	[ "$status" -eq 255 ]
	[[ $output == *"set-user-id"* ]]
	[ ! -e "$SOCKET" ]
}
