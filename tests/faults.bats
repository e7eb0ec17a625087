#!/usr/bin/env bats
# What goes wrong under load, with every answer checked. REQUESTS says how many (20000; more by hand).

load helpers

REQUESTS=${REQUESTS:-20000}

# start_app COMMAND: four children of it behind $PLACE/front.sock.
start_app() {
	start_herd --config "$(place_file herd.ini <<-INI
		[app]
		listen = $PLACE/front.sock
		bin-path = $*
		$(as_root "user = $(server_user)")
	INI
	)"
	wait_until 15 has_log ': ready$'
}

has_log() { grep -qE -- "$1" "$HERD_LOG"; }

# load OPTION ...: GETs from 16 connections at a time; fails where one answer is not good.
load_front() {
	"$PLACE/bin/fcgi-load" --connections 16 --requests "$REQUESTS" --seconds 60 "$@" "$PLACE/front.sock"
}

# Kills another child every 200 ms as long as the load runs.
load_under_kills() {
	local load child kills=0
	load_front "$@" 3>&- &
	load=$!
	STARTED+=("$load")
	while ! is_gone "$load"; do
		sleep 0.2
		child=$(herd_children bench-app | shuf -n 1)
		[ -z "$child" ] || kill -KILL "$child" || :
		kills=$((kills + 1))
	done
	echo "$kills kills"
	wait "$load"
}

@test "no GET on new connections is lost when children are killed" {
	start_app "$PLACE/bin/bench-app"
	load_under_kills --param BENCH_SLEEP=1000
	has_log 'killed by signal 9'
}

@test "no GET on kept connections is lost when children are killed" {
	start_app "$PLACE/bin/bench-app"
	load_under_kills --keep --param BENCH_SLEEP=1000
	has_log 'killed by signal 9'
}

@test "no GET is lost when children end after every 50 requests" {
	start_app "$TEST_APPS/misbehave --max-requests 50"
	load_front --any
	[ "$(grep -c ': started' "$HERD_LOG")" -ge $((REQUESTS / 60)) ]
}

@test "many requests at once on each connection are all answered" {
	start_app "$PLACE/bin/bench-app"
	load_front --keep --per-connection 8 --answer 5000
}

@test "bodies and answers of all sizes at once are all right" {
	start_app "$PLACE/bin/bench-app"
	for size in 1 65535 65536 300000; do
		REQUESTS=500 load_front --body "$size" --answer "$size"
		REQUESTS=500 load_front --keep --per-connection 4 --body "$size" --answer "$size"
	done
}

@test "children that answer nothing good cost their own requests, and no others" {
	local deed
	start_app "$TEST_APPS/misbehave"
	REQUESTS=5000 load_front --any --keep --rate 1000 3>&- &
	local load=$!
	STARTED+=("$load")
	while ! is_gone "$load"; do
		for deed in close garbage wrong-id half; do
			fcgi_client --param REQUEST_METHOD=POST --query "$deed" "$PLACE/front.sock" >/dev/null 2>&1 || :
		done
	done
	wait "$load"
	has_log 'no FastCGI'
}

@test "what runs is lost with a killed mux, and nothing after" {
	start_app "$PLACE/bin/bench-app"
	for _ in 1 2 3; do
		kill -KILL "$(sed -n 's/.*: mux: started pid=//p' "$HERD_LOG" | tail -n 1)"
		REQUESTS=2000 load_front
	done
}
