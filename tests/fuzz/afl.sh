#!/bin/bash
# afl.sh BUILD
#
# AFL++ on what a command line names: fcgi-herd --config FILE --check, the whole program from BUILD,
# which afl-clang-fast has built, for FUZZ_SECONDS (60). What crashes it, or takes over five seconds, is
# kept in BUILD/found/default; then the status is 1.
set -u

build=$(readlink -f "$1") || exit 2
cd "$(dirname "$0")" || exit 2
out=$build/found
rm -rf "$out"
mkdir -p "$out/seeds" || exit 2

# Each file with its lines that say what is wrong takes long: few, and small ones.
find corpus/config ../../contrib -maxdepth 1 -type f \( -path 'corpus/*' -o -name '*.ini' \) -size -8k \
	-exec cp -t "$out/seeds" {} +

export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_QUIET=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1
afl-fuzz -i "$out/seeds" -o "$out" -V "${FUZZ_SECONDS:-60}" -t 5000+ -m none -- \
	"$build/fcgi-herd" --config @@ --check >"$out/log" 2>&1 || {
	tail -n 20 "$out/log"
	exit 1
}

stat_of() { sed -n "s/^$1 *: //p" "$out/default/fuzzer_stats"; }
printf 'config files: %s executions, %s of the edges\n' "$(stat_of execs_done)" "$(stat_of bitmap_cvg)"
found=$(find "$out/default/crashes" "$out/default/hangs" -type f -name 'id:*')
[ -z "$found" ] || printf 'FOUND %s\n' "$found"
[ -z "$found" ]
