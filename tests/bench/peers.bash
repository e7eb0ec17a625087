# peers.bash: starts what is measured, and stops it. Sourced by bench.sh.
#
# A stack is one peer with children of its own: a kept connection of one proxy must not pin another's
# child. start_stack sets target[PEER.NAME], an address, and proxy[PEER.NAME], the pids whose CPU counts.
# Variables from bench.sh: build, work (the private directory).
# shellcheck disable=SC2154,SC2034 # variables of the others

declare -A target proxy
started=()
last_pid=

note() { printf '%s\n' "bench: $*" >&2; }

die() {
	note "$*"
	exit 1
}

has_command() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }

has_nginx_stream() {
	has_command nginx && [ -e "$nginx_modules/ngx_stream_module.so" ]
}
nginx_modules=/usr/lib/nginx/modules

find_fpm() { # sbin is not in everybody's PATH
	local candidate
	for candidate in /usr/sbin/php-fpm*; do
		[ ! -x "$candidate" ] || echo "$candidate"
	done | tail -n 1
}

# In the background, its output in a file of the private directory; sets last_pid.
launch() { # NAME COMMAND ...
	local name=$1
	shift
	"$@" >"$work/$name.log" 2>&1 </dev/null &
	last_pid=$!
	started+=("$last_pid")
}

is_running() { kill -0 "$1" 2>/dev/null; }

wait_gone() { # PID
	local i
	for ((i = 0; i < 100; i++)); do
		is_running "$1" || return 0
		sleep 0.05
	done
	kill -KILL "$1" 2>/dev/null
}

stop() { # PID ...
	local pid left=()
	kill -TERM "$@" 2>/dev/null
	for pid; do
		wait_gone "$pid"
		wait "$pid" 2>/dev/null
	done
	for pid in "${started[@]}"; do
		case " $* " in
		*" $pid "*) ;;
		*) left+=("$pid") ;;
		esac
	done
	started=("${left[@]}")
}

# Those in front first, so that nobody complains of the others.
stop_all() {
	local i pids=()
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		pids+=("${started[i]}")
	done
	[ ${#pids[@]} -eq 0 ] || stop "${pids[@]}"
}

# Until requests are answered there.
wait_answer() { # ADDRESS NAME
	local i
	for ((i = 0; i < 100; i++)); do
		is_running "$last_pid" || break
		"$build/fcgi-load" --requests 20 --connections 4 --timeout 2s "$1" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	tail -n 5 "$work/$2.log" >&2
	die "$2 does not answer at $1"
}

pids_below() { # PID: itself and its children
	local children=
	read -r children 2>/dev/null <"/proc/$1/task/$1/children"
	echo "$1 $children"
}

# Nanoseconds that processes have been on a CPU, all their threads.
cpu_ns() { # PID ...
	local pid file ns sum=0
	for pid; do
		for file in "/proc/$pid/task/"*/schedstat; do
			read -r ns _ 2>/dev/null <"$file" && ((sum += ns))
		done
	done
	echo "$sum"
}

rss_bytes() { # PID ...
	local pid key kb sum=0
	for pid; do
		while read -r key kb _; do
			[ "$key" != VmRSS: ] || ((sum += kb * 1024))
		done <"/proc/$pid/status"
	done
	echo "$sum"
}

haproxy_conf() { # STACK COUNT
	local i
	cat <<-END
		global
			nbthread 1
			maxconn 9500
		defaults
			mode tcp
			option redispatch
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		frontend f
			bind unix@$work/$1.sock mode 666 backlog 4096
			default_backend b
		backend b
			balance leastconn
	END
	for ((i = 0; i < $2; i++)); do
		echo "	server s$i unix@$work/$1.child-$i"
	done
}

nginx_head() { # NAME
	cat <<-END
		worker_processes 1;
		worker_rlimit_nofile $(ulimit -Hn);
		pid $work/$1.pid;
		error_log $work/$1.error crit;
		daemon off;
		$([ "$(id -u)" -ne 0 ] || echo 'user root;')
		events { worker_connections 19000; }
	END
}

nginx_servers() { # PATH COUNT
	local i
	for ((i = 0; i < $2; i++)); do
		echo "server unix:$1-$i;"
	done
}

nginx_conf() { # STACK COUNT
	cat <<-END
		load_module $nginx_modules/ngx_stream_module.so;
		$(nginx_head "$1")
		stream {
			upstream children {
				least_conn;
				$(nginx_servers "$work/$1.child" "$2")
			}
			server {
				listen unix:$work/$1.sock backlog=4096;
				proxy_pass children;
			}
		}
	END
}

start_haproxy() { # STACK COUNT PREFIX ...
	local stack=$1
	haproxy_conf "$stack" "$2" >"$work/$stack.conf"
	shift 2
	launch "$stack" "$@" haproxy -q -db -f "$work/$stack.conf"
}

start_nginx() { # STACK COUNT PREFIX ...
	local stack=$1
	nginx_conf "$stack" "$2" >"$work/$stack.conf"
	shift 2
	launch "$stack" "$@" nginx -e "$work/$stack.error" -p "$work" -c "$work/$stack.conf"
}

start_mux() { # STACK COUNT PREFIX ...
	local stack=$1 i servers=()
	for ((i = 0; i < $2; i++)); do
		servers+=(--server "$work/$stack.child-$i")
	done
	shift 2
	launch "$stack" "$@" "$build/fcgi-mux" --listen "$work/$stack.sock" --listen-mode 0666 \
		"${mux_options[@]}" "${servers[@]}"
}
mux_options=(--log-level warning)

# The least that any of them can do.
start_bare() { # STACK COUNT PREFIX ...
	local stack=$1 i procs=()
	for ((i = 0; i < $2; i++)); do
		procs+=("$work/$stack.child-$i")
	done
	shift 2
	launch "$stack" "$@" "$build/bare-relay" "$work/$stack.sock" "${procs[@]}"
}

# With all that shows what goes on.
start_mux-shown() { # STACK COUNT PREFIX ...
	local mux_options=(--log-level info --access-log "$work/$1.access" --status-path /status)
	start_mux "$@"
}

# Looks at the status ten times a second until it is killed.
poll_status() { # ADDRESS
	while sleep 0.1; do
		"$build/fcgi-mux" --get "$1" /status >/dev/null
	done
}

start_children() { # STACK COUNT CPUS [OPTION ...]
	local stack=$1 count=$2 cpus=$3
	shift 3
	launch "$stack.children" taskset -c "$cpus" "$build/bench-app" --listen "$work/$stack.child" \
		--own --procs "$count" "$@"
	until grep -q ready "$work/$stack.children.log"; do
		is_running "$last_pid" || die "the children did not start: $(<"$work/$stack.children.log")"
		sleep 0.02
	done
	children[$stack]=$last_pid
}
declare -A children

# direct, mux, haproxy, nginx or bare with COUNT children on CPUS.
start_stack() { # PEER NAME COUNT CPUS [OPTION OF THE CHILDREN ...]
	local peer=$1 stack=$1.$2 count=$3 cpus=$4
	shift 4
	if [ "$peer" = direct ]; then
		launch "$stack" taskset -c "$cpus" "$build/bench-app" --listen "$work/$stack.sock" \
			--procs "$count" "$@"
		children[$stack]=$last_pid
		proxy[$stack]=
	else
		start_children "$stack" "$count" "$cpus" "$@"
		"start_$peer" "$stack" "$count" taskset -c "$cpus"
	fi
	target[$stack]=$work/$stack.sock
	wait_answer "${target[$stack]}" "$stack"
	# A master does no work, its worker does: both count.
	[ "$peer" = direct ] || proxy[$stack]=$(pids_below "$last_pid")
}

# fcgi-mux with children that fcgi-herd restarts.
start_herd() { # STACK COUNT CPUS [OPTION OF THE CHILDREN ...]
	local stack=$1 count=$2 cpus=$3
	shift 3
	cat >"$work/$stack.ini" <<-END
		log-level = error
		[bench]
		listen = $work/$stack.sock
		listen-mode = 0666
		bin-path = $build/bench-app $*
		max-procs = $count
	END
	launch "$stack" taskset -c "$cpus" "$build/fcgi-herd" -n --config "$work/$stack.ini"
	children[$stack]=$last_pid
	target[$stack]=$work/$stack.sock
	wait_answer "${target[$stack]}" "$stack"
}

# Kills the oldest child every 200 ms until it is killed itself; writes how many.
kill_children() { # PID-OF-THEIR-PARENT FILE
	local pid pids count=0 name
	echo 0 >"$2"
	while sleep 0.2; do
		pids=()
		read -r -a pids 2>/dev/null <"/proc/$1/task/$1/children" # a line without an end
		for pid in "${pids[@]}"; do
			read -r name 2>/dev/null <"/proc/$pid/comm" || continue
			[ "$name" = bench-app ] || continue
			kill -KILL "$pid" && echo "$((++count))" >"$2"
			break
		done
	done
}
