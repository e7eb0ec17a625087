# hosts.bash: several machines on one, as network namespaces that the test makes. Number 0 has the
# fronts and the name servers, and a bridge where the cables of the others end: the hosts. After
# helpers and front.

# Every test has namespaces of its own, so that these never meet.
NET4=10.99.0
NET6=fd99:

# With FULL=1 the tests take ten times as many requests.
SCALE=${FULL:+10}
SCALE=${SCALE:-1}

setup() {
	make_place
	requires root ip nft dnsmasq nsenter spawn-fcgi
	make_net
}

# All at once, so that nobody waits for another.
teardown() {
	[ "${#STARTED[@]}" -eq 0 ] || kill "${STARTED[@]}" 2>/dev/null || :
	clean_up
	unmake_net
}

# inside MACHINE COMMAND ...
inside() {
	local machine=$1
	shift
	nsenter --net="/run/netns/$NET-$machine" -- "$@"
}

# start_inside MACHINE LOG COMMAND ...: in the background, as $!.
start_inside() {
	local machine=$1 log=$2
	shift 2
	nsenter --net="/run/netns/$NET-$machine" -- "$@" >>"$log" 2>&1 3>&- 4>&- &
	STARTED+=($!)
}

address() { echo "$NET4.$((1 + $1))"; }  # MACHINE
address6() { echo "$NET6:$((1 + $1))"; } # MACHINE

# give_addresses MACHINE DEVICE
give_addresses() {
	local netns=$NET-$1
	ip -n "$netns" address add "$(address "$1")/24" dev "$2"
	# Without a look for duplicates, which takes a second.
	ip -n "$netns" address add "$(address6 "$1")/64" dev "$2" nodad
	ip -n "$netns" link set lo up
	ip -n "$netns" link set "$2" up
}

make_net() {
	NET=herd-${PLACE##*.}
	ip netns add "$NET-0" 2>/dev/null || skip "cannot make network namespaces here"
	ip -n "$NET-0" link add bridge type bridge
	give_addresses 0 bridge
}

# What still runs in a namespace would keep it.
unmake_net() {
	local netns pids
	[ -n "${NET-}" ] || return 0
	for netns in $(ip netns list | grep -o "^$NET-[0-9]*"); do
		pids=$(ip netns pids "$netns")
		# shellcheck disable=SC2086 # a list of pids
		[ -z "$pids" ] || kill -KILL $pids
		ip netns delete "$netns"
	done
}

# add_host NUMBER: with a cable, and nothing that runs there.
add_host() {
	ip netns add "$NET-$1"
	ip -n "$NET-0" link add "cable$1" type veth peer name cable netns "$NET-$1"
	ip -n "$NET-0" link set "cable$1" master bridge up
	give_addresses "$1" cable
}

# host_config HOST PROCS COMMAND
host_config() {
	cat <<-INI
		log-level = debug
		status-path = /status
		user = $(server_user)
		[app]
		listen = $(address "$1"):${PORT-9000}, [$(address6 "$1")]:${PORT-9000}
		allowed-clients = $NET4.0/24, $NET6:/64
		bin-path = $3
		max-procs = $2
		socket = $PLACE/host.$1.socket
	INI
}

# start_host NUMBER PROCS [ARGUMENT ...]: fcgi-herd with so many children of misbehave, at port 9000
# or PORT; for the first time, or again.
start_host() {
	local host=$1 procs=$2 log=$PLACE/host.$1.log
	shift 2
	[ -e "/run/netns/$NET-$host" ] || add_host "$host"
	host_config "$host" "$procs" "$TEST_APPS/misbehave $*" >"$PLACE/host.$host.ini"
	: >"$log"
	start_inside "$host" "$log" "$FCGI_HERD" -n --config "$PLACE/host.$host.ini"
	HOST_PID[host]=$!
	wait_until 15 at_host "$host" ': ready$'
}

# start_wide_host NUMBER: one that takes 64 requests at once, each of them fcgi-load's.
start_wide_host() { start_host "$1" 1 --mpxs --max-reqs 64 --default bench; }

# start_program NUMBER [ARGUMENT ...]: misbehave alone, at port 9000.
start_program() {
	local host=$1 log=$PLACE/host.$1.log
	shift
	add_host "$host"
	start_inside "$host" "$log" \
		spawn-fcgi -n -a "$(address "$host")" -p 9000 -- "$TEST_APPS/misbehave" "$@"
	HOST_PID[host]=$!
	wait_until 10 listens "$host" t 9000
}

# listens MACHINE t|u PORT
listens() { [ -n "$(inside "$1" ss -Hln"$2" "sport = :$3")" ]; }

# stop_host HOST: in order.
stop_host() {
	end_tree "${HOST_PID[$1]}" TERM
	[ "$WAIT_STATUS" -eq 0 ]
}

# crash_host HOST: all that runs there dies at once.
crash_host() {
	# shellcheck disable=SC2046 # a list of pids
	kill -KILL $(ip netns pids "$NET-$1")
	wait_pids_gone 5 "${HOST_PID[$1]}"
}

# cut_off HOST, join_again HOST: what goes there and what comes from there is lost, also refusals.
cut_off() { inside "$1" nft 'add table inet cut
	add chain inet cut in { type filter hook input priority 0; }
	add chain inet cut out { type filter hook output priority 0; }
	add rule inet cut in iifname cable drop
	add rule inet cut out oifname cable drop'; }
join_again() { inside "$1" nft delete table inet cut; }

# at_host HOST PATTERN: whether its log has that.
at_host() { grep -qs -- "$2" "$PLACE/host.$1.log"; }

# host_page HOST [QUERY]: its status page.
host_page() {
	inside "$1" "$FCGI_MUX" --get "$(address "$1"):${PORT-9000}" "/status${2+?$2}"
}
host_statistic() { host_page "$1" | sed -n "s/^$2: //p"; } # HOST NAME

# served HOST: how many requests it has answered.
served() {
	host_page "$1" openmetrics |
		awk '/^fcgi_herd_process_requests_total/ { sum += $2 } END { print sum + 0 }'
}
served_least() { [ "$(served "$1")" -ge "$2" ]; }

# place_of_held NUMBER: the host that works on what hold asks, once it does.
is_held() { grep -q -- "busy-$1\$" "$PLACE"/host.*.log; }
place_of_held() {
	wait_until 10 is_held "$1"
	grep -l -- "busy-$1\$" "$PLACE"/host.*.log | sed 's/.*host\.\(.*\)\.log/\1/'
}

# hold_at HOST MILLISECONDS: has it work on a request, which is number $AT.
hold_at() {
	for ((AT = $1 * 100; AT < $1 * 100 + 50; AT++)); do
		hold "$AT" "$2"
		[ "$(place_of_held "$AT")" -ne "$1" ] || return 0
	done
	return 1
}

# host_values HOST: on a line, what it tells of its load.
host_values() {
	inside "$1" "$FCGI_MUX" --values "$(address "$1"):9000" |
		sed -n 's/^HERD_//p' | paste -sd ' '
}
host_values_are() { [ "$(host_values "$1")" = "$2" ]; }

# look_at NAME: at that one of several fronts.
look_at() {
	FRONT=$PLACE/$1.sock
	HERD_LOG=$PLACE/$1.log
}

# start_near NAME [ARGUMENT ...]: fcgi-mux on machine 0 at $FRONT, with a log of its own.
start_near() {
	look_at "$1"
	shift
	start_inside 0 "$HERD_LOG" "$FCGI_MUX" --listen "$FRONT" --log-level debug \
		--status-path /status "$@"
	wait_until 10 has_log ': ready$'
}

# shares: how many requests each proc of the front has answered, in order, all at one moment.
shares() {
	fcgi_client --param SCRIPT_NAME=/status --query openmetrics "$FRONT" |
		sed -n 's/^fcgi_herd_process_requests_total.* //p'
}

# Name servers on machine 0, by number. What they know below .test, with a time to live of a second,
# is in $PLACE/names.NUMBER.
name_server() { echo "$(address 0):$((5300 + $1))"; }

# start_names NUMBER [OPTION ...]: a dnsmasq.
start_names() {
	local number=$1
	shift
	touch "$PLACE/names.$number"
	start_inside 0 "$PLACE/names.log" dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--pid-file= --user=root --no-resolv --no-hosts --bind-interfaces \
		--listen-address="$(address 0)" --port=$((5300 + number)) \
		--local=/test/ --local-ttl=1 \
		--addn-hosts="$PLACE/names.$number" --log-facility=- "$@"
	NAMES_PID[number]=$!
	wait_until 10 listens 0 u $((5300 + number))
}

# tell_names NUMBER LINE ...: what it knows from now on: ADDRESS NAME.
tell_names() {
	local number=$1
	shift
	printf '%s\n' "$@" >"$PLACE/names.new"
	mv "$PLACE/names.new" "$PLACE/names.$number"
	[ -z "${NAMES_PID[number]-}" ] || kill -HUP "${NAMES_PID[number]}"
}

# tell_hosts NUMBER HOST ...: the same, that app.test is these.
tell_hosts() {
	local number=$1 host lines=()
	shift
	for host; do lines+=("$(address "$host") app.test"); done
	tell_names "$number" "${lines[@]}"
}

stop_names() { end_tree "${NAMES_PID[$1]}" TERM; }

# start_bad_names NUMBER: answers each question with SERVFAIL.
start_bad_names() {
	start_inside 0 "$PLACE/names.log" python3 -c "$(cat <<-'PYTHON'
		import socket, sys
		server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		server.bind((sys.argv[1], int(sys.argv[2])))
		while True:
		    question, client = server.recvfrom(512)
		    server.sendto(question[:2] + b'\x81\x82' + question[4:], client)
	PYTHON
	)" "$(address 0)" $((5300 + $1))
	NAMES_PID[$1]=$!
	wait_until 10 listens 0 u $((5300 + $1))
}
