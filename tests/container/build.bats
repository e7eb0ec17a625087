#!/usr/bin/env bats
# The first stage of contrib/container/Dockerfile, step by step in a fresh Debian, and what comes of
# it; for "make check-container". BASE: a tree of debootstrap, made where it is not there. MIRROR: from
# where.

bats_require_minimum_version 1.5.0
load ../helpers
load ../front
load ../container

setup_file() {
	[ -d "$BASE" ] || {
		rm -rf "$BASE.new"
		debootstrap --variant=minbase bookworm "$BASE.new" \
			"${MIRROR:-http://deb.debian.org/debian}" >&2 && mv "$BASE.new" "$BASE"
	}
}

setup() {
	requires root unshare nsenter setpriv chroot perl
	make_place
}

# What docker build does: the steps of the first stage, in $PLACE/debian; then $ROOT is what the second
# one copies. A build-arg is a variable.
build_root() { # [NAME=VALUE ...]
	local step words directory=/ arguments=() values=("$@")
	cp -a "$BASE" "$PLACE/debian"
	cp -r /etc/apt/apt.conf.d "$PLACE/debian/etc/apt/"
	cp /etc/resolv.conf /etc/hosts "$PLACE/debian/etc/"
	while read -r step <&9; do
		echo "# $step" >&3
		read -r -a words <<<"${step#* }"
		case $step in
		FROM*) ;;
		ARG*) arguments+=("${step#ARG }") ;;
		WORKDIR*)
			directory=${step#WORKDIR }
			mkdir -p "$PLACE/debian$directory"
			;;
		COPY*)
			mkdir -p "$PLACE/debian$directory/${words[1]}"
			copy_source "${words[0]}" "$PLACE/debian$directory/${words[1]}"
			;;
		RUN*) run_step "$directory" "${step#RUN }" "${arguments[@]}" "${values[@]}" || return ;;
		*) echo "what is $step?" >&2 && return 1 ;;
		esac
	done 9< <(stage 1)
	ROOT=$PLACE/debian$(said 'COPY --from=build' | cut -d ' ' -f 1)
}

# A directory, or one file.
copy_source() { # FROM TO
	[ -d "$TOP/$1" ] || { cp "$TOP/$1" "$2" && return; }
	tar -C "$TOP/$1" -c $(sed 's|.*|--exclude=./&|' "$DOCKERFILE.dockerignore") . | tar -C "$2" -x
}

run_step() { # DIRECTORY COMMAND [NAME=VALUE ...]
	local directory=$1 command=$2
	shift 2
	# shellcheck disable=SC2016 # of the shell inside
	unshare --mount --pid --fork sh -c 'mount -t proc proc "$1/proc" && chroot "$@"' - \
		"$PLACE/debian" /usr/bin/env -i HOME=/root \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy+"http_proxy=$http_proxy"} DEBIAN_FRONTEND=noninteractive "$@" \
		sh -c "cd $directory && $command" >"$PLACE/step.log" 2>&1 </dev/null ||
		{ tail -n 30 "$PLACE/step.log" && return 1; }
}

@test "the example's container is built as its Dockerfile says, and serves" {
	build_root
	start_container
	[[ $(fcgi_client "$FRONT") == *'<title>showenv</title>'* ]]
	is_healthy
	stop_container
}

@test "a container with php-cgi is built as its README says, and serves" {
	build_root PACKAGES=php-cgi PROGRAM=/usr/bin/php-cgi
	sed -i 's|showenv|php-cgi|; /^kill-signal/d' "$ROOT/etc/fcgi-herd.ini"
	mkdir -p "$ROOT/var/www/html"
	echo '<?php echo "version ", PHP_MAJOR_VERSION;' >"$ROOT/var/www/html/index.php"
	start_container
	[[ $(fcgi_client --param SCRIPT_FILENAME=/var/www/html/index.php "$FRONT") == *'version 8'* ]]
	is_healthy
	stop_container
}
