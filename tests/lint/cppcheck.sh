#!/bin/sh
# cppcheck.sh: cppcheck on the programs. Looks at src/ of the current directory.
set -u

cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,performance,portability --inline-suppr \
	--error-exitcode=1 -D_GNU_SOURCE -DVERSION='""' -Isrc src contrib
