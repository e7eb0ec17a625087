#!/bin/sh
# make-root.sh DIRECTORY PROGRAM ...
#
# Makes the root directory of a container: the programs in /usr/sbin, the libraries that they load,
# the configuration beside this script in /etc, and directories that user 65534 can write to.
set -eu

root=$1
shift
here=$(dirname "$0")

mkdir -p "$root/usr/sbin" "$root/etc" "$root/run/fcgi" "$root/tmp" "$root/proc" "$root/dev"
chmod 1777 "$root/tmp"
[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$root/run/fcgi"
install -m 644 "$here/fcgi-herd.ini" "$root/etc"
echo 'nobody:x:65534:65534::/nonexistent:/' >"$root/etc/passwd"
echo 'nogroup:x:65534:' >"$root/etc/group"
install "$@" "$root/usr/sbin"

# Each to where the loader found it; the loader too.
for program; do
	ldd "$program"
done | grep -o '/[^ ]*' | sort -u | while read -r library; do
	install -D "$library" "$root$library"
done
