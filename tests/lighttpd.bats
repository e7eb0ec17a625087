#!/usr/bin/env bats

load helpers
load web

setup() {
	requires lighttpd php-cgi curl
	make_place
	start_php
	start_lighttpd "$PLACE/php.sock"
}

@test "lighttpd serves PHP pages through the front" {
	check_pages
	stop_herd
}

@test "lighttpd: a body of 5 MB comes back unchanged" {
	check_post
}

@test "lighttpd: a body of unknown length comes back unchanged" {
	check_post -H 'Transfer-Encoding: chunked'
}

@test "lighttpd: four children share the load" {
	check_load_is_shared
}

@test "lighttpd: no GET is lost when children are killed" {
	check_kills_lose_nothing
	stop_herd
}

@test "lighttpd: no GET is lost when children end by themselves" {
	check_ends_lose_nothing
}

@test "lighttpd: no GET is lost in a reload" {
	check_reloads_lose_nothing
}
