#!/usr/bin/env bats
# The Debian package with its init script, for "make check-deb".

bats_require_minimum_version 1.5.0
load ../helpers
load copy

# Besides what dpkg and its triggers keep of every package.
nothing_is_left() {
	grep -v -e '^\./var/lib/dpkg/' -e '^\./var/log/' -e '^\./var/cache/' -e '^\./dev/' \
		-e '^\./usr/sbin/\(policy-rc.d\|runlevel\)$' -e '^\./etc/ld.so.cache$' \
		-e '^\./srv/page.php$' "$PLACE/written" >"$PLACE/left" || :
	cat "$PLACE/written-run" >>"$PLACE/left"
	[ ! -s "$PLACE/left" ] || { cat "$PLACE/left" && return 1; }
}

@test "not configured: it installs, starts nothing, and purges without a trace" {
	in_copy <<-'SH'
		dpkg -i package.deb
		fails pgrep -x fcgi-herd
		service fcgi-herd status && exit 1
		fcgi-herd -v
		man -w fcgi-herd fcgi-mux spawn-php.sh fcgi-herd.ini
		dpkg --purge fcgi-herd
		[ ! -e /etc/fcgi-herd ]
	SH
	nothing_is_left
}

@test "configured: it starts, serves a page, reloads, restarts, and purges without a trace" {
	in_copy <<-'SH'
		configure
		dpkg -i package.deb
		serves
		pid=$(cat /run/fcgi-herd.pid)
		service fcgi-herd status
		service fcgi-herd reload
		[ "$(cat /run/fcgi-herd.pid)" = "$pid" ]
		service fcgi-herd restart
		is_gone "$pid"
		serves
		pid=$(cat /run/fcgi-herd.pid)
		dpkg --remove fcgi-herd
		is_gone "$pid"
		# What is left of it does no harm.
		sh /etc/init.d/fcgi-herd start
		rm /etc/fcgi-herd.ini
		dpkg --purge fcgi-herd
	SH
	nothing_is_left
}

@test "an upgrade restarts it, and keeps what the administrator wrote" {
	in_copy <<-'SH'
		configure
		dpkg -i package.deb
		echo STOP_SECONDS=5 >>/etc/default/fcgi-herd
		pid=$(cat /run/fcgi-herd.pid)
		dpkg -i package.deb
		is_gone "$pid"
		serves
		grep STOP_SECONDS=5 /etc/default/fcgi-herd
		service fcgi-herd stop
	SH
}

@test "PHP by the settings of spawn-php.sh" {
	in_copy <<-'SH'
		dpkg -i package.deb
		cp /usr/share/doc/fcgi-herd/spawn-php.default /etc/default/spawn-php
		service fcgi-herd start
		serves
		service fcgi-herd status
		service fcgi-herd stop
		[ ! -e /run/php.sock ]
	SH
}

@test "the boot order has it" {
	in_copy <<-'SH'
		dpkg -i package.deb
		ls /etc/rc2.d/S??fcgi-herd /etc/rc0.d/K??fcgi-herd
		[ -e /etc/systemd/system/multi-user.target.wants/fcgi-herd.service ]
		systemd-analyze verify --man=no fcgi-herd.service fcgi-herd@blog.service
	SH
}
