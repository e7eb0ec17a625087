#include "os/loop.h"

#include <time.h>

#include "base/list.h"

static struct ev_loop *loop;
static struct ev_check clock_watcher;
static uint64_t now_ms;
static uint64_t refusal_count;

static void read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_wake_up(struct ev_loop *unused, struct ev_check *watcher, int events)
{
	(void)unused;
	(void)watcher;
	(void)events;
	read_clock();
}

bool loop_init(void)
{
	loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (!loop)
		return false;
	/* libev's ev_now follows the wall clock, which jumps. */
	ev_check_init(&clock_watcher, on_wake_up);
	ev_set_priority(&clock_watcher, EV_MAXPRI);
	ev_check_start(loop, &clock_watcher);
	read_clock();
	return true;
}

void loop_run(void)
{
	ev_run(loop, 0);
}

void loop_stop(void)
{
	ev_break(loop, EVBREAK_ALL);
}

uint64_t loop_now_ms(void)
{
	return now_ms;
}

/*
 * The kernel had no memory to watch it, or too many are watched, and libev has stopped the watcher.
 * With ev_io_set the kernel is asked anew in the next turn, though nothing seems to have changed.
 */
static void watch_again(struct ev_io *watcher)
{
	refusal_count++;
	ev_io_set(watcher, watcher->fd, watcher->events & (EV_READ | EV_WRITE));
	ev_io_start(loop, watcher);
}

static void on_io(struct ev_loop *unused, struct ev_io *watcher, int events)
{
	struct loop_io *io = container_of(watcher, struct loop_io, watcher);

	(void)unused;
	if (events & EV_ERROR)
		watch_again(watcher);
	else
		io->on_ready(io, events);
}

void loop_io_init(struct loop_io *io, int fd, void (*on_ready)(struct loop_io *, int))
{
	io->on_ready = on_ready;
	ev_io_init(&io->watcher, on_io, fd, 0);
}

void loop_io_set(struct loop_io *io, int events)
{
	/* Stopped by libev, which has not told us yet. */
	bool is_refused = !ev_is_active(&io->watcher) && ev_is_pending(&io->watcher);

	if (loop_io_events(io) == events && !is_refused)
		return;
	ev_io_stop(loop, &io->watcher);
	/* Else not ev_io_set, after which libev asks the kernel though nothing has changed. */
	if (is_refused)
		ev_io_set(&io->watcher, io->watcher.fd, events);
	else
		ev_io_modify(&io->watcher, events);
	if (events != 0)
		ev_io_start(loop, &io->watcher);
}

int loop_io_events(const struct loop_io *io)
{
	return ev_is_active(&io->watcher) ? io->watcher.events & (EV_READ | EV_WRITE) : 0;
}

uint64_t loop_take_refusals(void)
{
	uint64_t count = refusal_count;

	refusal_count = 0;
	return count;
}

static void on_timer(struct ev_loop *unused, struct ev_timer *watcher, int events)
{
	struct loop_timer *timer = container_of(watcher, struct loop_timer, watcher);

	(void)unused;
	(void)events;
	timer->on_timeout(timer);
}

void loop_timer_init(struct loop_timer *timer, void (*on_timeout)(struct loop_timer *))
{
	timer->on_timeout = on_timeout;
	ev_timer_init(&timer->watcher, on_timer, 0, 0);
}

static void timer_set(struct loop_timer *timer, uint64_t after_ms, uint64_t every_ms)
{
	ev_timer_stop(loop, &timer->watcher);
	ev_timer_set(&timer->watcher, (double)after_ms / 1000, (double)every_ms / 1000);
	ev_timer_start(loop, &timer->watcher);
}

void loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
	timer_set(timer, after_ms, 0);
}

void loop_timer_repeat(struct loop_timer *timer, uint64_t every_ms)
{
	timer_set(timer, every_ms, every_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(loop, &timer->watcher);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
	return ev_is_active(&timer->watcher);
}

static void on_any_signal(struct ev_loop *unused, struct ev_signal *watcher, int events)
{
	struct loop_signal *signal = container_of(watcher, struct loop_signal, watcher);

	(void)unused;
	(void)events;
	signal->on_signal(signal);
}

void loop_signal_start(struct loop_signal *signal, int number,
		       void (*on_signal)(struct loop_signal *))
{
	signal->on_signal = on_signal;
	ev_signal_init(&signal->watcher, on_any_signal, number);
	ev_signal_start(loop, &signal->watcher);
}

void loop_signal_stop(struct loop_signal *signal)
{
	ev_signal_stop(loop, &signal->watcher);
}

static void on_child(struct ev_loop *unused, struct ev_child *watcher, int events)
{
	struct loop_children *children = container_of(watcher, struct loop_children, watcher);

	(void)unused;
	(void)events;
	children->on_exit(children, watcher->rpid, watcher->rstatus);
}

void loop_children_start(struct loop_children *children,
			 void (*on_exit)(struct loop_children *, pid_t, int))
{
	children->on_exit = on_exit;
	ev_child_init(&children->watcher, on_child, 0, 0);
	ev_child_start(loop, &children->watcher);
}

static void on_prepare(struct ev_loop *unused, struct ev_prepare *watcher, int events)
{
	struct loop_turn *turn = container_of(watcher, struct loop_turn, watcher);

	(void)unused;
	(void)events;
	turn->on_turn_end(turn);
}

void loop_turn_start(struct loop_turn *turn, void (*on_turn_end)(struct loop_turn *))
{
	turn->on_turn_end = on_turn_end;
	ev_prepare_init(&turn->watcher, on_prepare);
	ev_prepare_start(loop, &turn->watcher);
}
