#!/usr/bin/env bats

bats_require_minimum_version 1.5.0
load helpers

setup() {
	make_place
	SPAWN_PHP=$TOP/spawn-php.sh
	FRONT=$PLACE/php.sock
	cat >"$PLACE/show.php" <<-'PHP'
		<?php
		echo 'ids=', posix_geteuid(), ' ', posix_getegid(), "\n";
		echo 'memory_limit=', ini_get('memory_limit'), "\n";
		echo 'pid=', getmypid(), "\n";
		foreach (getenv() as $name => $value)
			echo "env $name=$value\n";
	PHP
}

# spawn_php LINE ...: runs the script with these lines as settings, after those that all tests need.
spawn_php() {
	printf '%s\n' "SPAWNFCGI=$FCGI_HERD" "PIDFILE=$PLACE/pid" "$@" >"$PLACE/settings"
	run "$SPAWN_PHP" "$PLACE/settings" 3>&- 4>&-
	[ ! -s "$PLACE/pid" ] || adopt "$(cat "$PLACE/pid")"
}

# ask_php [ADDR]: the page of a php-cgi that listens there.
ask_php() {
	fcgi_client --param SCRIPT_FILENAME="$PLACE/show.php" --param REDIRECT_STATUS=200 "${1:-$FRONT}"
}

# shows LINE [ADDR]: the page has it.
shows() { ask_php "${2-}" | grep -Fx -e "$1"; }

# What every way to start it has in common: the message, the page, the environment.
check_start() {
	[ "$status" -eq 0 ]
	[[ $output == *"child spawned successfully: PID: "* ]]
	wait_until 10 shows 'env PHP_FCGI_MAX_REQUESTS=77'
}

@test "--help tells the variables, and starts nothing" {
	run -0 "$SPAWN_PHP" --help
	for name in SPAWNFCGI FCGIPROGRAM FCGIPORT FCGISOCKET FCGI_CONFIG PHP_FCGI_CHILDREN MAX_PROCS \
		PHP_FCGI_MAX_REQUESTS FCGI_WEB_SERVER_ADDRS ALLOWED_ENV USERID GROUPID; do
		[[ $output == *"$name"* ]]
	done
}

@test "php-cgi is started with fcgi-herd" {
	requires php-cgi
	spawn_php "FCGISOCKET=$FRONT" PHP_FCGI_CHILDREN=2 PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows 'env PHP_FCGI_CHILDREN=2'
}

@test "php-cgi is started with spawn-fcgi" {
	requires php-cgi spawn-fcgi
	spawn_php SPAWNFCGI=spawn-fcgi "FCGISOCKET=$FRONT" PHP_FCGI_CHILDREN=2 PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows 'env PHP_FCGI_CHILDREN=2'
}

@test "what spawn-fcgi cannot do is said, and nothing is started" {
	requires php-cgi spawn-fcgi
	spawn_php SPAWNFCGI=spawn-fcgi "FCGISOCKET=$FRONT" MAX_PROCS=2
	[ "$status" -eq 1 ]
	[[ $output == *"MAX_PROCS need fcgi-herd"* ]]
	spawn_php SPAWNFCGI=spawn-fcgi "FCGISOCKET=$FRONT" FCGI_CONFIG=/dev/null
	[ "$status" -eq 1 ]
	[[ $output == *"FCGI_CONFIG"* ]]
	[ ! -e "$FRONT" ]
}

@test "MAX_PROCS puts so many children behind the socket" {
	requires php-cgi
	spawn_php "FCGISOCKET=$FRONT" MAX_PROCS=3 PHP_FCGI_MAX_REQUESTS=77
	check_start
	[ "$(grep -c 'child spawned successfully' <<<"$output")" -eq 3 ]
	herd_has_children php-cgi 3
	run ! shows 'env PHP_FCGI_CHILDREN=10'
}

@test "FCGI_CONFIG is the php.ini" {
	requires php-cgi
	echo 'memory_limit = 77M' >"$PLACE/php.ini"
	spawn_php "FCGISOCKET=$FRONT" "FCGI_CONFIG=$PLACE/php.ini" PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows 'memory_limit=77M'
}

@test "root runs php-cgi as USERID and GROUPID" {
	requires root php-cgi
	spawn_php "FCGISOCKET=$FRONT" USERID=nobody GROUPID=www-data PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows "ids=$(id -u nobody) $(id -g www-data)"
}

@test "root runs php-cgi as www-data where USERID is not set" {
	requires root php-cgi
	spawn_php "FCGISOCKET=$FRONT" PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows "ids=$(id -u www-data) $(id -g www-data)"
}

@test "others than root run php-cgi as themselves" {
	requires root php-cgi setpriv
	chmod 777 "$PLACE"
	cp "$SPAWN_PHP" "$PLACE/bin"
	printf '#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups "%s" "$@"\n' \
		"$PLACE/bin/spawn-php.sh" >"$PLACE/as-nobody"
	chmod 755 "$PLACE/as-nobody"
	SPAWN_PHP=$PLACE/as-nobody
	spawn_php "FCGISOCKET=$FRONT" USERID=www-data PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows "ids=$(id -u nobody) $(id -g nobody)"
}

@test "the environment is cleaned to ALLOWED_ENV and the variables of FastCGI" {
	requires php-cgi
	export SECRET=1 KEPT="two words, \"quotes\" and \$HOME" FCGI_MORE='*'
	spawn_php "FCGISOCKET=$FRONT" 'ALLOWED_ENV="PATH KEPT"' PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows "env KEPT=$KEPT"
	shows 'env FCGI_MORE=*'
	run -1 grep -E '^env (SECRET|HOME|USER|USERID|PIDFILE|SPAWNFCGI)=' <(ask_php)
}

@test "the settings win over the environment, which wins over the defaults" {
	requires php-cgi
	export PHP_FCGI_MAX_REQUESTS=5 PHP_FCGI_CHILDREN=3
	spawn_php "FCGISOCKET=$FRONT" PHP_FCGI_MAX_REQUESTS=77
	check_start
	shows 'env PHP_FCGI_CHILDREN=3'
	shows 'env FCGI_WEB_SERVER_ADDRS=127.0.0.1'
}

@test "FCGIPORT is a port of the loopback" {
	requires php-cgi
	local port
	port=$(free_port)
	spawn_php "FCGIPORT=$port"
	[ "$status" -eq 0 ]
	wait_until 10 shows 'env FCGI_WEB_SERVER_ADDRS=127.0.0.1' "127.0.0.1:$port"
	[ "$(ss -tlnH "sport = :$port" | awk '{ print $4 }')" = "127.0.0.1:$port" ]
}

@test "FCGISOCKET wins over FCGIPORT, with a word about it" {
	requires php-cgi
	spawn_php "FCGISOCKET=$FRONT" FCGIPORT=1 PHP_FCGI_MAX_REQUESTS=77
	check_start
	[[ $output == *"FCGIPORT is left out"* ]]
}

@test "FCGIPROGRAM may have arguments" {
	spawn_php "FCGISOCKET=$FRONT" "FCGIPROGRAM='$TEST_APPS/misbehave --default say=argument*'"
	[ "$status" -eq 0 ]
	fcgi_client "$FRONT" | grep -Fx 'argument*'
}

@test "mistakes in the settings are told, and nothing is started" {
	local mistakes=(
		"FCGIPROGRAM=/nowhere/php-cgi" "FCGIPROGRAM=/nowhere/php-cgi is not a program"
		"SPAWNFCGI=/nowhere/herd" "SPAWNFCGI=/nowhere/herd is not a program"
		"FCGI_CONFIG=/nowhere/php.ini" "cannot read FCGI_CONFIG=/nowhere/php.ini"
		"ALLOWED_ENV='PATH a-b'" "a-b is not a name of a variable"
		"FCGISOCKET= FCGIADDR=0.0.0.0 MAX_PROCS=2" "MAX_PROCS needs FCGISOCKET or a loopback address"
	)
	! is_root || mistakes+=("USERID=no-such-user" "there is no user no-such-user")
	for ((i = 0; i < ${#mistakes[@]}; i += 2)); do
		spawn_php "FCGISOCKET=$FRONT" "FCGIPROGRAM=$TEST_APPS/misbehave" "${mistakes[i]}"
		[ "$status" -eq 1 ]
		[[ $output == *"${mistakes[i + 1]}"* ]]
		[ ! -e "$FRONT" ]
	done
}

@test "settings that cannot be read, and options that there are not, are refused" {
	run -1 "$SPAWN_PHP" "$PLACE/absent"
	[[ $output == *"cannot read the settings in $PLACE/absent"* ]]
	run -1 "$SPAWN_PHP" --no-such-option
	run -1 "$SPAWN_PHP" one two
}

@test "the sample settings are shell, and serve PHP" {
	requires php-cgi
	spawn_php "$(sed "s|=/run/php.sock|=$FRONT|; /^PIDFILE/d" "$TOP/contrib/spawn-php.default")" \
		PHP_FCGI_MAX_REQUESTS=77
	check_start
	[ "$(grep -c 'child spawned successfully' <<<"$output")" -eq 4 ]
}
