#!/usr/bin/env bats
# Hostile values, from clients and from applications, sent past any web server that would clean them:
# paths that lead out, bytes that mean something elsewhere, and fields in fields.

bats_require_minimum_version 1.5.0

load helpers
load front

setup() {
	make_place
	mkdir -p "$PLACE/www/dir" "$PLACE/outside"
	touch "$PLACE/www/t.php" "$PLACE/www/dir/t.php" "$PLACE/outside/t.php" "$PLACE/outside.php"
	ln -s ../outside "$PLACE/www/linked"
	ln -s ../outside.php "$PLACE/www/link.php"
	ln -s t.php "$PLACE/www/good.php"
	LONG=$(printf %064000d 0)
}

# start LINE ...: sections at the front, behind these lines.
start() {
	FRONT=$PLACE/front.sock
	start_herd --config "$(place_file herd.ini <<-INI
		log-level = debug
		listen = $FRONT
		max-procs = 1
		$(as_root "user = $(server_user)" "listen-owner = $(server_user)")
		$(printf '%s\n' "$@")
	INI
	)"
	wait_until 15 has_log ': ready$'
}

# request PATH [OPTION ...]: as a web server sends it that has looked at nothing.
request() {
	local path=$1
	shift
	fcgi_client --param REQUEST_METHOD=GET --param SCRIPT_NAME="$path" --param REQUEST_URI="$path" \
		--param DOCUMENT_ROOT="$PLACE/www" --param SCRIPT_FILENAME="$PLACE/www$path" "$@" "$FRONT"
}

# gives STATUS PATH [OPTION ...]: and no application was asked.
gives() {
	local status=$1
	shift
	output=$(request "$@" 2>/dev/null)
	[[ $output == "Status: $status "* ]] || { echo "$1: $output" | cut -c 1-300 && return 1; }
	[[ $output != *reached* ]] || { echo "$1: reached" | cut -c 1-300 && return 1; }
}

# The front has no failure behind it: it is the same one, and serves.
is_well() {
	request /t.php | grep -x reached
	[ "$(grep -c ': mux: started pid=' "$HERD_LOG")" -eq 1 ]
	stop_herd
}

# pair NAME VALUE: of at most 127 bytes each, with escapes.
# shellcheck disable=SC2059
pair() {
	printf "\\x$(printf %02x "$(printf "$1" | wc -c)")\\x$(printf %02x "$(printf "$2" | wc -c)")$1$2"
}

# raw SCRIPT_NAME: with escapes; a whole request.
raw() {
	{
		pair REQUEST_METHOD GET
		pair DOCUMENT_ROOT "$PLACE/www"
		pair SCRIPT_NAME "$1"
	} >"$PLACE/params"
	{
		record 1 1 1 8 0 '\0\1\0\0\0\0\0\0'
		record 1 4 1 "$(stat -c %s "$PLACE/params")" 0
		cat "$PLACE/params"
		record 1 4 1 0 0
		record 1 5 1 0 0
	} >"$PLACE/request"
	fcgi_client --raw "$PLACE/request" "$FRONT"
}

@test "paths that lead out of the document root reach no application" {
	start '[app]' 'extension = .php' "bin-path = $TEST_APPS/misbehave --default say=reached"
	gives 403 /../outside.php
	gives 403 /dir/../../outside.php
	gives 403 /dir/../t.php
	gives 403 //../outside.php
	gives 403 /./../outside.php
	gives 403 /./t.php
	gives 403 /t.php/../../outside.php
	gives 403 /link.php
	gives 403 /linked/t.php
	gives 403 t.php
	gives 403 ../outside.php
	gives 403 /dir/..//..//outside.php
	request /good.php | grep -x reached
	is_well
}

@test "what is encoded stays a name, and so do bytes of any kind" {
	start '[app]' 'extension = .php' "bin-path = $TEST_APPS/misbehave --default say=reached"
	gives 404 /%2e%2e/outside.php
	gives 404 /..%2foutside.php
	gives 404 /dir%2ft.php
	gives 404 '/dir\t.php'
	gives 404 $'/\xff\xfe.php'
	gives 404 $'/\xc0\xae\xc0\xae/outside.php'
	gives 404 $'/t\r\nX-Evil: 1.php'
	gives 404 '/t.php '
	gives 404 "/${LONG:0:20000}.php"
	gives 404 "/${LONG:0:10000}/../t.php" || gives 403 "/${LONG:0:10000}/../t.php"
	gives 431 "/$LONG.php"
	output=$(request $'/none\r\nX-Evil: 1.php' 2>&1)
	[[ $output != *X-Evil* ]]
	is_well
}

@test "a path of 64 KiB, in one variable" {
	start '[app]' 'extension = .php' "bin-path = $TEST_APPS/misbehave --default say=reached"
	local path
	for path in "/$LONG.php" "/${LONG//0//}t.php" "/${LONG//00/a/}/../t.php" "/t.php/$LONG"; do
		fcgi_client --param SCRIPT_NAME="$path" --param DOCUMENT_ROOT="$PLACE/www" "$FRONT" 2>/dev/null |
			sed -n 's/^Status: //p; /reached/p' | tr -d '\r'
	done >"$PLACE/answers"
	cat "$PLACE/answers"
	# The last is there, and its PATH_INFO no variable.
	[ "$(cut -c 1-3 "$PLACE/answers" | tr '\n' ' ')" = '404 403 404 431 ' ]
	is_well
}

@test "a NUL does not end a path" {
	start '[app]' 'extension = .php' "bin-path = $TEST_APPS/misbehave --default say=reached"
	raw '/t.php' | grep '^STDOUT id=1 length=8$'
	raw '/t.php\0' | grep '^STDERR'
	raw '/t.php\0.html' | grep '^STDERR'
	raw '/t.php\0.php' | grep '^STDERR'
	raw '/../outside.php\0.php' | grep '^STDERR'
	is_well
}

# start_guarded: an authorizer and an application that both do what the query says.
start_guarded() {
	start '[guard]' 'extension = .php' 'mode = authorizer' "bin-path = $TEST_APPS/misbehave" \
		'[app]' 'extension = .php' "bin-path = $TEST_APPS/misbehave --default say=reached"
}

# pass HEAD: what the application gets where the authorizer says this, with %XX.
pass() { request /t.php --query "out=Status:%20200%0d%0a$1%0d%0a%0d%0a&env&say=reached" 2>/dev/null; }

@test "a variable of an authorizer is a whole one, or nothing passes" {
	start_guarded
	local head
	pass 'Variable-A:%20b' | grep -x 'A=b'
	for head in 'Variable-A:%20b%0dX-B:%20c' 'Variable-A:%20b%00c' 'Variable-A%00B:%20c' 'Variable-A%20B:%20c' \
		'Variable-A:%20b%0d%0a%20c' 'Variable-A%0d:%20b' 'Variable-A:%20b%0d%0aVariable-B' '%0dVariable-A:%20b'; do
		run pass "$head"
		[[ $output == "Status: 502 "* ]] || { echo "$head: $output" && false; }
	done
	pass 'Variable-A%3dB:%20c' | grep -x 'A_B=c'
	pass "Variable-A:%20${LONG:0:62000}" | sed 1q | grep '^Status: 431 '
	is_well
}

@test "X-Sendfile: line ends in a value end nothing" {
	start '[app]' 'extension = .php' 'allow-x-send-file = enable' "x-sendfile-docroot = $PLACE/www" \
		"bin-path = $TEST_APPS/misbehave --default say=reached"
	local value
	# In the file's name, twice encoded: once for the test program.
	request /t.php --query "out=X-Sendfile:%20$PLACE/www/no%250d%250aX-Evil:%20a%0d%0a%0d%0a" >"$PLACE/answer" 2>"$PLACE/stderr"
	grep '^Status: 404 Not Found' "$PLACE/answer"
	grep -F "$PLACE/www/no\\x0d\\x0aX-Evil: a" "$PLACE/stderr"
	run ! grep '^X-Evil' "$PLACE/answer" "$PLACE/stderr" "$HERD_LOG"
	# In the field itself.
	for value in 'no%0dX-Evil:%20a' 'no%0d%0aX-Evil'; do
		request /t.php --query "out=X-Sendfile:%20$PLACE/www/$value%0d%0a%0d%0a" >"$PLACE/answer" 2>&1
		grep 'Status: 502 Bad Gateway' "$PLACE/answer"
		run ! grep 'X-Evil' "$PLACE/answer"
	done
	request /t.php --query "out=X-Sendfile:%20/$LONG%0d%0a%0d%0a" 2>/dev/null | sed 1q | grep '^Status: 403 '
	is_well
}

@test "X-Sendfile off: the field is taken out of a head that comes in pieces or late" {
	start '[app]' 'extension = .php' "bin-path = $TEST_APPS/misbehave --default say=reached"
	local field="%0d%0aX-Sendfile:%20$PLACE/www/t.php%0d%0a" cut
	for cut in "out=A:%20b&sleep=20&out=$field%0d%0a&say=body" \
		"out=A:%20b%0d%0aX-Send&sleep=20&out=file:%20$PLACE/www/t.php%0d%0a%0d%0a&say=body" \
		"out=A:%20b%0d%0aX-Sendfile2:%20$PLACE/www/t.php%200-%0d&sleep=20&out=%0a%0d&sleep=20&out=%0a&say=body" \
		"stderr=first&sleep=20&out=A:%20b$field&sleep=20&out=X-LIGHTTPD-send-file:%20/x%0d%0a%0d%0a&say=body"; do
		request /t.php --query "$cut" 2>/dev/null | tr -d '\r' >"$PLACE/answer"
		[ "$(cat "$PLACE/answer")" = "$(printf 'A: b\n\nbody')" ] || { cat -A "$PLACE/answer" && false; }
	done
	is_well
}
