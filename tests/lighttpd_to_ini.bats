#!/usr/bin/env bats
# contrib/lighttpd-to-ini. Each tests/lighttpd/NAME.conf is a configuration that lighttpd takes, and
# NAME.ini what is to come of it.

bats_require_minimum_version 1.5.0
load helpers
load web

SAMPLES=$BATS_TEST_DIRNAME/lighttpd

setup() {
	requires python3
	make_place
}

to_ini() { "$TOP/contrib/lighttpd-to-ini" "$@"; }

# converts NAME: the sample becomes what is expected of it, as it stands, and both programs take it.
converts() {
	cd "$SAMPLES" || return
	to_ini "$1.conf" | diff "$1.ini" -
	cp -r "$SAMPLES" "$PLACE/conf"
	find "$PLACE/conf" -type f -exec sed -i "s|/srv/www|$PLACE/www|; s|/tmp/|$PLACE/tmp/|
		s|/usr/local/bin/[a-z]*.fcgi|$TEST_APPS/misbehave|; s|/run/fcgi-herd|$PLACE|" {} +
	cd "$PLACE/conf" || return
	is_root || sed -Ei 's/^(user|group|mux-user|listen-owner) =/;&/' "$1.ini"
	takes_lighttpd "$1.conf"
	"$FCGI_HERD" --config "$1.ini" --check >/dev/null
}

takes_lighttpd() { # FILE
	command -v lighttpd >/dev/null || return 0
	run -0 lighttpd -tt -f "$1"
	[ -z "$output" ]
}

# remote ADDRESS COMMANDS: an application in place of one on another machine.
remote() {
	sed -i "/^host = $1\$/,/^port/{s|^host.*|socket = $PLACE/$1.sock|; /^port/d}" "$PLACE"/conf/*.ini
	start_herd -s "$PLACE/$1.sock" -M 0666 -- "$TEST_APPS/misbehave" --default "$2"
	wait_socket "$PLACE/$1.sock"
}

# ask FRONT SCRIPT_NAME: the answer of the application behind a front.
ask() {
	fcgi_client --param SCRIPT_NAME="$2" --param REQUEST_URI="$2" \
		--param DOCUMENT_ROOT="$PLACE/www" --param SCRIPT_FILENAME="$PLACE/www$2" \
		--param REDIRECT_STATUS=200 "$PLACE/$1.sock"
}

start_sample() { # NAME FRONT
	start_herd --config "$PLACE/conf/$1.ini"
	wait_socket "$PLACE/$2.sock"
}

@test "several extensions on one host" {
	requires php-cgi
	converts extensions
	start_sample extensions php
	for name in a.php b.phtml c.php5; do
		echo '<?php echo "page ", $_SERVER["SCRIPT_NAME"];' >"$PLACE/www/$name"
		ask php "/$name" | grep -F "page /$name"
	done
}

@test "a prefix on a remote host" {
	converts prefix
	remote 192.0.2.3 env
	start_sample prefix reports
	run -0 ask reports /reports/may/total
	[[ $output == *"SCRIPT_NAME=/reports/may"* ]]
	[[ $output == *"PATH_INFO=/total"* ]]
	[[ $output == *"SCRIPT_FILENAME=/opt/reports/reports/may"* ]]
}

@test "an authorizer" {
	converts authorizer
	mkdir "$PLACE/www/members"
	touch "$PLACE/www/members/page.php"
	remote 192.0.2.2 status=403\&say=no
	remote 192.0.2.4 say=page
	start_sample authorizer members
	ask members /members/page.php | grep -x no
	touch "$PLACE/www/page.php"
	ask members /page.php | grep -x page
}

@test "two hosts that share a load" {
	converts balance
	touch "$PLACE/www/page.php"
	remote 192.0.2.5 say=castor
	remote 192.0.2.6 say=pollux
	start_sample balance php
	run -0 eval 'for i in 1 2 3 4; do ask php /page.php; done'
	[ "$(grep -c castor <<<"$output")" -eq 2 ]
	[ "$(grep -c pollux <<<"$output")" -eq 2 ]
}

@test "PHP with workers and a cleaned environment" {
	requires php-cgi
	converts php
	echo '<?php echo implode(" ", array_keys(getenv()));' >"$PLACE/www/env.php"
	SECRET=1 start_sample php php
	run -0 ask php /env.php
	[[ $output == *PHP_FCGI_CHILDREN* ]]
	[[ $output != *SECRET* ]]
}

@test "PHP with broken-scriptfilename" {
	requires php-cgi
	converts pathinfo
	echo '<?php echo $_SERVER["PATH_INFO"], " ", $_SERVER["PHP_SELF"];' >"$PLACE/www/info.php"
	start_sample pathinfo php
	ask php /info.php/a/b | grep -F '/a/b /info.php/a/b'
}

@test "a compiled program behind a rewrite" {
	converts rewrite
	start_sample rewrite shop.fcgi
	run -0 fcgi_client --param SCRIPT_NAME=/shop.fcgi/cart --query env "$PLACE/shop.fcgi.sock"
	[[ $output == *"SCRIPT_NAME=/shop.fcgi"$'\n'* ]]
	[[ $output == *"PATH_INFO=/cart"* ]]
}

@test "a program on a named socket, with min-procs and idle-timeout" {
	converts adaptive
	start_sample adaptive counter
	ask counter /counter/x | grep -x ok
	[ -S "$PLACE/tmp/counter.sock-0" ]
}

@test "what a configuration can be made of" {
	converts language
}

@test "an authorizer under a condition, beside what holds everywhere" {
	converts conditions
}

@test "the lines for lighttpd and nginx serve the pages" {
	requires lighttpd nginx php-cgi curl
	converts php
	echo '<?php echo "a page";' >"$PLACE/www/page.php"
	start_sample php php
	front_lines lighttpd >"$PLACE/lighttpd-lines"
	front_lines nginx | sed 's|include |&/etc/nginx/|' >"$PLACE/nginx-lines"
	for web in lighttpd nginx; do
		"start_$web" "$PLACE/php.sock"
		[ "$(curl -s "$WEB/page.php")" = "a page" ]
	done
}

# In place of what contrib has for a web server.
snippet() { # PATH FRONT
	echo 'server.modules += ( "mod_fastcgi" )' | cat - "$PLACE/lighttpd-lines" | place_file lighttpd-snippet >/dev/null
	cp "$PLACE/nginx-lines" "$PLACE/nginx-snippet"
	echo "$PLACE/${1%%/*}-snippet"
}

# front_lines SERVER: what php.ini says for it.
front_lines() {
	awk -v server="$1" '/^; [^ ]/ { is_wanted = index($2, server) == 1; next }
		!/^;     / { is_wanted = 0 }
		is_wanted { sub(/^; */, ""); print }' "$PLACE/conf/php.ini"
}

@test "a command of include_shell is not run" {
	run -0 to_ini <<-CONF
		include_shell "touch $PLACE/ran"
		fastcgi.server = ( ".php" => (( "socket" => prefix + "/php.sock" ), other ), ".pl" => perl )
		fastcgi.map-extensions = maps
		include prefix + "/more.conf"
		\$HTTP["host"] == prefix { fastcgi.server = servers }
	CONF
	[ ! -e "$PLACE/ran" ]
	[[ $output == *"; check: standard input:1: include_shell"*" was not run"* ]]
	[[ $output == *"; check: standard input:4: this include was not read: var.prefix."* ]]
	[ "$(grep -c 'a part of fastcgi.server could not be read' <<<"$output")" -eq 3 ]
	[[ $output == *"; check: standard input:2: the value of socket could not be read: var.prefix"* ]]
}

@test "files that are included are found beside the first, and each once" {
	mkdir "$PLACE/conf"
	echo 'include "b.conf"' | place_file conf/a.conf >/dev/null
	place_file conf/b.conf <<<'fastcgi.server = ( ".php" => (( "socket" => "/s" )) )' >/dev/null
	cd /
	run -0 to_ini "$PLACE/conf/a.conf"
	[[ $output == *"socket = /s"* ]]
	echo 'include "a.conf"' >"$PLACE/conf/a.conf"
	run -1 to_ini "$PLACE/conf/a.conf"
	[[ $output == *"files include each other without an end" ]]
}

# What is wrong, line by line: the configuration, and what is said of it.
MISTAKES=(
	'a.b = "x' ':1: a text begins here: expected " at its end'
	'a.b = ' ':2: expected a value, not the end of the file'
	'a.b "x"' ':1: expected = or += behind a.b, not "x"'
	'a.b = ( "x" => 1' ':2: expected , or ) or =>, not the end of the file'
	'a.b = ( "x" "y" )' ':1: expected , or ) or =>, not "y"'
	'a.b = ( "x" => 1, "x" => 2 )' ':1: "x" is there already, at standard input:1'
	'a.b = ( ( 1 ) => 2 )' ':1: expected a text before =>, not ( 1 )'
	$'a.b = 1\na.b = 2' ':2: a.b is set at standard input:1 already: expected +='
	'a.b = ( 1 ) + 2' ':1: expected two arrays or two texts on the sides of +'
	'a.b = 1 ; a.c = 2' ":1: expected a name or a value, not ';'"
	'$HTTP["host"] == "x" a.b = 1' ':1: expected {, not a.b'
	'$HTTP["host" == "x" { }' ':1: expected ], not =='
	'$HTTP["host"] == "x" { a.b = 1' ':2: expected a name such as fastcgi.server, a condition or }'
	'} a.b = 1' ':1: expected a name such as fastcgi.server, a condition or }, not }'
	'include "absent.conf"' ':1: cannot read absent.conf: No such file or directory'
	'fastcgi.server = ( ".php" => ( "socket" => "/s" ) )' ':1: expected ( KEY => ( ( OPTION'
	'fastcgi.server = ( ".php" => (( "socket" )) )' ':1: expected OPTION => VALUE, not "socket"'
	'fastcgi.server = "x"' ':1: expected ( KEY => ( ( OPTION'
	'server.port = 80' ': expected a fastcgi.server with a host'
)

@test "a mistake is told with its line, and nothing is written" {
	local row
	for ((row = 0; row < ${#MISTAKES[@]}; row += 2)); do
		run -1 to_ini - <<<"${MISTAKES[row]}"
		[[ $output == "lighttpd-to-ini: standard input${MISTAKES[row + 1]}"* ]]
		[[ $output != *"Written by"* ]]
	done
	run -1 to_ini "$PLACE/absent"
	[ "$output" = "lighttpd-to-ini: $PLACE/absent: cannot read $PLACE/absent: No such file or directory" ]
	run -1 to_ini < <(echo "a.b =" && printf '%5000s' '' | tr ' ' '(')
	[[ $output == *"nested too deeply" ]]
	run -1 eval 'to_ini "$SAMPLES/php.conf" >/dev/full'
	[ "$output" = "lighttpd-to-ini: cannot write: No space left on device" ]
}

@test "no value gets out of its line" {
	requires root
	run -0 to_ini <<-'CONF'
		server.username = "www-data"
		fastcgi.server = ( ".php
		listen = /a" => ( "x]
		[evil" => (
			"bin-path" => "/bin/true # ; user=root \"
		user = root",
			"socket" => "/s
		user = root",
			"docroot" => "/ ; a \"b\" \\ ",
			"check-local" => "enable
		user = root",
			"mode
		user = root" => "x
		user = root",
			"bin-environment" => ( "user" => "root", "A" => "#,;", "B" => "x
		user = root", "C" => "" )
		) ), ".pl" => (( "bin-path" => "/bin/true ; #", "docroot" => "/ ; a \"b\" \\ ", "socket" => "/t",
			"bin-environment" => ( "user" => "root", "A" => "#,;", "C" => "" ) )) )
	CONF
	place_file x.ini <<<"$output"
	[ "$(grep -c '^user' "$PLACE/x.ini")" -eq 1 ]
	run ! grep -vE '^(;.*|\[[a-z0-9-]+\]|[a-z-]+ = .*|)$' "$PLACE/x.ini"
	run -0 "$FCGI_HERD" --config "$PLACE/x.ini" --check
	[[ $output == *'docroot = "/ ; a \"b\" \\\\ "'* ]]
	[[ $output == *'"user=root", "A=#,;", C='* ]]
	[[ $output == *'/bin/true ";" "#"'* ]]
}

@test "a list that is long goes on in more lines" {
	requires root
	run -0 to_ini < <(
		echo 'server.username = "www-data"'
		echo 'fastcgi.server = ( ".php" => (( "bin-path" => "/bin/true", "socket" => "/s",'
		echo '"bin-copy-environment" => ('
		for i in {1..2000}; do echo "\"VARIABLE_$i\","; done
		printf '), "bin-environment" => ( "LONG" => "%5000s" ) )) )\n' x
	)
	[[ $output == *"the value of bin-environment is longer than"* ]]
	run -0 "$FCGI_HERD" --config "$(place_file x.ini <<<"$output")" --check
	[ "$(grep -o 'VARIABLE_[0-9]*' <<<"$output" | wc -l)" -eq 2000 ]
}

@test "--help and --version" {
	run -0 to_ini --help
	[[ $output == "usage: lighttpd-to-ini "* ]]
	run -0 to_ini --version
	[ "$output" = "lighttpd-to-ini $(sed -n 's/^VERSION = //p' "$TOP/Makefile")" ]
	run -2 to_ini --no-such-option
}
