#!/usr/bin/env bats
# A changed configuration is taken up, and processes are replaced, without losing a request.

bats_require_minimum_version 1.5.0

load helpers
load front
load web

REQUESTS=${REQUESTS:-10000}

# Four processes at work for a few seconds.
begin_work() { begin_load --mix 100:1ms; }

reload() { kill -HUP "$HERD_PID"; }

# has_reloaded [COUNT]: so often, from begin to end.
has_reloaded() { has_logs "${1:-1}" ': reload: done in [0-9]+ ms$'; }
has_refused() { has_log ': reload: .*nothing has changed$'; }

# Some of the requests were answered, so that those that follow meet the reload.
is_under_way() { statistic_is_least requests 100 2>/dev/null; }
wait_under_way() { wait_until 10 is_under_way; }

pids() { { herd_children misbehave && herd_children fcgi-mux; } | sort; }
# Nobody of BEFORE is there any more.
are_replaced() { [ -z "$(comm -12 <(echo "$BEFORE") <(pids))" ]; }
are_same() { [ "$BEFORE" = "$(pids)" ]; }

# The identity of the listening socket at a path, as the kernel has it.
socket_of() { ss -xlH | awk -v path="$1" '$5 == path { print $6 }'; }

# section NAME FRONT [LINE ...]: one more in the configuration.
section() {
	printf '%s\n' "[$1]" "listen = $2" "bin-path = $TEST_APPS/misbehave --default bench" \
		'max-procs = 2' "${@:3}" >>"$PLACE/herd.ini"
}

edit() { sed -i "$@" "$PLACE/herd.ini"; }

# start_kept_nginx FRONT: it keeps its connections to the front.
start_kept_nginx() {
	echo '<?php' >"$PLACE/www/index.php"
	start_web kept_nginx_config "$1" nginx -c "$PLACE/nginx.conf"
}
kept_nginx_config() { # PORT FRONT
	write_nginx_config <<-CONF
		upstream front { server unix:$2; keepalive 16; }
		server {
			listen 127.0.0.1:$1;
			location / {
				include /etc/nginx/fastcgi_params;
				fastcgi_param BENCH_SLEEP 1000;
				fastcgi_keep_conn on;
				${NGINX-}
				fastcgi_pass front;
			}
		}
	CONF
}

# begin_web_load [OPTION ...]: REQUESTS by way of nginx, a status code for each in $PLACE/codes.
begin_web_load() {
	: >"$PLACE/codes"
	curl -s --no-progress-meter -Z --parallel-max 16 -o /dev/null -w '%{stderr}%{http_code}\n' "$@" \
		"$WEB/?n=[1-$REQUESTS]" 2>"$PLACE/codes" 3>&- 4>&- &
	LOAD=$!
	STARTED+=("$LOAD")
}
check_web_load() {
	wait_pids_gone 120 "$LOAD"
	[ "$(sort "$PLACE/codes" | uniq -c | tr -s ' ')" = " $REQUESTS 200" ] ||
		{ sort "$PLACE/codes" | uniq -c && cat "$PLACE/web.log" && false; }
}

@test "under load every process is replaced, and no answer is lost" {
	LEVEL=info start_front 4 --default bench
	BEFORE=$(pids)
	local socket
	socket=$(socket_of "$FRONT")
	begin_work
	wait_under_way
	reload
	wait_until 20 has_reloaded
	check_load
	are_replaced
	[ -n "$socket" ] && [ "$socket" = "$(socket_of "$FRONT")" ]
	herd_has_children misbehave 4
	herd_has_children fcgi-mux 1
	# One after the other.
	awk '/replacing it/ { if (open++) exit 1 } /app\.[0-3]: started/ { open = 0 }' "$HERD_LOG"
	stop_herd
}

@test "reload after reload under load" {
	local n
	LEVEL=info start_front 4 --default bench
	REQUESTS=$((REQUESTS * 2)) begin_work
	wait_under_way
	for n in 1 2 3 4; do
		reload
		wait_until 20 has_reloaded "$n"
	done
	REQUESTS=$((REQUESTS * 2)) check_load
}

@test "signals during a reload are followed by one more reload" {
	SECTION='shutdown-timeout = 20s' start_front 2 --default bench
	hold 1 1000 say=one
	wait_busy 1
	reload
	wait_until 5 has_logs 2 'mux: started'
	reload
	wait_until 5 has_log 'SIGHUP: as soon as'
	reload
	wait_until 20 has_reloaded 2
	check_held 1
	ask say=hello | grep -x hello
	[ "$(count_log 'mux: started')" -eq 3 ]
}

@test "a request that takes long is answered by the process that has it" {
	SECTION='shutdown-timeout = 20s' start_front 2 --default bench
	BEFORE=$(pids)
	hold 1 2500 say=one
	hold 2 2500 say=two
	wait_busy 1
	wait_busy 2
	reload
	# Those that come meanwhile wait for a process, and are not lost.
	ask say=hello | grep -x hello
	check_held 1
	check_held 2
	for n in 1 2; do grep -qxF "$(sed -n 's/^pid \([0-9]*\).*/\1/p' "$PLACE/held.$n")" <<<"$BEFORE"; done
	wait_until 20 has_reloaded
	are_replaced
}

@test "a process that never answers the mux of before is killed all the same" {
	SECTION='request-timeout = 2s' start_front 2
	hang
	reload
	wait_until 10 has_log 'app\.[01]: has not answered within request-timeout, killing it'
	wait_until 10 grep -q 504 "$PLACE/hung"
	wait_until 20 has_reloaded
}

@test "what waits behind a request of the mux of before that hangs is served by the next process" {
	SECTION='request-timeout = 2s' start_front 1
	hang
	reload
	wait_until 5 has_logs 2 'mux: started'
	wait_until 5 has_log 'stopping: finishing'
	# It is sent again, to a process that both have from now on.
	kill -KILL "$(pid_of_child 0)"
	wait_until 5 has_logs 2 'busy-1'
	ask pid | grep '^pid'
	wait_until 20 has_reloaded
}

@test "the mux of before knows the process in the place of one that died, and says that it hangs" {
	SECTION=$'request-timeout = 2s\nshutdown-timeout = 40s' start_front 1
	hang
	reload
	wait_until 5 has_log 'stopping: finishing'
	kill -KILL "$(pid_of_child 0)"
	wait_until 5 has_logs 2 'busy-1'
	wait_until 20 has_log "app\.0: has not answered .*, killing it pid=$(pid_of_child 0)"
	wait_until 20 grep -q 504 "$PLACE/hung"
	wait_until 20 has_reloaded
}

@test "while one process works for long, the others answer" {
	local start n
	SECTION='shutdown-timeout = 20s' start_front 2 --default bench
	hold 1 4000 say=one
	wait_busy 1
	reload
	wait_until 5 has_logs 2 'mux: started'
	start=$(now_us)
	for n in {1..20}; do ask say=hello | grep -qx hello; done
	[ $(($(now_us) - start)) -lt 3000000 ]
	check_held 1
	wait_until 20 has_reloaded
}

# Twenty connections, which ask when $PLACE/go is there. Prints how many were answered.
ask_late() {
	{ begin 1 && record 1 4 1 0 0 && record 1 5 1 0 0; } >"$PLACE/request"
	# shellcheck disable=SC2016 # Perl's variables
	perl -MSocket -MIO::Handle -e '
		my ($place, $front) = @ARGV;
		my (@clients, $answered);
		for (1 .. 20) {
			socket(my $client, AF_UNIX, SOCK_STREAM, 0) or die $!;
			connect($client, pack_sockaddr_un($front)) or die $!;
			$client->autoflush(1);
			push @clients, $client;
		}
		open(my $there, ">", "$place/there") or die $!;
		until (-e "$place/go") { select(undef, undef, undef, 0.01) }
		open(my $in, "<", "$place/request") or die $!;
		my $request = do { local $/; <$in> };
		local $SIG{PIPE} = "IGNORE";
		print $_ $request for @clients;
		for (@clients) { local $/; $answered += <$_> =~ /token=/ }
		print $answered' "$PLACE" "$FRONT"
}

@test "connections that were made before, and ask after, are answered" {
	requires perl
	start_front 2 --default bench
	ask_late >"$PLACE/answered" 3>&- &
	STARTED+=($!)
	wait_until 10 test -e "$PLACE/there"
	wait_until 5 statistic_is connections 21
	reload
	wait_until 5 has_log 'stopping: finishing'
	touch "$PLACE/go"
	wait_until 10 test -s "$PLACE/answered"
	[ "$(cat "$PLACE/answered")" -eq 20 ]
	wait_until 20 has_reloaded
}

@test "a mistake in the file changes nothing" {
	LEVEL=info start_front 4 --default bench
	BEFORE=$(pids)
	begin_work
	wait_under_way
	echo 'max-prcs = 4' >>"$PLACE/herd.ini"
	reload
	wait_until 10 has_refused
	has_log "herd\.ini:[0-9]+: .*max-prcs.*max-procs"
	check_load
	are_same
	edit '$d'
	reload
	wait_until 20 has_reloaded
	are_replaced
}

@test "a front that cannot be opened changes nothing" {
	LEVEL=info start_front 2 --default bench
	BEFORE=$(pids)
	section other "$PLACE/absent/other.sock"
	reload
	wait_until 10 has_refused
	has_log 'absent/other\.sock'
	are_same
	ask say=hello | grep -x hello
	[ ! -e "$PLACE/other.sock" ]
}

@test "what was given up at the start is not to be had again: a sentence, and nothing changes" {
	requires root
	start_front 2 --default bench
	BEFORE=$(pids)
	edit '1i mux-user = daemon'
	reload
	wait_until 10 has_refused
	has_log 'mux-user: .*restart for this'
	edit 1d
	section jail "$PLACE/jail.sock" "chroot = $PLACE"
	edit "/^\[jail\]/,\$s|^bin-path = .*|bin-path = /bin/static-showproc|"
	reload
	wait_until 10 has_logs 2 ': reload: .*nothing has changed$'
	has_log 'chroot: .*restart for this'
	are_same
	ask say=hello | grep -x hello
}

@test "a backend with another name, and another number of processes, loses nothing" {
	LEVEL=info start_front 4 --default bench
	BEFORE=$(pids)
	begin_work
	wait_under_way
	edit -e 's/^\[app\]/[renamed]/' -e 's/^max-procs.*/max-procs = 6/'
	reload
	wait_until 20 has_reloaded
	check_load
	are_replaced
	herd_has_children misbehave 6
	ask say=hello | grep -x hello
	edit 's/^max-procs.*/max-procs = 1/'
	reload
	wait_until 20 has_reloaded 2
	herd_has_children misbehave 1
	stop_herd
}

@test "a front comes and goes beside one under load" {
	local socket
	LEVEL=info start_front 4 --default bench
	socket=$(socket_of "$FRONT")
	REQUESTS=$((REQUESTS * 2)) begin_work
	wait_under_way
	section other "$PLACE/other.sock"
	reload
	wait_until 20 has_reloaded
	FRONT=$PLACE/other.sock ask say=hello | grep -x hello
	herd_has_children misbehave 6
	edit '/^\[other\]/,$d'
	reload
	wait_until 20 has_reloaded 2
	[ ! -e "$PLACE/other.sock" ]
	herd_has_children misbehave 4
	REQUESTS=$((REQUESTS * 2)) check_load
	[ -n "$socket" ] && [ "$socket" = "$(socket_of "$FRONT")" ]
	stop_herd
}

@test "the mode of a front is changed, and its socket stays" {
	local socket
	start_front 1 --default bench
	socket=$(socket_of "$FRONT")
	edit '/^listen =/a listen-mode = 0600'
	reload
	wait_until 20 has_reloaded
	[ "$(stat -c %a "$FRONT")" = 600 ]
	[ "$socket" = "$(socket_of "$FRONT")" ]
}

@test "a new process that dies early stops the replacing: the others go on" {
	LEVEL=info start_front 4 --default bench
	BEFORE=$(herd_children misbehave)
	begin_work
	wait_under_way
	edit 's|^bin-path.*|bin-path = /bin/false|'
	reload
	wait_until 20 has_log 'reload: .*(go on|not all)'
	check_load
	[ "$(comm -12 <(echo "$BEFORE") <(herd_children misbehave) | wc -l)" -eq 3 ]
	# What was broken is mended, and the rest is replaced too.
	edit "s|^bin-path.*|bin-path = $TEST_APPS/misbehave --default bench|"
	reload
	wait_until 20 has_reloaded
	wait_until 10 herd_has_children misbehave 4
	[ -z "$(comm -12 <(echo "$BEFORE") <(herd_children misbehave))" ]
	ask say=hello | grep -x hello
}

@test "a new process that does not answer stops the replacing" {
	place_file mute >/dev/null <<<$'#!/bin/sh\nexec sleep 1000'
	chmod 755 "$PLACE/mute"
	LEVEL=info start_front 3 --default bench
	BEFORE=$(herd_children misbehave)
	edit "s|^bin-path.*|bin-path = $PLACE/mute|"
	reload
	wait_until 30 has_log 'reload: .*(go on|not all)'
	[ "$(comm -12 <(echo "$BEFORE") <(herd_children misbehave) | wc -l)" -eq 2 ]
	ask say=hello | grep -x hello
}

@test "the programs of a command line are replaced too, also those that share a socket" {
	local before
	FRONT=$PLACE/front.sock
	start_herd -s "$FRONT" -M 0666 $(! is_root || echo "-u $(server_user)") -F 3 \
		-- "$TEST_APPS/misbehave" --default say=hello
	wait_until 10 has_log ': ready$'
	before=$(herd_children misbehave)
	reload
	wait_until 20 has_reloaded
	[ -z "$(comm -12 <(echo "$before") <(herd_children misbehave))" ]
	herd_has_children misbehave 3
	fcgi_client "$FRONT" | grep -x hello
	stop_herd
}

@test "processes that come and go as needed do so across a reload" {
	LEVEL=info SECTION=$'min-procs = 0\nidle-timeout = 500ms' start_front 4 --default bench
	begin_work
	wait_under_way
	reload
	wait_until 20 has_reloaded
	check_load
	wait_until 20 herd_has_children misbehave 0
	reload
	wait_until 20 has_reloaded 2
	ask say=hello | grep -x hello
}

@test "a process that is killed during a reload is started again" {
	LEVEL=info SECTION='retry = all' start_front 4 --default bench
	begin_work
	wait_under_way
	reload
	kill -KILL "$(pid_of_child 2)"
	wait_until 20 has_reloaded
	check_load
	herd_has_children misbehave 4
}

@test "SIGTERM during a reload ends everything, and what runs is finished" {
	SECTION='shutdown-timeout = 10s' start_front 2 --default bench
	hold 1 1500 say=one
	wait_busy 1
	reload
	wait_until 5 has_log 'SIGHUP: reload'
	stop_herd
	check_held 1
	[ ! -e "$FRONT" ]
}

@test "SIGTERM before a reload has really begun ends everything too" {
	start_front 2 --default bench
	kill -STOP "$HERD_PID"
	reload
	kill -TERM "$HERD_PID"
	kill -CONT "$HERD_PID"
	stop_herd
	[ ! -e "$FRONT" ]
	[ "$(count_log 'mux: started')" -eq 1 ]
}

@test "a mistake that is mended during a reload does no harm" {
	start_front 2 --default bench
	BEFORE=$(pids)
	echo 'max-prcs = 4' >>"$PLACE/herd.ini"
	reload
	wait_until 5 has_log 'SIGHUP: reload'
	edit '$d'
	reload
	wait_until 20 has_reloaded
	are_replaced
}

@test "SIGTERM under load: what was accepted is answered" {
	start_front 4 --default bench
	hold 1 1500 say=one
	hold 2 1500 say=two
	wait_busy 1
	wait_busy 2
	REQUESTS=1000000 begin_work
	wait_under_way
	stop_herd
	check_held 1
	check_held 2
	kill "$LOAD"
}

@test "the service manager hears of begin and end" {
	requires perl
	local n
	perl -MSocket -MIO::Handle -e '
		socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!;
		bind(S, pack("S", AF_UNIX) . $ARGV[0]) or die $!;
		open(my $out, ">", $ARGV[1]) or die $!;
		$out->autoflush(1);
		while (defined recv(S, $_, 4096, 0)) { s/\n+/ /g; print $out "$_\n" }' \
		"$PLACE/notify" "$PLACE/notes" 3>&- 4>&- &
	STARTED+=($!)
	wait_until 10 test -e "$PLACE/notes"
	NOTIFY_SOCKET=$PLACE/notify start_front 2 --default bench
	for n in 1 2; do
		reload
		wait_until 20 has_reloaded "$n"
		wait_until 5 has_notes $((n + 1)) READY=1
	done
	[ "$(grep -oE '(READY|RELOADING)=1' "$PLACE/notes" | tr '\n' ' ')" = 'READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 ' ]
}
has_notes() { [ "$(grep -cE -- "$2" "$PLACE/notes")" -ge "$1" ]; }

@test "behind nginx with kept connections nothing is lost" {
	requires nginx curl
	local n
	LEVEL=info start_front 4 --default bench
	start_kept_nginx "$FRONT"
	begin_web_load
	for n in 1 2 3 4; do
		wait_until 20 has_lines "$PLACE/codes" $((n * REQUESTS / 8))
		reload
		wait_until 20 has_reloaded "$n"
	done
	check_web_load
}

@test "behind nginx with kept connections that repeats a POST too, none is lost" {
	requires nginx curl
	local n
	LEVEL=info start_front 4 --default bench
	# What a closed connection did not take has reached nobody; nginx wants to be told so.
	NGINX='fastcgi_next_upstream error timeout non_idempotent;' start_kept_nginx "$FRONT"
	begin_web_load -d some=thing
	for n in 1 2 3 4; do
		wait_until 20 has_lines "$PLACE/codes" $((n * REQUESTS / 8))
		reload
		wait_until 20 has_reloaded "$n"
	done
	check_web_load
}

@test "no POST is lost that comes while the mux of before still has requests" {
	local n
	PROGRAM=bench-app LEVEL=info start_front 3
	begin_load --body 300k --answer 300000 --mix 100:5ms
	for n in 1 2 3 4; do
		wait_until 10 statistic_is_least requests 100
		reload
		wait_until 20 has_reloaded "$n"
	done
	check_load
}

@test "php-cgi behind nginx: every process is replaced, and nothing is lost" {
	requires nginx php-cgi curl
	local before
	start_php
	start_nginx "$PLACE/php.sock"
	before=$(herd_children php-cgi)
	start_load
	wait_until 30 has_lines "$PLACE/codes" 500
	reload
	wait_until 30 has_reloaded
	load_is_good
	[ -z "$(comm -12 <(echo "$before") <(herd_children php-cgi))" ]
}
