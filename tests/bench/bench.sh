#!/bin/bash
# bench.sh BUILD [options]: what fcgi-mux costs, and what others do. "bench.sh --help" tells more.
set -u

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/bench/peers.bash
. "$here/peers.bash"
# shellcheck source=tests/bench/works.bash
. "$here/works.bash"
# shellcheck source=tests/bench/http.bash
. "$here/http.bash"

all_works="W1 W2 W2o W3 W4 W5 W6 W6r W7 shown procs calls http kills"
help="Usage: bench.sh BUILD [options]

Measures fcgi-mux in BUILD beside HAProxy, nginx and the children alone, round
after round, and compares with the goals. Their rows named bare are bare-relay's, the
least that a relay can do: what that does not reach, none can on this machine.
Writes BUILD/bench.json. Everything listens in a private directory or on the
loopback; what is missing is skipped.

      --works 'W1 W4'   only these of: $all_works
      --peers 'mux'     only these of: direct mux haproxy nginx
      --rounds N        (3)
      --seconds N       of each measurement (1)
  -h, --help            this text

W1 new connections, W2 four kept ones, W2o 16 kept ones, W3 answers of 64 KiB,
W4 bodies of 1 MiB, W5 short and long requests, W6 a child killed every 200 ms,
W6r the same where a restart takes 100 ms, W7 memory of idle connections, shown
what access log and status cost, procs 4 to 1,000 children, calls system calls,
http web servers, kills W6 over HTTP."

usage() {
	echo "$help" >&2
	exit 2
}

parse_options() {
	works=$all_works peers='' rounds=3 seconds=1
	[ $# -ge 1 ] || usage
	case $1 in
	-h | --help) echo "$help" && exit ;;
	-*) usage ;;
	esac
	build=$(readlink -f "$1") || exit 2
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) echo "$help" && exit ;;
		esac
		[ $# -ge 2 ] || usage
		case $1 in
		--works) works=$2 ;;
		--peers) peers=$2 ;;
		--rounds) rounds=$2 ;;
		--seconds) seconds=$2 ;;
		*) usage ;;
		esac
		shift 2
	done
	[[ $rounds$seconds =~ ^[1-9][0-9]*$ ]] || usage
}

check_programs() {
	local program
	for program in fcgi-load bench-app bare-relay fcgi-mux fcgi-herd; do
		[ -x "$build/$program" ] || die "$build/$program is not there; make bench builds it"
	done
	has_command taskset || die "taskset (util-linux) is not there"
}

choose_peers() {
	yardstick=
	[ -z "$peers" ] || return 0
	peers="direct mux"
	yardstick=bare
	if has_command haproxy; then
		peers+=" haproxy"
	else
		note "no haproxy here: skipped"
	fi
	if has_nginx_stream; then
		peers+=" nginx"
	else
		note "no nginx with its stream module (libnginx-mod-stream) here: skipped"
	fi
}

# The CPUs that we may use, and one of them that is not the first, which has the machine's own work.
choose_cpus() {
	local list
	list=$(taskset -cp $$)
	all_cpus=${list##*: }
	one_cpu=$(awk -v list="$all_cpus" 'BEGIN {
		count = split(list, parts, ",")
		for (i = 1; i <= count; i++) {
			split(parts[i] "-" parts[i], ends, "-")
			for (cpu = ends[1]; cpu <= ends[2]; cpu++)
				cpus[++total] = cpu
		}
		chosen = total > 1 ? 2 : 1
		print cpus[chosen]
	}')
}

describe_machine() {
	local model
	model=$(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
	printf 'machine\t%s CPUs, %s, Linux %s\n' "$(nproc)" "${model:-unknown}" "$(uname -r)"
	printf 'versions\t%s\n' "$(list_versions)"
}

list_versions() {
	local text
	text=$("$build/fcgi-mux" --version)
	has_command haproxy && text+=", HAProxy $(haproxy -v | awk '{ print $3; exit }')"
	has_command nginx && text+=", nginx $(nginx -v 2>&1 | sed 's|.*/||')"
	has_command lighttpd && text+=", $(lighttpd -v | awk '{ print $1; exit }')"
	echo "$text"
}

clean_up() {
	local running
	trap '' HUP INT TERM
	stop_all
	running=$(jobs -p)
	# shellcheck disable=SC2086 # a list of pids
	[ -z "$running" ] || kill $running 2>/dev/null
	wait
	rm -rf "$work"
}

prepare() {
	ulimit -n "$(ulimit -Hn)"
	PATH=$PATH:/usr/sbin:/sbin
	idle_count=9000
	# A proxy has two descriptors a connection.
	[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge 19100 ] ||
		idle_count=$(($(ulimit -n) / 2 - 100))
	work=$(mktemp -d /tmp/bench.XXXXXX) || exit 1
	chmod 755 "$work" # fcgi-mux runs as somebody else
	results=$work/results
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

run_rounds() {
	local name
	for ((round = 1; round <= rounds; round++)); do
		for name in $works; do
			declare -F "run_$name" >/dev/null || die "no such work: $name"
			note "round $round of $rounds: $name ($SECONDS s)"
			"run_$name"
		done
	done
}

parse_options "$@"
check_programs
choose_peers
choose_cpus
prepare
SECONDS=0
run_rounds
describe_machine >"$work/machine"
printf 'run\t%s rounds, %s s each, %s s in all\n' "$rounds" "$seconds" "$SECONDS" >>"$work/machine"
awk -v json="$build/bench.json" -f "$here/report.awk" "$work/machine" "$here/goals" "$results"
