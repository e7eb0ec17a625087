#!/bin/bash
# seed.sh BUILD DIRECTORY
#
# Makes first inputs for the targets of tests/fuzz in DIRECTORY: traffic of real web servers with a
# real php-cgi, recorded by tap, and values as the tests of the modules have them. BUILD holds the
# programs, as make leaves them there.
set -eu

build=$(readlink -f "$1")
fuzz=$(readlink -f "$(dirname "$0")")
mkdir -p "$2"
corpus=$(readlink -f "$2")
BATS_TEST_TMPDIR=$(mktemp -d)
TEST_APPS=$build/tests/apps
FCGI_HERD=$build/fcgi-herd
FCGI_MUX=$build/fcgi-mux
# shellcheck source=tests/helpers.bash
. "$fuzz/../helpers.bash"
# shellcheck source=tests/web.bash
. "$fuzz/../web.bash"
end() {
	clean_up >/dev/null
	rm -rf "$BATS_TEST_TMPDIR"
}
trap end EXIT
make_place

start() { # COMMAND ...
	"$@" >>"$PLACE/log" 2>&1 &
	STARTED+=($!)
}

write_pages() {
	place_file www/index.php >/dev/null <<-'PHP'
		<?php header('X-Powered-By: none'); echo str_repeat($_GET['a'] ?? '.', 99);
	PHP
	place_file www/echo.php >/dev/null <<-'PHP'
		<?php http_response_code(404); header('Location: /x'); error_log('said'); echo file_get_contents('php://input');
	PHP
	place_file www/send.php >/dev/null <<-'PHP'
		<?php header('X-Sendfile: /srv/a%20b'); header('X-Sendfile2: /srv/a 0-9,/srv/b 5-');
	PHP
}

ask() {
	curl -s "$WEB/index.php?a=b" "$WEB/index.php/path/info?x" "$WEB/send.php" "$WEB/absent.php"
	curl -s -I "$WEB/index.php"
	curl -s -H 'Cookie: a=b' -H 'Proxy: x' --data-binary @"$fuzz/../../LICENSE" "$WEB/echo.php"
	curl -s -H 'Transfer-Encoding: chunked' -d @"$fuzz/../../LICENSE" "$WEB/echo.php"
}

# The snippet of contrib keeps no connections; with these lines nginx does.
nginx_keeping_config() {
	write_nginx_config <<-CONF
		upstream php { server unix:$2; keepalive 4; }
		server {
			listen 127.0.0.1:$1;
			root $PLACE/www;
			location / {
				include /etc/nginx/fastcgi_params;
				fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
				fastcgi_keep_conn on;
				fastcgi_pass php;
			}
		}
	CONF
}

record_traffic() {
	start spawn-fcgi -n -s "$PLACE/php" -M 0666 -- /usr/bin/env PHP_FCGI_CHILDREN=4 php-cgi
	wait_until 10 test -S "$PLACE/php"
	start "$fuzz/tap" "$PLACE/tap" "$PLACE/php" "$corpus"
	wait_until 10 test -S "$PLACE/tap"
	start_nginx "$PLACE/tap" && ask
	start_web nginx_keeping_config "$PLACE/tap" nginx -c "$PLACE/nginx.conf" && ask
	start_lighttpd "$PLACE/tap" && ask
	# php-cgi's own values, asked for by fcgi-mux, and its answers on kept connections.
	start "$FCGI_MUX" --listen "$PLACE/mux" --server "$PLACE/tap" --capacity 2
	wait_until 10 test -S "$PLACE/mux"
	start_nginx "$PLACE/mux" && ask
}

# seed TARGET TEXT ...: one input each, with escapes as printf(1) has them.
seed() {
	local target=$1 text
	shift
	mkdir -p "$corpus/$target"
	for text; do
		printf '%b' "$text" >"$BATS_TEST_TMPDIR/seed"
		mv "$BATS_TEST_TMPDIR/seed" "$corpus/$target/$(printf '%b' "$text" | sha1sum | cut -c 1-40)"
	done
}

byte() { printf '\\0%03o' "$1"; }

# A record for request 1, of text that has this length when printf(1) has read it.
record() { # TYPE LENGTH TEXT
	printf '%s' "\\01$(byte "$1")\\0\\01$(byte $(($2 / 256)))$(byte $(($2 % 256)))\\0\\0$3"
}

pair() { printf '%s' "$(byte ${#1})$(byte ${#2})$1$2"; } # NAME VALUE

# What the mux answers itself, in each of its forms; and answers with files in place of a body.
write_conversations() {
	local begin form head files=/usr/share/common-licenses
	begin=$(record 1 8 '\0\01\0\0\0\0\0\0')
	for form in '' full json 'json&full' html openmetrics prometheus; do
		seed front "\0\0$begin$(record 4 $((34 + ${#form})) \
			"$(pair SCRIPT_NAME /status)$(pair QUERY_STRING "$form")")$(record 4 0 '')$(record 5 0 '')"
	done
	seed front "\0\0$begin$(record 4 18 "$(pair SCRIPT_NAME /ping)")$(record 4 0 '')$(record 5 0 '')"
	for head in "X-Sendfile: $files/BSD" "X-Sendfile2: $files/BSD 0-9,$files/GPL-2 5-" \
		"X-LIGHTTPD-send-file: $files/none" 'X-Sendfile: /etc/passwd'; do
		head="Content-Type: text/plain\n$head\n\n"
		seed proc "\01\0$(record 6 $((${#head} - 3)) "$head")$(record 6 0 '')$(record 3 8 '\0\0\0\0\0\0\0\0')"
	done
}

write_values() {
	local numbers='\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020'
	seed address '\001\0\0\0\0\0\0\043\050'{/run/php.sock,unix:name,127.0.0.1:9000,[::1]:1,localhost:65535,a:b:1}
	seed text "$numbers"{0,00,512,64k,8M,1g,250ms,10s,5m,2h,0755,"a 'b c' \"d\\\\\"\" e\\\\ f"}
	seed map '.php5 => .php' '.a=>.b' '=> b' 'a = b' 'a => b c'
	# shellcheck disable=SC2016 # no variables
	seed quoting a 'a b' ' a' '"a\\"' 'a, b' "it's" '; a' 'a ;b' '$x `y`' '#a'
	seed log_escape a 'a\nb' 'a"b\\\\c' '\x1b[0m' '\0303\0244' '\0355\0240\0200' '\0360\0237\0230\0200'
	seed sendfile '\0\0\0\0\0\0\020\0\0'{/srv/a,/srv/files/%2e%2e/b,'/srv/a 0-9,/srv/b 5-',' /srv/a%2cb 2-4 ,  /c 0-','/a/./..//b/'}
	seed control '\004\377\0\0\001' '\005\367\001\001\001' '\003\007\001\001' '\005\037'
	seed values '\0\013\001FCGI_MPXS_CONNS1' '\0\016\0FCGI_MAX_CONNS' '\0\015\002FCGI_MAX_REQS50'
	# Of dnsmasq: addresses of a name; a service with two hosts.
	seed dns '\0022\0064\0205\0200\0\01\0\02\0\0\0\0\03php\04test\0\0\01\0\01\0300\014\0\01\0\01\0\0\0\074\0\04\0177\0\0\02\0300\014\0\034\0\01\0\0\0\074\0\020 \01\015\0270\0\0\0\0\0\0\0\0\0\0\0\01' \
		'\0022\0064\0205\0200\0\01\0\01\0\0\0\01\04_php\04test\0\0!\0\01\0300\014\0!\0\01\0\0\0\074\0\020\0\012\0\05#\0215\03php\04test\0\0300\055\0\01\0\01\0\0\0\074\0\04\0177\0\0\03'
	seed head '\0Status: 200 OK\r\n\r\n' '\0HTTP/1.1 404 Not Found\r\nVariable-REMOTE-USER: a\r\n\r\n'
	seed route '\001\003\000.php\0/app\0/\0.php5\0.php\0/srv\0/app\0/a/t.php5/info\0' \
		'\007\005\377.php\0.php\0/app\0.x\0.php\0/docroot\0/app\0/srv/www/t.php\0/srv/www\0/app/t.php/info?a\0/root\0/doc\0/t.php/info\0'
	mkdir -p "$corpus/config"
	cp "$fuzz/../../contrib/fcgi-herd.ini" "$corpus/config"
	sed 's/^;\([a-z]\)/\1/' "$fuzz/../../contrib/fcgi-herd.ini" >"$corpus/config/all"
	cp "$fuzz"/../lighttpd/*.ini "$corpus/config"
}

write_pages
record_traffic >/dev/null
write_conversations
write_values
find "$corpus" -type f | awk -F/ '{ count[$(NF - 1)]++ } END { for (name in count) print name, count[name] }' | sort
