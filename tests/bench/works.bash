# works.bash: the works that are measured. Sourced by bench.sh.
#
# A work is a function run_WORK, called once a round, that measures every peer in turn: so that what
# else the machine does meets all of them. record_... lines go to $results.
# Variables from bench.sh: build, work, results, round, seconds, peers, yardstick, all_cpus, one_cpu.
# shellcheck disable=SC2154 # variables of the others

record() { # WORK CPUS PEER METRIC VALUE
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$round" "$@" >>"$results"
}

# Sets `answer` to what fcgi-load says; its status 1 (errors) is a result too.
load() { # CPUS OPTION ...
	local cpus=$1
	shift
	answer=$(taskset -c "$cpus" "$build/fcgi-load" --json "$@" 2>>"$work/load.log")
	case $answer in
	'{'*) ;;
	*) die "fcgi-load $* failed: $(tail -n 2 "$work/load.log")" ;;
	esac
}

# The Nth value (1) of a key of `answer`.
field() { # KEY [N]
	local rest=$answer i
	for ((i = 0; i < ${2:-1}; i++)); do
		rest=${rest#*\""$1"\":}
	done
	echo "${rest%%[,\}]*}"
}

divide() { # A B
	awk -v a="$1" -v b="$2" 'BEGIN { printf("%.4f", (b > 0) ? a / b : 0) }'
}

record_load() { # WORK CPUS PEER
	record "$@" rps "$(field rps)"
	record "$@" p50_ms "$(divide "$(field p50_us)" 1000)"
	record "$@" p99_ms "$(divide "$(field p99_us)" 1000)"
	record "$@" p999_ms "$(divide "$(field p999_us)" 1000)"
	record "$@" errors "$(field error_count)"
	record "$@" starved "$(field starved)"
}

# One load on one stack, with the CPU of its proxy.
measure() { # WORK CPUS STACK OPTION ...
	local name=$1 cpus=$2 stack=$3 before after where=$all_cpus
	shift 3
	[ "$cpus" != one ] || where=$one_cpu
	# shellcheck disable=SC2086 # a list of pids
	before=$(cpu_ns ${proxy[$stack]})
	load "$where" "$@" "${target[$stack]}"
	# shellcheck disable=SC2086
	after=$(cpu_ns ${proxy[$stack]})
	record_load "$name" "$cpus" "${stack%%.*}"
	[ -z "${proxy[$stack]}" ] || record "$name" "$cpus" "${stack%%.*}" cpu_us \
		"$(divide $(((after - before) / 1000)) "$(field answers)")"
}

# A stack with four children that most works share; made when first needed.
need_stack() { # PEER CPUS
	local where=$all_cpus
	[ "$2" != one ] || where=$one_cpu
	[ -n "${target[$1.$2]-}" ] || start_stack "$1" "$2" 4 "$where"
}

measure_peers() { # WORK CPUS OPTION ...
	local name=$1 cpus=$2 peer
	shift 2
	for peer in $peers $yardstick; do
		need_stack "$peer" "$cpus"
		measure "$name" "$cpus" "$peer.$cpus" --seconds "$seconds" "$@"
	done
}

run_W1() {
	measure_peers W1 all
	measure_peers W1 one
}

run_W2() {
	measure_peers W2 all --keep --connections 4
	measure_peers W2 one --keep --connections 4
}

run_W2o() {
	measure_peers W2o all --keep
}

run_W3() {
	measure_peers W3 all --answer 64k
	measure_peers W3 one --answer 64k
}

run_W4() {
	measure_peers W4 all --body 1m
	measure_peers W4 one --body 1m
}

# Four children can do 4 / (0.9 * 1 ms + 0.1 * 50 ms) = 678 requests a second; 70 % of that. The
# moments and the service times are the same for all.
run_W5() {
	local peer
	for peer in $peers; do
		need_stack "$peer" all
		measure W5 all "$peer.all" --rate 474 --mix 90:1ms,10:50ms --connections 1000 \
			--seed "$round" --seconds "$((seconds * 4))"
		record W5 all "$peer" short_p99_ms "$(divide "$(field p99_us 2)" 1000)"
	done
}

# The parent that restarts the children of a stack: fcgi-herd, or bench-app for those that have none.
start_mortal_stack() { # PEER NAME [OPTION OF THE CHILDREN ...]
	local peer=$1 stack=$1.$2
	[ -z "${target[$stack]-}" ] || return 0
	if [ "$peer" = mux ]; then
		shift 2
		start_herd "$stack" 4 "$all_cpus" "$@"
	else
		start_stack "$peer" "$2" 4 "$all_cpus" --respawn "${@:3}"
	fi
}

measure_under_kills() { # WORK STACK
	local killer peer=${2%%.*}
	kill_children "${children[$2]}" "$work/kills" &
	killer=$!
	load "$all_cpus" --mix 1:1ms --seconds "$((seconds * 2))" "${target[$2]}"
	kill "$killer"
	wait "$killer" 2>/dev/null
	record_load "$1" all "$peer"
	record "$1" all "$peer" kills "$(tail -n 1 "$work/kills")"
	record "$1" all "$peer" lost_a_kill \
		"$(divide "$(field error_count)" "$(tail -n 1 "$work/kills")")"
}

run_mortal() { # WORK [OPTION OF THE CHILDREN ...]
	local name=$1 peer
	shift
	for peer in $peers; do
		start_mortal_stack "$peer" "$name" "$@"
		measure_under_kills "$name" "$peer.$name"
	done
}

run_W6() { run_mortal W6; }
run_W6r() { run_mortal W6r --start-delay 100; }

# HAProxy and nginx pin a child to each connection, so theirs are only opened; ours carried a request
# each before they fell idle.
idle_bytes() { # STACK OPTION ...
	local stack=$1 before after holder
	shift
	# shellcheck disable=SC2086 # a list of pids
	before=$(rss_bytes ${proxy[$stack]})
	launch "$stack.idle" "$build/fcgi-load" --idle "$idle_count" "$@" "${target[$stack]}"
	holder=$last_pid
	until grep -q holding "$work/$stack.idle.log"; do
		is_running "$holder" || break
		sleep 0.05
	done
	sleep 0.3 # for a proxy that accepts after the connection was made
	# shellcheck disable=SC2086
	after=$(rss_bytes ${proxy[$stack]})
	is_running "$holder" || note "W7: $stack: $(tail -n 1 "$work/$stack.idle.log")"
	stop "$holder"
	record W7 all "${stack%%.*}" bytes "$(divide $((after - before)) "$idle_count")"
}

# New processes each round: memory that was used before is not given back.
run_W7() {
	local peer stack
	for peer in $peers; do
		[ "$peer" != direct ] || continue
		stack=$peer.idle$round
		start_stack "$peer" "idle$round" 4 "$all_cpus"
		if [ "$peer" = mux ]; then
			idle_bytes "$stack" --keep
		else
			idle_bytes "$stack"
		fi
		# shellcheck disable=SC2086 # the first of the pids is the parent
		stop ${proxy[$stack]%% *} "${children[$stack]}"
	done
}

measure_shown() { # WORK OPTION ...
	local poller
	poll_status "${target[mux-shown.shown]}" &
	poller=$!
	measure "$1" one mux-shown.shown --seconds "$seconds" "${@:2}"
	kill "$poller"
	wait "$poller" 2>/dev/null
}

# What it costs to see what goes on: the access log, and the status ten times a second. Each is the
# first in every other round.
run_shown() {
	[ -n "${target[mux.shown]-}" ] || start_stack mux shown 4 "$one_cpu"
	[ -n "${target[mux-shown.shown]-}" ] || start_stack mux-shown shown 4 "$one_cpu"
	[ $((round % 2)) -eq 0 ] || measure_shown shown --keep --connections 4
	measure shown one mux.shown --seconds "$seconds" --keep --connections 4
	[ $((round % 2)) -ne 0 ] || measure_shown shown --keep --connections 4
	: >"$work/mux-shown.shown.access"
}

run_procs() {
	local count
	for count in 4 100 1000; do
		[ -n "${target[mux.procs$count]-}" ] ||
			start_stack mux "procs$count" "$count" "$one_cpu"
	done
	for count in 4 100 1000; do
		measure "procs$count" one "mux.procs$count" --seconds "$seconds" --keep \
			--connections 4
		measure "procs${count}c16" one "mux.procs$count" --seconds "$seconds" --keep
	done
}

# System calls a request, counted once.
count_calls() { # WORK STACK OPTION ...
	local name=$1 stack=$2 tracer calls pid
	shift 2
	pid=${proxy[$stack]##* }
	[ -n "$pid" ] || pid=${proxy[$stack]%% *}
	strace -c -U calls -o "$work/calls" -p "$pid" 2>"$work/strace.log" &
	tracer=$!
	until grep -q attached "$work/strace.log"; do
		is_running "$tracer" || return 0
		sleep 0.02
	done
	load "$all_cpus" --requests 300 "$@" "${target[$stack]}"
	kill -INT "$tracer"
	wait "$tracer" 2>/dev/null
	calls=$(awk '/total/ { print $1 }' "$work/calls")
	record "calls-$name" all "${stack%%.*}" calls "$(divide "$calls" "$(field answers)")"
}

run_calls() {
	local peer
	[ "$round" -eq 1 ] || return 0
	has_command strace || { note "no strace: system calls are not counted"; return 0; }
	for peer in $peers $yardstick; do
		[ "$peer" != direct ] || continue
		need_stack "$peer" all
		count_calls W1 "$peer.all"
		count_calls W2 "$peer.all" --keep --connections 4
		count_calls W4 "$peer.all" --body 1m
	done
}
