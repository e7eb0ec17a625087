#!/bin/sh
# tidy.sh: clang-tidy, as .clang-tidy says. Looks at the current directory.
# tidy.sh --one FILE: at one file; quiet where it is good.
set -u

if [ "${1-}" = --one ]; then
	found=$(clang-tidy --quiet "$2" -- -std=gnu17 -D_GNU_SOURCE '-DVERSION="0"' -Isrc 2>&1) || {
		echo "$found"
		exit 1
	}
	exit 0
fi

find src tests contrib -name '*.c' -print0 | xargs -0 -n 1 -P "$(nproc)" "$0" --one
