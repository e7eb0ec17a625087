#!/bin/sh
# analyzer.sh: gcc's -fanalyzer on the programs. Looks at src/ of the current directory.
set -u

find src -name '*.c' -print0 | xargs -0 -n 1 -P "$(nproc)" gcc -std=gnu17 -D_GNU_SOURCE \
	'-DVERSION="0"' -Isrc -fanalyzer -Werror -c -o /dev/null
