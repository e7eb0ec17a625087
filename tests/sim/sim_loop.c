/* os/loop, with time that moves when it is told to: in place of the one on libev. */
#include "sim.h"

#include <signal.h>

#include "os/loop.h"
#include "sim_socket.h"

enum { TIMERS_MAX = 64, TURNS_MAX = 4, SIGNALS = 65 };

/* No run takes as many turns to come to rest. */
enum { SETTLE_MAX = 100000 };

static struct loop_io *watched[SIM_SOCKETS_MAX]; /* by number of the socket */
static size_t watched_end;			 /* behind the last one */
static struct {
	struct loop_timer *timer; /* NULL: free */
	uint64_t due_ms, every_ms;
} timers[TIMERS_MAX];
static struct loop_turn *turn;
static struct loop_signal *signals[SIGNALS];
static uint64_t now_ms = 1000000;
static bool is_stopped;

void sim_loop_reset(void)
{
	for (size_t i = 0; i < watched_end; i++)
		watched[i] = NULL;
	for (int i = 0; i < TIMERS_MAX; i++)
		timers[i].timer = NULL;
	for (int i = 0; i < SIGNALS; i++)
		signals[i] = NULL;
	turn = NULL;
	watched_end = 0;
	is_stopped = false;
}

uint64_t sim_now_ms(void)
{
	return now_ms;
}

void sim_advance(uint64_t ms)
{
	now_ms += ms;
}

bool sim_is_stopped(void)
{
	return is_stopped;
}

bool loop_init(void)
{
	return true;
}

void loop_run(void)
{
	sim_settle();
}

void loop_stop(void)
{
	is_stopped = true;
}

uint64_t loop_now_ms(void)
{
	return now_ms;
}

void loop_io_init(struct loop_io *io, int fd, void (*on_ready)(struct loop_io *, int))
{
	io->on_ready = on_ready;
	io->watcher.fd = fd;
	io->watcher.events = 0;
}

void loop_io_set(struct loop_io *io, int events)
{
	int number = sim_socket_number(io->watcher.fd);

	io->watcher.events = events;
	if (number < 0) {
		MUST(events == 0, "a closed descriptor is watched");
		return;
	}
	MUST(!watched[number] || watched[number] == io, "a descriptor is watched twice");
	watched[number] = events ? io : NULL;
	if (events && (size_t)number >= watched_end)
		watched_end = (size_t)number + 1;
}

int loop_io_events(const struct loop_io *io)
{
	return io->watcher.events;
}

uint64_t loop_take_refusals(void)
{
	return 0;
}

void loop_timer_init(struct loop_timer *timer, void (*on_timeout)(struct loop_timer *))
{
	timer->on_timeout = on_timeout;
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
	for (int i = 0; i < TIMERS_MAX; i++)
		if (timers[i].timer == timer)
			return true;
	return false;
}

void loop_timer_stop(struct loop_timer *timer)
{
	for (int i = 0; i < TIMERS_MAX; i++)
		if (timers[i].timer == timer)
			timers[i].timer = NULL;
}

static void start(struct loop_timer *timer, uint64_t after_ms, uint64_t every_ms)
{
	int i = 0;

	loop_timer_stop(timer);
	while (i < TIMERS_MAX && timers[i].timer)
		i++;
	MUST(i < TIMERS_MAX, "too many timers");
	timers[i].timer = timer;
	timers[i].due_ms = now_ms + after_ms;
	timers[i].every_ms = every_ms;
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
	start(timer, after_ms, 0);
}

void loop_timer_repeat(struct loop_timer *timer, uint64_t every_ms)
{
	start(timer, every_ms, every_ms);
}

void loop_signal_start(struct loop_signal *signal, int number,
		       void (*on_signal)(struct loop_signal *))
{
	signal->on_signal = on_signal;
	signals[number] = signal;
}

void loop_signal_stop(struct loop_signal *signal)
{
	for (int i = 0; i < SIGNALS; i++)
		if (signals[i] == signal)
			signals[i] = NULL;
}

void sim_signal(int number)
{
	if (!signals[number])
		return;
	sim_memory_enter();
	signals[number]->on_signal(signals[number]);
	if (turn)
		turn->on_turn_end(turn);
	sim_memory_leave();
}

void loop_children_start(struct loop_children *children,
			 void (*on_exit)(struct loop_children *, pid_t, int))
{
	children->on_exit = on_exit;
}

void loop_turn_start(struct loop_turn *new_turn, void (*on_turn_end)(struct loop_turn *))
{
	new_turn->on_turn_end = on_turn_end;
	turn = new_turn;
}

static int ready_events(size_t number)
{
	return watched[number] ? watched[number]->watcher.events & sim_socket_events((int)number)
			       : 0;
}

/* From anywhere on, so that no order is the rule. What one of them changes, the next one sees. */
static bool run_ready(void)
{
	size_t first = watched_end > 0 ? sim_choose((unsigned)watched_end) : 0;
	bool is_any = false;

	for (size_t i = 0; i < watched_end; i++) {
		size_t number = (first + i) % watched_end;
		int events = ready_events(number);

		if (events == 0)
			continue;
		is_any = true;
		watched[number]->on_ready(watched[number], events);
	}
	return is_any;
}

static bool run_timers(void)
{
	bool is_any = false;

	for (int i = 0; i < TIMERS_MAX; i++) {
		struct loop_timer *timer = timers[i].timer;

		if (!timer || timers[i].due_ms > now_ms)
			continue;
		is_any = true;
		timers[i].due_ms = now_ms + timers[i].every_ms;
		if (timers[i].every_ms == 0)
			timers[i].timer = NULL;
		timer->on_timeout(timer);
	}
	return is_any;
}

bool sim_turn(void)
{
	bool is_any;

	sim_memory_enter();
	is_any = run_ready();
	is_any |= run_timers();
	if (turn)
		turn->on_turn_end(turn);
	sim_memory_leave();
	return is_any;
}

void sim_settle(void)
{
	int count = 0;

	while (!is_stopped && sim_turn())
		MUST(++count < SETTLE_MAX, "the loop never comes to rest");
}
