# copy.bash: runs scripts in a copy of this system, in namespaces of its own, in which every write is
# to a file system in memory. The Debian package (PACKAGE, its path) is there as package.deb.

setup() {
	requires root unshare php-cgi
	[ -f "$PACKAGE" ]
	make_place
	mkdir "$PLACE/system"
	cp "$PACKAGE" "$PLACE/package.deb"
	echo '<?php echo "page by ", posix_geteuid();' >"$PLACE/www/page.php"
}

# What begins each script that runs in the copy.
prelude() {
	cat <<-'SH'
		set -eux
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
		cd "$1"
		# Of a build machine, which starts no services; and invoke-rc.d asks where init has got to.
		rm -f /usr/sbin/policy-rc.d /sbin/runlevel
		printf '#!/bin/sh\necho N 2\n' >/sbin/runlevel
		chmod 755 /sbin/runlevel
		# Not where units with a /tmp of their own cannot see it.
		cp www/page.php /srv
		configure() {
			cat >/etc/fcgi-herd.ini <<-INI
				[php]
				listen = /run/php.sock
				bin-path = /usr/bin/php-cgi
				user = www-data
				listen-owner = www-data
			INI
		}
		page() {
			bin/fcgi-client --param SCRIPT_FILENAME=/srv/page.php --param REDIRECT_STATUS=200 \
				"${1:-/run/php.sock}"
		}
		serves() { [ "$(page | tail -n 1)" = "page by $(id -u www-data)" ]; }
		is_gone() { [ ! -e "/proc/$1" ]; }
		fails() { ! "$@"; }
	SH
}

# in_copy [COMMAND ...]: runs the shell script on standard input there; by way of the command, which
# becomes process 1. What the script wrote is in $PLACE/written then.
in_copy() {
	{ prelude && cat; } >"$PLACE/script"
	# shellcheck disable=SC2016 # of the inner shell
	timeout -s KILL 120 unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child \
		sh -euc '
		place=$1 system=$1/system
		shift
		mount --make-rprivate /
		mount -t tmpfs -o mode=755 tmpfs "$system"
		cd "$system"
		mkdir upper work root
		mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
		for directory in run dev/shm tmp; do
			mount -t tmpfs -o mode=1777 tmpfs root/$directory
		done
		for device in null zero full random urandom; do
			[ -e root/dev/$device ] || : >root/dev/$device
			mount --bind /dev/$device root/dev/$device
		done
		mount -t proc proc root/proc
		mount --bind root/proc/sys root/proc/sys
		mount -o remount,ro,bind root/proc/sys
		mkdir -p "root$place"
		mount --bind "$place" "root$place"
		mkdir root/run/outside
		cd root
		# In a chroot, services are not started.
		pivot_root . run/outside
		[ $# -eq 0 ] || exec "$@"
		status=0
		sh "$place/script" "$place" || status=$?
		(cd "/run/outside$system/upper" && find . ! -type d) >"$place/written"
		find /run -xdev ! -type d >"$place/written-run"
		exit $status' in-copy "$PLACE" "$@" 3>&- 4>&- </dev/null
}

# Moves this shell into cgroups of its own, below those where it is: what systemd makes stays
# inside.
enter_cgroups() {
	local names path mount
	while IFS=: read -r _ names path; do
		mount=/sys/fs/cgroup/${names#name=}
		[ -n "$names" ] || mount=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
		mount=${mount%%,*}${path%/}/fcgi-herd-test
		mkdir -p "$mount" || return
		CGROUPS+=("$mount")
		for limit in cpuset.cpus cpuset.mems; do
			[ ! -e "$mount/$limit" ] || cat "$mount/../$limit" >"$mount/$limit" || return
		done
	done </proc/self/cgroup
	for path in "${CGROUPS[@]}"; do echo "$BASHPID" >"$path/cgroup.procs" || return; done
}

leave_cgroups() {
	local path
	for path in "${CGROUPS[@]}"; do
		echo "$BASHPID" >"${path%/*}/cgroup.procs"
		wait_until 10 remove_cgroup "$path"
	done
}
remove_cgroup() { find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || [ ! -e "$1" ]; }

# under_systemd: runs the script on standard input, with the package installed, where systemd is
# process 1 and knows our units only. Skips where it cannot be.
under_systemd() {
	local status=0 script
	requires systemctl findmnt
	script=$(cat)
	CGROUPS=()
	enter_cgroups || { leave_cgroups && skip "needs cgroups"; }
	write_boot
	{ echo "touch \"\$1/booted\"" && echo "$script"; } |
		in_copy sh "$PLACE/boot" "$PLACE" || status=$?
	leave_cgroups
	cat "$PLACE/output" || :
	[ -e "$PLACE/booted" ] || skip "systemd does not run in a namespace here"
	return "$status"
}

write_boot() {
	cat >"$PLACE/boot" <<-'SH'
		set -eu
		exec >"$1/output" 2>&1
		dpkg -i "$1/package.deb"
		mkdir /units
		cd /units
		cp /lib/systemd/system/fcgi-herd*.service .
		cp /usr/share/doc/fcgi-herd/examples/*.s* .
		sed -i 's/^WatchdogSec=.*/WatchdogSec=1s/' fcgi-herd.service
		for target in sysinit basic network multi-user sockets; do
			printf '[Unit]\nDefaultDependencies=no\n' >$target.target
		done
		cp /lib/systemd/system/exit.target /lib/systemd/system/shutdown.target \
			/lib/systemd/system/final.target /lib/systemd/system/umount.target \
			/lib/systemd/system/systemd-exit.service .
		cat >test.target <<-UNIT
			[Unit]
			DefaultDependencies=no
			Wants=test.service
		UNIT
		cat >test.service <<-UNIT
			[Unit]
			DefaultDependencies=no
			[Service]
			Type=exec
			StandardOutput=append:$1/output
			StandardError=inherit
			ExecStart=/bin/sh -c 'sh $1/script $1; exec systemctl exit \$\$?'
		UNIT
		mount -t sysfs sysfs /sys
		mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
		hostname copy
		ip link set lo up
		export container=test SYSTEMD_UNIT_PATH=/units SYSTEMD_LOG_TARGET=console
		exec /lib/systemd/systemd --system --unit=test.target
	SH
}
