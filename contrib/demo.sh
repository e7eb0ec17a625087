#!/bin/bash
# demo.sh [BUILD]: lighttpd on a free port of the loopback, in front of fcgi-herd, which keeps four
# children of the example program running behind one balanced socket. Until Ctrl-C, or for
# DEMO_SECONDS. All is below one temporary directory, which goes with it.
set -u

build=${1:-build}
PATH=$PATH:/usr/sbin:/sbin
herd=
lighttpd=
sleeper=

# Readable for all, wherever the source lies: as root, nobody runs the children and the web server.
place=$(mktemp -d /tmp/fcgi-herd-demo.XXXXXX) || exit 1
chmod 755 "$place"

stop() { # PID
	[ -z "$1" ] || { kill "$1" && wait "$1"; } 2>/dev/null
}

clean_up() {
	trap '' HUP INT TERM
	stop "$sleeper"
	stop "$lighttpd"
	stop "$herd"
	rm -rf "$place"
}
trap clean_up EXIT
trap 'echo; exit 0' INT
trap 'exit 0' HUP TERM

fail() { # MESSAGE, LOG
	echo "demo: $1" >&2
	sed 's/^/    /' "$2" >&2
	exit 1
}

as_root() { # LINE ...: lines of a configuration that only root needs
	[ "$(id -u)" -ne 0 ] || printf '%s\n' "$@"
}

# Waits until a condition holds: for ten seconds, or until the process is gone.
await() { # PID COMMAND ...
	local pid=$1 deadline=$((SECONDS + 10))
	shift
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] && kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
}

start_herd() {
	cat >"$place/fcgi-herd.ini" <<-INI
		log = $place/fcgi-herd.log
		[example]
		listen      = $place/front.sock
		bin-path    = $place/${example##*/}
		max-procs   = 4
		kill-signal = USR1
		$(as_root 'user = nobody' 'listen-owner = nobody')
	INI
	# In a session of its own Ctrl-C does not reach it: it is stopped in order.
	setsid "$place/fcgi-herd" -n --config "$place/fcgi-herd.ini" >"$place/fcgi-herd.out" 2>&1 &
	herd=$!
	await "$herd" test -S "$place/front.sock" ||
		fail 'fcgi-herd did not start' <(cat "$place"/fcgi-herd.{out,log} 2>/dev/null)
}

has_all_children() { # four, and fcgi-mux
	[ "$(ps -o pid= --ppid "$herd" | wc -l)" -ge 5 ]
}

start_lighttpd() { # PORT
	cat >"$place/lighttpd.conf" <<-CONF
		server.modules       = ( "mod_fastcgi" )
		server.document-root = "$place"
		server.bind          = "127.0.0.1"
		server.port          = $1
		$(as_root 'server.username = "nobody"' "server.groupname = \"$(id -gn nobody)\"")
		fastcgi.server = ( "/" => ((
			"socket"      => "$place/front.sock",
			"check-local" => "disable",
			"fix-root-scriptname" => "enable"
		)))
	CONF
	setsid lighttpd -D -f "$place/lighttpd.conf" >"$place/lighttpd.out" 2>&1 &
	lighttpd=$!
	await "$lighttpd" page "$1" && kill -0 "$lighttpd" 2>/dev/null
}

page() { # PORT: succeeds where the application answers
	local status
	exec 3<>"/dev/tcp/127.0.0.1/$1" || return
	printf 'GET / HTTP/1.0\r\n\r\n' >&3
	read -r -t 5 status <&3
	exec 3>&-
	[[ $status == *' 200 '* ]]
}

example=$(find "$build/examples" -type f -perm -u+x | sort | head -n 1)
cp "$build/fcgi-herd" "$build/fcgi-mux" "$place" || exit 1
cp "$example" "$place" || exit 1
start_herd

# Somebody else may take a port between the look and the start: the next one, then.
for try in 1 2 3 4 5; do
	port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
	start_lighttpd "$port" && break
	stop "$lighttpd"
	[ "$try" -lt 5 ] || fail 'lighttpd did not start' "$place/lighttpd.out"
done

await "$herd" has_all_children || fail 'the children did not start' "$place/fcgi-herd.log"

cat <<-TEXT

	    http://127.0.0.1:$port/

	served by lighttpd (pid $lighttpd) through fcgi-herd (pid $herd), which runs
$(ps -o pid=,user=,comm= --ppid "$herd" | sed 's/^ */    /')
	Reload the page and see the pids change; kill one of them and see it come back.
	Configuration and log: $place/fcgi-herd.ini, $place/fcgi-herd.log
TEXT
if [ -n "${DEMO_SECONDS-}" ]; then
	echo "Ends after $DEMO_SECONDS s, or with Ctrl-C."
else
	echo 'Ends with Ctrl-C.'
fi

sleep "${DEMO_SECONDS:-infinity}" &
sleeper=$!
wait -n "$sleeper" "$herd" "$lighttpd"
kill -0 "$sleeper" 2>/dev/null && fail 'a server has ended' "$place/fcgi-herd.log"
exit 0
