#!/bin/bash
# check.sh BUILD SUITE ...
#
# Runs suites of tests of what was built in BUILD and sums them up in its last line. The suites:
#   units, sanitized-units          the programs of tests/unit, from BUILD and BUILD/sanitized
#   programs, sanitized-programs    tests/*.bats, or the files in TESTS, with the programs from there
# A file of tests is one job. Most of them wait: twice as many run at a time as there are processors
# (JOBS), the largest files first.
#
# A bats file gets FCGI_HERD, FCGI_MUX (paths), TEST_APPS (a directory) and TOP (the source).
set -u

build=$(readlink -f "$1") || exit 2
shift
TOP=$(readlink -f "$(dirname "$0")/..")
export TOP
cd "$TOP" || exit 2
unset MAKEFLAGS MAKELEVEL MFLAGS

jobs_max=${JOBS:-$((2 * $(nproc)))}
file_seconds=${FILE_SECONDS:-240}

# Below /tmp and open to all: children that run as somebody else must get at their programs, wherever
# the source lies, and the path of a Unix socket is short.
work=$(mktemp -d /tmp/herd.XXXXXX) || exit 2
mkdir "$work/tmp"
chmod 755 "$work"
chmod 1777 "$work/tmp"
export TMPDIR=$work/tmp
counts=$work/counts
: >"$counts"

clean_up() {
	local running
	trap '' HUP INT TERM
	running=$(jobs -p)
	# shellcheck disable=SC2086 # a list of pids
	[ -z "$running" ] || kill $running 2>/dev/null
	wait
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# TAP in, "PASSED FAILED SKIPPED" out. Fewer results than planned, or a bad status without a failed
# test, is a failure too: something died.
count_tap() { # STATUS < TAP
	awk -v status="$1" '
		/^1\.\.[0-9]+/ { planned += substr($1, 4) }
		/^(not )?ok .*# (skip|SKIP)/ { skipped++; next }
		/^ok / { passed++ }
		/^not ok / { failed++ }
		END {
			missed = planned - passed - failed - skipped
			if (missed > 0)
				failed += missed
			else if (status && !failed)
				failed = 1
			print passed + 0, failed + 0, skipped + 0
		}'
}

# The failed tests with what they said, the middle left out where it is long; all, where no test says
# that it failed.
show_failures() { # LOG
	awk '
		function flush(    i) {
			for (i = 1; i <= lines; i++) {
				if (lines <= 100 || i <= 30 || i > lines - 70)
					print line[i]
				else if (i == 31)
					print "# ... (" lines - 100 " lines)"
			}
			lines = 0
		}
		/^(not )?ok / { flush(); show = /^not/ && !/# SKIP/ }
		show { line[++lines] = $0 }
		END { flush() }' "$1" | grep . || tail -n 100 "$1"
}

report() { # NAME STATUS LOG SECONDS
	local passed failed skipped
	read -r passed failed skipped < <(count_tap "$2" <"$3")
	{
		flock 9
		echo "$passed $failed $skipped" >>"$counts"
		printf '%-44s %s passed, %s failed' "$1" "$passed" "$failed"
		[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
		printf ' (%s s)\n' "$4"
		[ "$2" -ne 124 ] || echo "    stopped after $file_seconds s"
		[ "$2" -le 124 ] || echo "    ended with status $2"
		[ "$failed" -eq 0 ] || show_failures "$3" | sed 's/^/    /'
	} 9>"$work/lock"
}

run_job() { # NAME COMMAND ...
	local name=$1 log status
	shift
	log=$(mktemp "$work/log.XXXXXX")
	SECONDS=0
	timeout -k 10 "$file_seconds" "$@" >"$log" 2>&1 </dev/null 9>&- &
	# shellcheck disable=SC2064 # this pid
	trap "kill $! 2>/dev/null; wait; exit 1" HUP INT TERM
	wait $! 2>/dev/null
	status=$?
	report "$name" "$status" "$log" "$SECONDS"
}

start_job() { # as run_job
	while [ "$(jobs -pr | wc -l)" -ge "$jobs_max" ]; do
		wait -n
	done
	run_job "$@" &
}

run_units() { # LABEL DIRECTORY
	local unit
	for unit in "$2"/tests/unit/test_*; do
		# Not the dependency files, and not what is left of a source that is gone.
		if [ -x "$unit" ] && [ -f "tests/unit/${unit##*/}.c" ]; then
			CMOCKA_MESSAGE_OUTPUT=TAP start_job "$1/${unit##*/}" "$unit"
		fi
	done
	wait
}

run_programs() { # LABEL
	local file
	# shellcheck disable=SC2045,SC2086 # a list of files, whose names are ours
	for file in $(ls -S ${TESTS:-tests/*.bats}); do
		start_job "$1/$(basename "$file" .bats)" bats --tap "$file"
	done
	wait
}

# What a sanitizer finds ends the process, perhaps one that is started again unseen: so it is written
# to a file, and each file is a failure.
sanitizer_options() {
	printf 'log_path=%s:print_stacktrace=1:abort_on_error=0' "$work/reports/report"
}

count_sanitizer_reports() { # LABEL
	local found
	for found in "$work"/reports/*; do
		[ -f "$found" ] || continue
		{ echo "not ok 1 $1: ${found##*/}"; cat "$found"; } >"$found.log"
		report "$1/${found##*/}" 1 "$found.log" 0
		rm "$found" "$found.log"
	done
}

install_apps() {
	mkdir -p "$work/apps"
	find "$build/tests/apps" "$build/examples" -maxdepth 1 -type f -perm -u+x \
		-exec cp -t "$work/apps" {} +
	cp "$build/fcgi-load" "$build/bench-app" "$work/apps"
}

programs() {
	install_apps
	mkdir "$work/programs"
	cp "$build/fcgi-herd" "$build/fcgi-mux" "$work/programs" || exit 2
	TEST_APPS=$work/apps FCGI_HERD=$work/programs/fcgi-herd FCGI_MUX=$work/programs/fcgi-mux \
		run_programs programs
}

# The supervisor cleans environments: fcgi-mux gets the options from a script in its place.
sanitized_programs() {
	local options
	install_apps
	mkdir -p "$work/sanitized/real" "$work/reports"
	chmod 1777 "$work/reports"
	options=$(sanitizer_options)
	cp "$build/sanitized/fcgi-herd" "$work/sanitized" || exit 2
	cp "$build/sanitized/fcgi-mux" "$work/sanitized/real" || exit 2
	cat >"$work/sanitized/fcgi-mux" <<-SCRIPT
		#!/bin/sh
		ASAN_OPTIONS=$options UBSAN_OPTIONS=$options exec $work/sanitized/real/fcgi-mux "\$@"
	SCRIPT
	chmod 755 "$work/sanitized/fcgi-mux"
	# Memory is what is looked at here, not numbers.
	export REQUESTS=${REQUESTS:-2000}
	SANITIZED=1 ASAN_OPTIONS=$options UBSAN_OPTIONS=$options TEST_APPS=$work/apps \
		FCGI_HERD=$work/sanitized/fcgi-herd FCGI_MUX=$work/sanitized/fcgi-mux \
		run_programs sanitized-programs
	count_sanitizer_reports sanitized-programs
}

for suite; do
	case $suite in
	units) run_units units "$build" ;;
	sanitized-units) run_units sanitized-units "$build/sanitized" ;;
	programs) programs ;;
	sanitized-programs) sanitized_programs ;;
	*)
		echo "check: no such suite: $suite" >&2
		exit 2
		;;
	esac
done

awk '
	{ passed += $1; failed += $2; skipped += $3 }
	END {
		printf "%d passed, %d failed", passed, failed
		if (skipped)
			printf ", %d skipped", skipped
		printf "\n"
		exit failed > 0 || passed == 0
	}' "$counts"
