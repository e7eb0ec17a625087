#!/usr/bin/env bats
# What goes wrong under load, with every answer checked. REQUESTS says how many there are in each test:
# 10000, and 100000 with "make faults".

bats_require_minimum_version 1.5.0

load helpers
load front
load web

REQUESTS=${REQUESTS:-10000}

# What the children of a load do: bench-app, or misbehave where it is to do other things, too.
start_bench() { PROGRAM=bench-app LEVEL=info start_front 4; }
start_misbehave() { LEVEL=info start_front 4 --default bench "$@"; }

# Kills another child every 200 ms as long as the load runs.
kill_children() {
	local child kills=0
	while ! is_gone "$LOAD"; do
		sleep 0.2
		child=$(herd_children "${PROGRAM-bench-app}" | shuf -n 1)
		[ -z "$child" ] || kill -KILL "$child" || :
		kills=$((kills + 1))
	done
	echo "$kills kills"
	has_log 'killed by signal 9'
}

@test "no GET on new connections is lost when children are killed" {
	start_bench
	begin_load --param BENCH_SLEEP=500
	kill_children
	check_load
}

@test "no GET on kept connections is lost when children are killed" {
	start_bench
	begin_load --keep --param BENCH_SLEEP=500
	kill_children
	check_load
}

@test "no GET is lost when children are killed that take many at once" {
	start_misbehave --mpxs --max-reqs 30
	begin_load --keep --per-connection 4 --param BENCH_SLEEP=500
	PROGRAM=misbehave kill_children
	check_load
}

# Of all children.
count_ends() { status_page | awk '/\.died: / { ends += $2 } END { print ends }'; }

@test "no GET is lost when children end after every 50 requests" {
	start_misbehave --max-requests 50
	put_load --keep
	[ "$(count_ends)" -ge $((REQUESTS / 60)) ]
}

@test "no GET is lost when children end after every 50 requests, on new connections" {
	start_misbehave --max-requests 50
	put_load
	[ "$(count_ends)" -ge $((REQUESTS / 60)) ]
}

@test "no request is lost when children close their connection after each answer" {
	start_misbehave --close-always
	put_load --keep
	REQUESTS=$((REQUESTS / 10)) put_load --body 1000
}

@test "many requests at once on each connection are all answered" {
	start_bench
	put_load --keep --per-connection 8 --answer 5000
}

@test "bodies and answers of all sizes at once are all right" {
	local size
	start_bench
	for size in 1 65535 65536 300000; do
		REQUESTS=$((REQUESTS / 8)) put_load --body "$size" --answer "$size"
		REQUESTS=$((REQUESTS / 8)) put_load --keep --per-connection 4 --body "$size" --answer "$size"
	done
}

# beside DEED RATE: a load of good GETs, and at the same time POSTs that have children do something bad,
# so many a second.
beside() {
	local bad
	begin_load --keep --param BENCH_SLEEP=150
	"$TEST_APPS/fcgi-load" --any --method POST --body 10 --rate "$2" --connections 200 --seconds 600 \
		--param "QUERY_STRING=$1" "$FRONT" >"$PLACE/bad" 3>&- &
	bad=$!
	STARTED+=("$bad")
	# One at least, whatever the random moments of the others are.
	fcgi_client --param REQUEST_METHOD=POST --query "$1" "$FRONT" >/dev/null 2>&1 || :
	check_load
	kill -TERM "$bad"
	wait "$bad" || :
	# All of them are to be had again.
	wait_until 20 herd_has_children misbehave 4
	wait_until 20 is_idle
	REQUESTS=1000 put_load --keep
}

@test "children that close at once cost their own requests, and no others" {
	start_misbehave
	beside close 20
	statistic_is_least 'answered 502' $((REQUESTS / 5000))
}

@test "children that answer half and exit cost their own requests, and no others" {
	start_misbehave
	beside half 5
	statistic_is_least 'broken answers' $((REQUESTS / 10000))
}

@test "children that crash cost their own requests, and no others" {
	start_misbehave
	beside crash 5
	statistic_is_least 'answered 502' $((REQUESTS / 10000))
}

@test "children that never answer cost their own requests, and no others" {
	SECTION='request-timeout = 1s' start_misbehave
	beside hang 1
	statistic_is_least 'answered 504' 1
	[ "$(count_ends)" -ge 1 ]
}

@test "children that answer garbage cost their own requests, and no others" {
	start_misbehave
	beside garbage 20
	statistic_is_least 'bad answers' $((REQUESTS / 5000))
	has_log 'no FastCGI'
}

@test "children that answer with a wrong id cost their own requests, and no others" {
	start_misbehave
	beside wrong-id 20
	statistic_is_least 'bad answers' $((REQUESTS / 5000))
	has_log 'with the id of another request'
}

@test "children that answer twice cost no GET" {
	start_misbehave
	beside twice 20
	statistic_is_least 'bad answers' $((REQUESTS / 5000))
}

@test "children that take many at once and drop the connection cost no GET" {
	start_misbehave --mpxs --max-reqs 30
	# So few that no GET should be caught by three of these in a row.
	beside close 5
	statistic_is_least 'answered 502' $((REQUESTS / 5000))
}

# The number of an error of fcgi-load, from its JSON.
count_errors() { sed 's/.*"error_count":\([0-9]*\).*/\1/' "$PLACE/load"; }

@test "what runs is lost with a killed mux, and nothing after" {
	local kills=0
	start_bench
	begin_load --keep --json --param BENCH_SLEEP=500
	while ! is_gone "$LOAD" && [ $kills -lt 5 ]; do
		sleep 0.3
		kill -KILL "$(pid_of_mux)"
		kills=$((kills + 1))
		wait_until 10 has_logs $((kills + 1)) ': mux: started'
	done
	wait "$LOAD" || :
	echo "$kills kills, $(count_errors) lost"
	[ "$(count_errors)" -le $((kills * 16)) ]
	put_load --keep
	put_load
	is_idle
}

# nginx in front of the front, as PHP users have it but with the parameters of the load.
start_http() { # KEEPS
	KEEPS=$1
	start_web http_config "$FRONT" nginx -c "$PLACE/nginx.conf"
}
http_config() { # PORT FRONT
	write_nginx_config <<-CONF
		upstream front {
			server unix:$2;
			keepalive 16;
		}
		server {
			listen 127.0.0.1:$1;
			location / {
				fastcgi_pass front;
				fastcgi_keep_conn $KEEPS;
				fastcgi_param REQUEST_METHOD \$request_method;
				fastcgi_param REQUEST_URI \$request_uri;
				fastcgi_param BENCH_TOKEN \$arg_token;
				fastcgi_param BENCH_SLEEP 500;
				fastcgi_param BENCH_ANSWER 3000;
			}
		}
	CONF
}

# Each request has a token of its own, which must come back once, with an answer of the right size.
start_http_load() {
	place_file check.lua >/dev/null <<-'LUA'
		local threads = {}
		local waiting, number, count = {}, 0, 0
		good, bad = 0, 0
		function setup(thread)
			thread:set("id", #threads + 1)
			table.insert(threads, thread)
		end
		function init(arguments)
			wanted, path = tonumber(arguments[1]), arguments[2]
		end
		function request()
			number = number + 1
			local token = string.format("%x%08x", id, number)
			waiting[token] = true
			return wrk.format(nil, "/?token=" .. token)
		end
		function response(status, headers, body)
			local token, rest = body:match("^token=(%x+) body=0 good\n(.*)$")
			if status == 200 and token and waiting[token] and #rest == 3000 then
				good = good + 1
				waiting[token] = nil
			else
				bad = bad + 1
			end
			if good + bad == wanted then io.open(path .. id, "w"):close() end
		end
		function done(summary)
			local good, bad = 0, 0
			for _, thread in ipairs(threads) do
				good = good + thread:get("good")
				bad = bad + thread:get("bad")
			end
			local e = summary.errors
			bad = bad + e.connect + e.read + e.write + e.timeout
			io.write(string.format("good %d\nbad %d\n", good, bad))
		end
	LUA
	rm -f "$PLACE/enough".*
	run_wrk >"$PLACE/http" 2>&1 3>&- &
	LOAD=$!
	STARTED+=("$LOAD")
}
# By itself it would go on for its whole time.
run_wrk() {
	local seconds=$((60 + REQUESTS / 500))
	wrk -t 2 -c 16 -d $seconds --timeout 10s -s "$PLACE/check.lua" "$WEB" -- $((REQUESTS / 2)) "$PLACE/enough." &
	wait_until $seconds test -e "$PLACE/enough.1" -a -e "$PLACE/enough.2"
	kill -INT $!
	wait $!
}

# check_http_load [MOST-BAD]
check_http_load() {
	wait_pids_gone $((60 + REQUESTS / 500)) "$LOAD"
	cat "$PLACE/http"
	[ "$(sed -n 's/^good //p' "$PLACE/http")" -ge $((REQUESTS - ${1-0})) ]
	[ "$(sed -n 's/^bad //p' "$PLACE/http")" -le "${1-0}" ]
}

@test "over HTTP no GET is lost when children are killed" {
	requires nginx wrk
	start_bench
	start_http off
	start_http_load
	kill_children
	check_http_load
}

@test "over HTTP no GET is lost when children are killed, with connections kept" {
	requires nginx wrk
	start_bench
	start_http on
	start_http_load
	kill_children
	check_http_load
}

@test "over HTTP what runs is lost with a killed mux, and nothing after" {
	requires nginx wrk
	local kills
	start_bench
	start_http on
	start_http_load
	for kills in 1 2 3; do
		sleep 0.3
		kill -KILL "$(pid_of_mux)"
		wait_until 10 has_logs $((kills + 1)) ': mux: started'
	done
	check_http_load $((kills * 16))
	start_http_load
	check_http_load
}
