#!/usr/bin/env bats
# The units of contrib with a real systemd as process 1, for "make check-deb".

bats_require_minimum_version 1.5.0
load ../helpers
load copy

@test "ready, reload, stop; the applications have their users" {
	under_systemd <<-'SH'
		configure
		systemctl start fcgi-herd
		serves
		[ "$(systemctl show -P StatusText fcgi-herd)" = "backends: 1, children: 4" ]
		pid=$(systemctl show -P MainPID fcgi-herd)
		systemctl reload fcgi-herd
		[ "$(systemctl show -P MainPID fcgi-herd)" = "$pid" ]
		serves
		systemctl stop fcgi-herd
		[ "$(systemctl is-failed fcgi-herd || :)" = inactive ]
		[ ! -e /run/php.sock ]
	SH
}

@test "a mistake in the configuration fails, once" {
	under_systemd <<-'SH'
		configure
		echo "no-such-key = 1" >>/etc/fcgi-herd.ini
		fails systemctl start fcgi-herd
		[ "$(systemctl show -P ExecMainStatus fcgi-herd)" = 78 ]
		[ "$(systemctl show -P NRestarts fcgi-herd)" = 0 ]
	SH
}

@test "one that hangs is found by the watchdog and started again" {
	under_systemd <<-'SH'
		configure
		systemctl start fcgi-herd
		pid=$(systemctl show -P MainPID fcgi-herd)
		kill -STOP "$pid"
		deadline=$(($(date +%s) + 20))
		until [ "$(systemctl show -P NRestarts fcgi-herd)" -ge 1 ] && serves; do
			[ "$(date +%s)" -lt "$deadline" ]
			sleep 0.1
		done
		[ "$(systemctl show -P MainPID fcgi-herd)" != "$pid" ]
	SH
}

@test "started by the first connection to its socket, which stays during a restart" {
	under_systemd <<-'SH'
		configure
		systemctl start fcgi-herd.socket
		fails systemctl is-active fcgi-herd
		serves
		[ "$(stat -c %U:%G:%a /run/php.sock)" = www-data:www-data:660 ]
		inode=$(stat -c %i /run/php.sock)
		systemctl restart fcgi-herd
		serves
		[ "$(stat -c %i /run/php.sock)" = "$inode" ]
		systemctl stop fcgi-herd
		serves
		systemctl stop fcgi-herd.socket fcgi-herd
		[ ! -e /run/php.sock ]
	SH
}

@test "the template runs without root, in its own corner" {
	under_systemd <<-'SH'
		cat >/etc/fcgi-herd/blog.ini <<-INI
			[blog]
			listen = /run/fcgi-herd/blog/front.sock
			bin-path = /usr/bin/php-cgi
			max-procs = 2
		INI
		mkdir /srv/blog
		echo "<?php echo posix_geteuid(), @file_put_contents('/srv/blog/x', 'x') ? ' writes' : ' reads',
			count(glob('/home/*')), glob('/proc/1') ? ' sees' : ' is alone';" >/srv/blog/page.php
		chmod 777 /srv/blog
		systemctl start fcgi-herd@blog
		pid=$(systemctl show -P MainPID fcgi-herd@blog)
		[ "$(stat -c %U /proc/$pid)" = www-data ]
		grep "^CapBnd:.0000000000000000" /proc/$pid/status
		page=$(bin/fcgi-client --param SCRIPT_FILENAME=/srv/blog/page.php \
			--param REDIRECT_STATUS=200 /run/fcgi-herd/blog/front.sock)
		case $page in *"$(id -u www-data) reads0 is alone"*) ;; *) echo "$page" && exit 1 ;; esac
		systemctl stop fcgi-herd@blog
		[ ! -e /run/fcgi-herd/blog ]
	SH
}

@test "fcgi-mux alone, with neither root nor a user of its own" {
	under_systemd <<-'SH'
		configure
		echo "listen-group = www-data" >>/etc/fcgi-herd.ini
		printf "[php]\nlisten = /run/fcgi-mux.sock\nserver = /run/php.sock\n" >/etc/fcgi-mux.ini
		systemctl start fcgi-herd fcgi-mux.socket
		page /run/fcgi-mux.sock | grep "page by"
		pid=$(systemctl show -P MainPID fcgi-mux)
		[ "$(stat -c %u /proc/$pid)" -ne 0 ]
		systemctl stop fcgi-mux.socket fcgi-mux
		[ ! -e /run/fcgi-mux.sock ]
	SH
}
