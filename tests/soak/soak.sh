#!/bin/bash
# soak.sh BUILD: fcgi-herd under mixed load for SOAK_SECONDS (3600), while children are killed.
#
# For the first half of the time it is reloaded again and again; in the second half one life of each
# program goes on to the end, so that what grows in it is seen. Fails, and says why in its last line,
# where a request is lost that must not be, where memory, descriptors or processes grow, or where
# something is left over. Writes BUILD/soak: what was measured as CSV, and drawn as SVG.
# With VALGRIND=1 fcgi-mux runs under valgrind, which must have nothing to say.
set -u

here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "${1:?BUILD}") || exit 2
seconds=${SOAK_SECONDS:-3600}
[[ $seconds =~ ^[1-9][0-9]+$ ]] || { echo "soak: SOAK_SECONDS is a number, 10 or more" >&2 && exit 2; }
out=$build/soak
rm -rf "$out"
mkdir -p "$out"

export FCGI_HERD=$build/fcgi-herd FCGI_MUX=$build/fcgi-mux TEST_APPS=$build/tests/apps
export BATS_TEST_TMPDIR=$out # for the log
# shellcheck source=tests/helpers.bash
. "$here/../helpers.bash"
# shellcheck source=tests/front.bash
. "$here/../front.bash"

reload_every=$((seconds < 120 ? 4 : 10))
complaints=()
victims=(api many upload bad guard) # sections whose children are killed
declare -A kills=() # by phase and section
reloads=0 rotations=0 phase=

complain() { complaints+=("$1"); }
since_start() { echo $((($(now_us) - begin_us) / 1000)); }
note() { echo "$(since_start),$1" >>"$out/events.csv"; } # KIND[,MORE]; milliseconds

# Each section's program has the section's name, so that its children can be told apart.
copy_programs() {
	local name
	cp "$build/fcgi-load" "$PLACE/bin"
	for name in api upload; do cp "$build/bench-app" "$PLACE/bin/$name"; done
	for name in many bad secured slow; do cp "$TEST_APPS/misbehave" "$PLACE/bin/$name"; done
	mv "$PLACE/bin/authorizer" "$PLACE/bin/guard"
	[ -z "${VALGRIND-}" ] || put_valgrind_before_mux
}

put_valgrind_before_mux() {
	mkdir "$PLACE/real"
	mkdir -m 1777 "$PLACE/valgrind"
	mv "$FCGI_MUX" "$PLACE/real"
	cat >"$FCGI_MUX" <<-SCRIPT
		#!/bin/sh
		exec valgrind -q --leak-check=full --log-file=$PLACE/valgrind/%p $PLACE/real/fcgi-mux "\$@"
	SCRIPT
	chmod 755 "$FCGI_MUX"
}

# section NAME LINE ...: with a front of its own, unless a line says another.
section() {
	local name=$1 arguments=$2
	shift 2
	printf '%s\n' "[$name]" "bin-path = $PLACE/bin/$name $arguments"
	[[ "$*" == *listen* ]] || echo "listen = $PLACE/$name.sock"
	printf '%s\n' "$@"
}

write_configuration() {
	{
		printf '%s\n' "pid-file = $PLACE/pid" "access-log = $PLACE/access" \
			'response-buffer = 64k' 'status-path = /status' 'idle-timeout = 1s'
		as_root "user = $(server_user)" "listen-owner = $(server_user)"
		[ -z "${VALGRIND-}" ] || echo 'sandbox = disable'
		section api '' 'min-procs = 1' 'max-procs = 5' 'max-requests = 500'
		section many '--mpxs --max-reqs 30 --default bench' 'max-procs = 2' 'max-age = 20s'
		section upload '' 'min-procs = 1' 'max-procs = 3'
		section bad '--default bench' 'max-procs = 4' 'request-timeout = 3s'
		section guard '' "listen = $PLACE/secured.sock" 'extension = .php' 'mode = authorizer' \
			'check-local = disable' 'max-procs = 2'
		section secured '--default bench' 'extension = .php' 'check-local = disable' 'max-procs = 2'
		section slow '' 'min-procs = 0' 'max-procs = 4'
	} >"$PLACE/herd.ini"
}

# load NAME SECTION OPTION ...: fcgi-load for this phase.
load() {
	local name=$1 socket=$PLACE/$2.sock
	shift 2
	"$TEST_APPS/fcgi-load" --json --seconds "$((seconds / 2))" --timeout 30s "$@" "$socket" \
		>"$out/$phase-$name.json" 2>"$out/$phase-$name.err" &
	STARTED+=($!)
	loads+=($!)
}

# What those that ask for misdeeds get is their own affair.
bad_load() { # QUERY RATE
	load "bad-$1" bad --any --method POST --body 10 --rate "$2" --connections 20 \
		--param "QUERY_STRING=$1"
}

begin_loads() {
	loads=()
	load new api --connections 6 --mix 80:1ms,15:5ms,5:40ms --answer 1000
	load kept api --keep --connections 4 --mix 90:2ms,10:20ms --answer 5000
	load multiplexed many --keep --connections 3 --per-connection 4 --mix 90:2ms,10:30ms --answer 20000
	load upload upload --connections 4 --body 300k --answer 300000 --mix 100:5ms
	load secured secured --connections 2 --param HTTP_X_AUTH=allow --mix 100:5ms
	load beside-bad bad --connections 4 --mix 100:5ms
	bad_load crash 1
	bad_load half 1
	bad_load garbage 1
	bad_load hang 0.2
	load burst api --connections 60 --rate 15 --mix 100:50ms
}

are_loads_over() { are_gone "${loads[@]}"; }

# Whoever reads slowly gets the answer whole, too.
slow_reader() {
	local sum asked=0 lost=0
	until are_loads_over; do
		asked=$((asked + 1))
		sum=$(fcgi_client --sum --slow-read 15 --timeout 60000 --param REQUEST_METHOD=GET \
			--query size=400000 "$PLACE/slow.sock" 2>&1)
		[ "$sum" = "$slow_sum" ] || { lost=$((lost + 1)) && echo "$sum"; }
	done
	echo "$asked $lost"
}

# Who goes away in the middle, sends half a request or does nothing at all.
nuisance() {
	printf '\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\50\0\0half' >"$PLACE/half"
	until are_loads_over; do
		fcgi_client --abort 30 --query sleep=200 "$PLACE/slow.sock"
		fcgi_client --raw "$PLACE/half" --timeout 300 "$PLACE/slow.sock"
		fcgi_client --param REQUEST_METHOD=GET --param SCRIPT_NAME=/status "$PLACE/api.sock"
		"$TEST_APPS/fcgi-load" --keep --idle 20 --seconds 1 "$PLACE/many.sock"
	done >/dev/null 2>&1
}

begin_clients() {
	local n
	for n in 1 2 3; do
		slow_reader >"$out/$phase-slow-$n" &
		clients+=($!)
	done
	nuisance &
	clients+=($!)
	STARTED+=("${clients[@]}")
}

kill_child() {
	local name=${victims[RANDOM % ${#victims[@]}]} child
	child=$(herd_children "$name" | shuf -n 1)
	[ -n "$child" ] && kill -KILL "$child" 2>/dev/null || return
	kills[$phase-$name]=$((${kills[$phase-$name]-0} + 1))
	note "kill,$name"
}

has_fewest_children() { [ $((reloads % 3)) -eq 1 ]; }
# To the end, or until one of the new processes was killed: it then leaves the others as they are.
has_reloaded() { has_logs "$reloads" ': reload: (done in|a new process failed)'; }

# By either signal, each time with another number of children than before: 5, 6, 7 and again.
reload() {
	local signals=(HUP USR2)
	has_reloaded || return
	sed -i "/^\[api\]/,/^\[many\]/s/^max-procs.*/max-procs = $((5 + reloads % 3))/" "$PLACE/herd.ini"
	kill "-${signals[reloads % 2]}" "$HERD_PID"
	note "reload,${signals[reloads % 2]}"
	reloads=$((reloads + 1))
}

# What the access log says of GETs that failed.
keep_failures() { grep -hE 'method="GET".* status=5' "$PLACE"/access* >>"$out/failures" 2>/dev/null; }

# The access log moves away; only the last two are kept.
rotate() {
	[ -f "$PLACE/access" ] || return
	[ ! -f "$PLACE/access.old" ] || { keep_failures && sort -u -o "$out/failures" "$out/failures"; }
	mv "$PLACE/access" "$PLACE/access.old"
	kill -USR1 "$HERD_PID"
	rotations=$((rotations + 1))
}

disturb() {
	local reload_at=$((SECONDS + 1)) rotate_at=$((SECONDS + 5))
	until are_loads_over; do
		is_gone "$HERD_PID" && complain "fcgi-herd has ended" && return
		sleep 0.5
		kill_child
		[ $SECONDS -lt $rotate_at ] || { rotate_at=$((SECONDS + 10)) && rotate; }
		[ "$phase" = steady ] || [ $SECONDS -lt $reload_at ] ||
			{ reload_at=$((SECONDS + reload_every)) && reload; }
	done
}

run_phase() { # reloads | steady
	phase=$1 clients=()
	note "phase,$phase"
	begin_loads
	begin_clients
	disturb
	wait "${clients[@]}"
	wait_until 20 has_reloaded || complain "a reload did not come to its end"
}

json_number() { grep -oE "\"$2\":[0-9]+" "$1" | head -n 1 | grep -oE "[0-9]+\$"; } # FILE KEY

# Errors of one load beside what it may have.
judge_load() { # FILE MOST
	local name=${1##*/} answers errors
	name=${name%.json}
	answers=$(json_number "$1" answers)
	errors=$((10#0$(json_number "$1" error_count) + 10#0$(json_number "$1" unfinished)))
	printf '%-24s %9s answers %6s lost, at most %s\n' "$name" "$answers" "$errors" "$2"
	[ "0$answers" -gt 0 ] || complain "$name: no answers"
	[ "$errors" -le "$2" ] || complain "$name: $errors lost"
}

count_given_up() { grep -cE ' backend=bad .* retries=2 ' "$out/failures"; }

# A GET is never lost, unless three processes in turn died with it. A POST may be with the child that
# had it.
judge_loads() {
	local file name
	for file in "$out"/*.json; do
		name=${file##*/}
		case $name in
		*-bad-*) ;;
		*-upload.json) judge_load "$file" "${kills[${name%.json}]-0}" ;;
		*-beside-bad.json) judge_load "$file" "$(count_given_up)" ;;
		*) judge_load "$file" 0 ;;
		esac
	done
	for file in "$out"/*-slow-?; do
		read -r asked lost < <(tail -n 1 "$file")
		printf '%-24s %9s answers %6s lost, at most 0\n' "${file##*/}" "$asked" "$lost"
		[ "$lost" -eq 0 ] || complain "${file##*/}: $lost lost"
	done
}

count_open() { find "/proc/$HERD_PID/fd" -mindepth 1 -maxdepth 1 | wc -l; }

# What the supervisor has open, and runs, when it has nothing to do.
at_rest() { echo "$(count_open) descriptors, $(pgrep -P "$HERD_PID" | wc -l) processes"; }
is_at_rest() { is_idle && [ "$(at_rest)" = "$rest" ]; }

# As many as min-procs and the sections without it say, and one fcgi-mux.
has_fewest() { is_idle && [ "$(pgrep -P "$HERD_PID" | wc -l)" -eq $((1 + 12)) ]; }

start_all() {
	make_place
	copy_programs
	write_configuration
	start_herd --config "$PLACE/herd.ini"
	export FRONT=$PLACE/api.sock
	wait_until 30 has_log ': ready$' || return 1
	# After the first reload, which leaves open what the first life had not.
	begin_us=$(now_us)
	reload
	wait_until 30 has_reloaded && wait_until 30 has_fewest || return 1
	rest=$(at_rest)
	slow_sum=$(fcgi_client --sum --param REQUEST_METHOD=GET --query size=400000 "$PLACE/slow.sock")
	[ -n "$slow_sum" ]
}

sockets() { ss -xlpH | grep -E "pid=($(descendants "$HERD_PID" | paste -sd '|'))," | awk '{ print $5 }'; }

stop_all() {
	local path paths
	wait_until 60 is_at_rest || complain "in the end $(at_rest), not $rest"
	paths=$(sockets)
	[ -n "$paths" ] || complain "no sockets found"
	stop_herd TERM || complain "fcgi-herd did not end in order"
	for path in $paths "$PLACE"/*.sock "$PLACE/pid"; do
		[ ! -e "$path" ] || complain "$path was left over"
		[[ $path != */fcgi-herd.*/* ]] || [ ! -e "${path%/*}" ] || complain "${path%/*} was left over"
	done
	! pgrep -af "^$PLACE/bin/(api|many|upload|bad|guard|secured|slow|fcgi-herd|fcgi-mux)" ||
		complain "processes were left over"
	[ -z "${VALGRIND-}" ] || judge_valgrind
}

judge_valgrind() {
	cat "$PLACE"/valgrind/* >"$out/valgrind"
	echo "valgrind: $(find "$PLACE/valgrind" -type f | wc -l) lives"
	[ ! -s "$out/valgrind" ] || complain "valgrind has something to say, in $out/valgrind"
}

finish() {
	clean_up >/dev/null 2>&1
	[ "${#complaints[@]}" -gt 0 ] || { echo "soak: good" && exit 0; }
	tail -n 20 "$HERD_LOG" | cut -c 1-200
	(IFS=';' && echo "soak: failed: ${complaints[*]}")
	exit 1
}

trap 'complain interrupted; finish' INT TERM
start_all || { complain "it did not start" && finish; }
python3 "$here/watch.py" "$HERD_PID" "$begin_us" "$seconds" "$out/samples.csv" &
STARTED+=($!)
run_phase reloads
# As at the beginning, so that the end can be compared with it.
until has_fewest_children || [ "${#complaints[@]}" -gt 0 ]; do
	reload
	wait_until 20 has_reloaded || complain "a reload did not come to its end"
done
run_phase steady
note end
keep_failures
stop_all
judge_loads
echo "$seconds s, $reloads reloads, $(grep -c ,kill, "$out/events.csv") kills, $rotations access logs"
python3 "$here/draw.py" "$out" || complain "growth, see above"
finish
