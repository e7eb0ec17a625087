#!/usr/bin/env bats
# Configurations: each kind of mistake is told with its place and starts nothing; what --check prints
# is a configuration with the same meaning.

load helpers

setup() {
	make_place
	INI=$PLACE/herd.ini
	FRONT=$PLACE/front.sock
}

# config LINE ...: a section [app] that is good, with these lines behind it.
config() {
	{
		echo "[app]"
		echo "listen = $FRONT"
		echo "bin-path = /bin/sleep 1000"
		as_root "user = $(server_user)"
		printf '%s\n' "$@"
	} >"$INI"
	LINE=$(wc -l <"$INI")
}

# whole LINE ...: the lines alone.
whole() { printf '%s\n' "$@" >"$INI"; }

nothing_is_left() {
	[ ! -e "$FRONT" ]
	[ ! -e "$PLACE/pid" ]
	! pgrep -f "$FCGI_HERD" >/dev/null
}

# refuses SENTENCE: the file of the test, in these words, with EX_CONFIG, and nothing is started.
refuses() {
	run timeout 30 "$FCGI_HERD" --config "$INI" --pid-file "$PLACE/pid"
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *"$1"* ]]
	nothing_is_left
}

# refuses_last SENTENCE: as the fault of the last line, and of that line only.
refuses_last() {
	refuses "fcgi-herd: $INI:$LINE: $1"
	[ "$(grep -vc warning <<<"$output")" -eq 1 ]
}

# check ARGUMENT ...: prints what is in effect.
check() { timeout 30 "$FCGI_HERD" --check "$@"; }

@test "a good configuration passes --check, and nothing is started" {
	config
	run check --config "$INI"
	[ "$status" -eq 0 ]
	[[ $output == *"[app]"* ]]
	[[ $output == *"listen = $FRONT"* ]]
	[[ $output == *"max-procs = 4"* ]]
	nothing_is_left
}

@test "an unknown key is refused, and the nearest one named" {
	config "max-proc = 3"
	refuses_last 'unknown key "max-proc": did you mean "max-procs"?'
}

@test "a bad number is refused with its limits" {
	config "max-procs = many"
	refuses_last 'max-procs: "many" is not a number from 1 to 4096'
	config "max-procs = 0"
	refuses_last 'max-procs: "0" is not a number from 1 to 4096'
}

@test "a bad mode is refused" {
	config "listen-mode = 0999"
	refuses_last 'listen-mode: "0999" is not an octal number up to 0777'
}

@test "a bad time is refused" {
	config "shutdown-timeout = soon"
	refuses_last 'shutdown-timeout: "soon" is not a time'
}

@test "a bad size is refused" {
	whole "response-buffer = 1" "[app]"
	refuses "$INI:1: response-buffer: \"1\" is not a size from 4k to 1g"
}

@test "a bad signal is refused" {
	config "kill-signal = SIGFOO"
	refuses_last 'kill-signal: "SIGFOO" is not a signal'
}

@test "a signal that stops nothing is refused" {
	config "kill-signal = SIGSTOP"
	refuses_last 'kill-signal: this signal does not end a process'
}

@test "a bad choice is refused with the choices" {
	config "balance = even"
	refuses_last 'balance: "even" is not least-load, random-of-two or shared'
}

@test "a bad address is refused" {
	config "listen = 127.0.0.1:70000"
	refuses_last 'listen: "127.0.0.1:70000": '
	config "listen = relative.sock"
	refuses_last 'listen: "relative.sock": '
}

@test "a path that is too long for a socket is refused" {
	config "listen = /$(printf %0107d 1)"
	refuses_last 'listen: "/'
}

@test "an unknown user is refused" {
	whole "[app]" "listen = $FRONT" "bin-path = /bin/sleep 9" "user = no-such-user"
	refuses "$INI:4: user: there is no user \"no-such-user\""
}

@test "root as the user of a program is refused" {
	requires root
	whole "[app]" "listen = $FRONT" "bin-path = /bin/sleep 9" "user = root"
	refuses "$INI:4: user: root is refused"
	whole "[app]" "listen = $FRONT" "bin-path = /bin/sleep 9" "user = 0" "group = 1"
	refuses "$INI:4: user: root is refused"
}

@test "somebody else as the user of a program is refused where we are not root" {
	requires not-root
	whole "[app]" "listen = $FRONT" "bin-path = /bin/sleep 9" "user = root"
	refuses "$INI:4: user: only root can start programs as somebody else"
}

@test "a missing program is refused" {
	whole "[app]" "listen = $FRONT" "bin-path = /no/such/program -x"
	refuses "$INI:3: bin-path: /no/such/program: No such file or directory"
}

@test "a program that is not executable is refused" {
	echo "#!/bin/sh" >"$PLACE/program"
	chmod 644 "$PLACE/program"
	whole "[app]" "listen = $FRONT" "bin-path = $PLACE/program"
	refuses "$INI:3: bin-path: $PLACE/program is not executable"
}

@test "a directory as the program is refused" {
	whole "[app]" "listen = $FRONT" "bin-path = /tmp"
	refuses "$INI:3: bin-path: /tmp is not a program"
}

@test "a missing directory is refused" {
	config "directory = /no/such/directory"
	refuses_last "directory: /no/such/directory: No such file or directory"
}

@test "a quote that is not closed is refused" {
	whole "[app]" "listen = $FRONT" "bin-path = /bin/sh -c 'x"
	refuses "$INI:3: bin-path: a quote is not closed"
}

@test "an over-long line is refused, and what follows is read" {
	config "bin-environment = A=$(printf %04096d 0)" "umask = x"
	refuses "$INI:$((LINE - 1)): the line is longer than 4096 bytes"
	[[ $output == *"$INI:$LINE: umask: "* ]]
}

@test "a value as long as a line can be is taken whole" {
	value=$(printf %04000d 7)
	config "bin-environment = A=$value"
	check --config "$INI" | grep -qxF "bin-environment = A=$value"
}

@test "a line without a value is refused" {
	config "max-procs 3"
	refuses_last "expected KEY = VALUE"
	config "max-procs ="
	refuses_last "max-procs: needs a value"
}

@test "a key that is given twice is refused" {
	config "max-procs = 3" "max-procs = 3"
	refuses_last "max-procs is given already at $INI:$((LINE - 1))"
}

@test "a section that is given twice is refused" {
	config "[app]"
	refuses_last "there is a section of this name already"
}

@test "a section without a good name is refused" {
	config "[My App]"
	refuses_last "the name of a section is made of"
	config "[app"
	refuses_last "expected [NAME]"
}

@test "a key of the whole in a section is refused" {
	config "log = stderr"
	refuses_last "log is for the whole: it belongs before the first section"
}

@test "an indented line where none can be is refused" {
	config "max-procs = 2" "  umask = 022"
	refuses_last "an indented line goes on with the value of max-procs above it"
}

@test "a section without an address or without a program is refused" {
	whole "[app]" "bin-path = /bin/sleep 9"
	refuses "$INI:1: app: listen is missing"
	whole "[app]" "listen = $FRONT"
	refuses "$INI:1: app: bin-path is missing"
}

@test "no section at all is refused" {
	whole "max-procs = 3"
	refuses "there is no section"
}

@test "keys that exclude each other are refused" {
	config "balance = shared" "server = 127.0.0.1:9000"
	refuses_last "server is not for balance = shared"
	config "host = 127.0.0.1"
	refuses_last "host needs port too"
	config "balance = shared" "socket = $PLACE/child"
	refuses_last "socket is not for balance = shared"
}

@test "a front that children listen at is no other section's" {
	config "[other]" "server = /x" "balance = shared" "bin-path = /bin/true" "listen = $FRONT"
	refuses "listen: $FRONT belongs to section app already"
}

@test "sections that share a front agree on its queue" {
	config "[other]" "server = /x" "queue-limit = 5" "listen = $FRONT"
	refuses "queue-limit differs from that of section app, which shares the front $FRONT"
}

@test "a file that is no text is refused" {
	printf '[app]\nlisten = /a\0b\n' >"$INI"
	refuses "$INI:2: there is a byte 0x00: this is not a text file"
	cp /bin/true "$INI"
	refuses "$INI:1: there is a byte"
}

@test "a file that is not there, or cannot be read, is refused" {
	rm -f "$INI"
	refuses "$INI: cannot open: No such file or directory"
	is_root && return
	config
	chmod 0 "$INI"
	refuses "$INI: cannot open: Permission denied"
}

@test "a directory without configurations is refused" {
	INI=$PLACE/empty
	mkdir "$INI"
	refuses "$INI: there is no file in it whose name ends in .ini"
}

@test "all mistakes are told at once" {
	whole "max-proc = 1" "[app]" "listen = nowhere" "umask = 9" "nonsense"
	refuses "$INI:1: "
	[[ $output == *"$INI:3: listen"* ]]
	[[ $output == *"$INI:4: umask"* ]]
	[[ $output == *"$INI:5: expected"* ]]
}

@test "a directory of configurations is read in the order of its names" {
	INI=$PLACE/many
	mkdir "$INI"
	printf 'max-procs = 3\n' >"$INI/90-defaults.ini"
	printf '[b]\nlisten = /b\nserver = /b1\n' >"$INI/20-b.ini"
	printf '[a]\nlisten = /a\nserver = /a1\n' >"$INI/10-a.ini"
	printf 'nonsense\n' >"$INI/30-c.ini.orig"
	run check --config "$INI"
	[ "$status" -eq 0 ]
	[ "$(grep '^\[' <<<"$output" | tr -d '\n')" = "[a][b]" ]
	[ "$(grep -c '^max-procs = 3$' <<<"$output")" -eq 2 ]
}

@test "options of the command line go over the file" {
	config "max-procs = 2" "bin-environment = A=1"
	run check --config "$INI" --max-procs 7 --bin-environment B=2 --log-level debug
	[ "$status" -eq 0 ]
	[[ $output == *"max-procs = 7"* ]]
	[[ $output == *"bin-environment = B=2"* ]]
	[[ $output == *"log-level = debug"* ]]
	run timeout 30 "$FCGI_HERD" --config "$INI" --max-procs 0
	[ "$status" -eq 78 ]
	[[ $output == *'command line: max-procs: "0" is not a number'* ]]
}

@test "what --check prints is a configuration with the same meaning" {
	cat >"$INI" <<-INI
		log = "/var/log/a ; b.log"
		response-buffer = 1048576
		max-procs = 2
		[one]
		listen = $FRONT, "$PLACE/a, b", [::1]:9000
		  127.0.0.1:9001
		listen-mode = 600
		bin-path = /bin/sh -c 'echo "\$HOME" ; sleep 9' "it's" ; a comment
		  -- \\\\ ""
		bin-environment = "A= x, y ; z ", B="\\"quoted\\"", C=
		  "max-procs=3"
		bin-copy-environment =
		kill-signal = 10
		shutdown-timeout = 1500ms
		directory = /
		[two]
		listen = /two.sock
		server = 192.0.2.1:9000, [2001:db8::1]:9000, /three.sock
		disable-time = 0
	INI
	check --config "$INI" >"$PLACE/first.ini"
	check --config "$PLACE/first.ini" >"$PLACE/second.ini"
	check --config - <"$PLACE/first.ini" >"$PLACE/third.ini"
	cat "$PLACE/first.ini"
	cmp "$PLACE/first.ini" "$PLACE/second.ini"
	cmp "$PLACE/first.ini" "$PLACE/third.ini"
	"$FCGI_MUX" --config "$PLACE/first.ini" --check >/dev/null
}

@test "what --check prints of a command line is a configuration with the same meaning" {
	check -s "$FRONT" -C 3 -x /etc/php.ini -d / -- /bin/sh -c 'sleep "9"' >"$PLACE/first.ini"
	check --config "$PLACE/first.ini" >"$PLACE/second.ini"
	grep -qxF 'bin-environment = PHP_FCGI_CHILDREN=3' "$PLACE/first.ini"
	cmp "$PLACE/first.ini" "$PLACE/second.ini"
}

@test "mistakes of the command line alone have spawn-fcgi's status" {
	run timeout 30 "$FCGI_HERD" -s "$FRONT" --max-procs 0 -- /bin/sleep 9
	[ "$status" -eq 255 ]
	[[ $output == *'command line: max-procs: "0" is not a number'* ]]
	nothing_is_left
}

@test "fcgi-mux refuses what it cannot use" {
	run timeout 30 "$FCGI_MUX" --listen "$FRONT"
	[ "$status" -eq 78 ]
	[[ $output == *"no --server"* ]]
	run timeout 30 "$FCGI_MUX" --listen "$FRONT" --server nowhere
	[ "$status" -eq 78 ]
	run timeout 30 "$FCGI_MUX" --listen "$FRONT" --serve /a
	[ "$status" -eq 78 ]
	[[ $output == *"unknown option --serve: did you mean --server?"* ]]
	run timeout 30 "$FCGI_MUX" --listen "$FRONT" --server /a -- /bin/sleep 9
	[ "$status" -eq 78 ]
	[[ $output == *"fcgi-mux starts no programs"* ]]
}

@test "--help fits a terminal and names every key" {
	run timeout 30 "$FCGI_HERD" --help
	[ "$status" -eq 0 ]
	[ "$(awk 'length > 79' <<<"$output")" = "" ]
	for key in $(sed -n 's/^\t{ "\([a-z-]*\)".*/\1/p' "$TOP/src/config/options.c"); do
		[[ $output == *"--$key "* ]]
	done
}

@test "a user given by number is known by name, for its supplementary groups" {
	requires root
	printf '[a]\nlisten = %s\nbin-path = /bin/true\nuser = %s\n' "$PLACE/s" "$(id -u www-data)" >"$PLACE/number.ini"
	run "$FCGI_HERD" --config "$PLACE/number.ini" --check
	[ "$status" -eq 0 ]
	[[ $output == *$'\nuser = www-data\n'* ]]
}

@test "sections whose children share their front run beside those that have a mux" {
	cat >"$INI" <<-INI
		[shared]
		listen = $PLACE/shared.sock
		balance = shared
		bin-path = $TEST_APPS/misbehave
		[app]
		listen = $FRONT
		bin-path = $TEST_APPS/misbehave
		$(as_root "user = $(server_user)")
	INI
	start_herd --config "$INI"
	wait_until 15 grep -q ': ready$' "$HERD_LOG"
	fcgi_client --query ok "$PLACE/shared.sock"
	fcgi_client --query ok "$FRONT"
}
