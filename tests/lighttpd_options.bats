#!/usr/bin/env bats
# The options of lighttpd's fastcgi.server that choose a server and shape its variables: the same
# requests through lighttpd's own mod_fastcgi, and through another web server and the front with the
# same options in the configuration. Each application prints its name and its variables.

bats_require_minimum_version 1.5.0

load helpers
load web

setup() {
	requires lighttpd nginx curl
	make_place
	mkdir "$PLACE/www/dir" "$PLACE/safe" "$PLACE/alt"
	touch "$PLACE/www/"{t.php,t.py,x.php3,page.html,dir/b.php} "$PLACE/safe/"{t.php,only.php}
	KEYS=() SECTIONS='' MAPS=''
	declare -gA HOSTS=()
}

# backend NAME KEY [OPTION=VALUE ...]: prints "app NAME" and its variables, and does COMMANDS (those
# of misbehave) before.
backend() {
	local name=$1 key=$2 option host
	local command="$TEST_APPS/misbehave --default ${COMMANDS-}say=app%20$name&env"
	shift 2
	[ -n "${HOSTS[$key]-}" ] || KEYS+=("$key")
	host="\"bin-path\" => \"$command\", \"max-procs\" => 1, \"socket\" => \"$PLACE/tmp/$name.ref\""
	SECTIONS+="[$name]"$'\n'"listen = $PLACE/front.sock"$'\n'"extension = $key"$'\n'
	SECTIONS+="bin-path = $command"$'\n'"max-procs = 1"$'\n'
	for option; do
		host+=", \"${option%%=*}\" => \"${option#*=}\""
		SECTIONS+="${option%%=*} = ${option#*=}"$'\n'
	done
	HOSTS[$key]+="( $host ), "
}

# map FROM TO
map() {
	MAPS+="${MAPS:+, }$1 => $2"
}

start_both() { # [WEB-SERVER of the front]
	start_web reference_config "$PLACE/none" lighttpd -D -f "$PLACE/reference.conf"
	REFERENCE=$WEB
	start_herd --config "$(place_file herd.ini <<-INI
		${MAPS:+map-extensions = $MAPS}
		$(as_root "user = $(server_user)" "listen-owner = $(server_user)")
		$SECTIONS
	INI
	)"
	wait_socket "$PLACE/front.sock"
	"start_${1:-nginx}_front"
}

reference_config() { # PORT
	local key
	{
		plain_lighttpd "$1"
		echo 'fastcgi.server = ('
		for key in "${KEYS[@]}"; do echo "\"$key\" => ( ${HOSTS[$key]} ),"; done
		echo ')'
		echo "fastcgi.map-extensions = ( $(sed 's/[^ ,]*\.[^ ,]*/"&"/g' <<<"$MAPS") )"
	} | place_file reference.conf >/dev/null
}

plain_lighttpd() { # PORT
	cat <<-CONF
		server.modules = ( "mod_fastcgi" )
		server.document-root = "$PLACE/www"
		server.bind = "127.0.0.1"
		server.port = $1
		server.errorlog = "$PLACE/web.log"
		$(as_root "server.username = \"$(server_user)\"" "server.groupname = \"$(server_user)\"")
	CONF
	[ -e "$PLACE/web.log" ] || : >"$PLACE/web.log"
	! is_root || chown "$(server_user)" "$PLACE/web.log"
}

# nginx tells what it knows of a request and decides nothing; NGINX is what else it says.
start_nginx_front() { start_web nginx_front_config "" nginx -c "$PLACE/nginx.conf"; }
nginx_front_config() { # PORT
	write_nginx_config <<-CONF
		server {
			listen 127.0.0.1:$1;
			root $PLACE/www;
			location / {
				${NGINX-}
				fastcgi_param REQUEST_METHOD \$request_method;
				fastcgi_param REQUEST_URI \$request_uri;
				fastcgi_param QUERY_STRING \$query_string;
				fastcgi_param CONTENT_LENGTH \$content_length;
				fastcgi_param DOCUMENT_ROOT \$document_root;
				fastcgi_param SCRIPT_NAME \$fastcgi_script_name;
				fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
				fastcgi_pass unix:$PLACE/front.sock;
			}
		}
	CONF
}

# lighttpd with one server that takes every path.
start_lighttpd_front() { start_web lighttpd_front_config "" lighttpd -D -f "$PLACE/front.conf"; }
lighttpd_front_config() { # PORT
	{
		plain_lighttpd "$1"
		echo "fastcgi.server = ( \"/\" => (( \"socket\" => \"$PLACE/front.sock\","
		echo '"check-local" => "disable" )) )'
	} | place_file front.conf >/dev/null
}

# ask WEB PATH: the status, the application's name, and the variables that this file is about.
ask() {
	local names='SCRIPT_NAME|PATH_INFO|SCRIPT_FILENAME|PATH_TRANSLATED|DOCUMENT_ROOT|REQUEST_URI'
	curl -s --path-as-is -H 'Proxy: evil' -w '\nstatus %{http_code}\n' "$1$2" |
		tr -d '\r' | grep -aE "^(app |status |($names|HTTP_PROXY|PHP_VALUE)=)" | sort
}

# same PATH ...: both answer alike.
same() {
	local path reference ours
	for path; do
		reference=$(ask "$REFERENCE" "$path")
		ours=$(ask "$WEB" "$path")
		diff -u --label "lighttpd $path" <(echo "$reference") --label front <(echo "$ours")
		[ "${ours#*status 000}" = "$ours" ]
	done
}

# differs PATH REFERENCE OURS: the lines that only the one answer has, and only the other.
differs() {
	local path=$1
	ask "$REFERENCE" "$path" >"$PLACE/reference.answer"
	ask "$WEB" "$path" >"$PLACE/our.answer"
	[ "$(diff "$PLACE/reference.answer" "$PLACE/our.answer" | sed -n 's/^< //p')" = "$2" ] &&
		[ "$(diff "$PLACE/reference.answer" "$PLACE/our.answer" | sed -n 's/^> //p')" = "$3" ] ||
		{ diff -u "$PLACE/reference.answer" "$PLACE/our.answer" && false; }
}

# says PATH LINE ...: our answer has these lines.
says() {
	local path=$1 answer line
	shift
	answer=$(ask "$WEB" "$path")
	for line; do grep -xF -- "$line" <<<"$answer" || { echo "$answer" && false; }; done
}

@test "a suffix: the script's path without its PATH_INFO" {
	backend php .php
	start_both
	same /t.php '/t.php?a=b' /t.php/ /t.php/info /t.php/in/fo /t.php/u.php /dir/b.php/x
	same /none.php /none.php/info /dir/none.php /none /none.PHP /t.phpx/y /.php
	stop_herd
}

@test "a path in other words: slashes, dots and escapes" {
	backend php .php
	start_both
	same //t.php /t.php//x /t%2ephp /t.php/a%2fb /dir/../t.php /t.php/%2e%2e/t.php/%41 \
		/t.php/%3Cx%3E /t.php/%c3%a9 "/t.php/$(printf '%02000d' 0)"
	# lighttpd refuses what is no UTF-8 before it looks for a server.
	says /t.php/%ff 'app php' PATH_INFO=/$'\xff'
}

@test "a suffix without check-local" {
	backend php .php check-local=disable
	start_both
	same /t.php /t.php/info /t.php/u.php /none.php /none/x.php /none.php/u.php /.php /none.PHP /none
	# No look at the disk, and so none to find that there is no such script.
	differs /none.php/info 'status 404' "$(printf '%s\n' "DOCUMENT_ROOT=$PLACE/www" PATH_INFO=/info \
		"PATH_TRANSLATED=$PLACE/www/info" REQUEST_URI=/none.php/info \
		"SCRIPT_FILENAME=$PLACE/www/none.php" SCRIPT_NAME=/none.php 'app php' 'status 200')"
}

@test "a prefix with check-local" {
	backend dir /dir
	start_both
	same /dir/b.php /dir/b.php/x /dir/b.php/x/y /dir/none /dir/none/x /dirx /none
	# Not a file, and web servers know better what to do with it.
	differs /dir/ "$(printf '%s\n' "DOCUMENT_ROOT=$PLACE/www" REQUEST_URI=/dir/ \
		"SCRIPT_FILENAME=$PLACE/www/dir/" SCRIPT_NAME=/dir/ 'app dir' 'status 200')" 'status 403'
}

@test "a prefix that ends with a slash, without check-local" {
	backend pre /pre/ check-local=disable
	start_both
	same /pre/x/y/z /pre/x/y /pre/x/ /pre/x /pre/ /pre//x/y /pre/x%2fy /pre /prex /none/pre/x
}

@test "a prefix without a boundary, without check-local" {
	backend nop /nop check-local=disable
	start_both
	same /nop/a/b /nop/a /nop/ /nop /nopxyz /nopxyz/a '/nop?x=/' /NOP /no
}

@test "the prefix / takes every path" {
	backend root / check-local=disable
	start_both
	same / /a /a/b /a/b/c /t.php/x //a/b /dir/b.php
}

@test "fix-root-scriptname: an empty SCRIPT_NAME, for the key / only" {
	backend dir /dir/ check-local=disable fix-root-scriptname=enable
	backend root / check-local=disable fix-root-scriptname=enable
	start_both
	same / /a /a/b /a/b/c /t.php/x /dir/b.php/x
}

@test "fix-root-scriptname means nothing with check-local" {
	backend root / fix-root-scriptname=enable
	start_both
	same /t.php /t.php/x /none
}

@test "keys are tried in the order of the file" {
	backend di /di check-local=disable
	backend dir /dir check-local=disable
	backend hp hp
	backend php .php
	start_both
	same /dir/b.php /di/x /t.php /t.php/info
}

@test "a prefix takes a whole path before a suffix takes a part of it" {
	backend php .php
	backend root / check-local=disable
	start_both
	same /t.php /t.php/info /t.php/u.php /none.php /none.php/x /x
}

@test "map-extensions" {
	backend php .php
	backend py .py
	map .php3 .php
	map .html .py
	start_both
	same /t.php /x.php3 /x.php3/info /page.html /page.html/x /t.py /none.php3 /none.html
}

@test "docroot: the root of the application, not of the check" {
	backend slash .py docroot=/alt/
	backend pre /pre/ check-local=disable docroot=/alt
	backend php .php docroot=/alt
	start_both
	same /t.php /t.php/x/y /dir/b.php/z /t.py /t.py/x /pre/x /pre/x/y/z /none.php
}

@test "docroot and fix-root-scriptname" {
	backend root / check-local=disable fix-root-scriptname=enable docroot=/alt
	start_both
	same / /x/y/z
}

@test "broken-scriptfilename: SCRIPT_FILENAME with the PATH_INFO; docroot wins" {
	backend pre /pre/ check-local=disable broken-scriptfilename=enable
	backend docroot .py docroot=/alt broken-scriptfilename=enable
	backend php .php broken-scriptfilename=enable
	start_both
	same /t.php/x/y /t.php/ /pre/x/y/z /t.py /t.py/x
	# A slash behind a file's name makes it one that cannot be opened.
	differs /t.php "SCRIPT_FILENAME=$PLACE/www/t.php/" "SCRIPT_FILENAME=$PLACE/www/t.php"
	differs /pre/x "SCRIPT_FILENAME=$PLACE/www/pre/x/" "SCRIPT_FILENAME=$PLACE/www/pre/x"
}

@test "strip-request-uri: where a slash follows, and nothing else changes" {
	backend slash /slash check-local=disable strip-request-uri=/slash/
	backend deep /deep check-local=disable strip-request-uri=/deep/x
	backend base /base check-local=disable strip-request-uri=/base
	start_both
	same /base/a/b /base/ '/base/?q=/base/' /base//base/c /base '/base?q=/' /basex/a /%62ase/x
	same /slash/a /slash/ /slash /slashx/a /deep/x/y /deep/x /deep/a
}

@test "an authorizer sees no SCRIPT_NAME, PATH_INFO or CONTENT_LENGTH, and is never split" {
	COMMANDS='status=403&'
	backend docroot /alt mode=authorizer check-local=disable docroot=/alt
	backend local .php mode=authorizer
	backend auth / mode=authorizer check-local=disable strip-request-uri=/strip
	start_both
	same /none /none/x/y /strip/x /t.php /t.php/u.php /none.php /alt/x/y
	curl -s "$WEB/t.php" >"$PLACE/answer"
	grep -x 'app local' "$PLACE/answer"
	run ! grep ^CONTENT_LENGTH= "$PLACE/answer"
}

@test "the docroot of an authorizer is the root of the authorised request" {
	backend auth / mode=authorizer check-local=disable docroot="$PLACE/safe"
	backend php .php
	start_both
	same /t.php /t.php/x /only.php /dir/b.php /none.php
}

@test "an authorizer cannot be got around by a PATH_INFO" {
	COMMANDS='status=403&' backend auth .php mode=authorizer check-local=disable
	backend root / check-local=disable
	start_both
	same /t.php /none.php /x
	# lighttpd: straight to the responder.
	says /t.php/info 'app auth' 'status 403'
}

@test "deny-params and HTTP_PROXY" {
	backend php .php deny-params=HTTP_X_SECRET,PHP_VALUE
	NGINX='fastcgi_param PHP_VALUE evil;'
	# lighttpd would not know this one.
	HOSTS[.php]=${HOSTS[.php]/, \"deny-params\"*\"/}
	start_both
	same /t.php
	curl -s -H 'X-Secret: 1' -H 'Proxy: evil' "$WEB/t.php" >"$PLACE/denied"
	grep -x 'app php' "$PLACE/denied"
	run ! grep -E '^(HTTP_X_SECRET|HTTP_PROXY|PHP_VALUE)=' "$PLACE/denied"
	curl -s -H 'X-Secreta: 1' -H 'Proxys: 1' "$WEB/t.php" >"$PLACE/others"
	grep -x HTTP_X_SECRETA=1 "$PLACE/others"
	grep -x HTTP_PROXYS=1 "$PLACE/others"
}

@test "backends of one key share its requests" {
	backend one .php
	backend two .php
	start_both
	local web
	for web in "$REFERENCE" "$WEB"; do
		curl -s --no-progress-meter -Z --parallel-max 8 "$web/t.php/[1-40]" |
			grep '^app ' | sort -u >"$PLACE/apps"
		[ "$(cat "$PLACE/apps")" = $'app one\napp two' ]
	done
}

@test "a web server that has split the path is believed" {
	NGINX='fastcgi_split_path_info ^(.+?\.php)(/.*)$; fastcgi_param PATH_INFO $fastcgi_path_info;
		fastcgi_param PATH_TRANSLATED $document_root$fastcgi_path_info;'
	backend php .php check-local=disable
	backend root / check-local=disable
	start_both
	says /t.php/info 'app php' SCRIPT_NAME=/t.php PATH_INFO=/info "SCRIPT_FILENAME=$PLACE/www/t.php"
	says /none.php/u.php 'app php' SCRIPT_NAME=/none.php PATH_INFO=/u.php
	says /x/y 'app root' SCRIPT_NAME=/x PATH_INFO=/y "SCRIPT_FILENAME=$PLACE/www/x" \
		"PATH_TRANSLATED=$PLACE/www/y"
}

@test "behind a lighttpd that sends every path" {
	backend php .php
	backend pre /pre/ check-local=disable
	start_both lighttpd
	same /t.php /t.php/info /dir/b.php /dir/b.php/x /none.php /pre/x/y/z /pre/x
}
