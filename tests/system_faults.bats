#!/usr/bin/env bats
# System calls that fail while the programs are under load, with every answer checked: they go on, say
# it a few times, and serve everything again when the fault is over. How a fault is brought about is
# told in tests/faults/faulty.c.

bats_require_minimum_version 1.5.0

load helpers
load front

# shellcheck disable=SC2034 # of put_load
REQUESTS=1000

setup() {
	make_place
	FAULTS=$PLACE/faults
	truncate -s 4096 "$FAULTS"
	chmod 666 "$FAULTS"
	[ -f "$TEST_APPS/faulty.so" ]
	# The supervisor looks for the other one beside itself.
	mkdir "$PLACE/real"
	mv "$FCGI_MUX" "$PLACE/real"
	write_faulty "$PLACE/real/fcgi-mux" "$FCGI_MUX"
	write_faulty "$FCGI_HERD" "$PLACE/faulty-herd"
	FCGI_HERD=$PLACE/faulty-herd
}

teardown() {
	! mountpoint -q "$PLACE/full" || umount -l "$PLACE/full"
	clean_up
}

# The programs get the library from a script; AddressSanitizer's has to be the first.
write_faulty() { # PROGRAM SCRIPT
	local first
	first=$(ldd "$PLACE/bin/fcgi-herd" | awk '/libasan/ { print $3 }')
	cat >"$2" <<-SCRIPT
		#!/bin/sh
		FAULTS=$FAULTS LD_PRELOAD='$first $TEST_APPS/faulty.so' exec $1 "\$@"
	SCRIPT
	chmod 755 "$2"
}

# fault LINE ...: these from now on; none: it is over. Written in place, as the file is mapped.
fault() { printf '%s\n' "$@" | cat - /dev/zero | head -c 1024 | dd of="$FAULTS" conv=notrunc status=none; }

felt() { od -An -t u8 -j 1024 -N 8 "$FAULTS" | tr -d ' '; }
has_felt() { [ "$(felt)" -ge "$1" ]; }

start_bench() { PROGRAM=bench-app LEVEL=info start_front 4; }

# load_during LINE [OPTION ...]: a whole load, each request of which is answered well all the same.
load_during() {
	local before
	before=$(felt)
	fault "$1"
	put_load "${@:2}"
	fault
	has_felt $((before + 10))
}

# kill_children COUNT: so many die, whichever they are.
kill_children() {
	local child
	for child in $(herd_children bench-app | head -n "$1"); do kill -KILL "$child"; done
}
# One that was killed before it had lived starts again with a delay.
have_all_children() { wait_until 40 herd_has_children bench-app 4; }

# says_at_most COUNT PATTERN: and once at least.
says_at_most() {
	local said
	said=$(count_log "$2")
	echo "said $said times: $2"
	[ "$said" -ge 1 ] && [ "$said" -le "$1" ]
}

# Everything is served again, by the programs that were started first, and nothing is left over.
is_well() {
	fault
	put_load
	put_load --keep --body 10000 --answer 10000
	wait_until 10 is_idle
	is_first_mux
	stop_herd
}
is_first_mux() { [ "$(count_log ': mux: started')" -eq 1 ]; }

@test "no request is lost while connections cannot be accepted, and it is said once" {
	local error
	start_bench
	for error in EMFILE ENFILE ENOMEM ENOBUFS; do
		fault "fcgi-mux accept4 $error 1"
		begin_load
		wait_until 10 has_felt $(($(felt) + 4))
		fault
		check_load
	done
	says_at_most 4 'cannot accept'
	says_at_most 4 'accepts again'
	is_well
}

@test "no request is lost where calls are interrupted, would wait, or do less than was asked" {
	local error call
	start_bench
	for error in EINTR EAGAIN SHORT; do
		for call in recv send; do
			load_during "fcgi-mux $call $error 3"
			load_during "fcgi-mux $call $error 3" --keep --answer 100000 --body 100000
		done
	done
	load_during 'fcgi-mux sendmsg EAGAIN 2' --keep --answer 1m --body 1m --requests 200
	load_during 'fcgi-mux epoll_wait EINTR 2'
	load_during 'fcgi-mux accept4 ECONNABORTED 2'
	load_during 'fcgi-mux accept4 EINTR 2'
	is_well
}

@test "no request is lost where some connections to processes cannot be made" {
	local fault
	SECTION='keepalive = 0' start_bench
	for fault in 'socket EMFILE' 'socket ENFILE' 'socket ENOBUFS' 'connect EAGAIN' 'connect ENOMEM'; do
		load_during "fcgi-mux $fault 9"
	done
	says_at_most 400 'cannot connect'
	is_well
}

@test "while no process can be reached requests fail, a few of them are named, and none fails after" {
	local fault
	SECTION='keepalive = 0' start_bench
	for fault in 'socket EMFILE' 'connect ENOENT' 'connect ECONNREFUSED'; do
		fault "fcgi-mux $fault 1"
		run ! put_load
		fault
		put_load
	done
	says_at_most 300 'cannot connect'
	says_at_most 300 '502 Bad Gateway'
	is_well
}

@test "no request is lost where the kernel cannot watch a connection at once, and it is said" {
	local error
	SECTION='keepalive = 0' start_bench
	for error in ENOMEM ENOSPC; do
		load_during "fcgi-mux epoll_ctl $error 5"
		load_during "fcgi-mux epoll_ctl $error 5" --body 100000 --answer 100000
	done
	# All of them, until the second is over in which it is said.
	fault 'fcgi-mux epoll_ctl ENOSPC 1'
	begin_load --timeout 20s
	wait_until 10 has_log 'cannot watch all connections'
	fault
	check_load
	says_at_most 10 'cannot watch all connections'
	is_well
}

@test "children that cannot be started are started when the fault is over" {
	local fault before
	local faults=('pipe2 EMFILE' 'fork EAGAIN' 'fork ENOMEM' 'execve ENOMEM')
	! is_root || faults+=('setresuid EAGAIN')
	start_bench
	for fault in "${faults[@]}"; do
		before=$(felt)
		fault "fcgi-herd $fault 1"
		kill_children 2
		wait_until 10 has_felt $((before + 3))
		# By those that are left.
		put_load
		fault
		have_all_children
	done
	says_at_most 50 'starting again in'
	is_well
}

@test "the two programs understand each other where their messages are held up" {
	local error
	start_bench
	for error in EINTR EAGAIN; do
		fault "fcgi-herd send $error 2" "fcgi-herd recv $error 2" "fcgi-herd read $error 2" \
			"fcgi-mux recv $error 2"
		begin_load --keep --param BENCH_SLEEP=500
		kill_children 2
		have_all_children
		check_load
	done
	fault
	has_felt 10
	is_well
}

@test "a reload that lacks something leaves all as it was, and says so" {
	local fault reloads=0
	start_bench
	for fault in 'fork EAGAIN' 'pipe2 EMFILE' 'memfd_create ENOMEM' 'execv ENOMEM'; do
		reloads=$((reloads + 1))
		fault "fcgi-herd $fault 1"
		begin_load --keep --param BENCH_SLEEP=200
		kill -HUP "$HERD_PID"
		wait_until 10 has_logs $reloads 'reload: .*: nothing has changed'
		check_load
	done
	is_well
}

@test "a reload whose mux cannot be started goes on when the fault is over" {
	start_bench
	fault 'fcgi-herd socketpair EMFILE 1'
	begin_load --keep --param BENCH_SLEEP=2000
	kill -HUP "$HERD_PID"
	wait_until 10 has_logs 2 'mux: cannot set up its descriptors'
	fault
	wait_until 10 has_log 'reload: done'
	check_load
	put_load
	stop_herd
}

@test "a full disk costs lines of the logs and nothing else, and they go on where it has room again" {
	requires root
	local full=$PLACE/full
	mkdir "$full"
	mount -t tmpfs -o size=512k,mode=755 none "$full" 2>/dev/null || skip "cannot mount"
	HERD_LOG=$full/log
	WHOLE=$'log = '"$full/log"$'\naccess-log = '"$full/access" start_bench
	head -c 1m /dev/zero >"$full/filler" 2>/dev/null || :
	put_load --keep
	# Until what is left of the last page is full, too.
	for _ in 1 2 3 4 5 6; do
		kill_children 4
		have_all_children
		put_load --keep
	done
	[ "$(df --output=avail "$full" | tail -n 1)" -eq 0 ]
	statistic_is_least 'access lines lost' 1000
	rm "$full/filler"
	wait_until 10 has_log 'access log: goes on; lines lost=[1-9]'
	says_at_most 1 'access log: cannot write: No space left'
	says_at_most 1 'lines before this one are lost: No space left on device; lost=[1-9]'
	is_well
	# What was cut off stands on a line of its own.
	run ! grep -E '.2[0-9-]{9}T[0-9:.]{12}Z ' "$HERD_LOG"
}

# The lines that tell of it are written by the same call, and may be lost with it.
tells_of_the_access_log() {
	fault 'fcgi-mux write EIO 2'
	put_load
	fault
	wait_until 3 has_log 'access log: goes on' && has_log 'access log: cannot write'
}

@test "logs that cannot be written cost no request" {
	local error call
	WHOLE="access-log = $PLACE/access" start_bench
	for error in EINTR EAGAIN ENOSPC EIO SHORT; do
		fault "fcgi-herd writev $error 3" "fcgi-mux write $error 3"
		put_load
		kill_children 2
		have_all_children
	done
	has_felt 10
	wait_until 30 tells_of_the_access_log
	# Once until it can be written again, and not for each of thousands of lines.
	says_at_most 20 'access log: cannot write'
	is_well
}

@test "a clock that jumps makes nothing late" {
	local jump before
	WHOLE="access-log = $PLACE/access" SECTION=$'request-timeout = 2s\nqueue-timeout = 3s' start_bench
	begin_load --param BENCH_SLEEP=4000
	for jump in 100000 -100000 1000000000 -1700000000 -100000000000 100000000000; do
		before=$(felt)
		fault "fcgi-herd clock_gettime $jump" "fcgi-mux clock_gettime $jump"
		wait_until 10 has_felt $((before + 50))
	done
	kill_children 1
	have_all_children
	check_load
	[ "$(count_log ': app\..: started')" -eq 5 ]
	is_well
	grep -q '^20[5-9]' "$PLACE/access"
}

# Where the children's sockets are.
socket_directory() { ss -xlpH | grep "pid=$HERD_PID," | grep -o '[^ ]*/fcgi-herd\.[^/ ]*' | head -n 1; }

@test "when the directory of the children's sockets is removed there is soon another one" {
	local directory
	SECTION='keepalive = 0' start_bench
	directory=$(socket_directory)
	rm -r "$directory"
	run ! put_load
	wait_until 10 has_log "the children's sockets move from $directory"
	wait_until 10 has_log 'reload: done'
	[ "$(socket_directory)" != "$directory" ]
	have_all_children
	put_load
	put_load --keep
	[ "$(count_log 'sockets is gone: reload')" -eq 1 ]
	stop_herd
}

@test "a socket that somebody has removed, of a child or of the front, is there again after a reload" {
	start_bench
	rm "$FRONT" "$(socket_directory)/app-1"
	kill -HUP "$HERD_PID"
	wait_until 10 has_log 'reload: done'
	put_load
	put_load --keep
	have_all_children
	stop_herd
}
