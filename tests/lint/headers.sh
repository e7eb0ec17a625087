#!/bin/sh
# headers.sh: a header's guard is FOLDER_FILE_H, it compiles by itself, and src/README names its file.
# Looks at src/ of the current directory.
set -u

bad=0
complain() {
	echo "$1: $2"
	bad=1
}

for header in src/*/*.h; do
	guard=$(echo "${header#src/}" | tr 'a-z/.-' 'A-Z___')
	[ "$(sed -n '1s/#ifndef //p; 2s/#define //p' "$header" | tr '\n' ' ')" = "$guard $guard " ] ||
		complain "$header" "the guard is not $guard"
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -Isrc -fsyntax-only -x c -include "$header" \
		/dev/null || complain "$header" "does not compile by itself"
done

for source in src/*/*.c src/*/*.h; do
	name=${source##*/}
	grep -qw -- "${name%.[ch]}" src/README || complain "$source" "src/README does not name it"
done
exit $bad
