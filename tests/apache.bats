#!/usr/bin/env bats

load helpers
load web

setup() {
	requires apache2 php-cgi curl
	make_place
	start_php
	start_apache "$PLACE/php.sock"
}

@test "Apache serves PHP pages through the front" {
	check_pages
	stop_herd
}

@test "Apache: a body of 5 MB comes back unchanged" {
	check_post
}

@test "Apache: a body of unknown length comes back unchanged" {
	check_post -H 'Transfer-Encoding: chunked'
}

@test "Apache: four children share the load" {
	check_load_is_shared
}

@test "Apache: no GET is lost when children are killed" {
	check_kills_lose_nothing
	stop_herd
}

@test "Apache: no GET is lost when children end by themselves" {
	check_ends_lose_nothing
}

@test "Apache: no GET is lost in a reload" {
	check_reloads_lose_nothing
}
