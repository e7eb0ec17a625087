#!/usr/bin/env bats
# The scripts of "make lint" find what they are there for: each is shown a small tree with a fault.

setup() {
	TOP=${TOP:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)}
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir -p src/base src/config src/herd src/mux src/os src/policy man contrib tests
}

lint() { # NAME: the script, in the tree of the test
	run "$TOP/tests/lint/$1.sh"
}

finds() { # TEXT: the lint failed and said so
	[ "$status" -ne 0 ]
	[[ $output == *"$1"* ]]
}

requires() { # COMMAND
	command -v "$1" >/dev/null || skip "no $1"
}

@test "arrows: a tree without faults passes" {
	cat >src/os/loop.c <<-'C'
		#include "os/loop.h" /* <ini.h> and fork() in a comment are nothing */
		#include <ev.h>
		static const char *text = "popen(x) << 3";
	C
	lint arrows
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "arrows: an include upwards is found" {
	echo '#include "config/settings.h"' >src/os/listen.c
	lint arrows
	finds 'src/os/listen.c:1:'
}

@test "arrows: herd and mux do not meet" {
	echo '#include "mux/proc.h"' >src/herd/child.c
	lint arrows
	finds 'herd and mux meet in os/control only'
}

@test "arrows: policy has no clock and no log" {
	printf '#include <time.h>\n#include "base/log.h"\n' >src/policy/retry.c
	lint arrows
	finds 'src/policy/retry.c:1:#include <time.h>'
	finds 'src/policy/retry.c:2:#include "base/log.h"'
}

@test "arrows: a library, fork or a look-up outside its file is found" {
	printf '%s\n' '#include <ev.h>' 'int x = fork();' '#include <cap-ng.h>' '#include <ini.h>' \
		'y = getpwnam(name);' 'getaddrinfo(a, b, c, d);' '#include <seccomp.h>' \
		'#include <ares.h>' 'ares_query(a, b, c, d, e, f);' >src/mux/mux.c
	lint arrows
	for line in 1 2 3 4 5 6 7 8 9; do
		finds "src/mux/mux.c:$line:"
	done
}

@test "arrows: an unbounded copy and a shift are found" {
	printf '\tstrcpy(a, b);\n\treturn a << 8;\n' >src/base/text.c
	lint arrows
	finds 'src/base/text.c:1:'
	finds 'src/base/text.c:2:'
}

@test "sizes: a long function, many parameters and deep indentation are found" {
	{
		printf 'static int long_one(void)\n{\n'
		seq 1 60 | sed 's/.*/\tcall();/'
		printf '}\n\n'
		printf 'int wide(int a, int b, int c,\n\t int d, int e, int (*f)(int, int))\n{\n\treturn 0;\n}\n\n'
		printf 'void deep(void)\n{\n\tif (a) {\n\t\tif (b) {\n\t\t\tif (c)\n\t\t\t\tcall();\n\t\t}\n\t}\n}\n'
	} >src/base/text.c
	lint sizes
	finds 'long_one has 63 lines'
	finds 'wide takes 6 parameters'
	finds 'deep has 4 levels'
}

@test "sizes: a long header and a wide line are found" {
	seq 1 101 | sed 's/.*/extern int x&;/' >src/base/text.h
	printf '\t/* %93s */\n' x >src/base/text.c
	lint sizes
	finds 'text.h has 101 lines'
	finds 'text.c:1: 107 columns'
}

@test "options: a key missing from the manual, or from the table, is found" {
	printf '%s\n' 'const struct option_entry option_table[] = {' '	{ "listen", X },' '	{ "chroot", X },' \
		'};' >src/config/options.c
	printf '.It Ic listen\n.It Ic umask\n' >man/fcgi-herd.ini.5
	printf 'listen = /x\n; chroot = /y\n' >contrib/fcgi-herd.ini
	lint options
	finds 'chroot: in src/config/options.c, not in man/fcgi-herd.ini.5'
	finds 'umask: in man/fcgi-herd.ini.5, not in src/config/options.c'
	[[ $output != *listen:* ]]
}

@test "options: a key missing from the sample, or from the table, is found" {
	printf '%s\n' 'const struct option_entry option_table[] = {' '	{ "listen", X },' '};' \
		>src/config/options.c
	echo '.It Ic listen' >man/fcgi-herd.ini.5
	echo 'lissten = /x' >contrib/fcgi-herd.ini
	lint options
	finds 'listen: in src/config/options.c, not in contrib/fcgi-herd.ini'
	finds 'lissten: in contrib/fcgi-herd.ini, not in src/config/options.c'
}

@test "headers: a wrong guard, a missing include and a file not on the map are found" {
	printf '#ifndef TEXT_H\n#define TEXT_H\nsize_t f(void);\n#endif\n' >src/base/text.h
	echo 'the map' >src/README
	lint headers
	finds 'the guard is not BASE_TEXT_H'
	finds 'text.h: does not compile by itself'
	finds 'src/README does not name it'
}

@test "manual: a page that is not mdoc is found" {
	requires mandoc
	printf '.Dd January 1, 2026\n.Dt X 8\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Sh DESCRIPTION\n.Bogus\n' >man/x.8
	lint manual
	finds Bogus
}

@test "shell: an unquoted variable in a script without suffix is found" {
	requires shellcheck
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nrm -rf $1\n' >contrib/remove
	lint shell
	finds SC2086
}

@test "format: a line that is laid out otherwise is found" {
	requires clang-format
	cp "$TOP/.clang-format" .
	printf 'int f(void) {\n  return 0;\n}\n' >src/base/text.c
	lint format
	finds 'src/base/text.c: 2 lines differ'
}

@test "tidy: a use of NULL is found" {
	requires clang-tidy
	cp "$TOP/.clang-tidy" .
	printf 'int f(void)\n{\n\tint *p = 0;\n\treturn *p;\n}\n' >src/base/text.c
	lint tidy
	finds 'src/base/text.c:4:'
}

@test "cppcheck: a leak is found" {
	requires cppcheck
	printf '#include <stdlib.h>\nint f(void)\n{\n\tint *p = malloc(4);\n\tif (!p)\n\t\treturn 1;\n\treturn 2;\n}\n' \
		>src/base/text.c
	lint cppcheck
	finds memleak
}

@test "analyzer: a double free is found" {
	requires gcc
	printf '#include <stdlib.h>\nvoid f(void *p);\nvoid f(void *p)\n{\n\tfree(p);\n\tfree(p);\n}\n' \
		>src/base/text.c
	lint analyzer
	finds double-free
}
