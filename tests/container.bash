# container.bash: what contrib/container/Dockerfile says, done without an engine. After helpers and
# front.

DOCKERFILE=$TOP/contrib/container/Dockerfile

# The instructions of a stage, one a line.
stage() { # NUMBER
	awk -v stage="$1" '
		/^[ \t]*#/ || NF == 0 { next }
		{ sub(/^[ \t]+/, ""); line = line $0 }
		sub(/\\$/, "", line) { next }
		line ~ /^FROM / { count++ }
		count == stage { print line }
		{ line = "" }' "$DOCKERFILE"
}

# What the last stage says after an instruction.
said() { stage 2 | sed -n "s/^$1 //p"; } # INSTRUCTION

# The words of an instruction in exec form, one a line.
exec_form() { # INSTRUCTION
	# shellcheck disable=SC2016 # Perl's variables
	said "$1" | perl -ne 'print "$1\n" while /"([^"]*)"/g'
}

# make_root PROGRAM ...: as the first stage ends, in $ROOT, with these programs.
make_root() {
	ROOT=$PLACE/root
	"$TOP/contrib/container/make-root.sh" "$ROOT" "$FCGI_HERD" "$FCGI_MUX" "$@"
}

# Runs ENTRYPOINT in $ROOT as process 1, HERD_PID here: with namespaces of its own, a root directory
# that cannot be written to, and neither capabilities nor a way to more. FRONT is its front.
start_container() {
	local entry
	mapfile -t entry < <(exec_form ENTRYPOINT)
	# shellcheck disable=SC2034 # for front.bash
	FRONT=$ROOT/run/fcgi/front.sock
	# shellcheck disable=SC2016 # of the shell inside
	unshare --pid --fork --kill-child --mount --ipc --uts --mount-proc sh -c '
		mount --bind "$1" "$1" && mount --bind "$1$2" "$1$2" &&
			mount -t tmpfs -o mode=1777 tmpfs "$1/tmp" && mount -t proc proc "$1/proc" &&
			mount -o remount,ro,bind "$1" || exit
		setpriv=$(command -v setpriv) chroot=$(command -v chroot)
		exec env -i $4 "$setpriv" --no-new-privs "$chroot" --userspec="$3" --groups= "$1" $5' - \
		"$ROOT" "$(said VOLUME)" "$(said USER)" "$(said ENV)" "${entry[*]}" \
		>>"$HERD_LOG" 2>&1 3>&- 4>&- </dev/null &
	CONTAINER=$!
	STARTED+=("$CONTAINER")
	wait_until 10 has_log ': ready$' || return
	HERD_PID=$(pgrep -P "$CONTAINER")
}

# A program inside, as the user of process 1.
in_container() { # PROGRAM ARGUMENT ...
	local user
	user=$(said USER)
	nsenter -t "$HERD_PID" -p -m -r -S "${user%:*}" -G "${user#*:}" "$@"
}

is_healthy() {
	local check
	mapfile -t check < <(exec_form 'HEALTHCHECK.*CMD')
	in_container "${check[@]}" >/dev/null 2>&1
}

# As an engine does it: STOPSIGNAL to process 1, whose status unshare has.
stop_container() {
	kill "-$(said STOPSIGNAL)" "$HERD_PID"
	wait_pids_gone 20 "$CONTAINER"
	wait "$CONTAINER"
}
