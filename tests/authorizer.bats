#!/usr/bin/env bats
# Authorizers in front of a responder, behind nginx: what allows, what refuses, and that nothing else
# lets a request through.

load helpers
load web

setup() {
	make_place
	requires nginx curl
	# check-local: the script is there.
	printf 'no program reads this\n' >"$PLACE/www/t.php"
}

# start_all [LINE ...]: an authorizer, with these lines too, before a responder that prints its
# variables.
start_all() {
	start_herd --config "$(place_file herd.ini <<-INI
		listen = $PLACE/front.sock
		listen-mode = 0666
		max-procs = 2
		$(as_root "user = $(server_user)")
		[guard]
		extension = .php
		mode = authorizer
		bin-path = $TEST_APPS/authorizer
		$(printf '%s\n' "$@")
		[app]
		extension = .php
		bin-path = $TEST_APPS/misbehave --default env&sum
	INI
	)"
	wait_until 15 grep -q ': ready$' "$HERD_LOG"
	start_nginx "$PLACE/front.sock"
}

# ask WORD [CURL-OPTION ...]: the answer is in $PLACE/answer, its head in $PLACE/head; prints the
# status.
ask() {
	local word=$1
	shift
	curl -s -o "$PLACE/answer" -D "$PLACE/head" -w '%{http_code}\n' -H "X-Auth: $word" "$@" "$WEB/t.php"
}

# lacks FILE GREP-ARGUMENT ...
lacks() {
	local file=$1
	shift
	if grep "$@" "$file"; then return 1; fi
}

# answers WORD STATUS: and the responder has seen nothing of it.
answers() {
	local status
	status=$(ask "$1")
	[ "$status" = "$2" ] || { echo "$1: status $status" && return 1; }
	lacks "$PLACE/answer" '^REQUEST_METHOD='
}

answers_allow() { [ "$(ask allow)" = 200 ]; }

@test "what is allowed reaches the responder, with the variables that were set" {
	start_all
	[ "$(ask allow)" = 200 ]
	grep -x 'REMOTE_USER=joe' "$PLACE/answer"
	grep -x 'HTTP_X_AUTH=seen' "$PLACE/answer"
	[ "$(grep -c '^HTTP_X_AUTH=' "$PLACE/answer")" -eq 1 ]
	lacks "$PLACE/answer" 'nobody sees this'
	[ "$(ask allow-without-status)" = 200 ]
	grep -x 'HTTP_X_AUTH=allow-without-status' "$PLACE/answer"
}

@test "a refusal reaches the client: status, headers and body, but not what is for us" {
	start_all
	[ "$(ask deny)" = 401 ]
	grep -x 'who are you?' "$PLACE/answer"
	grep -qi '^WWW-Authenticate: Basic realm=x' "$PLACE/head"
	lacks "$PLACE/head" -iE '^(variable-|x-sendfile)'
	grep -q 'denied by the authorizer' "$PLACE/web.log"
	[ "$(ask redirect)" = 302 ]
}

@test "an answer that is none lets nothing through" {
	start_all
	for word in nothing no-head garbage too-much die half; do
		answers "$word" 502
	done
	[ "$(ask allow)" = 200 ]
}

@test "an authorizer that is late lets nothing through" {
	start_all 'request-timeout = 1s'
	answers hang 504
	wait_until 10 grep -q 'guard\.[01]: killed' "$HERD_LOG"
	[ "$(ask allow)" = 200 ]
}

@test "an authorizer that is down lets nothing through" {
	start_all 'queue-timeout = 1s'
	for child in $(herd_children authorizer); do kill -STOP "$child"; done
	# Two of them are at the stopped ones, and two wait for these in vain.
	seq 4 | xargs -P 4 -I{} curl -s -m 3 -o /dev/null -w '%{http_code}\n' \
		-H 'X-Auth: allow' "$WEB/t.php" >"$PLACE/statuses" || :
	[ "$(sort "$PLACE/statuses" | uniq -c | xargs)" = '2 000 2 503' ]
	for child in $(herd_children authorizer); do kill -CONT "$child"; done
	[ "$(ask allow)" = 200 ]
}

@test "a body of any size waits for the authorizer, and arrives whole" {
	start_all
	for size in 1 65536 1000000 5000000; do
		head -c "$size" /dev/urandom >"$PLACE/body"
		[ "$(ask allow --data-binary "@$PLACE/body" -H 'Expect:')" = 200 ]
		grep -x "CONTENT_LENGTH=$size" "$PLACE/answer"
		grep -q "^length=$size " "$PLACE/answer"
		answers deny 401
	done
}

@test "clients that leave while an authorizer is asked leave nothing behind" {
	start_all 'request-timeout = 1s'
	for _ in 1 2 3 4 5 6; do
		curl -s -m 0.2 -o /dev/null -H 'X-Auth: hang' "$WEB/t.php" || :
	done
	wait_until 20 answers_allow
}

@test "many at once are each authorized for themselves" {
	start_all
	seq 200 | xargs -P 16 -I{} curl -s -o /dev/null -w '%{http_code}\n' -H 'X-Auth: allow' "$WEB/t.php" >"$PLACE/allowed" &
	local allowed=$!
	seq 200 | xargs -P 16 -I{} curl -s -o /dev/null -w '%{http_code}\n' -H 'X-Auth: deny' "$WEB/t.php" >"$PLACE/denied"
	wait "$allowed"
	[ "$(sort "$PLACE/allowed" | uniq -c | tr -s ' ')" = ' 200 200' ]
	[ "$(sort "$PLACE/denied" | uniq -c | tr -s ' ')" = ' 200 401' ]
}
