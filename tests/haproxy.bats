#!/usr/bin/env bats

bats_require_minimum_version 1.5.0

load helpers
load front
load web

setup() {
	requires haproxy php-cgi curl
	make_place
	WHOLE=$(printf 'status-path = /status\naccess-log = %s/access.log' "$PLACE") start_php
}

# HAProxy first: a mux that ends waits for a last request on kept connections.
teardown() {
	[ -z "${WEB_PID-}" ] || end_tree "$WEB_PID" TERM
	clean_up
}

# Many requests at a time on a connection, as the snippet's comment tells.
start_multiplexing() { HAPROXY_EDIT='s/#option/option/' start_haproxy "$FRONT"; }

# Twelve requests that take so long, in the background.
hold_pages() { # MILLISECONDS
	local n
	for n in $(seq 12); do
		curl -s -f -o /dev/null "$WEB/index.php?ms=$1&n=$n" 3>&- 4>&- &
		PAGES+=($!)
	done
	STARTED+=("${PAGES[@]}")
}

# All of them were good.
check_pages_held() {
	local pid
	for pid in "${PAGES[@]}"; do wait "$pid"; done
	statistic_is 'bad clients' 0
}

@test "HAProxy serves PHP pages through the front" {
	start_haproxy "$FRONT"
	check_pages
	check_head
}

@test "HAProxy, multiplexing, serves PHP pages through the front" {
	start_multiplexing
	check_pages
	check_head
}

@test "HAProxy: a body of 5 MB comes back unchanged" {
	start_haproxy "$FRONT"
	check_post
}

@test "HAProxy, multiplexing: a body of 5 MB comes back unchanged" {
	start_multiplexing
	check_post
}

@test "HAProxy: a body of unknown length has to fit into its buffer" {
	start_haproxy "$FRONT"
	head -c 10000 /dev/urandom >"$PLACE/body"
	curl -s -m 10 -o "$PLACE/back" -H 'Transfer-Encoding: chunked' --data-binary @"$PLACE/body" \
		"$WEB/echo.php"
	cmp "$PLACE/body" "$PLACE/back"
	head -c 100000 /dev/urandom >"$PLACE/body"
	[ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' \
		--data-binary @"$PLACE/body" "$WEB/echo.php")" = 400 ]
}

@test "HAProxy keeps a connection for each request, and none of them holds a process" {
	start_haproxy "$FRONT"
	hold_pages 300
	wait_until 10 statistic_is 'listen queue' 8
	[ "$(statistic connections)" -ge 13 ]
	check_pages_held
	[ "$(statistic connections)" -ge 5 ]
	check_load_is_shared
}

@test "HAProxy, multiplexing: many requests at a time share a connection for each of its threads" {
	start_multiplexing
	hold_pages 300
	wait_until 10 statistic_is 'listen queue' 8
	# Two threads', and the one that asks.
	[ "$(statistic connections)" -le 3 ]
	check_pages_held
	check_load_is_shared
}

@test "HAProxy, multiplexing: a client that leaves disturbs nobody" {
	start_multiplexing
	check_leaving_client_disturbs_nobody
}

@test "HAProxy, multiplexing: a script that kills its process is told as 502, and the others go on" {
	start_multiplexing
	check_death_is_told
}

@test "HAProxy: no GET is lost when children are killed" {
	start_haproxy "$FRONT"
	check_kills_lose_nothing
}

@test "HAProxy, multiplexing: no GET is lost when children are killed" {
	start_multiplexing
	check_kills_lose_nothing
}

@test "HAProxy: no GET is lost when children end by themselves" {
	start_haproxy "$FRONT"
	check_ends_lose_nothing
}

@test "HAProxy: no GET is lost in a reload" {
	start_haproxy "$FRONT"
	check_reloads_lose_nothing
}

@test "HAProxy, multiplexing: nothing is lost when a connection runs out of ids" {
	requires wrk
	[ -x "$TEST_APPS/bench-app" ] || skip "needs bench-app"
	PROGRAM=bench-app LEVEL=info start_front 4
	start_multiplexing
	wrk -t 1 -c 32 -d 4 "$WEB/index.php" >"$PLACE/wrk"
	cat "$PLACE/wrk"
	run ! grep -E 'Non-2xx|Socket errors' "$PLACE/wrk"
	statistic_is 'broken answers' 0
	statistic_is 'bad clients' 0
}

@test "HAProxy in a chroot finds the socket inside" {
	requires root
	HAPROXY_EDIT="s|unix@$PLACE|unix@|; 1i global\\nchroot $PLACE" start_haproxy "$FRONT"
	check_pages
}
