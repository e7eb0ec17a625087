# The code of C files as "FILE:LINE:CODE": comments and the insides of strings and character
# constants are blanked, save in #include lines, so that what is left can be searched.

FNR == 1 {
	in_comment = 0
}

{
	print FILENAME ":" FNR ":" strip($0)
}

function strip(line,    out, i, c, two, quote, is_include)
{
	is_include = line ~ /^[ \t]*#[ \t]*include/
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				i++
			}
		} else if (quote != "") {
			if (c == "\\")
				i++
			else if (c == quote)
				quote = ""
			out = out (quote == "" || is_include ? c : "")
		} else if (two == "/*") {
			in_comment = 1
			i++
		} else if (two == "//") {
			break
		} else {
			if (c == "\"" || c == "'")
				quote = c
			out = out c
		}
	}
	return out
}
