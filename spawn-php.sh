#!/bin/sh
# spawn-php.sh [SETTINGS]: starts php-cgi for a web server; spawn-php(8) tells all about it.
set -u

name=${0##*/}
settings=/etc/default/spawn-php

usage() {
	cat <<-END
	usage: $name [SETTINGS]

	Starts php-cgi with fcgi-herd, or with spawn-fcgi. SETTINGS is a file of shell variables
	(default: $settings, where it is there), which win over those of the environment:

	  SPAWNFCGI              fcgi-herd or spawn-fcgi; default: the fcgi-herd that is found
	  FCGIPROGRAM            php-cgi, arguments may follow; default: /usr/bin/php-cgi
	  FCGISOCKET             path of the Unix socket to listen at, or
	  FCGIPORT, FCGIADDR     port and address; default: 1026 at 127.0.0.1
	  FCGI_CONFIG            php.ini
	  MAX_PROCS              php-cgi processes behind one balanced socket
	  PHP_FCGI_CHILDREN      workers of each php-cgi; default: 10, or none with MAX_PROCS
	  PHP_FCGI_MAX_REQUESTS  after which a worker is replaced; default: 1000
	  FCGI_WEB_SERVER_ADDRS  who may connect by TCP; default: 127.0.0.1
	  ALLOWED_ENV            what php-cgi gets of the environment; default: PATH USER
	  USERID, GROUPID        whom root runs php-cgi as; default: www-data and its group
	  PIDFILE                holds the pid of what to stop
	END
}

die() {
	printf '%s: %s\n' "$name" "$*" >&2
	exit 1
}

# A name without a slash is a file here, not one that "." would look for in PATH.
read_settings() {
	case $1 in
	*/*) file=$1 ;;
	*) file=./$1 ;;
	esac
	if ! [ -f "$file" ] || ! [ -r "$file" ]; then
		die "cannot read the settings in $1"
	fi
	# shellcheck source=/dev/null
	. "$file"
}

find_herd() {
	case $0 in
	*/*) here=${0%/*} ;;
	*) here=. ;;
	esac
	command -v fcgi-herd && return
	for place in /usr/sbin /usr/local/sbin "$here" "$here/../sbin" "$here/build"; do
		[ -x "$place/fcgi-herd" ] && echo "$place/fcgi-herd" && return
	done
	die "fcgi-herd is not to be found: please set SPAWNFCGI"
}

set_defaults() {
	: "${SPAWNFCGI:=$(find_herd)}" "${FCGIPROGRAM:=/usr/bin/php-cgi}" "${FCGISOCKET:=}"
	: "${FCGI_CONFIG:=}" "${MAX_PROCS:=}" "${ALLOWED_ENV=PATH USER}" "${PIDFILE:=}"
	: "${FCGIADDR:=127.0.0.1}" "${USERID:=www-data}" "${GROUPID:=}"
	: "${PHP_FCGI_MAX_REQUESTS:=1000}" "${FCGI_WEB_SERVER_ADDRS:=127.0.0.1}"
	# Without a front, this is all that serves requests side by side.
	[ -n "$MAX_PROCS" ] || : "${PHP_FCGI_CHILDREN:=10}"
	if [ -n "$FCGISOCKET" ] && [ -n "${FCGIPORT-}" ]; then
		echo "$name: FCGISOCKET is set: FCGIPORT is left out" >&2
	fi
	: "${FCGIPORT:=1026}" "${PHP_FCGI_CHILDREN:=}"
	[ -n "$SPAWNFCGI" ] || exit 1 # find_herd has said why
}

# spawn-fcgi takes an option that it does not know for a wish for help, and succeeds.
is_herd() {
	case $("$herd" -v 2>/dev/null) in
	*fcgi-herd*) return 0 ;;
	*) return 1 ;;
	esac
}

# php-cgi cannot see who connects to a front, so FCGI_WEB_SERVER_ADDRS would protect nothing.
check_address() {
	[ -z "$FCGISOCKET" ] || return 0
	case $FCGIADDR in
	127.* | ::1) ;;
	*) die "MAX_PROCS needs FCGISOCKET or a loopback address, not FCGIADDR=$FCGIADDR" ;;
	esac
}

check_user() {
	case $USERID in
	*[!0-9]*) id "$USERID" >/dev/null 2>&1 ||
		die "there is no user $USERID to run php-cgi as: please set USERID" ;;
	esac
}

check_settings() {
	# Its path, as ALLOWED_ENV may leave PATH out.
	herd=$(command -v "$SPAWNFCGI") || die "SPAWNFCGI=$SPAWNFCGI is not a program"
	command -v "${FCGIPROGRAM%% *}" >/dev/null || die "FCGIPROGRAM=$FCGIPROGRAM is not a program"
	[ -z "$FCGI_CONFIG" ] || [ -r "$FCGI_CONFIG" ] || die "cannot read FCGI_CONFIG=$FCGI_CONFIG"
	[ -z "$MAX_PROCS" ] || check_address
	[ -z "$FCGI_CONFIG$MAX_PROCS" ] || is_herd ||
		die "FCGI_CONFIG and MAX_PROCS need fcgi-herd, and $herd is not it"
	[ "$(id -u)" -ne 0 ] || check_user
}

# The names of all variables that php-cgi gets, whether exported or not.
allowed_names() {
	for variable in $ALLOWED_ENV; do
		case $variable in
		[0-9]* | *[!A-Za-z0-9_]*) die "ALLOWED_ENV: $variable is not a name of a variable" ;;
		esac
		echo "$variable"
	done
	set | sed -n 's/^\(PHP_FCGI_[A-Za-z0-9_]*\)=.*/\1/p; s/^\(FCGI_[A-Za-z0-9_]*\)=.*/\1/p'
}

run() {
	# From the last word to the first, each put before the others. No word of the settings is a
	# pattern for files: -f.
	set -f
	# shellcheck disable=SC2086 # the program and its arguments
	set -- -- $FCGIPROGRAM
	[ -z "$MAX_PROCS" ] || set -- --max-procs "$MAX_PROCS" "$@"
	[ -z "$FCGI_CONFIG" ] || set -- -x "$FCGI_CONFIG" "$@"
	[ -z "$PHP_FCGI_CHILDREN" ] || set -- -C "$PHP_FCGI_CHILDREN" "$@"
	[ -z "$PIDFILE" ] || set -- -P "$PIDFILE" "$@"
	if [ "$(id -u)" -eq 0 ]; then
		[ -z "$GROUPID" ] || set -- -g "$GROUPID" "$@"
		set -- -u "$USERID" "$@"
	fi
	if [ -n "$FCGISOCKET" ]; then
		set -- -s "$FCGISOCKET" "$@"
	else
		set -- -a "$FCGIADDR" -p "$FCGIPORT" "$@"
	fi
	set -- "$herd" "$@"
	names=$(allowed_names) || exit
	for variable in $names; do
		eval "[ -z \"\${$variable-}\" ] || set -- \"$variable=\${$variable}\" \"\$@\""
	done
	exec env -i "$@"
}

case ${1-} in
-h | --help)
	usage
	exit
	;;
-*) die "no such option: $1; $name --help tells more" ;;
esac
[ $# -le 1 ] || die "one file of settings at most; $name --help tells more"

if [ $# -eq 1 ]; then
	read_settings "$1"
elif [ -f "$settings" ]; then
	read_settings "$settings"
fi
set_defaults
check_settings
run
