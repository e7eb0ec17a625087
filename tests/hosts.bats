#!/usr/bin/env bats
# Hosts that are cut off, slow, or shared with other fronts, and which of them gets how much.

bats_require_minimum_version 1.5.0

load helpers
load front
load hosts

# servers HOST ...: options.
servers() {
	local host
	for host; do printf -- '--server %s:9000 ' "$(address "$host")"; done
}

# post NUMBER MILLISECONDS: as hold, but what is not sent again; that it has no answer is in
# $PLACE/held.NUMBER too.
post() {
	fcgi_client --param REQUEST_METHOD=POST --query "stderr-fd=busy-$1&sleep=$2&pid" "$FRONT" \
		>"$PLACE/held.$1" 2>&1 3>&- &
	HELD[$1]=$!
	STARTED+=("${HELD[$1]}")
}

# load_ms p50|p99|max: of begin_load's or put_load's table.
load_ms() {
	awk -v name="$1" '/^latency/ { for (i = 1; i <= NF; i++) if ($i == name) at = i - 1 }
		$1 == "all" { print int($at) }' "$PLACE/load"
}

# Connections to a host that are being made.
count_attempts() { inside 0 ss -Htn state syn-sent dst "$(address "$1")" | wc -l; }
count_connections() { inside 0 ss -Htn state established dst "$(address "$1")" | wc -l; }
has_no_attempts() { [ "$(count_attempts "$1")" -eq 0 ]; }
has_connections() { [ "$(count_connections "$1")" -gt 0 ]; }
has_no_connections() { [ "$(count_connections "$1")" -eq 0 ]; }

@test "a host that is cut off costs its running requests that cannot be sent again, and no more" {
	local i lost=0 place=() before
	for i in 1 2 3; do start_wide_host $i; done
	start_near mux $(servers 1 2 3) --tcp-user-timeout 1s --connect-timeout 1s \
		--probe-interval 1s --probe-timeout 500ms --disable-time 200ms --slow-start 0
	REQUESTS=$((1500 * SCALE)) begin_load --rate 400 --mix 1:20ms
	for ((i = 1; i <= 20; i++)); do
		post $i 2200
		place[i]=$(place_of_held $i)
		[[ " ${place[*]} " != *' 1 '*' 1 '* || " ${place[*]} " != *' 2 '* ]] || break
	done
	cut_off 1
	for i in "${!place[@]}"; do
		wait "${HELD[$i]}" || :
		if [ "${place[i]}" -eq 1 ]; then
			grep 'Status: 502' "$PLACE/held.$i"
			lost=$((lost + 1))
		else
			grep '^pid ' "$PLACE/held.$i"
		fi
	done
	[ "$lost" -ge 2 ]
	wait_until 5 has_no_connections 1
	wait_until 5 has_log "\[$(address 1):9000\]: up -> resting"
	for i in $(seq 20); do [ "$(count_attempts 1)" -le 1 ]; done
	check_load
	# No GET took longer than to find out, and once more.
	[ "$(load_ms max)" -lt 3000 ]
	before=$(served 1)
	join_again 1
	wait_until 5 has_log "\[$(address 1):9000\]: answers again"
	REQUESTS=300 put_load --mix 1:20ms
	[ "$(served 1)" -ge $((before + 75)) ]
}

@test "a host that is cut off and not probed is tried again with one request at a time" {
	local seen=0 count
	for i in 1 2; do start_program $i --threads --max-conns 64 --default bench; done
	start_near mux $(servers 1 2) --probe-interval 0 --connect-timeout 500ms \
		--tcp-user-timeout 1s --disable-time 200ms --slow-start 0
	REQUESTS=$((1500 * SCALE)) begin_load --rate 400 --mix 1:20ms
	wait_until 5 has_connections 1
	cut_off 1
	wait_until 5 has_log "\[$(address 1):9000\]: up -> resting"
	wait_until 5 has_no_attempts 1
	while ! is_gone "$LOAD"; do
		count=$(count_attempts 1)
		[ "$count" -le 1 ]
		[ "$count" -eq 0 ] || seen=1
	done
	[ "$seen" -eq 1 ]
	check_load
}

# Nothing more could be sent there for so long, though it is there.
is_stuck() {
	inside 0 ss -Htni dst "$(address "$1")" | grep -qE 'lastsnd:(2[5-9]|[3-9][0-9])[0-9]{2}\b'
}

@test "a host whose program does not read for a long time is not taken for one that is cut off" {
	local pid
	start_program 1 --default sum
	start_near mux $(servers 1) --tcp-user-timeout 1s --probe-interval 1s --probe-timeout 200ms
	pid=$(ask pid | sed -n 's/^pid //p')
	kill -STOP "$pid"
	# More than all buffers between them take.
	fcgi_client --query sum --body-size 20000000 "$FRONT" >"$PLACE/answer" 2>&1 3>&- &
	STARTED+=($!)
	wait_until 10 is_stuck 1
	kill -CONT "$pid"
	wait $!
	grep 'length=20000000' "$PLACE/answer"
}

is_used() { REQUESTS=16 put_load && [ "$(served "$1")" -gt 0 ]; } # HOST

@test "a host that is stopped in order and started again costs no request" {
	start_wide_host 1
	start_wide_host 2
	start_near mux $(servers 1 2) --slow-start 0 --probe-interval 1s --disable-time 200ms
	REQUESTS=$((1000 * SCALE)) begin_load --rate 400 --method POST --body 2000 --mix 1:20ms
	wait_until 5 served_least 1 50
	stop_host 1
	start_wide_host 1
	wait_until 5 is_used 1
	check_load
}

@test "a slow host holds no more than it takes, and what fast ones answer stays fast" {
	start_host 1 1 --default 'sleep=1000&bench'
	start_host 2 4 --default bench
	start_host 3 4 --default bench
	start_near mux $(servers 1 2 3) --slow-start 0
	REQUESTS=$((800 * SCALE)) begin_load --rate 400 --mix 1:5ms
	check_load
	# One a second is slow, of four hundred.
	[ "$(load_ms p99)" -lt 300 ]
	[ "$(served 1)" -ge 2 ]
	[ "$(host_statistic 1 'max listen queue')" -eq 0 ]
}

@test "two fronts keep the hosts that they share evenly loaded" {
	local host count
	for host in 1 2 3 4; do start_host $host 8 --default bench; done
	start_near left $(servers 1 2 3 4) --slow-start 0
	start_near right $(servers 1 2 3 4) --slow-start 0
	# Fewer at a time than there are hosts: those that all have nothing to do take turns.
	REQUESTS=$((400 * SCALE)) begin_load --connections 3 --mix 1:10ms
	FRONT=$PLACE/left.sock REQUESTS=$((400 * SCALE)) put_load --connections 3 --mix 1:10ms
	check_load
	# 200 each. On a busy machine one stands still for a moment, which a longer run evens out.
	for host in 1 2 3 4; do
		count=$(served $host)
		echo "host $host: $count"
		[ "$count" -ge $((SCALE > 1 ? 160 * SCALE : 140)) ]
		[ "$count" -le $((SCALE > 1 ? 240 * SCALE : 260)) ]
	done
}

@test "a front spares the hosts that another one keeps busy" {
	local host
	for host in 1 2 3 4; do start_wide_host $host; done
	start_near left $(servers 1 2 3 4) --slow-start 0 --probe-interval 1s
	start_near right $(servers 1 2) --slow-start 0
	REQUESTS=$((1000 * SCALE)) begin_load --connections 64 --mix 1:200ms
	look_at left
	for host in 1 2; do
		wait_until 5 has_log "\[$(address $host):9000\]: values: .* busy=[23][0-9] "
	done
	REQUESTS=$((400 * SCALE)) put_load --connections 8 --mix 1:20ms
	! is_gone "$LOAD"
	[ $(($(served 3) + $(served 4))) -ge $((350 * SCALE)) ]
	check_load
}

# start_local NUMBER LINE ...: fcgi-herd on machine 0 with so many children and these lines.
start_local() {
	local number=$1
	shift
	look_at local
	start_inside 0 "$HERD_LOG" "$FCGI_HERD" -n --config "$(place_file local.ini <<-INI
		status-path = /status
		user = $(server_user)
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/misbehave
		max-procs = $number
		$(printf '%s\n' "$@")
	INI
	)"
	wait_until 15 has_log ': ready$'
}
waiting_is() { [ "$(statistic 'listen queue')" -eq "$1" ]; }

@test "servers get what children have no room for, once more than spill-over wait" {
	start_host 1 4
	start_local 2 "server = $(address 1):9000" 'spill-over = 2' 'slow-start = 0'
	for i in 1 2; do hold $i 1500 && wait_busy $i; done
	for i in 3 4; do hold $i 1000; done
	wait_until 5 waiting_is 2
	host_values_are 1 'CAPACITY=4 BUSY=0 QUEUED=0'
	hold 5 1000
	wait_until 5 host_values_are 1 'CAPACITY=4 BUSY=1 QUEUED=0'
	waiting_is 2
	for i in 1 2 3 4 5; do check_held $i; done
	[ "$(served 1)" -eq 1 ]
}

@test "weights share requests, and a backup has none until the others are down" {
	for i in 1 2 3; do start_wide_host $i; done
	start_near mux --server "$(address 1):9000 weight=3" $(servers 2) \
		--server "$(address 3):9000 backup" --slow-start 0
	REQUESTS=$((800 * SCALE)) put_load --mix 1:20ms
	[ "$(served 1)" -ge $((540 * SCALE)) ]
	[ "$(served 1)" -le $((660 * SCALE)) ]
	[ $(($(served 1) + $(served 2))) -eq $((800 * SCALE)) ]
	crash_host 1
	REQUESTS=200 put_load
	[ "$(served 3)" -eq 0 ]
	crash_host 2
	REQUESTS=200 put_load
	[ "$(served 3)" -eq 200 ]
}

tried() { cat "$PLACE"/host.*.log | grep -cx try; }

# put_failing NUMBER: so many requests, none of which is answered.
put_failing() {
	! REQUESTS=$1 put_load >"$PLACE/load" || return 1
	grep '0 good answers' "$PLACE/load"
}

@test "where all hosts fail, what is sent again keeps to its budget" {
	local begin tries
	for i in 1 2 3; do
		start_program $i --threads --max-conns 64 --default 'stderr-fd=try&close'
	done
	start_near mux $(servers 1 2 3) --disable-time 0
	begin=$(now_us)
	put_failing $((1000 * SCALE))
	tries=$(tried)
	echo "$tries tries"
	[ "$tries" -ge $((1000 * SCALE + 100)) ]
	[ "$tries" -le $((1200 * SCALE + 100 + ($(now_us) - begin) / 100000)) ]
	start_near unlimited $(servers 1 2 3) --disable-time 0 --retry-budget 100
	put_failing 200
	[ $(($(tried) - tries)) -eq 600 ]
}
