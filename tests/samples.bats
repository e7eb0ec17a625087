#!/usr/bin/env bats
# The sample configurations do what they say. The snippets for web servers are tested with these.

bats_require_minimum_version 1.5.0
load helpers

@test "the sample configuration is good, and the defaults in it are the defaults" {
	requires root php-cgi
	run -0 --separate-stderr "$FCGI_HERD" --config "$TOP/contrib/fcgi-herd.ini" --check
	local line
	while read -r line; do
		[ -z "$line" ] || grep -Fxq -e "$line" -e ";$line" "$TOP/contrib/fcgi-herd.ini"
	done <<<"$output"
}

@test "the configurations in fcgi-fleet(7) are good" {
	requires root php-cgi
	local file
	awk -v place="$PLACE" '
		/^\.Bd -literal/ { name = sprintf("%s/fleet-%d.ini", place, ++count); next }
		/^\.Ed/ { name = "" }
		name && !/^(\.|_|[a-z]+-[a-z]+ --|for |\t(rsync|ssh|until) )/ { print > name }' \
		"$TOP/man/fcgi-fleet.7"
	for file in $(grep -l '^\[php\]' "$PLACE"/fleet-*.ini); do
		run -0 --separate-stderr "$FCGI_HERD" --config "$file" --check
		# shellcheck disable=SC2154 # of run
		[ "$stderr" = '' ]
	done
	[ "$(grep -l '^\[php\]' "$PLACE"/fleet-*.ini | wc -l)" -eq 8 ]
}

@test "the example program shows its environment, in four children" {
	requires root
	[ -x "$TEST_APPS/showenv" ] || skip "needs showenv: make examples"
	start_herd --config "$(sed "s|/usr/local/bin|$TEST_APPS|; s|/run|$PLACE|" \
		"$TOP/contrib/examples/showenv.ini" | place_file showenv.ini)"
	wait_socket "$PLACE/showenv.sock"
	run -0 fcgi_client "$PLACE/showenv.sock"
	[[ $output == *"<tr><td>REQUEST_METHOD<td>GET"* ]]
	[[ $output == *"<tr><td>GREETING<td>hello from the configuration"* ]]
	herd_has_children showenv 4
	stop_herd
}
