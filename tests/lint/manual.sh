#!/bin/sh
# manual.sh: the manual pages are good mdoc. Looks at man/ of the current directory.
set -u

found=$(find man -name '*.[0-9]' -exec mandoc -T lint -W warning {} + 2>&1) || {
	echo "$found"
	exit 1
}
