#!/usr/bin/env bats
# What fcgi-mux tells of itself: its page of statistics in each form, alone and behind nginx, and the
# balance in the log.

bats_require_minimum_version 1.5.0

load helpers
load front
load web

REQUESTS=${REQUESTS:-2000}

# status QUERY [OPTION ...]: the page in the form that the query names.
status() {
	local query=$1
	shift
	fcgi_client --param REQUEST_METHOD=GET --param SCRIPT_NAME=/status --query "$query" "$@" "$FRONT" | body
}

# json_is FILTER: what jq finds true of the JSON form.
json_is() { status 'json&full' | jq -e "$1" >/dev/null; }
# json_says FILTER: the same, and shows it where it is not so.
json_says() { json_is "$1" || { status 'json&full' && false; }; }

# nginx in front of $FRONT, at $WEB.
start_status_web() { start_web status_nginx "" nginx -c "$PLACE/nginx.conf"; }
status_nginx() { # PORT
	mkdir -p "$PLACE/nginx"
	place_file nginx.conf >/dev/null <<-CONF
		$(as_root "user $(server_user);")
		daemon off;
		pid $PLACE/nginx/pid;
		error_log $PLACE/web.log;
		events { }
		http {
			access_log $PLACE/nginx/access;
			client_body_temp_path $PLACE/nginx/body;
			fastcgi_temp_path $PLACE/nginx/fastcgi;
			proxy_temp_path $PLACE/nginx/proxy;
			scgi_temp_path $PLACE/nginx/scgi;
			uwsgi_temp_path $PLACE/nginx/uwsgi;
			server {
				listen 127.0.0.1:$1;
				location / {
					fastcgi_param REQUEST_METHOD \$request_method;
					fastcgi_param REQUEST_URI \$request_uri;
					fastcgi_param SCRIPT_NAME \$fastcgi_script_name;
					fastcgi_param QUERY_STRING \$query_string;
					fastcgi_pass unix:$PLACE/front.sock;
				}
			}
		}
	CONF
}

# is_statistic NAME NUMBER, with what it is where it is not.
is_statistic() { statistic_is "$1" "$2" || { status_page && false; }; }

@test "status-path is answered by fcgi-mux with a name and a number a line" {
	start_front 2
	fcgi_client --param REQUEST_METHOD=GET --param SCRIPT_NAME=/status "$FRONT" >"$PLACE/answer"
	grep 'Content-Type: text/plain' "$PLACE/answer"
	body <"$PLACE/answer" >"$PLACE/page"
	[ "$(wc -l <"$PLACE/page")" -ge 10 ]
	head -n 3 "$PLACE/page" | cut -d : -f 1 | diff - <(printf '%s\n' pool 'process manager' 'start time')
	run ! grep -vE '^[a-z0-9. -]+: [0-9]+$' <(tail -n +4 "$PLACE/page")
	run ! grep -c . <(sort "$PLACE/page" | cut -d : -f 1 | uniq -d)
	# The names that users of lighttpd know.
	for name in load {0,1}.{connected,died,disabled,load,overloaded}; do
		grep -E "^fastcgi\.backend\.app\.$name: " "$PLACE/page"
	done
}

@test "no other path is answered by fcgi-mux, and none without status-path" {
	local path
	start_front 1
	for path in /status/ /status2 /statu /x/status /STATUS ''; do
		ask pid --param "SCRIPT_NAME=$path" | grep '^pid'
	done
	stop_herd
	start_herd --listen "$PLACE/other.sock" --bin-path "$TEST_APPS/misbehave --default say=mine" \
		$(is_root && echo --user www-data)
	wait_socket "$PLACE/other.sock"
	FRONT=$PLACE/other.sock
	status_page | grep -x mine
}

@test "the page comes while all processes are busy, and the queue is full" {
	SECTION='queue-limit = 1' start_front 1
	hold 1 2000
	wait_busy 1
	hold 2 0
	wait_until 2 statistic_is fastcgi.backend.app.queued 1
	is_statistic fastcgi.backend.app.load 1
	is_statistic fastcgi.backend.app.0.load 1
	check_held 1
	check_held 2
	is_statistic fastcgi.backend.app.load 0
	is_statistic fastcgi.backend.app.queued 0
}

@test "the page comes on connections of any kind" {
	start_front 1
	fcgi_client --at-once --repeat 20 --param SCRIPT_NAME=/status "$FRONT" >"$PLACE/pages"
	[ "$(grep -c '^requests: ' "$PLACE/pages")" -eq 20 ]
	fcgi_client --keep --repeat 20 --param SCRIPT_NAME=/status "$FRONT" >"$PLACE/pages"
	[ "$(grep -c '^requests: ' "$PLACE/pages")" -eq 20 ]
	fcgi_client --param SCRIPT_NAME=/status --body-size 300000 "$FRONT" | grep '^requests: '
}

@test "the loads are those of each process" {
	local n
	start_front 3
	for n in 0 1 2; do hold $n $((700 * (n + 1))); wait_busy $n; done
	is_statistic fastcgi.backend.app.load 3
	for n in 0 1 2; do
		is_statistic "fastcgi.backend.app.$n.load" 1
		check_held $n
		is_statistic "fastcgi.backend.app.$n.load" 0
	done
}

@test "requests, retries and what goes wrong are counted" {
	local requests
	start_front 2
	requests=$(statistic requests)
	ask pid
	run ask garbage
	run ask half
	fcgi_client --param REQUEST_METHOD=POST --query close "$FRONT" | grep 'Status: 502'
	printf 'GET / HTTP/1.0\r\n\r\n' >"$PLACE/garbage"
	run fcgi_client --raw "$PLACE/garbage" "$FRONT"
	is_statistic 'bad answers' 1
	is_statistic 'broken answers' 1
	is_statistic 'answered 502' 2
	is_statistic 'bad clients' 1
	# The page's own are among them, so that nobody wonders where they are.
	[ "$(statistic requests)" -ge $((requests + 4)) ]
	wait_until 10 herd_has_children misbehave 2
	wait_until 5 has_log 'app.1.*probing -> up'
	run ask crash
	statistic_is_least retries 2
}

@test "connected counts connections, died ends of processes, and nothing else" {
	local connected
	start_front 1
	ask pid
	connected=$(statistic fastcgi.backend.app.0.connected)
	for _ in 1 2 3; do ask pid; done
	is_statistic fastcgi.backend.app.0.connected "$connected"
	is_statistic fastcgi.backend.app.0.died 0
	run ask exit=0
	wait_until 5 statistic_is fastcgi.backend.app.0.died 1
	ask pid
	[ "$(statistic fastcgi.backend.app.0.connected)" -gt "$connected" ]
	kill -KILL "$(pid_of_child 0)"
	wait_until 5 statistic_is fastcgi.backend.app.0.died 2
}

@test "disabled counts how often a server was left out" {
	requires spawn-fcgi
	start_server 1
	start_alone --server "$PLACE/server.1" --server "$PLACE/nobody" --status-path /status
	hold 1 700
	wait_busy 1
	# The least loaded is the one that cannot be reached.
	ask pid | grep '^pid'
	check_held 1
	status_page | grep -E '^fastcgi\.backend\.[^.]*\.1\.disabled: 1$'
	status_page | grep -E '^fastcgi\.backend\.[^.]*\.1\.died: 0$'
	status_page | grep -E '^fastcgi\.backend\.[^.]*\.0\.disabled: 0$'
}

@test "overloaded counts refusals of a program that is full" {
	# It takes two at once and is given three.
	SECTION='capacity = 3' start_front 1 --mpxs --max-reqs 2
	hold 1 1000
	hold 2 1000
	for n in 1 2; do wait_busy $n; done
	# It has not begun with the third, which waits until there is room.
	ask pid | grep '^pid'
	is_statistic fastcgi.backend.app.0.overloaded 1
	for n in 1 2; do check_held $n; done
}

@test "after a load the counts add up" {
	PROGRAM=bench-app start_front 4
	put_load --keep
	is_idle
	[ "$(statistic requests)" -ge "$REQUESTS" ]
	[ "$(statistic requests)" -le $((REQUESTS + 5)) ]
	is_statistic retries 0
	for n in 400 404 413 431 502 503 504; do is_statistic "answered $n" 0; done
	# The page's own.
	is_statistic connections 1
}

# The lines as lighttpd has them: address, port, Unix socket, is-local, state, load, pid.
@test "debug shows whom each request got, and the loads" {
	local port pid
	port=$(free_port)
	WHOLE='debug = 1' SECTION=$'host = 127.0.0.1\n'"port = $port" LEVEL=info start_front 2
	pid=$(pid_of_child 0)
	ask pid | grep -x "pid $pid"
	has_log "\]: proc: 127\.0\.0\.1 $port  1 1 0 $pid$"
	has_log "\]: proc: 127\.0\.0\.1 $((port + 1))  1 1 0 $(pid_of_child 1)$"
	has_log "\]: got proc: [0-9]+ $pid$"
	has_log "\]: release proc: [0-9]+ $pid$"
	[ "$(count_log ': got proc: ')" -eq 1 ]
	[ "$(count_log ': release proc: ')" -eq 1 ]
	hold 1 500
	wait_busy 1
	ask pid
	check_held 1
	# Busy while the other got it.
	has_log "\]: proc: 127\.0\.0\.1 $port  1 1 1 $pid$"
	[ "$(count_log ': got proc: ')" -eq 3 ]
	[ "$(count_log ': release proc: ')" -eq 3 ]
}

@test "debug names Unix sockets in their place, the least load first" {
	WHOLE='debug = 1' SECTION="socket = $PLACE/tmp/child.sock" LEVEL=info start_front 2
	hold 1 500
	wait_busy 1
	ask pid
	has_log "\]: proc:  0 $PLACE/tmp/child.sock-1 1 1 0 $(pid_of_child 1)$"
	sed -n 's/.*: proc: .*\.sock-\([01]\) 1 1 \([01]\) .*/\1 \2/p' "$HERD_LOG" | tr '\n' ' ' | grep '1 0 0 1'
	check_held 1
}

@test "without debug the log says nothing of the kind" {
	LEVEL=info start_front 2
	ask pid
	[ "$(count_log 'proc: ')" -eq 0 ]
}

@test "JSON has the names that php-fpm's exporters look for" {
	requires jq
	start_front 2
	hold 1 1500
	wait_busy 1
	json_says '.pool == "app" and ."process manager" == "static" and ."start since" < 60'
	json_says '."start time" <= now and ."start time" > now - 60'
	json_says '."active processes" == 1 and ."idle processes" == 1 and ."total processes" == 2'
	json_says '."max active processes" == 1 and ."max children reached" == 0'
	json_says '."accepted conn" >= 5 and ."slow requests" == 0'
	json_says '."listen queue" == 0 and ."max listen queue" == 0 and ."listen queue len" == 1024'
	json_says '.processes | length == 2'
	json_says "(.processes[0].pid == $(pid_of_child 0))"
	json_says '.processes[0].state == "Running" and .processes[1].state == "Idle"'
	json_says '.processes[0]."request method" == "GET" and .processes[1]."request method" == "-"'
	json_says '.processes[0]."request uri" | startswith("/?stderr-fd=busy-1")'
	json_says '.processes[0]."request duration" < 1500000 and .processes[0]."request duration" > 0'
	json_says '[.processes[] | ."start time", ."start since", ."content length"] | all(type == "number")'
	check_held 1
	json_says '.processes[0].requests == 1 and ."active processes" == 0'
	status json | jq -e 'has("processes") | not'
}

@test "text has them too, and each process with full" {
	start_front 2
	hold 1 1500
	wait_busy 1
	status full >"$PLACE/page"
	[ "$(grep -c '^pid: ' "$PLACE/page")" -eq 2 ]
	sed -n '/^\*/,$p' "$PLACE/page" | grep -A 12 "^pid: $(pid_of_child 0)$" >"$PLACE/process"
	grep -x 'state: Running' "$PLACE/process"
	grep '^request URI: /?stderr-fd=busy-1' "$PLACE/process"
	grep -x 'request method: GET' "$PLACE/process"
	check_held 1
	run ! grep -c '^pid: ' <(status '')
}

@test "JSON shows each section, its limits, its queue and its processes" {
	requires jq
	SECTION=$'queue-limit = 7\nqueue-timeout = 20s\nrequest-timeout = 30s' start_front 1
	json_says '.backends | length == 1 and .[0].name == "app"'
	json_says '.backends[0] | .queue_limit == 7 and .queue_timeout_ms == 20000 and .queued == 0'
	json_says '.backends[0].request_timeout_ms == 30000'
	json_says '.backends[0] | .capacity == 1 and .procs_max == 1 and .procs_up == 1 and .queue_waiting_ms == 0'
	hold 1 1500
	wait_busy 1
	hold 2 0
	wait_until 2 json_is '.backends[0].queued == 1'
	wait_until 2 json_is '.backends[0].queue_waiting_ms >= 100'
	json_says '.backends[0].procs[0].request.uri | startswith("/?stderr-fd=busy-1")'
	wait_until 2 json_is '.backends[0].procs[0].request.running_ms >= 200'
	json_says '."max listen queue" == 1 and ."max children reached" == 1'
	check_held 1
	check_held 2
	json_says '.backends[0] | .queued_max == 1 and .waits == 1 and .queue_waiting_ms == 0'
	json_says '.backends[0].latency | .count == 2 and .sum_ms >= 1500 and .waited_ms > 0'
	json_says '.backends[0].procs[0] | .request == null and .requests == 2 and .busy_ms >= 1500'
}

@test "what has no limit has null" {
	requires jq spawn-fcgi
	start_server 1 --no-values
	start_alone --server "$PLACE/server.1" --queue-timeout 0 --status-path /status
	json_says '.backends[0] | .capacity == null and .queue_timeout_ms == null and .request_timeout_ms == null'
	json_says '.backends[0].procs[0] | .capacity == null and .memory == null and .pid == 0'
	json_says ".backends[0].procs[0].address == \"$PLACE/server.1\""
}

@test "a process that was started again shows it" {
	requires jq
	start_front 1
	ask pid
	ask pid
	json_says '.backends[0].procs[0] | .restarts == 0 and .requests == 2 and .memory > 100000'
	kill -KILL "$(pid_of_child 0)"
	wait_until 10 json_is '.backends[0].procs[0] | .restarts == 1 and .state == "Idle"'
	ask pid
	json_says '.backends[0].procs[0] | .requests == 1 and .died == 1 and .start_since < 60'
	json_says ".backends[0].procs[0].pid == $(pid_of_child 0)"
}

@test "what clients send stays inside its place in every form" {
	requires jq python3
	local uri=$'/<script>"a\'&lt;\\\n\x01\xff\xc3(\x7f</td>\xe2\x82'
	start_front 1
	fcgi_client --param REQUEST_METHOD='<GET' --param "REQUEST_URI=$uri" --param "SCRIPT_FILENAME=$uri" \
		--query 'stderr-fd=busy-1&sleep=3000' "$FRONT" >/dev/null 3>&- &
	STARTED+=($!)
	wait_busy 1
	status 'json&full' | jq -r '.processes[0]."request uri"' >"$PLACE/uri"
	grep -F '/<script>"a'"'"'&lt;\' "$PLACE/uri"
	json_says '.backends[0].procs[0].request.method == "<GET"'
	status html >"$PLACE/html"
	run ! grep -iE '<(script|get)' "$PLACE/html"
	run ! LC_ALL=C grep -c $'[\x01]' "$PLACE/html"
	is_good_html "$PLACE/html"
	[ "$(status full | grep -c '^request URI: /<script>.*\\x0a')" -eq 1 ]
	# No more than 256 bytes of each.
	fcgi_client --param "REQUEST_URI=/$(head -c 60000 /dev/zero | tr '\0' '"')" --query 'pid' "$FRONT" 3>&- &
	STARTED+=($!)
	[ "$(status 'json&full' | wc -c)" -lt 8000 ]
}

@test "the form is a word of the query, whatever else is there" {
	start_front 1
	status json= | grep '^{"pool"'
	status 'x=1&json=1&full' | grep '"processes":\['
	status '&&json&' | grep '^{"pool"'
	status 'html=&x' | grep '^<!DOCTYPE html>'
	status openmetrics= | grep '^# EOF$'
	for other in '' jso jsonx xjson 'x=json' '&' '='; do status "$other" | grep '^pool: app$'; done
	run ! grep -c '^pid: ' <(status fully)
}

# Each element is closed where it should be.
is_good_html() { python3 - "$1" <<'PYTHON'; }
import html.parser, sys

class Page(html.parser.HTMLParser):
    open = []
    def handle_starttag(self, tag, attributes):
        assert tag in 'html head title style body header h1 h2 small div span b i section table tr th td p meta link'.split(), tag
        if tag not in ('meta', 'link'):
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

page = Page()
page.feed(open(sys.argv[1], encoding='utf-8', errors='replace').read())
assert not page.open, page.open
PYTHON

@test "Prometheus's own tool finds no fault with the metrics" {
	requires promtool nginx curl
	SECTION='listen-mode = 0666' start_front 2
	start_status_web
	hold 1 1000
	wait_busy 1
	curl -sf -D "$PLACE/head" "$WEB/status?openmetrics" >"$PLACE/metrics"
	grep -i '^content-type: text/plain; version=0.0.4' "$PLACE/head"
	promtool check metrics <"$PLACE/metrics"
	[ "$(tail -n 1 "$PLACE/metrics")" = '# EOF' ]
	grep -x 'fcgi_herd_process_load{backend="app",process="0"} 1' "$PLACE/metrics"
	grep -x 'fcgi_herd_backend_queue_limit{backend="app"} 1024' "$PLACE/metrics"
	grep -E '^fcgi_herd_requests_total [0-9]+$' "$PLACE/metrics"
	check_held 1
}

# As far as the specification of OpenMetrics 1.0 can be checked in a few lines.
is_good_openmetrics() { python3 - "$1" <<'PYTHON'; }
import re, sys

lines = open(sys.argv[1], encoding='utf-8').read().split('\n')
assert lines[-2:] == ['# EOF', ''], lines[-2:]
suffixes = {'gauge': ('',), 'counter': ('_total',), 'histogram': ('_bucket', '_sum', '_count')}
types, seen, buckets = {}, set(), {}
family = None
for line in lines[:-2]:
    meta = re.fullmatch(r'# (TYPE|HELP) ([a-z_]+) (\S.*)', line)
    if meta:
        what, name, text = meta.groups()
        assert (what, name) not in seen, line
        seen.add((what, name))
        assert name == family or name not in types, line
        family = name
        types.setdefault(name, None)
        if what == 'TYPE':
            types[name] = text
        continue
    sample = re.fullmatch(r'([a-z_]+)(\{(?:[a-z]+="[^"\\]*",?)+\})? (-?[0-9.]+)', line)
    assert sample, line
    name, labels, value = sample.groups()
    assert name in [family + suffix for suffix in suffixes[types[family]]], line
    assert (name, labels) not in seen, line
    seen.add((name, labels))
    if name.endswith('_bucket'):
        key = re.sub(',le=.*', '', labels)
        assert float(value) >= buckets.get(key, 0), line
        buckets[key] = float(value)
    elif name.endswith('_count'):
        assert buckets[labels[:-1]] == float(value), line
assert len(types) > 30 and buckets
PYTHON

@test "who accepts OpenMetrics gets it" {
	requires nginx curl python3
	SECTION='listen-mode = 0666' start_front 2
	start_status_web
	curl -sf -D "$PLACE/head" -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' \
		"$WEB/status?openmetrics" >"$PLACE/metrics"
	grep -i '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$PLACE/head"
	grep -x '# TYPE fcgi_herd_requests counter' "$PLACE/metrics"
	grep -E '^fcgi_herd_requests_total [0-9]+$' "$PLACE/metrics"
	is_good_openmetrics "$PLACE/metrics"
	/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null ||
		skip "needs python3-prometheus-client"
	/usr/bin/python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
assert len(list(text_string_to_metric_families(sys.stdin.read()))) > 30' <"$PLACE/metrics"
}

# metric NAME: of the sum over all label values.
metric() { status openmetrics | awk -v name="$1" '$1 ~ "^fcgi_herd_" name "({|$)" { sum += $2 } END { print sum + 0 }'; }

@test "after a load the histogram and the processes add up" {
	PROGRAM=bench-app start_front 4
	put_load --keep
	wait_until 2 is_idle
	[ "$(metric process_requests_total)" -eq "$REQUESTS" ]
	[ "$(metric backend_latency_seconds_count)" -eq "$REQUESTS" ]
	[ "$(status openmetrics | sed -n 's/.*bucket{backend="app",le="+Inf"} //p')" -eq "$REQUESTS" ]
	[ "$(metric process_load)" -eq 0 ]
	[ "$(metric backend_processes_active)" -eq 0 ]
	[ "$(metric backend_processes_active_max)" -eq 4 ]
}

@test "a status of many processes goes out in many records" {
	requires jq
	local servers=() n
	for n in {1..300}; do servers+=(--server "$PLACE/nobody.$n"); done
	start_alone "${servers[@]}" --status-path /status
	[ "$(status 'json&full' | wc -c)" -gt 131072 ]
	json_says '.processes | length == 300'
	status html | tail -n 1 | grep -x '</body></html>'
	fcgi_client --at-once --repeat 5 --param SCRIPT_NAME=/status --query json "$FRONT" >"$PLACE/pages"
	[ "$(grep -c '^{"pool"' "$PLACE/pages")" -eq 5 ]
}

browse() {
	local sandbox=()
	! is_root || sandbox=(--no-sandbox)
	HOME=$PLACE timeout 60 chromium --headless "${sandbox[@]}" --disable-gpu \
		--user-data-dir="$PLACE/chromium" "$@" 2>/dev/null 3>&-
}

@test "a browser shows the page" {
	requires nginx curl chromium
	SECTION='listen-mode = 0666' start_front 2
	start_status_web
	hold 1 8000
	wait_busy 1
	browse --dump-dom "$WEB/status?html" >"$PLACE/dom"
	grep -F "<td>$(pid_of_child 0)</td>" "$PLACE/dom"
	grep -F '>Running<' "$PLACE/dom"
	grep -F 'GET /?stderr-fd=busy-1&amp;sleep' "$PLACE/dom"
}

@test "the page asks for itself again" {
	requires nginx curl chromium
	local before
	SECTION='listen-mode = 0666' start_front 1
	start_status_web
	before=$(now_us)
	browse "$WEB/status?html" &
	STARTED+=($!)
	wait_until 30 has_pages 4
	# Not in haste.
	[ $(($(now_us) - before)) -gt 5000000 ]
}
has_pages() { [ "$(grep -c 'GET /status?html' "$PLACE/nginx/access")" -ge "$1" ]; }

@test "ping-path is answered with pong, also while all are busy" {
	requires nginx curl
	WHOLE='ping-path = /ping' SECTION='listen-mode = 0666' start_front 1
	start_status_web
	hold 1 1500
	wait_busy 1
	[ "$(curl -sf "$WEB/ping")" = pong ]
	curl -sf -D - -o /dev/null "$WEB/ping" | grep -i '^content-type: text/plain'
	check_held 1
	ask pid --param SCRIPT_NAME=/pin | grep '^pid'
}

@test "--get prints the answer, and the error stream on standard error" {
	WHOLE='ping-path = /ping' start_front 1
	[ "$("$FCGI_MUX" --get "$FRONT" /ping)" = pong ]
	"$FCGI_MUX" --get "unix:$FRONT" '/status?json' | grep '^{"pool":"app",'
	"$FCGI_MUX" --get "$FRONT" '/x?stderr=words&say=hello&size=200000' >"$PLACE/out" 2>"$PLACE/err"
	grep words "$PLACE/err"
	[ "$(wc -c <"$PLACE/out")" -ge 200000 ]
	head -c 5 "$PLACE/out" | grep hello
	! grep -i '^content-type' "$PLACE/out"
}

# get_fails STATUS PATTERN ADDRESS PATH
get_fails() {
	run -"$1" --separate-stderr "$FCGI_MUX" --get "${@:3}"
	grep -E -- "fcgi-mux.*: .*$2" <<<"${stderr-}"
}

@test "--get fails with a reason where there is no good answer" {
	local port
	start_front 1
	port=$(free_port)
	get_fails 1 'cannot connect: No such file or directory' "$PLACE/nobody" /
	get_fails 1 'cannot connect: Connection refused' "127.0.0.1:$port" /
	get_fails 1 'status 502' "$FRONT" '/?close'
	get_fails 1 'status 404' "$FRONT" '/?status=404'
	get_fails 64 'takes an address and a path' "$FRONT"
	get_fails 64 'an address is' nonsense /
	# Without the mux in between.
	start_server_direct
	get_fails 1 'closed before' "$PLACE/server.1" '/?close'
	get_fails 1 'no FastCGI' "$PLACE/server.1" '/?garbage'
	get_fails 1 'no answer within 10 s' "$PLACE/server.1" '/?sleep=30000'
}
start_server_direct() {
	requires spawn-fcgi
	start_server 1
}

# status_of STATUS ARGUMENT ...: what fcgi-herd --status prints goes to $PLACE/table.
status_of() {
	local expected=$1 status=0
	shift
	"$FCGI_HERD" --status "$@" >"$PLACE/table" 2>"$PLACE/error" || status=$?
	[ "$status" -eq "$expected" ] || { echo "status $status" && cat "$PLACE/table" "$PLACE/error" && false; }
}

@test "fcgi-herd --status prints a table of what its configuration's processes do" {
	start_front 2
	hold 1 2000
	wait_busy 1
	status_of 0 --config "$PLACE/herd.ini"
	grep -E '^fcgi-mux .*, up .*: 2 of 2 processes, 1 at work: all is well$' "$PLACE/table"
	grep -x 'app: load 1/2, queue 0/1024' "$PLACE/table"
	grep -E "^ +0 +$(pid_of_child 0) +Running +1/1 +0 .* MiB +[0-9.]+ m?s +GET /\?stderr-fd=busy-1&sleep" "$PLACE/table"
	grep -E "^ +1 +$(pid_of_child 1) +Idle +0/1 +0 " "$PLACE/table"
	# Columns are under their headings.
	[ "$(awk '/ PROCESS / { print index($0, "REQUESTS") + 8 }' "$PLACE/table")" -eq \
		"$(awk '$1 == 0 { print match($0, /Running +1\/1 +0 /) + RLENGTH - 1 }' "$PLACE/table")" ]
	status_of 0 "$FRONT"
	status_of 0 --status-path /status "unix:$FRONT"
	check_held 1
}

@test "--status shows the queue, and what a client sent controls no terminal" {
	start_front 1
	fcgi_client --param REQUEST_METHOD=$'G\x1b[2J' --param REQUEST_URI=$'/\xc2\x9b2J\n' \
		--query 'stderr-fd=busy-1&sleep=2500' "$FRONT" >/dev/null 3>&- &
	STARTED+=($!)
	wait_busy 1
	hold 2 0
	wait_until 2 statistic_is fastcgi.backend.app.queued 1
	status_of 0 "$FRONT"
	grep -F 'G\x1b[2J /\xc2\x9b2J\x0a' "$PLACE/table"
	run ! grep -P '[^ -~]' "$PLACE/table"
	grep -E '^app: load 1/1, queue 1/1024, the first waits for ' "$PLACE/table"
	check_held 2
}

@test "--status says with its exit status that processes are missing" {
	requires spawn-fcgi
	start_server 1
	start_alone --server "$PLACE/server.1" --server "$PLACE/nobody" --status-path /status --disable-time 1h
	status_of 0 "$FRONT"
	hold 1 700
	wait_busy 1
	ask pid | grep '^pid'
	status_of 1 "$FRONT"
	grep -E ': 2 of 2 processes, [01] at work: 1 missing$' "$PLACE/table"
	grep -E "^ +1 +$PLACE/nobody +Resting " "$PLACE/table"
	check_held 1
}

@test "the last server shows that it cannot be reached, too" {
	requires jq spawn-fcgi
	start_alone --server "$PLACE/server.1" --status-path /status
	run ask pid
	status_of 1 "$FRONT"
	grep -E "^ +0 +$PLACE/server.1 +Failing " "$PLACE/table"
	start_server 1
	ask pid | grep '^pid'
	json_says '.backends[0].procs[0].state == "Idle" and .backends[0].procs_missing == 0'
	status_of 0 "$FRONT"
}

@test "--status fails with a reason where there is no answer" {
	start_front 1
	status_of 2 "$PLACE/nobody"
	grep -x "fcgi-herd: $PLACE/nobody: cannot connect: No such file or directory" "$PLACE/error"
	status_of 2 --status-path /other "$FRONT"
	grep -F 'no status at /other' "$PLACE/error"
	status_of 2 nonsense
	grep -F 'nonsense: ' "$PLACE/error"
	status_of 2
	grep -F -- '--config FILE' "$PLACE/error"
	sed -i '/^status-path/d' "$PLACE/herd.ini"
	status_of 2 --config "$PLACE/herd.ini"
	grep -F 'add status-path = /status' "$PLACE/error"
	echo 'nonsense = 1' >>"$PLACE/herd.ini"
	status_of 2 --config "$PLACE/herd.ini"
	grep -F nonsense "$PLACE/error"
	[ ! -s "$PLACE/table" ]
}

@test "--watch prints the table again and again, until Ctrl-C" {
	local watch status=0
	start_front 1
	"$FCGI_HERD" --watch --config "$PLACE/herd.ini" >"$PLACE/table" 3>&- &
	watch=$!
	STARTED+=("$watch")
	wait_until 10 has_tables 3
	# A shell's background is deaf to SIGINT.
	kill -TERM "$watch"
	wait "$watch"
	# It outlives what it looks at.
	"$FCGI_HERD" --watch "$FRONT" >"$PLACE/table" 2>"$PLACE/error" 3>&- &
	watch=$!
	STARTED+=("$watch")
	wait_until 10 has_tables 1
	stop_herd
	wait_until 10 grep -q 'cannot connect' "$PLACE/error"
	kill -TERM "$watch"
	wait "$watch" || status=$?
	[ "$status" -eq 2 ]
}
has_tables() { [ "$(grep -c '^fcgi-mux .* all is well$' "$PLACE/table")" -ge "$1" ]; }

@test "--watch draws in place on a terminal, and cuts what does not fit" {
	requires python3
	start_front 2
	hold 1 9000
	wait_busy 1
	python3 - "$FCGI_HERD" "$FRONT" <<-'PYTHON'
		import fcntl, os, pty, select, signal, struct, sys, termios, time
		pid, terminal = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], [sys.argv[1], '--watch', sys.argv[2]])
		fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 6, 40, 0, 0))
		seen, until = b'', time.monotonic() + 20
		while seen.count(b'\x1b[H') < 4 and time.monotonic() < until:
		    if select.select([terminal], [], [], 1)[0]:
		        seen += os.read(terminal, 65536)
		os.write(terminal, b'\x03')
		status = os.waitpid(pid, 0)[1]
		assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
		frames = seen.split(b'\x1b[H')
		for frame in frames[2:4]:
		    assert frame.endswith(b'\x1b[J'), frame
		    lines = frame[:-3].replace(b'\x1b[K', b'').replace(b'\r', b'').split(b'\n')
		    assert lines[0].startswith(b'fcgi-mux '), lines
		    assert len(lines) == 6 and lines[5] == b'', lines
		    assert max(map(len, lines)) == 40, lines
	PYTHON
}

# names FILE: of the members of php-fpm's status, and of its first process.
names() { jq -r '(keys_unsorted - ["processes"])[], "process " + (.processes[0] | keys_unsorted[])' "$1"; }

@test "php-fpm itself has no name that is not here, but for what only it can know" {
	local fpm
	requires jq root
	fpm=$(compgen -c php-fpm | head -n 1) || skip "needs php-fpm"
	place_file fpm.conf >/dev/null <<-CONF
		[global]
		error_log = $PLACE/fpm.log
		daemonize = no
		[www]
		user = $(server_user)
		listen = $PLACE/fpm.sock
		pm = static
		pm.max_children = 1
		pm.status_path = /status
	CONF
	"$fpm" -n -y "$PLACE/fpm.conf" >/dev/null 2>&1 3>&- &
	STARTED+=($!)
	wait_until 10 test -S "$PLACE/fpm.sock"
	"$FCGI_MUX" --get "$PLACE/fpm.sock" '/status?json&full' >"$PLACE/theirs"
	start_front 1
	status 'json&full' >"$PLACE/ours"
	comm -23 <(names "$PLACE/theirs" | sort) <(names "$PLACE/ours" | sort) |
		diff - <(printf '%s\n' 'process last request cpu' 'process last request memory')
}
