#!/bin/bash
# coverage.sh BUILD
#
# What of the lines and branches of src the unit tests, the tests of whole programs and the model
# reach, a line for each file. BUILD holds the programs, built to count; each line of src with a
# branch that was not taken goes to BUILD/missed.
set -u

build=$(readlink -f "$1") || exit 2
cd "$(dirname "$0")/.." || exit 2
status=0

# Who runs as another user, or with a umask, can add to a file that is there but not make one for
# all. To libgcov an empty one is as good as none.
find "$build" -name '*.gcda' -delete
find "$build" -name '*.gcno' | while read -r notes; do
	: >"${notes%.gcno}.gcda"
	chmod 666 "${notes%.gcno}.gcda"
done
[ "$(id -u)" -ne 0 ] || setpriv --reuid=nobody --clear-groups test -w "$build/src/fcgi-mux.gcda" ||
	echo "coverage: other users cannot enter $build: what runs as them does not count" >&2

# No sandbox in this build, as in sanitized ones: what it is made of does not count.
uncounted=src/os/sandbox.c
SANITIZED=1 tests/check.sh "$build" units programs || status=1
"$build/model" --seed 1 --steps "${STEPS:-300000}" --brief || status=1

# A header is compiled many times: a line or branch of it is reached where one of them is.
find "$build/src" -name '*.gcno' -exec gcov -b -c -t {} + 2>/dev/null | awk -v missed="$build/missed" \
	-v uncounted="$uncounted" '
	/^ *-: *0:Source:/ {
		file = substr($0, index($0, "Source:") + 7)
		next
	}
	file !~ /^src\// || file == uncounted { next }
	/^branch / {
		key = file SUBSEP line SUBSEP $2
		branches[key] = branches[key] || ($3 == "taken" && $4 > 0)
		next
	}
	match($0, /^ *[^ :]+: *[0-9]+:/) {
		split($0, part, ":")
		line = part[2] + 0
		texts[file, line] = substr($0, RLENGTH + 1)
		if (part[1] !~ /-/)
			lines[file, line] = lines[file, line] || part[1] + 0 > 0
	}
	function percent(hit, all) { return all ? 100 * hit / all : 100 }
	function summary(name) {
		return sprintf("%-32s %5.1f %% of %5d lines, %5.1f %% of %5d branches", name,
			percent(line_hits[name], line_count[name]), line_count[name],
			percent(branch_hits[name], branch_count[name]), branch_count[name])
	}
	function add(name, hits, counts, hit) {
		hits[name] += hit; counts[name]++
		hits["src"] += hit; counts["src"]++
	}
	END {
		printf "" >missed
		for (key in lines) {
			split(key, part, SUBSEP)
			add(part[1], line_hits, line_count, lines[key])
		}
		for (key in branches) {
			split(key, part, SUBSEP)
			add(part[1], branch_hits, branch_count, branches[key])
			if (!branches[key] && !told[part[1], part[2]]++)
				print part[1] ":" part[2] ":" texts[part[1], part[2]] >missed
		}
		for (name in line_count)
			if (name != "src")
				print summary(name) | "sort"
		close("sort")
		print summary("src")
	}'
echo "without $uncounted, under which no count could be written: tests/sandbox.bats tries it from inside"
sort -t : -k 1,1 -k 2,2n -o "$build/missed" "$build/missed"
exit "$status"
