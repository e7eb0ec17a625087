#!/bin/sh
# sizes.sh: the budgets of "the style" in src/README. Prints what is largest, fails above a cap.
# Looks at src/ of the current directory. A function counts from its first line to its last.
set -u

bad=0
lint=$(dirname "$(readlink -f "$0")")

find src -name '*.[ch]' | sort | xargs awk -f "$lint/strip.awk" | awk '
BEGIN {
	cap_function = 60; cap_p95 = 40; cap_median = 15
	cap_file = 700; cap_header = 100
	cap_parameters = 5; cap_levels = 3
	# A library says what its callbacks take.
	prescribed["src/os/resolver.c: receive"]
}

function fail(text)
{
	print "above the cap: " text
	failed = 1
}

# Parameters of the signature: the commas in its first, outermost parentheses.
function count_parameters(text,    i, c, depth, count)
{
	sub(/^[^(]*/, "", text)
	if (text ~ /^\((void)?\)/)
		return 0
	count = 1
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "(")
			depth++
		else if (c == ")" && --depth == 0)
			break
		else if (c == "," && depth == 1)
			count++
	}
	return count
}

function function_name(text)
{
	sub(/\(.*/, "", text)
	sub(/.*[ \t*]/, "", text)
	return text
}

function end_function(    len, parameters)
{
	len = line - start + 1
	place = file ":" start ": " name
	lengths[++functions] = len
	places[functions] = place
	if (len > cap_function)
		fail(place " has " len " lines, " cap_function " are the most")
	parameters = count_parameters(signature)
	if (parameters > cap_parameters && !((file ": " name) in prescribed))
		fail(place " takes " parameters " parameters, " cap_parameters " are the most")
	if (levels > cap_levels)
		fail(file ":" deepest ": " name " has " levels " levels of indentation, " cap_levels \
			" are the most")
}

# A line that begins a statement: what stands before it is complete.
function look_at_indentation(    tabs)
{
	match(code, /^\t*/)
	tabs = RLENGTH
	if (parens == 0 && previous ~ /([;{}:)]|else|do)[ \t]*$/ && code !~ /^[ \t]*$/) {
		if (tabs > levels && code !~ /^\t*[&|?:+]/) {
			levels = tabs
			deepest = line
		}
	}
	parens += gsub(/\(/, "(", code) - gsub(/\)/, ")", code)
	if (code !~ /^[ \t]*$/)
		previous = code
}

function end_file(    cap)
{
	cap = file ~ /\.h$/ ? cap_header : cap_file
	if (line > cap)
		fail(file " has " line " lines, " cap " are the most")
	if (line > largest[file ~ /\.h$/]) {
		largest[file ~ /\.h$/] = line
		largest_name[file ~ /\.h$/] = file
	}
}

{
	colon = index($0, ":")
	next_file = substr($0, 1, colon - 1)
	code = substr($0, colon + 1)
	if (next_file != file) {
		if (file != "")
			end_file()
		file = next_file
		start = in_function = 0
	}
	line = code + 0
	sub(/^[0-9]+:/, "", code)
}

code == "{" {
	in_function = 1
	name = function_name(signature)
	levels = parens = 0
	previous = "{"
	next
}

in_function && code ~ /^}/ {
	end_function()
	in_function = start = 0
	next
}

in_function {
	look_at_indentation()
	next
}

# Between functions: where the signature to come begins.
code ~ /^[ \t]*(#.*)?$/ || code ~ /[;}\\][ \t]*$/ {
	start = 0
	next
}

!start {
	start = line
	signature = ""
}

{
	signature = signature " " code
}

END {
	if (file == "")
		exit 2
	end_file()
	for (i = 1; i <= functions; i++) {
		for (j = i; j > 1 && lengths[j - 1] < lengths[j]; j--) {
			t = lengths[j]; lengths[j] = lengths[j - 1]; lengths[j - 1] = t
			t = places[j]; places[j] = places[j - 1]; places[j - 1] = t
		}
	}
	median = lengths[int((functions + 1) / 2)]
	p95 = lengths[int(functions * 0.05) + 1]
	print functions " functions: median " median " lines, 95 % within " p95 "; the longest:"
	for (i = 1; i <= 5 && i <= functions; i++)
		print "  " lengths[i] " " places[i]
	print "longest file: " largest[0] " " largest_name[0]
	print "longest header: " largest[1] " " largest_name[1]
	if (median > cap_median)
		fail("the median function has " median " lines, " cap_median " are the most")
	if (p95 > cap_p95)
		fail("95 % of the functions are within " p95 " lines, " cap_p95 " are the most")
	exit failed
}' || bad=1

# Columns count comments and strings too; a tab goes to the next multiple of eight.
find src -name '*.[ch]' -exec awk '
{
	text = $0
	while ((tab = index(text, "\t")) > 0) {
		blanks = substr("        ", 1, 8 - (tab - 1) % 8)
		text = substr(text, 1, tab - 1) blanks substr(text, tab + 1)
	}
	if (length(text) > 100)
		print "above the cap: " FILENAME ":" FNR ": " length(text) " columns, 100 are the most"
}' {} + | grep . && bad=1
exit $bad
