#!/bin/bash
# fuzz.sh BUILD [TARGET ...]
#
# Runs the targets of tests/fuzz (BUILD/fuzz/fuzz_NAME), or those that are named, each from its corpus
# for FUZZ_SECONDS (60), FUZZ_JOBS of them (half of the processors) at a time, and prints what each
# did. With FUZZ_SECONDS=0 it takes the corpus alone.
# What a target finds is kept in BUILD/fuzz/found; then the status is 1.
# New inputs that reach new code are kept in BUILD/fuzz/corpus; tests/fuzz/merge.sh takes them over.
set -u

build=$(readlink -f "$1") || exit 2
shift
cd "$(dirname "$0")" || exit 2
seconds=${FUZZ_SECONDS:-60}
jobs_max=${FUZZ_JOBS:-$((($(nproc) + 1) / 2))}
found=$build/fuzz/found
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
mkdir -p "$found"

# Longer inputs only repeat what shorter ones do; a conversation needs more room than a value.
longest() { # NAME
	case $1 in
	front | proc | record | config) echo 4096 ;;
	*) echo 1024 ;;
	esac
}

# A line of libFuzzer that counts: "#123 DONE cov: 45 ft: 67 corp: 8/90b ..."
sum_up() { # NAME STATUS LOG
	awk -v name="$1" -v status="$2" '
		/^stat::number_of_executed_units:/ { executed = $2 }
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
		END {
			printf "%-12s %12d executions %6d edges%s\n", name, executed, cov,
				status ? "  FOUND" : ""
		}' "$3"
}

run_target() { # NAME
	local name=$1 own=$build/fuzz/corpus/$1 log=$work/$1.log status=0 inputs
	local options=(-print_final_stats=1 -timeout=10 -rss_limit_mb=2048 "-artifact_prefix=$found/$name-")
	mkdir -p "$own"
	if [ "$seconds" -eq 0 ]; then
		options+=(-runs=0)
	else
		options+=("-max_total_time=$seconds" "-max_len=$(longest "$name")")
	fi
	inputs=("$own")
	[ -d "corpus/$name" ] && inputs+=("corpus/$name")
	[ "$seconds" -eq 0 ] && inputs=("corpus/$name")
	"$build/fuzz/fuzz_$name" "${options[@]}" "${inputs[@]}" >"$log" 2>&1 || status=1
	sum_up "$name" "$status" "$log" | tee "$work/$name.sum"
	[ "$status" -eq 0 ] && return
	touch "$work/failed"
	grep -E 'not so:|ERROR:|SUMMARY:|Test unit written' "$log" || tail -n 20 "$log"
}

if [ $# -eq 0 ]; then
	for target in fuzz_*.c; do
		target=${target#fuzz_}
		set -- "$@" "${target%.c}"
	done
fi
for name; do
	while [ "$(jobs -pr | wc -l)" -ge "$jobs_max" ]; do
		wait -n
	done
	run_target "$name" &
done
wait

cat "$work"/*.sum | awk '
	{ executed += $2 }
	END { printf "%d targets, %d executions\n", NR, executed }'
[ ! -e "$work/failed" ]
