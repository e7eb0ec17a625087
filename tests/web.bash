# web.bash: real web servers in front of real PHP, for the bats files that bear the name of
# one.

# Each start_SERVER FRONT serves $PLACE/www with the snippet of contrib, pointed at the
# front socket FRONT, and sets WEB to its address and WEB_PID.

# The snippet contrib/PATH for this front, in a file.
snippet() { # PATH FRONT
	sed "s|/run/php.sock|$2|" "$TOP/contrib/$1" | place_file "${1//\//-}"
}

# A port can be taken between the look and the start: another one, then.
start_web() { # WRITE_CONFIG FRONT COMMAND ...
	local write_config=$1 front=$2 pid port
	shift 2
	WEB_PID=
	for _ in 1 2 3 4 5; do
		port=$(free_port)
		WEB=http://127.0.0.1:$port
		"$write_config" "$port" "$front"
		"$@" >>"$PLACE/web.log" 2>&1 3>&- 4>&- &
		pid=$!
		wait_until 10 is_web_up_or_gone "$pid" && ! is_gone "$pid" && WEB_PID=$pid && break
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	[ -n "${WEB_PID-}" ] || { cat "$PLACE/web.log" >&2 && return 1; }
	STARTED+=("$WEB_PID")
}
is_web_up_or_gone() { is_gone "$1" || curl -s -o /dev/null "$WEB/"; }

# nginx's configuration, with what is to stand in its section http on stdin.
write_nginx_config() {
	mkdir -p "$PLACE/nginx"
	place_file nginx.conf >/dev/null <<-CONF
		$(as_root "user $(server_user);")
		daemon off;
		worker_processes 2;
		pid $PLACE/nginx/pid;
		error_log $PLACE/web.log;
		events { worker_connections 512; }
		http {
			access_log off;
			client_max_body_size 16m;
			client_body_temp_path $PLACE/nginx/body;
			fastcgi_temp_path $PLACE/nginx/fastcgi;
			proxy_temp_path $PLACE/nginx/proxy;
			scgi_temp_path $PLACE/nginx/scgi;
			uwsgi_temp_path $PLACE/nginx/uwsgi;
			$(cat)
		}
	CONF
}

start_nginx() { start_web nginx_config "$1" nginx -c "$PLACE/nginx.conf"; }
nginx_config() { # PORT FRONT
	write_nginx_config <<-CONF
		server {
			listen 127.0.0.1:$1;
			root $PLACE/www;
			include $(snippet nginx/php.conf "$2");
		}
	CONF
}

start_lighttpd() { start_web lighttpd_config "$1" lighttpd -D -f "$PLACE/lighttpd.conf"; }
lighttpd_config() { # PORT FRONT
	place_file lighttpd.conf >/dev/null <<-CONF
		server.document-root = "$PLACE/www"
		server.bind = "127.0.0.1"
		server.port = $1
		server.errorlog = "$PLACE/web.log"
		server.upload-dirs = ( "$PLACE/tmp" )
		$(as_root "server.username = \"$(server_user)\"" "server.groupname = \"$(server_user)\"")
		include "$(snippet lighttpd/php.conf "$2")"
	CONF
	[ -e "$PLACE/web.log" ] || : >"$PLACE/web.log"
	! is_root || chown "$(server_user)" "$PLACE/web.log"
}

start_apache() { start_web apache_config "$1" apache2 -f "$PLACE/apache.conf" -DFOREGROUND; }
apache_config() { # PORT FRONT
	local modules=/usr/lib/apache2/modules
	mkdir -p "$PLACE/apache"
	place_file apache.conf >/dev/null <<-CONF
		ServerName localhost
		ServerRoot $PLACE/apache
		DefaultRuntimeDir $PLACE/apache
		PidFile $PLACE/apache/pid
		ErrorLog $PLACE/web.log
		Listen 127.0.0.1:$1
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule env_module $modules/mod_env.so
		LoadModule headers_module $modules/mod_headers.so
		LoadModule proxy_module $modules/mod_proxy.so
		LoadModule proxy_fcgi_module $modules/mod_proxy_fcgi.so
		$(as_root "User $(server_user)" "Group $(server_user)")
		DocumentRoot $PLACE/www
		Include $(snippet apache/php.conf "$2")
	CONF
}

# Two threads, each with connections of its own. HAPROXY_EDIT: what sed does to the snippet.
start_haproxy() {
	start_web haproxy_config "$1" haproxy -db -f "$PLACE/haproxy.cfg" -f "$PLACE/haproxy-php.cfg"
}
haproxy_config() { # PORT FRONT
	snippet haproxy/php.cfg "$2" >/dev/null
	sed -i "s|/var/www/html|$PLACE/www|; ${HAPROXY_EDIT-}" "$PLACE/haproxy-php.cfg"
	place_file haproxy.cfg >/dev/null <<-CONF
		global
		log stderr local0
		nbthread 2
		$(as_root "user $(server_user)" "group $(server_user)")
		defaults
		mode http
		log global
		timeout connect 5s
		timeout client 60s
		timeout server 60s
		frontend web
		bind 127.0.0.1:$1
		default_backend php
	CONF
}

# Caddy drops no privileges itself.
start_caddy() {
	local own=()
	! is_root || own=(setpriv --reuid "$(server_user)" --regid "$(server_user)" --clear-groups)
	mkdir -p "$PLACE/caddy"
	chmod 777 "$PLACE/caddy"
	start_web caddy_config "$1" "${own[@]}" env HOME="$PLACE/caddy" XDG_DATA_HOME="$PLACE/caddy" \
		XDG_CONFIG_HOME="$PLACE/caddy" caddy run --adapter caddyfile --config "$PLACE/Caddyfile"
}
caddy_config() { # PORT FRONT
	place_file Caddyfile >/dev/null <<-CONF
		{
			admin off
			auto_https off
		}
		http://127.0.0.1:$1 {
			root * $PLACE/www
			import $(snippet caddy/php.caddy "$2")
		}
	CONF
}

# Requests after which a php-cgi ends by itself: about once each in the load below.
PHP_MAX_REQUESTS=400

# Four php-cgi behind $PLACE/php.sock, and the pages that the checks ask for.
start_php() {
	place_file www/index.php >/dev/null <<-'PHP'
		<?php
		usleep(($_GET['ms'] ?? 0) * 1000);
		header('Content-Type: text/plain');
		foreach (['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'] as $name)
			echo "$name=", $_SERVER[$name] ?? '', "\n";
		echo 'pid=', getmypid(), "\n";
	PHP
	place_file www/echo.php >/dev/null <<-'PHP'
		<?php
		$body = file_get_contents('php://input');
		header('Content-Type: application/octet-stream');
		header('X-Checksum: ' . sha1($body));
		echo $body;
	PHP
	FRONT=$PLACE/php.sock
	start_herd --config "$(place_file herd.ini <<-INI
		${WHOLE-}
		[php]
		listen = $FRONT
		bin-path = /usr/bin/php-cgi
		max-procs = 4
		bin-copy-environment = PATH
		bin-environment = PHP_FCGI_MAX_REQUESTS=$PHP_MAX_REQUESTS
		$(as_root "user = $(server_user)" "listen-owner = $(server_user)")
	INI
	)"
	wait_socket "$FRONT"
}

check_pages() {
	local page expected
	page=$(curl -s "$WEB/index.php?a=b")
	expected=$'REQUEST_METHOD=GET\nSCRIPT_NAME=/index.php\nPATH_INFO=\nQUERY_STRING=a=b'
	[ "$(sed '$d' <<<"$page")" = "$expected" ]
	herd_children php-cgi | grep -qx "$(sed -n 's/^pid=//p' <<<"$page")"
	curl -s "$WEB/index.php/some/path" | grep -x 'PATH_INFO=/some/path'
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WEB/absent.php")" = 404 ]
}

# 5 MB there and back; chunked too, where the length is not known beforehand.
check_post() {
	local sum
	head -c 5000000 /dev/urandom >"$PLACE/body"
	sum=$(sha1sum <"$PLACE/body")
	curl -s -D "$PLACE/head" -o "$PLACE/back" -H 'Content-Type: application/octet-stream' \
		--data-binary @"$PLACE/body" "$@" "$WEB/echo.php"
	cmp "$PLACE/body" "$PLACE/back"
	grep -i "^X-Checksum: ${sum%% *}" "$PLACE/head"
}

# A request that takes its time holds its process, so eight at a time need all four.
check_load_is_shared() {
	curl -s --no-progress-meter -Z --parallel-max 8 "$WEB/index.php?ms=50&n=[1-40]" |
		sed -n 's/^pid=//p' | sort -n >"$PLACE/pids"
	[ "$(wc -l <"$PLACE/pids")" -eq 40 ]
	[ "$(uniq "$PLACE/pids")" = "$(herd_children php-cgi)" ]
}

# has_lines FILE COUNT
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# 2000 GETs, eight at a time, in the background as $LOAD; a status code for each in $PLACE/codes.
start_load() {
	: >"$PLACE/codes"
	curl -s --no-progress-meter -Z --parallel-max 8 -o /dev/null -w '%{stderr}%{http_code}\n' \
		"$WEB/index.php?ms=2&n=[1-2000]" 2>"$PLACE/codes" 3>&- 4>&- &
	LOAD=$!
	STARTED+=("$LOAD")
}

# Each of them was answered, with 200.
load_is_good() {
	wait_pids_gone 60 "$LOAD"
	[ "$(sort "$PLACE/codes" | uniq -c | tr -s ' ')" = ' 2000 200' ] ||
		{ sort "$PLACE/codes" | uniq -c && false; }
}

# Kills another child each time so many more requests were answered.
check_kills_lose_nothing() {
	local answered
	start_load
	for answered in 300 600 900 1200 1500; do
		wait_until 30 has_lines "$PLACE/codes" "$answered"
		# One may have ended by itself in between.
		kill -KILL "$(herd_children php-cgi | shuf -n 1)" || :
	done
	load_is_good
	wait_until 10 herd_has_children php-cgi 4
}

# All four reach PHP_MAX_REQUESTS at nearly the same time.
check_ends_lose_nothing() {
	local before
	before=$(herd_children php-cgi)
	start_load
	load_is_good
	wait_until 10 herd_has_children php-cgi 4
	[ -z "$(comm -12 <(sort <<<"$before") <(herd_children php-cgi | sort))" ]
}

check_head() {
	curl -s -I "$WEB/index.php" >"$PLACE/head"
	head -n 1 "$PLACE/head" | grep -F ' 200 '
	grep -i '^Content-Type: text/plain' "$PLACE/head"
	[ "$(curl -s -o /dev/null -w '%{http_code}' -I "$WEB/absent.php")" = 404 ]
}

# A script that kills its process: 502, and the site goes on.
check_death_is_told() {
	place_file www/dies.php >/dev/null <<<'<?php posix_kill(posix_getpid(), 9);'
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WEB/dies.php")" = 502 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -d a=b "$WEB/dies.php")" = 502 ]
	wait_until 10 herd_has_children php-cgi 4
	check_pages
}

# A client that leaves while its request waits does not disturb the others on its connection. Its own
# one is carried out: neither of HAProxy 2.6 and Caddy 2.6 takes it back.
check_leaving_client_disturbs_nobody() {
	local n
	for n in 1 2 3 4; do
		curl -s "$WEB/index.php?ms=1000&n=$n" >"$PLACE/page.$n" 3>&- &
		STARTED+=($!)
	done
	wait_until 10 statistic_is 'active processes' 4
	curl -s -m 0.3 "$WEB/index.php?left" || :
	wait_pids_gone 10 "${STARTED[@]: -4}"
	for n in 1 2 3 4; do grep -x "QUERY_STRING=ms=1000&n=$n" "$PLACE/page.$n"; done
	wait_until 5 grep -E 'uri="/index.php\?left".* end=ok$' "$PLACE/access.log"
}

# Replaces mux and children each time so many more requests were answered.
check_reloads_lose_nothing() {
	local answered
	start_load
	for answered in 500 1200; do
		wait_until 30 has_lines "$PLACE/codes" "$answered"
		kill -HUP "$HERD_PID"
	done
	load_is_good
	wait_until 10 grep -q "reload: done" "$HERD_LOG"
}
