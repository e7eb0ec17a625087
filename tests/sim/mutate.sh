#!/bin/bash
# mutate.sh DIRECTORY [NAME ...]
#
# Sees that the model finds mistakes: puts each of those in tests/sim/mutations, or those named, into a
# copy of the source in DIRECTORY, and runs the model until it fails, for MUTATION_STEPS (5000000) at
# most. Fails where it does not.
set -u

top=$(readlink -f "$(dirname "$0")/../..")
mkdir -p "$1" || exit 2
copy=$(readlink -f "$1")
shift
steps=${MUTATION_STEPS:-5000000}
missed=0

build() {
	make -C "$copy" -s BUILD=build SANITIZE=address,undefined -j2 model-program \
		>"$copy/log" 2>&1 || { tail -n 5 "$copy/log" && return 1; }
}

run_model() { # STEPS
	timeout 300 "$copy/build/model" --brief --seed 2 --steps "$1" >"$copy/said" 2>&1
}

# What the model says first: the rule that is broken, or what the sanitizers or the source itself say.
first_words() {
	local words
	words=$(grep -m 1 -oE 'not so: .*|ERROR: AddressSanitizer: [a-zA-Z -]*|runtime error: .*|Assertion .*' \
		"$copy/said" | cut -c 1-90)
	echo "${words:-it does not end}"
}

try() { # NAME FILE CHANGE
	local file=$copy/src/$2 taken
	perl -0777 -pi -e "$3" "$file"
	if cmp -s "$file" "$top/src/$2"; then
		printf '%-28s changes nothing\n' "$1"
		return 1
	fi
	build || return 1
	if run_model "$steps"; then
		printf '%-28s NOT FOUND in %s steps\n' "$1" "$steps"
		return 1
	fi
	taken=$(sed -n 's/^\([0-9]*\) steps,.*/\1/p' "$copy/said")
	printf '%-28s %8s steps  %s\n' "$1" "${taken:-?}" "$(first_words)"
}

is_wanted() { # NAME WANTED ...
	local name=$1 wanted
	shift
	[ $# -gt 0 ] || return 0
	for wanted; do [ "$name" != "$wanted" ] || return 0; done
	return 1
}

for name; do
	grep -q "^$name " "$top/tests/sim/mutations" || { echo "no such mutation: $name" >&2 && exit 2; }
done
rm -rf "$copy/src" "$copy/tests"
mkdir -p "$copy/tests"
# New, so that no object of an earlier mistake looks newer.
cp -r "$top/src" "$top/Makefile" "$copy" && cp -r "$top/tests/sim" "$copy/tests" || exit 2
build || exit 2
run_model "$steps" || { cat "$copy/said" && echo 'it fails without a mistake' && exit 2; }
while read -r name file change; do
	case $name in '' | '#'*) continue ;; esac
	is_wanted "$name" "$@" || continue
	try "$name" "$file" "$change" || missed=$((missed + 1))
	cp "$top/src/$file" "$copy/src/$file"
done <"$top/tests/sim/mutations"
echo "$missed mutations were not found"
[ "$missed" -eq 0 ]
