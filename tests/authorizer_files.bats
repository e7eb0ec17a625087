#!/usr/bin/env bats
# The docroot of an authorizer: where no responder takes what it has let pass, the file is sent from
# there, behind nginx. lighttpd does the same.

bats_require_minimum_version 1.5.0

load helpers
load web

setup() {
	requires nginx curl
	make_place
	SAFE=$PLACE/safe
	mkdir -p "$SAFE/dir" "$PLACE/outside"
	echo '<p>a page' >"$SAFE/page.html"
	echo 'p {}' >"$SAFE/dir/style.CSS"
	head -c 300000 /dev/urandom >"$SAFE/data.unknown"
	: >"$SAFE/empty.txt"
	echo 'a name' >"$SAFE/a name é.txt"
	echo '<?php' >"$SAFE/t.php"
	echo secret | tee "$PLACE/outside/secret" >"$PLACE/www/page.html"
	ln -s ../outside/secret "$SAFE/out.html"
	ln -s ../outside "$SAFE/outdir"
	ln -s page.html "$SAFE/in.html"
}

# start_all: an authorizer of everything, and a responder for .php.
start_all() {
	start_herd --config "$(place_file herd.ini <<-INI
		listen = $PLACE/front.sock
		listen-mode = 0666
		max-procs = 1
		$(as_root "user = $(server_user)")
		[guard]
		extension = /
		mode = authorizer
		check-local = disable
		docroot = $SAFE
		bin-path = $TEST_APPS/authorizer
		[app]
		extension = .php
		bin-path = $TEST_APPS/misbehave --default say=application
	INI
	)"
	wait_until 15 grep -q ': ready$' "$HERD_LOG"
	start_web nginx_front "" nginx -c "$PLACE/nginx.conf"
}

nginx_front() { # PORT
	write_nginx_config <<-CONF
		server {
			listen 127.0.0.1:$1;
			root $PLACE/www;
			location / {
				fastcgi_param REQUEST_METHOD \$request_method;
				fastcgi_param REQUEST_URI \$request_uri;
				fastcgi_param DOCUMENT_ROOT \$document_root;
				fastcgi_param SCRIPT_NAME \$fastcgi_script_name;
				fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
				fastcgi_param CONTENT_LENGTH \$content_length;
				fastcgi_pass unix:$PLACE/front.sock;
			}
		}
	CONF
}

# get PATH [CURL-OPTION ...]: the answer is in $PLACE/answer, its head in $PLACE/head; prints the
# status. The authorizer lets it pass, or does what AUTH says.
get() {
	local path=$1
	shift
	curl -s --path-as-is -o "$PLACE/answer" -D "$PLACE/head" -w '%{http_code}\n' --max-time 30 \
		-H "X-Auth: ${AUTH-allow}" "$@" "$WEB$path"
}

has_field() { tr -d '\r' <"$PLACE/head" | grep -xiF -- "$1" || { cat "$PLACE/head" && return 1; }; }

# sends FILE TYPE PATH: the file, as this media type, with its length and age.
sends() {
	local status
	status=$(get "$3")
	[ "$status" = 200 ] || { echo "$3: $status" && return 1; }
	cmp "$PLACE/answer" "$SAFE/$1"
	has_field "Content-Type: $2"
	has_field "Content-Length: $(stat -c %s "$SAFE/$1")"
	has_field "Last-Modified: $(LC_ALL=C TZ=UTC date -r "$SAFE/$1" '+%a, %d %b %Y %H:%M:%S GMT')"
}

# refuses STATUS PATH [CURL-OPTION ...]: with a body that says no more.
refuses() {
	local status
	status=$(get "${@:2}")
	[ "$status" = "$1" ] || { echo "$2: $status" && return 1; }
	run ! grep -aE 'secret|page|application' "$PLACE/answer"
}

@test "a file of the docroot, with its media type" {
	start_all
	sends page.html text/html /page.html
	sends dir/style.CSS text/css /dir/style.CSS
	sends data.unknown application/octet-stream /data.unknown
	sends empty.txt text/plain /empty.txt
	sends 'a name é.txt' text/plain /a%20name%20%C3%A9.txt
	sends page.html text/html /in.html
	[ "$(get '/page.html?q=1')" = 200 ]
	cmp "$PLACE/answer" "$SAFE/page.html"
	stop_herd
}

@test "HEAD: the head alone" {
	start_all
	[ "$(get /data.unknown -I)" = 200 ]
	has_field 'Content-Length: 300000'
	has_field 'Content-Type: application/octet-stream'
	[ ! -s "$PLACE/answer" ] || cmp "$PLACE/answer" "$PLACE/head"
	[ "$(get /none.html -I)" = 404 ]
}

@test "what is not there, is no file or leads out is refused" {
	start_all
	mkfifo "$SAFE/fifo"
	refuses 404 /none.html
	refuses 404 /page.html/more
	refuses 403 /dir
	refuses 403 /dir/
	refuses 403 /
	refuses 403 /fifo
	refuses 403 /out.html
	refuses 403 /outdir/secret
	refuses 400 /../outside/secret
	refuses 400 /dir/%2e%2e/%2e%2e/outside/secret
	refuses 404 /%252e%252e/outside/secret
	is_root || return 0
	chmod 600 "$SAFE/page.html"
	refuses 403 /page.html
}

@test "only what is asked for with GET or HEAD" {
	start_all
	refuses 404 /page.html -d x=1
	refuses 404 /page.html -X PUT -d x=1
	refuses 404 /page.html -X DELETE
}

@test "what the authorizer refuses is not sent, and what a responder takes is its own" {
	start_all
	[ "$(AUTH=deny get /page.html)" = 401 ]
	grep -x 'who are you?' "$PLACE/answer"
	[ "$(AUTH=garbage get /page.html)" = 502 ]
	[ "$(get /t.php)" = 200 ]
	[ "$(cat "$PLACE/answer")" = application ]
}

@test "without a docroot there is nothing to send" {
	start_all
	stop_herd
	sed -i '/^docroot/d' "$PLACE/herd.ini"
	: >"$HERD_LOG"
	start_herd --config "$PLACE/herd.ini"
	wait_until 15 grep -q ': ready$' "$HERD_LOG"
	refuses 404 /page.html
	[ "$(AUTH=deny get /page.html)" = 401 ]
}

@test "lighttpd with the same authorizer sends the same" {
	requires lighttpd
	start_all
	local ours=$WEB path
	start_web reference_config "" lighttpd -D -f "$PLACE/reference.conf"
	local reference=$WEB
	for path in /page.html /dir/style.CSS /data.unknown /empty.txt /none.html; do
		WEB=$reference
		local expected
		expected=$(get "$path")
		mv "$PLACE/answer" "$PLACE/expected"
		grep -i '^content-type' "$PLACE/head" >"$PLACE/type"
		WEB=$ours
		[ "$(get "$path")" = "$expected" ] || { echo "$path: not $expected" && false; }
		[ "$expected" != 200 ] || cmp "$PLACE/answer" "$PLACE/expected"
		[ "$expected" != 200 ] || grep -i '^content-type' "$PLACE/head" | diff - "$PLACE/type"
	done
}

reference_config() { # PORT
	place_file reference.conf >/dev/null <<-CONF
		server.modules = ( "mod_fastcgi" )
		server.document-root = "$PLACE/www"
		server.bind = "127.0.0.1"
		server.port = $1
		server.errorlog = "$PLACE/web.log"
		$(as_root "server.username = \"$(server_user)\"" "server.groupname = \"$(server_user)\"")
		mimetype.assign = ( ".html" => "text/html", ".CSS" => "text/css", ".txt" => "text/plain",
			"" => "application/octet-stream" )
		fastcgi.server = ( "/" => (( "bin-path" => "$TEST_APPS/authorizer", "mode" => "authorizer",
			"socket" => "$PLACE/tmp/guard.ref", "max-procs" => 1, "check-local" => "disable",
			"docroot" => "$SAFE" )) )
	CONF
	! is_root || chown "$(server_user)" "$PLACE/web.log"
}
