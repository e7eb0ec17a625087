#!/usr/bin/env bats
# Clients that vanish, stop sending or stop reading at every stage of a request, and such that send
# nonsense, beside a load of good ones whose answers are all checked.

bats_require_minimum_version 1.5.0

load helpers
load front

REQUESTS=${REQUESTS:-2000}

LOAD_AS=(--rate 2500)

# The allocator keeps pages that it will need again (a sanitizer far more); what is lost with each client
# would be more than that.
SPARE_KB=${SANITIZED:+800000}
SPARE_KB=${SPARE_KB:-16000}

count_descriptors() { find "/proc/$(pid_of_mux)/fd" -mindepth 1 | wc -l; }
memory_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(pid_of_mux)/status"; }

# start_watched ...: as start_front with bench-app; notes what the mux needs after a load.
start_watched() {
	LEVEL=info PROGRAM=${PROGRAM-bench-app} start_front 4 "$@"
	[ -z "${TCP_FRONT-}" ] || FRONT=$TCP_FRONT
	REQUESTS=1000 put_load
	REQUESTS=1000 put_load --keep
	wait_until 5 is_idle
	DESCRIPTORS=$(count_descriptors)
	MEMORY_KB=$(memory_kb)
}

# The load has not noticed, and the mux has forgotten them all.
check_unharmed() {
	check_load
	wait_until 10 is_idle
	wait_until 10 is_lean
	# All processes can be had again.
	REQUESTS=1000 put_load --keep
}
is_lean() {
	[ "$(count_descriptors)" -le "$DESCRIPTORS" ] && [ "$(memory_kb)" -le $((MEMORY_KB + SPARE_KB)) ]
}

bad_client() { "$TEST_APPS/bad-client" "$@" "$FRONT"; }

# So many stay where they are, until let_go.
start_stalled() { # OPTION ...
	"$TEST_APPS/bad-client" --rest 600000 "$@" "$FRONT" >"$PLACE/stalled" 3>&- &
	STALLED=$!
	STARTED+=("$STALLED")
	wait_until 20 grep -q there "$PLACE/stalled"
}
let_go() {
	kill -KILL "$STALLED"
	wait "$STALLED" 2>/dev/null || :
}

# try_stage STAGE [OPTION ...]: clients that get so far and leave at once, after a moment, or when they
# have shut their side down; and two hundred that stay there. LOAD_AS are more options of the load.
try_stage() {
	local stage=$1
	shift
	start_watched
	begin_load "${LOAD_AS[@]}"
	while ! is_gone "$LOAD"; do
		bad_client --stage "$stage" --clients 20 --rounds 5 "$@"
		bad_client --stage "$stage" --clients 20 --rest 5 "$@"
		bad_client --stage "$stage" --clients 20 --rest 5 --shut "$@"
	done >"$PLACE/bad"
	check_load
	start_stalled --stage "$stage" --clients 200 "$@"
	begin_load --keep "${LOAD_AS[@]}"
	check_load
	REQUESTS=1000 put_load
	let_go
	check_unharmed
}

@test "clients that send nothing" { try_stage connected; }
@test "clients in the middle of a header" { try_stage header; }
@test "clients in the middle of BEGIN_REQUEST" { try_stage begin-body; }
@test "clients that send BEGIN_REQUEST alone" { try_stage begun; }
@test "clients in the middle of the parameters" { try_stage params --param "LONG=$(printf '%05000d' 0)"; }
@test "clients between parameters and body" { try_stage params-end; }
@test "clients in the middle of the body" { try_stage body --body-size 40000; }
@test "clients that do not end the body" { try_stage body-end --body-size 40000; }
@test "clients that are not there when the answer is" { try_stage sent --param BENCH_ANSWER=20000; }
@test "clients that leave while they run, and such that wait" {
	# They take a part of the time that there is.
	REQUESTS=600
	LOAD_AS=(--param BENCH_SLEEP=1000)
	try_stage sent --param BENCH_SLEEP=3000
}
@test "clients in the middle of the answer" { try_stage answering --param BENCH_ANSWER=400000; }
@test "clients that have their answer" { try_stage answered --param BENCH_ANSWER=1000; }

@test "clients with many requests at once that leave with all of them" {
	local stage
	start_watched
	begin_load --keep --rate 2500
	while ! is_gone "$LOAD"; do
		for stage in begun params-end body sent answering; do
			bad_client --stage $stage --clients 3 --at-once 40 --rest 3 --body-size 10000 --param BENCH_ANSWER=10000
		done
	done >"$PLACE/bad"
	check_unharmed
}

@test "clients that reset their connection at any stage, over TCP" {
	local stage port
	port=$(free_port)
	TCP_FRONT=127.0.0.1:$port
	SECTION="listen = $TCP_FRONT" start_watched
	begin_load --rate 2000
	while ! is_gone "$LOAD"; do
		for stage in connected header begun params-end body sent answering answered; do
			bad_client --stage $stage --clients 20 --reset --body-size 40000 --param BENCH_ANSWER=200000
			bad_client --stage $stage --clients 20 --reset --rest 3 --body-size 40000 --param BENCH_ANSWER=200000
		done
	done >"$PLACE/bad"
	check_unharmed
}

@test "a body beyond the buffer whose client stops sending holds one process, and only until it leaves" {
	start_watched
	start_stalled --stage body --body-size 1000000
	wait_until 5 statistic_is fastcgi.backend.app.load 1
	begin_load --keep --rate 2000
	check_load
	let_go
	check_unharmed
}

@test "an answer beyond the buffer whose client does not read holds one process, and only until it leaves" {
	start_watched
	start_stalled --stage answering --param BENCH_ANSWER=4000000
	wait_until 5 statistic_is fastcgi.backend.app.load 1
	begin_load --keep --rate 2000
	check_load
	let_go
	check_unharmed
}

@test "answers that nobody reads hold no process while they are within response-buffer" {
	start_watched
	start_stalled --stage answering --clients 300 --param BENCH_ANSWER=400000
	wait_until 10 is_idle
	# Each of them is in the kernel's buffers or in ours.
	[ "$(memory_kb)" -le $((MEMORY_KB + 300 * 512 + SPARE_KB)) ]
	begin_load --rate 2500
	check_load
	let_go
	check_unharmed
}

@test "hundreds of clients that do not read large answers take as much memory as the buffers may" {
	PROGRAM=misbehave WHOLE='response-buffer = 64k' start_watched --threads --max-conns 200 --default bench
	start_stalled --stage answering --clients 300 --param BENCH_ANSWER=3000000
	begin_load --keep --rate 2000 --answer 1000
	check_load
	# What was read in one go may be beyond the limit.
	[ "$(memory_kb)" -le $((MEMORY_KB + 300 * (64 + 128) + SPARE_KB)) ]
	let_go
	check_unharmed
}

@test "one connection with many answers that it does not read takes no more than one buffer" {
	start_watched
	start_stalled --stage answering --at-once 200 --param BENCH_ANSWER=400000
	# Each process may have read one more for it.
	[ "$(memory_kb)" -le $((MEMORY_KB + 512 + 4 * 512 + SPARE_KB)) ]
	begin_load --keep --rate 1000
	check_load
	let_go
	check_unharmed
}

# flood: what was put into the place as nonsense is sent on and on while the load runs; few lines come
# of it in the log.
flood() {
	start_watched
	begin_load --rate 2000
	while ! is_gone "$LOAD"; do
		bad_client --raw "$PLACE/nonsense" --clients 10 --rounds 10
	done >"$PLACE/bad"
	check_unharmed
	# Lines a second of the log, the most.
	[ "$(cut -d . -f 1 "$HERD_LOG" | uniq -c | sort -n | awk 'END { print $1 }')" -le 120 ]
}

@test "a flood of what is no FastCGI" {
	printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' | place_file nonsense
	flood
	has_log 'no FastCGI'
	statistic_is_least 'bad clients' 100
}

@test "a flood of records of a wrong version" {
	{ begin 1; record 2 4 1 0 0; } | place_file nonsense
	flood
	has_log 'no FastCGI'
	statistic_is_least 'bad clients' 100
}

@test "a flood of BEGIN_REQUEST records that are none" {
	record 1 1 1 65535 255 | place_file nonsense
	flood
	has_log 'no FastCGI'
}

@test "a flood of requests with the id 0" {
	begin 0 | place_file nonsense
	flood
	has_log 'id in use'
	statistic_is_least 'bad clients' 100
}

@test "a flood of requests that begin twice" {
	{ begin 7; begin 7; } | place_file nonsense
	flood
	has_log 'id in use'
}

@test "a flood of absurd lengths" {
	{
		begin 1
		# A name of 2 GiB and one that is cut off.
		record 1 4 1 8 0 '\xff\xff\xff\xff\xff\xff\xff\xff'
		record 1 4 1 0 0
		begin 2
		record 1 4 2 3 0 '\x80\0\0'
		record 1 4 2 0 0
	} | place_file nonsense
	flood
	has_log 'no name-value pairs'
	statistic_is_least 'answered 400' 100
}

@test "a flood of bodies without parameters" {
	{ begin 1; record 1 5 1 1 0 x; begin 2; record 1 8 2 0 0; } | place_file nonsense
	flood
	has_log "a body came before the parameters' end"
}

@test "a flood of unknown types, with and without an id" {
	local n
	for n in $(seq 500); do
		record 1 $((12 + n % 240)) 0 5 3 'abcde\0\0\0'
		record 1 $((12 + n % 240)) $n 0 0
	done | place_file nonsense
	flood
	statistic_is 'bad clients' 0
}

@test "a flood of unknown roles" {
	local n
	for n in $(seq 200); do record 1 1 "$n" 8 0 '\0\11\1\0\0\0\0\0'; done | place_file nonsense
	flood
	statistic_is 'bad clients' 0
}

@test "a flood of records for requests that never were" {
	local n
	for n in $(seq 200); do
		record 1 5 "$n" 2 0 ab
		record 1 2 "$n" 0 0
		record 1 4 "$n" 0 0
	done | place_file nonsense
	flood
	statistic_is 'bad clients' 0
}

@test "a flood of questions for values, broken ones too" {
	{
		for n in $(seq 100); do record 1 9 0 17 0 '\17\0FCGI_MPXS_CONNS'; done
		record 1 9 0 4 0 '\xff\xff\xff\xff'
	} | place_file nonsense
	flood
}

@test "a flood of random bytes" {
	head -c 100000 /dev/urandom | place_file nonsense
	flood
}
