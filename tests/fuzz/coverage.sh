#!/bin/bash
# coverage.sh BUILD CORPUS-BUILD
#
# What of src the inputs of the targets (those of the tree, and what was found since in CORPUS-BUILD)
# and the model reach, a line for each folder and each file of fcgi, policy and mux. BUILD holds the
# programs, built to count.
set -eu

build=$(readlink -f "$1")
grown=$(readlink -m "$2")/fuzz/corpus
cd "$(dirname "$0")/../.."
llvm=$(clang --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tool() { # NAME ARGUMENT ...: as Debian calls it, or by its own name
	local name=$1
	shift
	if command -v "$name-$llvm" >/dev/null; then
		"$name-$llvm" "$@"
	else
		"$name" "$@"
	fi
}

objects=("$build/model")
for target in tests/fuzz/fuzz_*.c; do
	name=$(basename "$target" .c)
	inputs=("tests/fuzz/corpus/${name#fuzz_}")
	[ ! -d "$grown/${name#fuzz_}" ] || inputs+=("$grown/${name#fuzz_}")
	objects+=(-object "$build/fuzz/$name")
	LLVM_PROFILE_FILE=$work/$name "$build/fuzz/$name" -runs=0 "${inputs[@]}" >/dev/null 2>&1
done
LLVM_PROFILE_FILE=$work/model-%p "$build/model" --seed 1 --steps "${STEPS:-300000}" --brief >/dev/null
tool llvm-profdata merge -o "$work/merged" "$work"/fuzz_* "$work"/model-*
tool llvm-cov report -instr-profile "$work/merged" "${objects[@]}" src/base src/fcgi src/policy \
	src/config src/mux | awk '
	function add(folder) {
		lines[folder] += $8; missed[folder] += $9
		branches[folder] += $11; missed_branches[folder] += $12
	}
	function percent(all, missed) { return all ? 100 * (all - missed) / all : 100 }
	/\.[ch] / {
		add($1 ~ /\// ? substr($1, 1, index($1, "/") - 1) : ".")
		if ($1 ~ /^(fcgi|policy|mux)\//)
			printf "  %-32s %5.1f %% of lines, %5.1f %% of branches\n", $1,
				percent($8, $9), percent($11, $12)
	}
	END {
		for (folder in lines)
			printf "%-34s %5.1f %% of lines, %5.1f %% of branches\n", folder,
				percent(lines[folder], missed[folder]),
				percent(branches[folder], missed_branches[folder])
	}'
