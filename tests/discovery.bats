#!/usr/bin/env bats
# Hosts that a name server knows: those that appear, those that vanish, and what happens where the
# name server itself is in trouble.

bats_require_minimum_version 1.5.0

load helpers
load front
load hosts

@test "a host that a name gets is used, slowly at first; one that it loses is drained" {
	local before after drained
	for host in 1 2 3; do start_wide_host "$host"; done
	tell_hosts 1 1 2
	start_names 1
	start_near mux --server app.test:9000 --resolver "$(name_server 1)" --slow-start 5s
	REQUESTS=$((2200 * SCALE)) begin_load --mix 1:30ms
	wait_until 10 served_least 1 100
	wait_until 10 served_least 2 100
	[ "$(served 3)" -eq 0 ]

	tell_hosts 1 1 2 3
	wait_until 3 has_log "\[$(address 3):9000\]: appears as a host of app.test"
	mapfile -t before < <(shares)
	wait_until 3 served_least 3 10
	mapfile -t after < <(shares)
	[ $(((after[2] - before[2]) * 2)) -lt $((after[0] - before[0])) ]
	[ $(((after[2] - before[2]) * 2)) -lt $((after[1] - before[1])) ]

	hold_at 2 3000
	tell_hosts 1 1 3
	wait_until 3 has_log "\[$(address 2):9000\]: is a host of app.test no more"
	wait_until 5 host_values_are 2 'CAPACITY=64 BUSY=1 QUEUED=0'
	drained=$(served 2)
	check_load
	check_held "$AT"
	[ "$(served 2)" -eq $((drained + 1)) ]
}

@test "A and AAAA records are hosts alike, also where one machine has both" {
	start_wide_host 1
	start_wide_host 2
	tell_names 1 "$(address 1) app.test" "$(address6 1) app.test" "$(address6 2) app.test"
	start_names 1
	start_near mux --server app.test:9000 --resolver "$(name_server 1)" --slow-start 0
	REQUESTS=600 put_load --mix 1:10ms
	wait_until 5 at_host 1 "front $(address 1):9000: connection closed"
	wait_until 5 at_host 1 "front \[$(address6 1)\]:9000: connection closed"
	# Of three procs two.
	[ "$(served 1)" -ge 300 ]
	[ "$(served 1)" -le 500 ]
	[ $(($(served 1) + $(served 2))) -eq 600 ]
}

# start_services TARGET,PORT,PRIORITY,WEIGHT ...: a name server that has these for _php._tcp.test,
# and a front for them.
start_services() {
	local host hosts=()
	for host in 1 2 3; do hosts+=("$(address $host) h$host.test"); done
	tell_names 1 "${hosts[@]}"
	start_names 1 "${@/#/--srv-host=_php._tcp.test,}"
	start_near mux --srv _php._tcp.test --resolver "$(name_server 1)" --slow-start 0 \
		--probe-interval 200ms
}

@test "SRV records give ports and weights, and a target without an address hurts no other" {
	PORT=9001 start_wide_host 1
	start_wide_host 2
	start_services h1.test,9001,0,40 h2.test,9000,0,10 nowhere.test,9000,0,100
	REQUESTS=$((1500 * SCALE)) put_load --connections 40 --mix 1:20ms
	# 4 : 1
	[ "$(PORT=9001 served 1)" -ge $((1050 * SCALE)) ]
	[ "$(PORT=9001 served 1)" -le $((1350 * SCALE)) ]
	[ $(($(PORT=9001 served 1) + $(served 2))) -eq $((1500 * SCALE)) ]
}

@test "hosts of a second SRV priority are used while all of the first are down or gone" {
	for host in 1 2 3; do start_wide_host "$host"; done
	start_services h1.test,9000,1,1 h2.test,9000,1,1 h3.test,9000,2,1
	REQUESTS=300 put_load
	crash_host 1
	REQUESTS=300 put_load
	[ "$(served 3)" -eq 0 ]
	crash_host 2
	REQUESTS=300 put_load
	[ "$(served 3)" -eq 300 ]
	start_wide_host 1
	wait_until 5 has_log "\[$(address 1):9000\]: answers again"
	REQUESTS=300 put_load
	[ "$(served 3)" -eq 300 ]
	stop_names 1
	start_names 1 --srv-host=_php._tcp.test,h3.test,9000,2,1
	wait_until 5 has_log "\[$(address 1):9000\]: is a host of _php._tcp.test no more"
	REQUESTS=300 put_load
	[ "$(served 3)" -eq 600 ]
}

# Counts the questions to name servers, by their ports.
watch_questions() {
	local number
	inside 0 nft 'add table inet asked
		add chain inet asked out { type filter hook output priority 0; }'
	for number; do
		inside 0 nft "add rule inet asked out udp dport $((5300 + number)) counter"
	done
}
questions() { # NUMBER
	inside 0 nft list table inet asked |
		sed -n "s/.*dport $((5300 + $1)) counter packets \([0-9]*\) .*/\1/p"
}
has_asked() { [ "$(questions "$1")" -ge "$2" ]; }

# Each front has a name server of its own, and each of those fails in its own way.
@test "a name server that is dead, fails or knows nothing changes nothing, and is told of once" {
	local asked i
	start_wide_host 1
	start_wide_host 2
	for i in 1 2 3; do start_names "$i"; done
	# Knows that there is such a name, also without an address.
	start_names 4 --txt-record=app.test,text
	watch_questions 1 2 3 4
	for i in 1 2 3 4; do
		tell_hosts "$i" 1 2
		start_near "mux$i" --server app.test:9000 --resolver "$(name_server "$i")"
		wait_until 5 has_logs 2 'appears as a host'
	done
	stop_names 1
	stop_names 2
	start_bad_names 2
	tell_names 3
	tell_names 4
	for i in 2 3 4; do asked[i]=$(questions "$i"); done
	# A and AAAA, and again.
	for i in 2 3 4; do wait_until 8 has_asked "$i" $((asked[i] + 3)); done
	for i in 1 2 3 4; do
		look_at mux$i
		wait_until 10 has_log 'cannot look up app.test: '
		REQUESTS=40 put_load --mix 1:5ms
		[ "$(count_log 'app.test')" -eq 3 ]
	done
	[ "$(served 1)" -ge 60 ]
	[ "$(served 2)" -ge 60 ]

	stop_names 2
	for i in 1 2 3 4; do
		[ "$i" -gt 2 ] || start_names "$i"
		tell_hosts "$i" 2
	done
	for i in 1 2 3 4; do
		look_at mux$i
		wait_until 8 has_log 'app.test can be looked up again'
		has_log "\[$(address 1):9000\]: is a host of app.test no more"
	done
}

@test "a front whose name server is not there yet is up, and requests wait for it" {
	start_wide_host 1
	start_near impatient --server app.test:9000 --resolver "$(name_server 1)" --queue-timeout 1s
	start_near mux --server app.test:9000 --resolver "$(name_server 1)"
	hold 1 0
	FRONT=$PLACE/impatient.sock ask pid | grep 'Status: 503'
	[ "$(statistic 'listen queue')" -eq 1 ]
	tell_hosts 1 1
	start_names 1
	check_held 1
	ask pid | grep '^pid '
}
