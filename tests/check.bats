#!/usr/bin/env bats
# What --check says beyond syntax: each thing is also seen to fail, and nothing is said of what works.

load helpers

setup() {
	make_place
	INI=$PLACE/herd.ini
	FRONT=$PLACE/front.sock
	JAIL=$PLACE/jail
}

# config LINE ...: a section [app] with the test program, and these lines.
config() {
	{
		echo "[app]"
		echo "listen = $FRONT"
		if is_root; then echo "user = $(server_user)"; else echo "# nobody else"; fi
		grep -q '^bin-path' <<<"$(printf '%s\n' "$@")" || echo "bin-path = $TEST_APPS/misbehave"
		printf '%s\n' "$@"
	} >"$INI"
}

check() { run timeout 30 "$FCGI_HERD" --config "$INI" --check "$@"; }

# What was said: without the configuration that is in effect, which is on stdout.
said() { grep '^fcgi-herd:' <<<"$output" || :; }

says_nothing() {
	check "$@"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$(said)" ]
}

# refuses SENTENCE ARGUMENT ...: a mistake, the only one.
refuses() {
	check "${@:2}"
	echo "$output"
	[ "$status" -eq 78 ]
	[ "$(said | grep -vc warning)" -eq 1 ]
	[[ $(said | grep -v warning) == *"$1"* ]]
}

# warns SENTENCE ARGUMENT ...: nothing but a warning.
warns() {
	check "${@:2}"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $(said) == *"warning: "*"$1"* ]]
}

# starts_well, starts_badly: what is checked, for real.
starts_well() {
	: >"$HERD_LOG"
	start_herd --config "$INI"
	wait_until 15 grep -q ': ready$' "$HERD_LOG"
}
starts_badly() {
	run timeout 30 "$FCGI_HERD" -n --config "$INI"
	[ "$status" -ne 0 ]
	[ "$status" -ne 124 ]
}

# connects_as USER: a request through the front, by somebody else than root.
connects_as() {
	setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups \
		"$TEST_APPS/fcgi-client" --query ok "$FRONT"
}

# copy_into_jail PROGRAM: with all that ldd shows.
copy_into_jail() {
	local file
	for file in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do
		mkdir -p "$JAIL${file%/*}"
		cp -L "$file" "$JAIL$file"
	done
}

@test "nothing is said of a good configuration" {
	config
	says_nothing
	says_nothing --as "$(id -un)"
}

@test "--as: a directory that the web server's user cannot search" {
	requires root setpriv
	mkdir "$PLACE/closed"
	FRONT=$PLACE/closed/front.sock
	config "listen-group = www-data"
	chmod 700 "$PLACE/closed"
	refuses "$INI:2: listen: www-data cannot get at $FRONT: $PLACE/closed has mode 0700 and belongs to root:root: chmod o+x $PLACE/closed" --as www-data
	says_nothing --as root
	starts_well
	run connects_as www-data
	[ "$status" -ne 0 ]
	chmod o+x "$PLACE/closed"
	connects_as www-data
	stop_herd
	says_nothing --as www-data
}

@test "--as: a socket that is not for the web server's user" {
	requires root setpriv
	config "user = nobody"
	sed -i 3d "$INI"
	refuses "listen: www-data may not connect to $FRONT, which gets mode 0660 and belongs to root:root: set listen-group to a group of this user" --as www-data
	starts_well
	run connects_as www-data
	[ "$status" -ne 0 ]
	stop_herd
	config "listen-group = www-data" "listen-mode = 0640"
	refuses "$INI:6: listen: www-data may not connect to $FRONT, which gets mode 0640 and belongs to root:www-data: set listen-mode = 0660" --as www-data
	config "listen-group = www-data"
	says_nothing --as www-data
	config "listen-owner = www-data" "listen-mode = 0600"
	says_nothing --as www-data
	starts_well
	connects_as www-data
	stop_herd
}

@test "--as: a group of the user is enough, and so is one of the directory" {
	requires root
	local user group
	read -r user group < <(getent group | awk -F: '$3 > 0 && $4 != "" { split($4, members, ","); print members[1], $1; exit }')
	[ -n "$group" ] || skip "needs a user with a supplementary group"
	config "listen-group = $group"
	says_nothing --as "$user"
	mkdir "$PLACE/shared"
	chgrp "$group" "$PLACE/shared"
	chmod 2750 "$PLACE/shared"
	FRONT=$PLACE/shared/front.sock
	config
	says_nothing --as "$user"
	starts_well
	[ "$(stat -c %G "$FRONT")" = "$group" ]
	stop_herd
}

@test "--as: a front inside of a chroot is reached from outside" {
	requires root
	mkdir -p "$JAIL/bin" "$JAIL/run"
	cp "$TEST_APPS/static-showproc" "$JAIL/bin/"
	FRONT=$JAIL/run/front.sock
	config "bin-path = /bin/static-showproc" "chroot = $JAIL" "listen-group = www-data"
	check --as www-data
	[ "$status" -eq 0 ]
	chmod 711 "$JAIL"
	check --as www-data
	[ "$status" -eq 0 ]
	chmod 700 "$JAIL/run"
	refuses "$JAIL/run has mode 0700 and belongs to root:root" --as www-data
}

@test "--as: allowed-users, a directory that is not there, a user that is not there" {
	requires root
	config "listen-mode = 0666" "allowed-users = nobody"
	refuses "allowed-users: www-data is not among them, and cannot come in at $FRONT" --as www-data
	says_nothing --as nobody
	says_nothing --as root
	FRONT=$PLACE/none/front.sock
	config
	refuses "listen: $FRONT cannot be made: $PLACE/none: No such file or directory" --as root
	refuses 'command line: --as: there is no user "nosuchuser" here' --as nosuchuser
	run timeout 30 "$FCGI_HERD" --config "$INI" --as root
	[ "$status" -eq 78 ]
	[[ $output == *"--as goes with --check"* ]]
}

@test "a chroot without the program, its loader, its libraries" {
	requires root php-cgi
	local php
	php=$(readlink -f "$(command -v php-cgi)")
	mkdir -p "$JAIL${php%/*}"
	config "bin-path = $php" "chroot = $JAIL" "max-procs = 1"
	refuses "bin-path: $php in $JAIL: No such file or directory"
	starts_badly
	cp "$php" "$JAIL$php"
	refuses "in $JAIL, the loader of $php: No such file or directory: there is no /lib"
	starts_badly
	copy_into_jail "$php"
	check
	[ "$status" -eq 0 ]
	[[ $output == *"chroot: there is no /dev/null in $JAIL"* ]]
	[[ $output == *"chroot: there is no /etc/resolv.conf in $JAIL"* ]]
	starts_well
	stop_herd
	find "$JAIL" -name 'libxml2.so*' -delete
	refuses "$INI:5: chroot: $php needs libxml2.so.2, which are not in $JAIL"
	starts_badly
	mkdir "$JAIL/etc"
	cp /etc/ld.so.cache "$JAIL/etc"
	warns "$php needs libxml2.so.2, which may be not in $JAIL"
	starts_badly
}

@test "a chroot with all that is usual" {
	requires root
	mkdir -p "$JAIL/bin" "$JAIL/dev" "$JAIL/etc" "$JAIL/usr/share/zoneinfo"
	cp "$TEST_APPS/static-showproc" "$JAIL/bin/"
	config "bin-path = /bin/static-showproc" "chroot = $JAIL"
	: >"$JAIL/dev/null"
	: >"$JAIL/etc/resolv.conf"
	: >"$JAIL/etc/passwd"
	warns "chroot: $JAIL/dev/null is not the null device: mknod -m 666 dev/null c 1 3"
	rm "$JAIL/dev/null"
	mknod -m 666 "$JAIL/dev/null" c 1 3 || skip "needs to make devices"
	says_nothing
}

@test "a program that its user cannot execute" {
	requires root
	cp "$TEST_APPS/misbehave" "$PLACE/program"
	config "bin-path = $PLACE/program" "max-procs = 1"
	chmod 750 "$PLACE/program"
	refuses "$INI:4: bin-path: $PLACE/program: www-data may not execute it: $PLACE/program has mode 0750 and belongs to root:root: chmod o+x $PLACE/program"
	starts_badly
	chgrp www-data "$PLACE/program"
	says_nothing
	mkdir -m 750 "$PLACE/inner"
	mv "$PLACE/program" "$PLACE/inner/"
	config "bin-path = $PLACE/inner/program" "max-procs = 1"
	refuses "www-data may not execute it: $PLACE/inner has mode 0750 and belongs to root:root: chmod o+x $PLACE/inner"
	starts_badly
	chmod o+x "$PLACE/inner"
	says_nothing
	starts_well
	stop_herd
}

@test "a directory that the user cannot enter" {
	requires root
	mkdir -p "$PLACE/one/two"
	config "directory = $PLACE/one/two" "max-procs = 1"
	chmod 700 "$PLACE/one"
	refuses "directory: www-data cannot enter $PLACE/one/two: $PLACE/one has mode 0700"
	starts_badly
	chmod 711 "$PLACE/one"
	chmod 700 "$PLACE/one/two"
	refuses "directory: www-data cannot enter $PLACE/one/two: $PLACE/one/two has mode 0700"
	chmod 711 "$PLACE/one/two"
	says_nothing
}

@test "a script whose interpreter is not there, or that cannot be read" {
	printf '#!%s/none -x\n' "$PLACE" >"$PLACE/script"
	chmod 755 "$PLACE/script"
	config "bin-path = $PLACE/script" "max-procs = 1"
	refuses "bin-path: $PLACE/none, the interpreter of $PLACE/script: No such file or directory"
	starts_badly
	printf '#!/bin/sh\r\n' >"$PLACE/script"
	refuses "bin-path: $PLACE/script: its lines end with CR LF"
	starts_badly
	printf '#!/bin/sh\nexec %s/misbehave\n' "$TEST_APPS" >"$PLACE/script"
	says_nothing
	starts_well
	stop_herd
	echo "exec $TEST_APPS/misbehave" >"$PLACE/script"
	[ -e /proc/sys/fs/binfmt_misc/status ] || {
		refuses "bin-path: $PLACE/script is neither a program of this machine nor a script"
		starts_badly
	}
	is_root || return 0
	printf '#!/bin/sh\n' >"$PLACE/script"
	chmod 711 "$PLACE/script"
	refuses "bin-path: $PLACE/script: www-data may not read it"
}

@test "on spawn-fcgi's command line these are warnings" {
	printf '#!%s/none\n' "$PLACE" >"$PLACE/script"
	chmod 755 "$PLACE/script"
	run timeout 30 "$FCGI_HERD" --check -s "$FRONT" -- "$PLACE/script"
	[ "$status" -eq 0 ]
	[[ $output == *"warning: command line: bin-path: $PLACE/none, the interpreter of"* ]]
}

@test "a backlog that the kernel cuts" {
	local most
	most=$(cat /proc/sys/net/core/somaxconn)
	[ "$most" -lt 65535 ] || skip "needs a lower net.core.somaxconn"
	config "listen-backlog = $((most + 1))"
	warns "$INI:5: listen-backlog: the kernel cuts $((most + 1)) to $most: sysctl net.core.somaxconn=$((most + 1))"
	config "listen-backlog = $most"
	says_nothing
}

@test "too few descriptors" {
	config "max-procs = 200"
	says_nothing
	ulimit -n 150
	refuses "fcgi-herd needs 802 descriptors and gets 150 at most"
	starts_badly
	config "max-procs = 100"
	warns "fcgi-herd needs 402 descriptors and gets 150 at most"
	config "max-procs = 4" "queue-limit = 500"
	warns "fcgi-mux at its busiest needs 508 descriptors and gets 150 at most"
	config "max-procs = 4"
	says_nothing
}

@test "PHP_FCGI_CHILDREN in each of several processes" {
	config "max-procs = 3" "bin-environment = PHP_FCGI_CHILDREN=4"
	warns "PHP_FCGI_CHILDREN = 4 in each of max-procs = 3 processes makes 12 workers"
	config "max-procs = 3"
	PHP_FCGI_CHILDREN=5 warns "makes 15 workers"
	config "max-procs = 3" "bin-copy-environment = PATH"
	PHP_FCGI_CHILDREN=5 says_nothing
	config "max-procs = 1" "bin-environment = PHP_FCGI_CHILDREN=4"
	says_nothing
}

@test "a socket that everybody can come in at" {
	config "listen-mode = 0666"
	warns "$INI:5: listen-mode: every user of this machine can come in at $FRONT"
	mkdir -m 750 "$PLACE/closed"
	FRONT=$PLACE/closed/front.sock
	config "listen-mode = 0666"
	says_nothing
}

@test "a configuration that others may write" {
	config
	chmod 666 "$INI"
	local sentence="$INI: all may write $INI, and so decide what is started here: chmod o-w $INI"
	if is_root; then refuses "$sentence"; else warns "$sentence"; fi
	chmod 644 "$INI"
	says_nothing
	chmod 777 "$PLACE"
	check
	[[ $output == *"$INI: all may write $PLACE, and so decide"* ]]
	chmod 1777 "$PLACE"
	says_nothing
	chmod 755 "$PLACE"
	ln -s "$INI" "$PLACE/link.ini"
	chmod 666 "$INI"
	INI=$PLACE/link.ini
	check
	[[ $output == *"$INI: all may write $PLACE/herd.ini"* ]]
}

@test "a configuration that is not root's" {
	requires root
	config
	chown www-data "$INI"
	warns "$INI: www-data may write it, and so decide what root starts: chown root, chmod g-w"
	chown root:www-data "$INI"
	chmod 664 "$INI"
	warns "$INI: its group, of gid 33, may write it"
	chmod 644 "$INI"
	says_nothing
}

@test "a program that others may write" {
	mkdir "$PLACE/open"
	cp "$TEST_APPS/misbehave" "$PLACE/open/program"
	config "bin-path = $PLACE/open/program"
	says_nothing
	chmod o+w "$PLACE/open/program"
	warns "bin-path: all may write $PLACE/open/program, and so decide what is run: chmod o-w"
	chmod o-w "$PLACE/open/program"
	chmod o+w "$PLACE/open"
	warns "bin-path: all may write $PLACE/open, and so decide what is run"
}

# whole KEY VALUE: before the section.
whole() {
	config
	sed -i "1i $1 = $2" "$INI"
}

@test "a socket in a directory that is not there" {
	local FRONT=$PLACE/none/front.sock
	config
	warns "$INI:2: listen: $FRONT cannot be made: $PLACE/none: No such file"
	starts_badly
	mkdir "$PLACE/none"
	says_nothing
}

@test "a pid file and a log that cannot be written" {
	whole pid-file "$PLACE/none/pid"
	warns "$INI:1: pid-file: $PLACE/none/pid cannot be written: $PLACE/none: No such file"
	starts_badly
	whole log "$PLACE/none/log"
	warns "$INI:1: log: $PLACE/none/log cannot be written: $PLACE/none: No such file"
	starts_badly
	whole access-log "$PLACE/none/log"
	warns "$INI:1: access-log: $PLACE/none/log cannot be written: $PLACE/none: No such file"
	whole log "$PLACE/log"
	says_nothing
	whole log "$INI/log"
	refuses "$INI:1: log: $INI/log cannot be written: "
	is_root && return
	mkdir -m 500 "$PLACE/closed"
	whole pid-file "$PLACE/closed/pid"
	refuses "pid-file: $PLACE/closed/pid cannot be written: $PLACE/closed: Permission denied"
}

@test "what is misspelt gets a suggestion" {
	config "max-prox = 3"
	refuses 'unknown key "max-prox": did you mean "max-procs"?'
	config "balance = least-lode"
	refuses 'balance: "least-lode" is not least-load, random-of-two or shared: did you mean "least-load"?'
	config "retry = idempotant"
	refuses 'retry: "idempotant" is not none, safe, idempotent or all: did you mean "idempotent"?'
	config "retry = xyzzy"
	refuses 'retry: "xyzzy" is not none, safe, idempotent or all'
	[[ $output != *"did you mean"* ]]
	config
	refuses 'unknown option --chek: did you mean --check?' --chek
}
