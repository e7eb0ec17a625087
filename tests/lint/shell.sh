#!/bin/sh
# shell.sh: shellcheck on every script. Looks at the current directory.
# Left out: SC2317, what a trap or an argument calls is not unreachable. In bats files: words that are
# split on purpose, and what follows from a test being a subshell and from "run" taking its status.
set -u

scripts() { # what begins with #!...sh, and what bats loads
	find . \( -name build -o -name .git \) -prune -o -type f \
		-exec awk 'FNR == 1 && /^#! ?\/(usr\/)?bin\/(env )?(ba|da)?sh/ { print FILENAME }' {} +
	find tests -name '*.bash'
}

bad=0
scripts | tr '\n' '\0' | xargs -0 shellcheck -x -e SC2317 || bad=1
find tests -name '*.bats' -print0 |
	xargs -0r shellcheck -x -S warning -s bats -e SC2317,SC2046,SC2030,SC2031,SC2314,SC2315 || bad=1
exit $bad
