#!/bin/sh
# options.sh: the option table, the manual of the configuration and the sample name the same keys.
# Looks at the current directory.
set -u

table=src/config/options.c
manual=man/fcgi-herd.ini.5
sample=contrib/fcgi-herd.ini
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# The first string of each row of option_table[].
sed -n '/option_table\[\] *=/,/^};/p' "$table" |
	sed -nE 's/^[[:space:]]*(\{|[A-Z_]+\()[[:space:]]*(\.name = )?"([a-z][a-z0-9-]*)".*/\3/p' |
	sort >"$work/table"
# .It Ic max-procs, also with arguments behind it.
sed -nE 's/^\.It Ic ([a-z][a-z0-9-]*).*/\1/p' "$manual" | sort >"$work/manual"
# max-procs = 4, also as a comment.
sed -nE 's/^[;#]?[[:space:]]*([a-z][a-z0-9-]*)[[:space:]]*=.*/\1/p' "$sample" |
	sort -u >"$work/sample"

[ -s "$work/table" ] || {
	echo "options: no rows found in $table" >&2
	exit 2
}

bad=0
missing() { # FROM IN MESSAGE: lines of FROM that IN lacks
	comm -23 "$work/$1" "$work/$2" | sed "s|\$|: $3|" | grep . && bad=1
}
missing table manual "in $table, not in $manual"
missing manual table "in $manual, not in $table, or twice"
missing table sample "in $table, not in $sample"
missing sample table "in $sample, not in $table"
exit $bad
