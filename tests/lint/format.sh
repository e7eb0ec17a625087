#!/bin/sh
# format.sh [-i]: C is laid out as .clang-format says; -i makes it so. Looks at the current directory.
set -u

if [ "${1-}" = -i ]; then
	find src tests contrib -name '*.[ch]' -exec clang-format -i {} +
	exit
fi

bad=0
for file in $(find src tests contrib -name '*.[ch]' | sort); do
	if ! clang-format "$file" | diff "$file" - >/dev/null; then
		lines=$(clang-format "$file" | diff "$file" - | grep -c '^<')
		echo "$file: $lines lines differ from: clang-format $file"
		bad=1
	fi
done
exit $bad
