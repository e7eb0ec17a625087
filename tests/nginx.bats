#!/usr/bin/env bats

load helpers
load web

setup() {
	requires nginx php-cgi curl
	make_place
	start_php
	start_nginx "$PLACE/php.sock"
}

@test "nginx serves PHP pages through the front" {
	check_pages
	stop_herd
}

@test "nginx: a body of 5 MB comes back unchanged" {
	check_post
}

@test "nginx: a body of unknown length comes back unchanged" {
	check_post -H 'Transfer-Encoding: chunked'
}

@test "nginx: four children share the load" {
	check_load_is_shared
}

@test "nginx: no GET is lost when children are killed" {
	check_kills_lose_nothing
	stop_herd
}

@test "nginx: no GET is lost when children end by themselves" {
	check_ends_lose_nothing
}

@test "nginx: no GET is lost in a reload" {
	check_reloads_lose_nothing
}
