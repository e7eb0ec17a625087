# http.bash: the works over HTTP, with wrk. Sourced by bench.sh.
# shellcheck disable=SC2154 # variables of the others
#
# Each way from HTTP to four children is a port: port[WAY.NAME], with web_pids[WAY.NAME], whose CPU counts.

declare -A port web_pids

find_port() { # sets free_port
	local i
	for ((i = 0; i < 100; i++)); do
		free_port=$((20000 + RANDOM % 12000))
		case " ${port[*]} " in
		*" $free_port "*) continue ;;
		esac
		(: <"/dev/tcp/127.0.0.1/$free_port") 2>/dev/null || return 0
	done
	die "no free port"
}

wait_port() { # PORT NAME
	local i
	for ((i = 0; i < 100; i++)); do
		(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
		is_running "$last_pid" || break
		sleep 0.05
	done
	tail -n 5 "$work/$2.log" "$work/$2.error" >&2 2>/dev/null
	die "$2 does not listen at port $1"
}

# A server { } that passes everything on, with the usual variables.
web_server() { # PORT PASS-TO KEEPS
	cat <<-END
		server {
			listen 127.0.0.1:$1 backlog=4096;
			location / {
				fastcgi_pass $2;
				fastcgi_keep_conn $3;
			}
		}
	END
}

web_upstream() { # NAME SERVERS ...
	printf 'upstream %s {\n%s\n}\n' "$1" "$2"
}

# Ways with this name; NAME.child is four sockets, one a child.
web_conf() { # NAME SLEEP-US
	local name=$1
	nginx_head "web.$name"
	cat <<-END
		http {
			access_log off;
			keepalive_requests 1000000000;
			client_body_temp_path $work/tmp;
			fastcgi_temp_path $work/tmp;
			proxy_temp_path $work/tmp;
			scgi_temp_path $work/tmp;
			uwsgi_temp_path $work/tmp;
			$(web_params "$2")
			$(web_upstream mux_kept "server unix:${target[mux.$name]}; keepalive 16;")
			$(web_upstream four "least_conn; $(nginx_servers "${four[$name]}" 4)")
			$(web_upstream four_kept "least_conn; $(nginx_servers "${four_kept[$name]}" 4)
				keepalive 16;")
			$(web_server "${port[nginx>mux.$name]}" "unix:${target[mux.$name]}" off)
			$(web_server "${port[nginx>mux-kept.$name]}" mux_kept on)
			$(web_server "${port[nginx>shared-socket.$name]}" "unix:${target[direct.$name]}" off)
			$(web_server "${port[nginx>4-sockets.$name]}" four off)
			$(web_server "${port[nginx>4-sockets-kept.$name]}" four_kept on)
			$(web_php_servers "$name")
		}
	END
}
declare -A four four_kept

web_params() { # SLEEP-US
	local name
	echo "fastcgi_param BENCH_SLEEP $1;"
	echo "fastcgi_param SCRIPT_FILENAME $work/www/index.php;"
	for name in query_string request_method content_type content_length request_uri document_uri \
		document_root server_protocol remote_addr remote_port server_addr server_port \
		server_name; do
		echo "fastcgi_param ${name^^} \$$name;"
	done
	echo "fastcgi_param GATEWAY_INTERFACE CGI/1.1;"
	echo "fastcgi_param REDIRECT_STATUS 200;"
}

web_php_servers() { # NAME
	local way
	for way in "nginx>php-fpm" "nginx>mux>php-cgi"; do
		[ -z "${port[$way.$1]-}" ] || web_server "${port[$way.$1]}" "unix:${php_socket[$way]}" off
	done
}
declare -A php_socket=()

nginx_ways=("nginx>mux" "nginx>mux-kept" "nginx>shared-socket" "nginx>4-sockets"
	"nginx>4-sockets-kept")

# nginx before stacks that run already: all ways in one process, as only one is used at a time.
start_web() { # NAME SLEEP-US CPUS
	local name=$1 way pids
	for way in "${nginx_ways[@]}" "${!php_socket[@]}"; do
		find_port
		port[$way.$name]=$free_port
	done
	mkdir -p "$work/tmp"
	web_conf "$name" "$2" >"$work/web.$name.conf"
	launch "web.$name" taskset -c "$3" nginx -e "$work/web.$name.error" -p "$work" \
		-c "$work/web.$name.conf"
	wait_port "${port[nginx>mux.$name]}" "web.$name"
	pids=$(pids_below "$last_pid")
	for way in "${nginx_ways[@]}"; do
		web_pids[$way.$name]=$pids
	done
	web_pids[nginx>mux.$name]+=" ${proxy[mux.$name]-}"
	web_pids[nginx>mux-kept.$name]+=" ${proxy[mux.$name]-}"
}

start_lighttpd() { # NAME SLEEP-US CPUS
	find_port
	port[lighttpd.$1]=$free_port
	cat >"$work/lighttpd.$1.conf" <<-END
		server.modules = ( "mod_setenv", "mod_fastcgi" )
		server.document-root = "$work/www"
		server.bind = "127.0.0.1"
		server.port = $free_port
		server.errorlog = "$work/lighttpd.$1.error"
		server.max-keep-alive-requests = 0
		setenv.add-environment = ( "BENCH_SLEEP" => "$2" )
		fastcgi.server = ( "/" => (( "bin-path" => "$build/bench-app", "max-procs" => 4,
			"socket" => "$work/lighttpd.$1.child", "check-local" => "disable" )) )
	END
	launch "lighttpd.$1" taskset -c "$3" lighttpd -D -f "$work/lighttpd.$1.conf"
	wait_port "$free_port" "lighttpd.$1"
	web_pids[lighttpd.$1]=$last_pid
	children[lighttpd.$1]=$last_pid
}

as_root() { [ "$(id -u)" -ne 0 ] || echo "$1"; }

# As php-fpm, it does not end after so many requests: by itself it would after 500.
start_php_cgi() {
	cat >"$work/php.ini.herd" <<-END
		log-level = error
		[php]
		listen = $work/php-mux.sock
		listen-mode = 0666
		bin-path = $(command -v php-cgi)
		bin-environment = PHP_FCGI_MAX_REQUESTS=1000000000
		$(as_root 'user = nobody')
	END
	launch php-cgi "$build/fcgi-herd" -n --config "$work/php.ini.herd"
	php_socket[nginx>mux>php-cgi]=$work/php-mux.sock
}

start_php_fpm() {
	cat >"$work/fpm.conf" <<-END
		[global]
		error_log = $work/fpm.error
		daemonize = no
		[www]
		listen = $work/fpm.sock
		listen.mode = 0666
		$(as_root 'user = nobody')
		pm = static
		pm.max_children = 4
	END
	launch fpm "$(find_fpm)" -F -y "$work/fpm.conf"
	php_socket[nginx>php-fpm]=$work/fpm.sock
}

# The same page by way of both, where both are here.
start_php() {
	local i
	mkdir -p "$work/www"
	echo 'token=<?= getmypid() ?>' >"$work/www/index.php"
	if ! has_command php-cgi || [ -z "$(find_fpm)" ]; then
		note "no php-cgi with php-fpm here: skipped"
		return 0
	fi
	start_php_cgi
	start_php_fpm
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$work/fpm.sock" ] || [ ! -S "$work/php-mux.sock" ] || return 0
		sleep 0.05
	done
	die "php does not start: $(cat "$work/fpm.log" "$work/fpm.error" "$work/php-cgi.log")"
}

record_wrk() { # WORK CPUS WAY FILE
	local good errors p99
	read -r good errors p99 < <(awk '
		function ms(text) { # 1.20ms, 350.00us, 1.02s
			return text ~ /us$/ ? text / 1000 : text ~ /ms$/ ? text + 0 : text * 1000
		}
		$1 == "99%" { p99 = ms($2) }
		/requests in/ { requests = $1; duration = ms($4) / 1000 }
		/Non-2xx/ { errors += $NF; bad = $NF }
		/Socket errors/ { gsub(",", ""); errors += $4 + $6 + $8 + $10 }
		END {
			rate = duration ? (requests - bad) / duration : 0
			printf "%.1f %d %.3f\n", rate, errors, p99
		}' "$4")
	record "$1" "$2" "$3" rps "$good"
	record "$1" "$2" "$3" p99_ms "$p99"
	record "$1" "$2" "$3" errors "$errors"
}

# One way, with the CPU of all that is between wrk and the children.
measure_web() { # WORK CPUS WAY STACK-NAME
	local key=$3.$4 where=$all_cpus before after answers
	[ "$2" != one ] || where=$one_cpu
	# shellcheck disable=SC2086 # a list of pids
	before=$(cpu_ns ${web_pids[$key]-})
	taskset -c "$where" wrk -t 1 -c "${web_connections:-16}" -d "${web_seconds:-$seconds}s" --latency \
		"http://127.0.0.1:${port[$key]}/" >"$work/wrk" 2>&1
	# shellcheck disable=SC2086
	after=$(cpu_ns ${web_pids[$key]-})
	record_wrk "$1" "$2" "$3" "$work/wrk"
	answers=$(awk '/requests in/ { print $1 }' "$work/wrk")
	[ -z "${web_pids[$key]-}" ] ||
		record "$1" "$2" "$3" cpu_us "$(divide $(((after - before) / 1000)) "${answers:-0}")"
}

has_web() {
	has_command nginx && has_command wrk && return
	[ "$round" -gt 1 ] || note "no nginx with wrk here: skipped"
	return 1
}

need_web() { # CPUS-NAME
	local name=web-$1 where=$all_cpus
	[ -z "${port[nginx>mux.$name]-}" ] || return 0
	[ "$1" != one ] || where=$one_cpu
	start_stack mux "$name" 4 "$where"
	start_stack direct "$name" 4 "$where"
	start_children "four.$name" 4 "$where"
	start_children "four_kept.$name" 4 "$where"
	four[$name]=$work/four.$name.child
	four_kept[$name]=$work/four_kept.$name.child
	start_web "$name" 0 "$where"
	! has_command lighttpd || start_lighttpd "$name" 0 "$where"
}

run_http() {
	local way cpus
	has_web || return 0
	[ -d "$work/www" ] || start_php
	for cpus in all one; do
		need_web "$cpus"
		for way in "${nginx_ways[@]}" lighttpd; do
			[ -z "${port[$way.web-$cpus]-}" ] || measure_web http "$cpus" "$way" "web-$cpus"
		done
	done
	for way in "${!php_socket[@]}"; do
		measure_web http-php all "$way" web-all
	done
}

# The same with children that are restarted when they die, and die every 200 ms.
need_mortal_web() {
	local name=kills
	[ -z "${port[nginx>mux.$name]-}" ] || return 0
	start_herd "mux.$name" 4 "$all_cpus"
	start_stack direct "$name" 4 "$all_cpus" --respawn
	start_children "four.$name" 4 "$all_cpus" --respawn
	start_children "four_kept.$name" 4 "$all_cpus" --respawn
	four[$name]=$work/four.$name.child
	four_kept[$name]=$work/four_kept.$name.child
	start_web "$name" 1000 "$all_cpus"
	! has_command lighttpd || start_lighttpd "$name" 1000 "$all_cpus"
	mortal=(["nginx>mux"]=mux ["nginx>mux-kept"]=mux ["nginx>shared-socket"]=direct
		["nginx>4-sockets"]=four ["nginx>4-sockets-kept"]=four_kept [lighttpd]=lighttpd)
}
declare -A mortal

run_kills() {
	local way killer
	has_web || return 0
	mkdir -p "$work/www"
	need_mortal_web
	for way in "${nginx_ways[@]}" lighttpd; do
		[ -n "${port[$way.kills]-}" ] || continue
		kill_children "${children[${mortal[$way]}.kills]}" "$work/kills" &
		killer=$!
		measure_web kills all "$way" kills
		kill "$killer"
		wait "$killer" 2>/dev/null
		record kills all "$way" kills "$(tail -n 1 "$work/kills")"
	done
}
