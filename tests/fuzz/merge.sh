#!/bin/bash
# merge.sh BUILD [TARGET ...]
#
# Makes tests/fuzz/corpus anew: of what is there, and in BUILD/fuzz/corpus, the fewest and smallest
# inputs of each target that reach all edges that the whole reaches, however often.
set -eu

build=$(readlink -f "$1")
shift
cd "$(dirname "$0")"
if [ $# -eq 0 ]; then
	for target in fuzz_*.c; do
		target=${target#fuzz_}
		set -- "$@" "${target%.c}"
	done
fi
for name; do
	small=$(mktemp -d)
	mkdir -p "corpus/$name" "$build/fuzz/corpus/$name"
	"$build/fuzz/fuzz_$name" -merge=1 -use_counters=0 -max_len=2048 "$small" "corpus/$name" \
		"$build/fuzz/corpus/$name" >/dev/null 2>&1
	rm -rf "corpus/$name"
	mv "$small" "corpus/$name"
	chmod 755 "corpus/$name"
	printf '%-12s %s\n' "$name" "$(find "corpus/$name" -type f | wc -l) inputs"
done
