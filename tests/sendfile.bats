#!/usr/bin/env bats
# X-Sendfile: files that the application names are sent in place of its answer, behind nginx; the
# fields never reach the client. lighttpd's mod_fastcgi with the same application is the reference.

bats_require_minimum_version 1.5.0

load helpers
load front
load web

BIG=$((1024 * 1024 * 1024))

setup() {
	requires nginx curl
	make_place
	FILES=$PLACE/files
	mkdir "$FILES" "$PLACE/more" "$PLACE/outside"
	: >"$FILES/empty"
	printf x >"$FILES/one"
	printf 0123456789 >"$FILES/ten"
	head -c 1048576 /dev/urandom >"$FILES/a %41,é"
	truncate -s "$BIG" "$FILES/big"
	echo more >"$PLACE/more/file"
	echo secret >"$PLACE/outside/secret"
	ln -s ../outside/secret "$FILES/out"
	ln -s ../outside "$FILES/outdir"
	ln -s ten "$FILES/in"
	WISHES=("allow-x-send-file = enable" "x-sendfile-docroot = $FILES, $PLACE/more")
}

# start [LINE ...]: nginx in front of two processes; lines of their section, else WISHES.
start() {
	SECTION="listen-mode = 0666"$'\n'$(printf '%s\n' "${@:-${WISHES[@]}}")
	LEVEL=info start_front 2
	start_web sendfile_nginx "" nginx -c "$PLACE/nginx.conf"
}

sendfile_nginx() { # PORT
	write_nginx_config <<-CONF
		upstream front {
			server unix:$PLACE/front.sock;
			keepalive 4;
		}
		server {
			listen 127.0.0.1:$1;
			location / {
				fastcgi_max_temp_file_size 0;
				fastcgi_keep_conn on;
				fastcgi_param REQUEST_METHOD \$request_method;
				fastcgi_param REQUEST_URI \$request_uri;
				fastcgi_param QUERY_STRING \$query_string;
				fastcgi_param CONTENT_LENGTH \$content_length;
				fastcgi_pass front;
			}
		}
	CONF
}

# escape TEXT: what is more than a letter, a digit or a slash as %XX.
escape() {
	local LC_ALL=C text=$1 c
	while [ -n "$text" ]; do
		c=${text%%[^a-zA-Z0-9/]*}
		printf %s "$c"
		text=${text#"$c"}
		[ -z "$text" ] || printf %%%02x "'${text:0:1}"
		text=${text:1}
	done
}

# head_of LINE ...: the command that makes the application say this head.
head_of() {
	local text
	text=$(printf '%s\r\n' "$@" '.')
	echo "out=$(escape "${text%.*}")%0d%0a"
}

# get QUERY [CURL-OPTION ...]: the answer is in $PLACE/answer, its head in $PLACE/head; prints the
# status.
get() {
	local query=$1
	shift
	curl -s -o "$PLACE/answer" -D "$PLACE/head" -w '%{http_code}\n' --max-time 60 "$@" "$WEB/?$query"
}

# gives STATUS FILE QUERY [CURL-OPTION ...]: an answer with the content of the file, and that alone.
gives() {
	local status=$1 file=$2 answered
	shift 2
	answered=$(get "$@")
	[ "$answered" = "$status" ] || { echo "status $answered" && cat "$PLACE/answer" && return 1; }
	cmp "$PLACE/answer" "$file"
	has_field "Content-Length: $(stat -c %s "$file")"
	lacks_ours
}

has_field() { tr -d '\r' <"$PLACE/head" | grep -xiF -- "$1" || { cat "$PLACE/head" && return 1; }; }
lacks_ours() { ! grep -iE '^X-(Sendfile|LIGHTTPD)' "$PLACE/head"; }

# refuses STATUS LINE ...: for this head, with a body that says no more.
refuses() {
	local status=$1 answered
	shift
	answered=$(get "$(head_of "$@")&say=body")
	[ "$answered" = "$status" ] || { echo "$*: $answered" && return 1; }
	[ "$(sed 1q "$PLACE/answer")" = "$(sed -n "1s/^HTTP[^ ]* \([^\r]*\)\r*$/\1/p" "$PLACE/head")" ]
	run ! grep -E 'body|secret' "$PLACE/answer"
	lacks_ours
}

mux_files() { find "/proc/$(pid_of_mux)/fd" -lname "$FILES/*" | wc -l; }
mux_files_are() { [ "$(mux_files)" -eq "$1" ]; }

# Kilobytes of memory that it has had at most.
mux_peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(pid_of_mux)/status"; }

@test "a file of any size takes the place of the body" {
	start
	gives 200 "$FILES/empty" "$(head_of "X-Sendfile: $FILES/empty")&say=body"
	gives 200 "$FILES/one" "$(head_of "X-Sendfile: $FILES/one")&size=200000"
	gives 200 "$FILES/a %41,é" "$(head_of "X-Sendfile: $FILES/a %2541%2cé")"
	gives 200 "$PLACE/more/file" "$(head_of "X-Sendfile: $PLACE/more/./x/../file")"
	gives 200 "$FILES/ten" "$(head_of "X-Sendfile: $FILES/in")"
	gives 200 "$FILES/one" "$(head_of "X-LIGHTTPD-send-file: $FILES/one")"
	gives 200 "$FILES/one" "$(head_of "x-sendfile:$FILES/one" "X-LIGHTTPD-send-file: $FILES/ten")"
	stop_herd
}

@test "the rest of the head is kept, but for what it says of its length" {
	start
	gives 201 "$FILES/ten" "$(head_of 'Status: 201 Made' 'Content-Type: text/x-y' 'Content-Length: 4' \
		"X-Sendfile: $FILES/ten" 'Set-Cookie: a=b' 'Set-Cookie: c=d')&say=body"
	has_field 'Content-Type: text/x-y'
	has_field 'Set-Cookie: a=b'
	has_field 'Set-Cookie: c=d'
	cp "$FILES/ten" "$FILES/ten.png"
	gives 200 "$FILES/ten" "$(head_of "X-Sendfile: $FILES/ten.png")"
	has_field 'Content-Type: image/png'
}

@test "X-Sendfile2: parts of files, one after the other" {
	start
	printf 2340 >"$PLACE/parts"
	gives 200 "$PLACE/parts" "$(head_of "X-Sendfile2: $FILES/ten 2-4,$FILES/ten 0-0" "X-Sendfile: $FILES/one")"
	printf 89x56789 >"$PLACE/parts"
	gives 200 "$PLACE/parts" "$(head_of "X-Sendfile2: $FILES/ten 8-100, $FILES/one 0-" \
		"X-Sendfile2: $FILES/ten 5-")"
	tail -c +70001 "$FILES/a %41,é" | head -c 900001 >"$PLACE/parts"
	gives 200 "$PLACE/parts" "$(head_of "X-Sendfile2: $FILES/a%20%2541%2cé 70000-970000")"
	: >"$PLACE/parts"
	gives 200 "$PLACE/parts" "$(head_of "X-Sendfile2: $FILES/empty 0-, $FILES/ten 10-")"
	refuses 502 "X-Sendfile2: $FILES/ten"
	refuses 502 "X-Sendfile2: $FILES/ten 1-2, $FILES/ten 11-"
	mkdir "$FILES/sub"
	refuses 502 "X-Sendfile2: $FILES/ten 1-2, $FILES/sub 0-"
	refuses 404 "X-Sendfile2: $FILES/ten 1-2, $FILES/none 0-"
	refuses 403 "X-Sendfile2: $FILES/ten 1-2, $PLACE/outside/secret 0-"
	mux_files_are 0
}

@test "with HEAD the head comes alone" {
	start
	[ "$(get "$(head_of "X-Sendfile: $FILES/big")" -I)" = 200 ]
	has_field "Content-Length: $BIG"
	[ "$(get "$(head_of "X-Sendfile2: $FILES/big 0-99")" -I)" = 200 ]
	has_field "Content-Length: 100"
	gives 200 "$FILES/ten" "$(head_of "X-Sendfile: $FILES/ten")"
	mux_files_are 0
}

@test "what leads out of the directories, is not there or makes no sense is refused" {
	start
	mkfifo "$FILES/fifo"
	mkdir "$PLACE/files-not"
	echo secret >"$PLACE/files-not/secret"
	refuses 403 "X-Sendfile: $PLACE/outside/secret"
	refuses 403 "X-Sendfile: $FILES/../outside/secret"
	refuses 403 "X-Sendfile: $FILES/%2e%2e/outside/secret"
	refuses 403 "X-Sendfile: $PLACE/files-not/secret"
	refuses 403 "X-Sendfile: $FILES/out"
	refuses 403 "X-Sendfile: $FILES/outdir/secret"
	refuses 403 "X-Sendfile: files/ten"
	refuses 403 "X-Sendfile: $FILES/"
	refuses 403 "X-Sendfile: $FILES/fifo"
	refuses 403 "X-Sendfile: /$(printf '%05000d' 0)"
	refuses 404 "X-Sendfile: $FILES/none"
	refuses 404 "X-Sendfile: $FILES/ten/x"
	refuses 502 "X-Sendfile: $FILES/ten%00"
	refuses 502 "X-Sendfile: $FILES/%ff"
	refuses 502 "X-Sendfile: $FILES/ten" 'no field'
	refuses 502 "X-Sendfile : $FILES/ten"
	has_log 'the file that X-Sendfile names is not there: .*/files/none'
	mux_files_are 0
	stop_herd
}

@test "a file that the mux may not read is refused" {
	requires root
	start
	chmod 600 "$FILES/ten"
	refuses 403 "X-Sendfile: $FILES/ten"
	chmod 700 "$PLACE/more"
	refuses 403 "X-Sendfile: $PLACE/more/file"
}

@test "without x-sendfile-docroot any file that the mux may read is sent" {
	start "allow-x-send-file = enable"
	gives 200 "$PLACE/outside/secret" "$(head_of "X-Sendfile: $FILES/outdir/secret")"
}

@test "a directory of x-sendfile-docroot that is not there has no files" {
	start "allow-x-send-file = enable" "x-sendfile-docroot = $PLACE/none"
	refuses 404 "X-Sendfile: $PLACE/none/file"
}

@test "off, the fields are removed all the same" {
	start "x-sendfile-docroot = $FILES"
	[ "$(get "$(head_of "X-Sendfile: $FILES/ten" 'X-A: b' "x-sendfile2: $FILES/ten 0-" 'X-Sendfiles: c' \
		"X-LIGHTTPD-Send-File: $FILES/ten" 'Status: 202')&say=body")" = 202 ]
	[ "$(cat "$PLACE/answer")" = body ]
	has_field 'X-A: b'
	has_field 'X-Sendfiles: c'
	grep -iE "^X-(Sendfile2?|LIGHTTPD-send-file):" "$PLACE/head" && false
	[ "$(get "$(head_of "X-Sendfile: $FILES/ten")&size=500000")" = 200 ]
	[ "$(stat -c %s "$PLACE/answer")" = 500000 ]
	# Nobody could say what such a head is.
	refuses 502 "X-Sendfile: $FILES/ten" 'no field'
	ask "out=X-Sendfile:%20/%0aX-Long:%20&size=70000" | sed 1q | grep '^Status: 502'
}

@test "a head that comes in pieces is one head" {
	start
	local rest
	rest="sleep=20&out=ile:%20$(escape "$FILES/ten")%0d&sleep=20&out=%0a%0d&sleep=20&out=%0abo"
	gives 200 "$FILES/ten" "out=X-A:%20b%0d%0aX-Sendf&$rest&sleep=20&say=dy"
	has_field 'X-A: b'
	[ "$(get "out=X-Send&sleep=20&out=er:%20b%0a&sleep=20&out=%0abo&sleep=20&say=dy")" = 200 ]
	[ "$(cat "$PLACE/answer")" = body ]
	has_field 'X-Sender: b'
}

@test "what is no head goes on as it is" {
	start
	ask 'out=no%20head' >"$PLACE/answer"
	[ "$(cat "$PLACE/answer")" = 'no head' ]
	[ "$(ask 'out=X-Long:%20&size=70000&say=end' | wc -c)" -eq 70012 ]
	# The beginning of one that would have become ours.
	ask "out=X-Sendfile:%20$(escape "$FILES/ten")%0d%0a" | grep -x $'Status: 502 Bad Gateway\r'
	ask '' | tail -n 1 | grep -x ok
}

@test "an empty field is none, and 204 and 304 have no body" {
	start
	[ "$(get "$(head_of "X-Sendfile:")&say=body")" = 200 ]
	[ "$(cat "$PLACE/answer")" = body ]
	lacks_ours
	[ "$(get "$(head_of "Status: 304" "X-Sendfile: $FILES/ten")")" = 304 ]
	lacks_ours
	[ "$(get "$(head_of "Status: 204" "X-Sendfile: $FILES/ten")")" = 204 ]
	lacks_ours
}

@test "stderr goes on, and a refusal after it is whole" {
	start
	run fcgi_client --query "stderr=oops&$(head_of "X-Sendfile: $FILES/none")" "$FRONT"
	[ "$status" -eq 0 ]
	[[ $output == *oops* && $output == *'Status: 404 Not Found'* ]]
}

@test "a process that dies after it has named a file is a 502" {
	start
	[ "$(get "$(head_of "X-Sendfile: $FILES/ten")&crash=kill")" = 502 ]
	mux_files_are 0
}

@test "a body that is still on its way is no harm" {
	start
	head -c 5000000 /dev/zero >"$PLACE/body"
	gives 200 "$FILES/a %41,é" "early&$(head_of "X-Sendfile: $FILES/a %2541%2cé")" --data-binary @"$PLACE/body"
	gives 200 "$FILES/ten" "$(head_of "X-Sendfile: $FILES/ten")" --data-binary @"$PLACE/body"
}

@test "a gigabyte takes no memory" {
	start
	local before begun=$SECONDS size
	gives 200 "$FILES/one" "$(head_of "X-Sendfile: $FILES/one")"
	before=$(mux_peak)
	size=$(curl -s -o /dev/null -w '%{http_code} %{size_download}' --max-time 60 \
		"$WEB/?$(head_of "X-Sendfile: $FILES/big")")
	[ "$size" = "200 $BIG" ]
	[ $((SECONDS - begun)) -lt 60 ]
	[ "$(mux_peak)" -lt $((before + 64 * 1024)) ]
	mux_files_are 0
}

@test "clients that read slowly hold no process, and their files are closed when they leave" {
	local before slow=()
	start
	ask '' >/dev/null
	gives 200 "$FILES/ten" "$(head_of "X-Sendfile: $FILES/ten")"
	before=$(mux_peak)
	for i in {1..20}; do
		"$TEST_APPS/fcgi-client" --timeout 60000 --slow-read 50 \
			--query "$(head_of "X-Sendfile: $FILES/big")" "$FRONT" >/dev/null 3>&- &
		slow+=($!)
		STARTED+=($!)
	done
	wait_until 10 mux_files_are 20
	is_idle
	gives 200 "$FILES/a %41,é" "$(head_of "X-Sendfile: $FILES/a %2541%2cé")"
	[ "$(mux_peak)" -lt $((before + 1024)) ]
	for i in {0..9}; do kill "${slow[i]}"; done
	wait_until 10 mux_files_are 10
	stop_slow "${slow[@]:10}"
	wait_until 10 mux_files_are 0
	stop_herd
}

stop_slow() {
	kill "$@"
	wait_pids_gone 5 "$@"
}

@test "several files at once on a connection, and other answers between them" {
	start
	local file size
	file=$(escape "$FILES/a %2541%2cé")
	fcgi_client --keep --at-once --repeat 20 --sum --query "out=X-Sendfile:%20$file%0a%0a" "$FRONT" >"$PLACE/sums"
	size=$(fcgi_client --sum --query "out=X-Sendfile:%20$file%0a%0a" "$FRONT" | sed 's/^length=\([0-9]*\).*/\1/')
	[ "$size" -gt 1048576 ]
	grep "^length=$((20 * size)) " "$PLACE/sums"
	# Slow, so that records of all of them wait.
	fcgi_client --keep --at-once --repeat 5 --slow-read 1 --timeout 60000 --sum \
		--query "out=X-Sendfile:%20$file%0a%0a" "$FRONT" >"$PLACE/sums"
	grep "^length=$((5 * size)) " "$PLACE/sums"
	mux_files_are 0
}

@test "a file that becomes shorter breaks the answer off" {
	start
	truncate -s 200000000 "$FILES/shrinking"
	curl -s -o "$PLACE/answer" -D "$PLACE/head" --limit-rate 2000000 --max-time 60 \
		"$WEB/?$(head_of "X-Sendfile: $FILES/shrinking")" 3>&- &
	local pid=$! status=0
	STARTED+=("$pid")
	wait_until 10 test -s "$PLACE/answer"
	truncate -s 100 "$FILES/shrinking"
	wait "$pid" || status=$?
	# Closed with bytes still due; what it got is less.
	[ "$status" -eq 18 ]
	has_field 'Content-Length: 200000000'
	[ "$(stat -c %s "$PLACE/answer")" -lt 200000000 ]
	has_log 'answer broken off: the file became shorter while it was sent'
	[ "$(statistic 'broken answers')" -eq 1 ]
	mux_files_are 0
	gives 200 "$FILES/ten" "$(head_of "X-Sendfile: $FILES/ten")"
}

@test "with no room for files more of them are a 503" {
	SECTION=$(printf '%s\n' "listen-mode = 0666" "${WISHES[@]}")
	start_server 1
	FRONT=$PLACE/alone.sock
	place_file alone.ini >/dev/null <<-INI
		[app]
		listen = $FRONT
		server = $PLACE/server.1
		$SECTION
	INI
	# 34 connections, and so 17 files.
	(ulimit -n 132 && exec "$FCGI_MUX" --config "$PLACE/alone.ini" --log stderr) >>"$HERD_LOG" 2>&1 3>&- &
	STARTED+=($!)
	wait_until 10 has_log 'fcgi-mux.*: ready$'
	"$TEST_APPS/fcgi-client" --keep --at-once --repeat 20 --slow-read 20 --timeout 60000 \
		--query "$(head_of "X-Sendfile: $FILES/big")" "$FRONT" >/dev/null 2>&1 3>&- &
	STARTED+=($!)
	wait_until 10 has_logs 3 '503 Service Unavailable: .* X-Sendfile names is one of too many'
	has_logs 4 '503 Service Unavailable: .* X-Sendfile names is one of too many' && false
	kill $!
	wait_until 10 is_served
}
is_served() { fcgi_client --query "$(head_of "X-Sendfile: $FILES/ten")" "$FRONT" 2>&1 | grep -q 0123456789; }

@test "lighttpd with the same application answers alike" {
	requires lighttpd
	start
	local ours=$WEB reference head heads=(
		"X-Sendfile: $FILES/empty" "X-Sendfile: $FILES/ten" "X-Sendfile: $FILES/a %2541%2cé"
		"X-Sendfile: $FILES/../files/./ten" "X-Sendfile: $FILES/none" "X-Sendfile: $PLACE/outside/secret"
		"X-Sendfile: $FILES/in" "X-Sendfile: files/ten" "X-Sendfile: $FILES/%ff"
		"X-LIGHTTPD-send-file: $FILES/ten"
		"X-Sendfile2: $FILES/ten 2-4" "X-Sendfile2: $FILES/ten 2-4, $FILES/one 0-"
		"X-Sendfile2: $FILES/ten 5-1000" "X-Sendfile2: $FILES/ten" "X-Sendfile2: $FILES/none 0-"
		"X-Sendfile2: $PLACE/more 0-" "X-Sendfile2: $PLACE/outside/secret 0-" "X-Sendfile2: $FILES/ten x-"
	)
	start_web sendfile_lighttpd "" lighttpd -D -f "$PLACE/lighttpd.conf"
	reference=$WEB
	for head in "${heads[@]}"; do
		for method in GET HEAD; do
			alike "$method" "$(head_of 'Content-Type: text/x-y' 'Content-Length: 3' "$head")"
			alike "$method" "$(head_of 'Status: 201' 'Content-Type: text/x-y' "$head")"
		done
	done
	[ -z "${DIFFERS-}" ]
}

# alike METHOD QUERY: status, length, type and, where it is good, content.
alike() {
	WEB=$ours
	tell "$@" >"$PLACE/ours"
	WEB=$reference
	tell "$@" >"$PLACE/reference"
	diff -u "$PLACE/reference" "$PLACE/ours" || { echo "$1 $head" && DIFFERS=yes; }
}

tell() { # METHOD QUERY
	local status
	rm -f "$PLACE/answer"
	status=$(get "$2" -X "$1" $([ "$1" != HEAD ] || echo -I))
	echo "status $status"
	[ "${status:0:1}" = 2 ] || return 0
	tr -d '\r' <"$PLACE/head" | grep -iE '^(content-length|content-type|x-sendfile|x-lighttpd)' | sort
	[ "$1" = HEAD ] || sha1sum <"$PLACE/answer"
}

sendfile_lighttpd() { # PORT
	place_file lighttpd.conf >/dev/null <<-CONF
		server.modules = ( "mod_fastcgi" )
		server.document-root = "$PLACE/www"
		server.bind = "127.0.0.1"
		server.port = $1
		server.errorlog = "$PLACE/web.log"
		server.http-parseopts = ( "header-strict" => "disable", "url-ctrls-reject" => "disable" )
		$(as_root "server.username = \"$(server_user)\"" "server.groupname = \"$(server_user)\"")
		fastcgi.server = ( "/" => ((
			"bin-path" => "$TEST_APPS/misbehave",
			"socket" => "$PLACE/tmp/reference.sock",
			"check-local" => "disable",
			"max-procs" => 1,
			"allow-x-send-file" => "enable",
			"x-sendfile-docroot" => ( "$FILES/", "$PLACE/more/" )
		)) )
	CONF
	! is_root || chown "$(server_user)" "$PLACE/web.log"
}
