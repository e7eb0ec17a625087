#!/usr/bin/env bats

load helpers
load front
load web

setup() {
	requires caddy php-cgi curl
	make_place
	WHOLE=$(printf 'status-path = /status\naccess-log = %s/access.log' "$PLACE") start_php
	start_caddy "$FRONT"
}

@test "Caddy serves PHP pages through the front" {
	check_pages
	check_head
	stop_herd
}

@test "Caddy: a body of 5 MB comes back unchanged" {
	check_post
}

@test "Caddy: a body of unknown length is refused" {
	[ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' -d a=b \
		"$WEB/echo.php")" = 411 ]
	[ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -d a=b "$WEB/echo.php")" = 200 ]
}

@test "Caddy: four children share the load" {
	check_load_is_shared
}

@test "Caddy: a script that kills its process is told as 502, and the others go on" {
	check_death_is_told
}

@test "Caddy: a client that leaves disturbs nobody" {
	check_leaving_client_disturbs_nobody
}

@test "Caddy: no GET is lost when children are killed" {
	check_kills_lose_nothing
	stop_herd
}

@test "Caddy: no GET is lost when children end by themselves" {
	check_ends_lose_nothing
}

@test "Caddy: no GET is lost in a reload" {
	check_reloads_lose_nothing
	stop_herd
}
