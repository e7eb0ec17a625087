#include "load_run.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "load_connection.h"

enum {
	EVENTS_MAX = 256,
	TICK_MS = 20,
	GRACE_MS = 500,	     /* for connections that were never answered, after the end */
	HOLD_AT_ONCE = 64,   /* first requests of held connections */
	ARRIVALS_MIN = 1024, /* room; doubled when needed */
};

/* A request of the open loop: it counts from its moment, whether a connection is free or not. */
struct arrival {
	uint64_t since_ns;
	unsigned class;
};

struct arrivals {
	struct arrival *items; /* owned; a ring */
	size_t first, count, room;
	uint64_t next_ns; /* when the next one is due */
	int timer_fd;	  /* owned; -1 in the closed loop */
};

struct run {
	struct load_shared shared;
	struct load_connection *connections;
	size_t connection_count;
	struct arrivals arrivals;
	uint64_t start_ns;
	uint64_t issued;
	uint64_t random;
	unsigned share_sum;
	uint64_t next_tick_ns;
	bool is_hold; /* one request on each connection */
};

/* splitmix64: small, and the same everywhere, so that a seed gives the same load. */
static uint64_t next_random(struct run *run)
{
	uint64_t z = run->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned next_class(struct run *run)
{
	const struct load_options *options = run->shared.options;
	unsigned class = 0, drawn;

	if (options->class_count == 1)
		return 0;
	drawn = (unsigned)(next_random(run) % run->share_sum);
	while (drawn >= options->classes[class].share)
		drawn -= options->classes[class ++].share;
	return class;
}

/* Exponentially distributed, as of many clients who do not know of each other. */
static uint64_t next_gap_ns(struct run *run)
{
	double uniform = (double)((next_random(run) >> 11) + 1) / (double)(1ULL << 53);

	return (uint64_t)(-log(uniform) * 1e9 / run->shared.options->rate);
}

static bool may_issue(const struct run *run)
{
	return run->shared.now_ns < run->shared.end_ns &&
	       run->issued < run->shared.options->requests;
}

/* Room is a power of two, so that places wrap with a mask. */
static struct arrival *arrivals_at(const struct arrivals *arrivals, size_t number)
{
	return &arrivals->items[(arrivals->first + number) & (arrivals->room - 1)];
}

static bool arrivals_grow(struct arrivals *arrivals)
{
	size_t room = arrivals->room ? arrivals->room * 2 : ARRIVALS_MIN;
	struct arrival *items = calloc(room, sizeof(*items));

	if (!items)
		return false;
	for (size_t i = 0; i < arrivals->count; i++)
		items[i] = *arrivals_at(arrivals, i);
	free(arrivals->items);
	arrivals->items = items;
	arrivals->first = 0;
	arrivals->room = room;
	return true;
}

static void add_arrival(struct run *run)
{
	struct arrivals *arrivals = &run->arrivals;
	struct arrival arrival = {.since_ns = arrivals->next_ns, .class = next_class(run)};

	arrivals->next_ns += next_gap_ns(run);
	run->issued++;
	if (arrivals->count == arrivals->room && !arrivals_grow(arrivals))
		abort(); /* no memory: no measurement */
	*arrivals_at(arrivals, arrivals->count++) = arrival;
}

static void arm_timer(const struct arrivals *arrivals)
{
	const struct itimerspec time = {
		.it_value = {.tv_sec = (time_t)(arrivals->next_ns / 1000000000),
			     .tv_nsec = (long)(arrivals->next_ns % 1000000000)},
	};

	timerfd_settime(arrivals->timer_fd, TFD_TIMER_ABSTIME, &time, NULL);
}

/* What is due of the open loop. */
static void take_arrivals(struct run *run)
{
	bool any = false;

	while (run->arrivals.next_ns <= run->shared.now_ns &&
	       run->arrivals.next_ns < run->shared.end_ns &&
	       run->issued < run->shared.options->requests) {
		add_arrival(run);
		any = true;
	}
	if (any)
		arm_timer(&run->arrivals);
}

/* False: no request is due. */
static bool next_request(struct run *run, struct arrival *arrival)
{
	struct arrivals *arrivals = &run->arrivals;

	if (arrivals->timer_fd >= 0) {
		if (arrivals->count == 0)
			return false;
		*arrival = *arrivals_at(arrivals, 0);
		arrivals->first++;
		arrivals->count--;
		return true;
	}
	if (!may_issue(run) || (run->is_hold && run->shared.outstanding >= HOLD_AT_ONCE))
		return false;
	run->issued++;
	*arrival = (struct arrival){.since_ns = run->shared.now_ns, .class = next_class(run)};
	return true;
}

static void start_requests(struct run *run)
{
	struct arrival arrival;
	struct list *link;

	if (run->arrivals.timer_fd >= 0)
		take_arrivals(run);
	while ((link = list_first(&run->shared.idle)) != NULL) {
		struct load_connection *connection =
			container_of(link, struct load_connection, link);

		if (run->is_hold && connection->answers > 0)
			list_detach(link); /* has had its one */
		else if (next_request(run, &arrival))
			load_connection_start(connection, arrival.since_ns, arrival.class);
		else
			break;
	}
}

static void bring_back_resting(struct run *run)
{
	struct list *link;

	while ((link = list_first(&run->shared.resting))) {
		list_detach(link);
		list_append(&run->shared.idle, link);
	}
}

static void tick(struct run *run)
{
	if (run->shared.now_ns < run->next_tick_ns)
		return;
	run->next_tick_ns = run->shared.now_ns + TICK_MS * 1000000;
	bring_back_resting(run);
	for (size_t i = 0; i < run->connection_count; i++)
		load_connection_expire(&run->connections[i]);
}

/* Requests on connections that were never answered: at the end nobody waits for them long. */
static uint64_t count_hopeless(const struct run *run)
{
	uint64_t hopeless = 0;

	for (size_t i = 0; i < run->connection_count; i++)
		if (run->connections[i].answers == 0)
			hopeless += run->connections[i].active;
	return hopeless;
}

static bool is_over(const struct run *run)
{
	const struct load_shared *shared = &run->shared;
	uint64_t grace_ns = (uint64_t)GRACE_MS * 1000000;

	if (may_issue(run) || run->arrivals.count > 0)
		return false;
	if (shared->outstanding == 0)
		return true;
	return shared->now_ns > shared->end_ns + grace_ns &&
	       count_hopeless(run) == shared->outstanding;
}

static void turn(struct run *run)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(run->shared.epoll_fd, events, EVENTS_MAX, TICK_MS);

	run->shared.now_ns = load_now_ns();
	for (int i = 0; i < count; i++) {
		uint64_t expirations;

		if (events[i].data.ptr)
			load_connection_on_event(events[i].data.ptr, events[i].events);
		else if (read(run->arrivals.timer_fd, &expirations, sizeof(expirations)) < 0)
			continue; /* set anew in the meantime */
	}
	tick(run);
	start_requests(run);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_arrivals(struct run *run)
{
	struct epoll_event event = {.events = EPOLLIN};

	run->arrivals.timer_fd = -1;
	if (run->shared.options->rate == 0)
		return true;
	run->arrivals.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return run->arrivals.timer_fd >= 0 &&
	       epoll_ctl(run->shared.epoll_fd, EPOLL_CTL_ADD, run->arrivals.timer_fd, &event) == 0;
}

static bool open_connections(struct run *run, size_t count)
{
	run->connections = calloc(count, sizeof(*run->connections));
	for (; run->connections && run->connection_count < count; run->connection_count++)
		if (!load_connection_init(&run->connections[run->connection_count], &run->shared))
			break;
	return run->connections && run->connection_count == count;
}

static bool open_run(struct run *run, const struct load_options *options, struct load_stats *stats)
{
	struct load_shared *shared = &run->shared;

	shared->options = options;
	shared->stats = stats;
	list_init(&shared->idle);
	list_init(&shared->resting);
	run->random = options->seed;
	shared->next_token = next_random(run);
	for (size_t i = 0; i < options->class_count; i++)
		run->share_sum += options->classes[i].share;
	raise_descriptor_limit();
	shared->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!load_recipe_init(&shared->recipe, options)) {
		fputs("fcgi-load: no memory, or the parameters are too long\n", stderr);
		return false;
	}
	if (shared->epoll_fd >= 0 && open_arrivals(run) &&
	    open_connections(run, run->is_hold ? options->idle : options->connections))
		return true;
	perror("fcgi-load");
	return false;
}

static void set_time(struct run *run)
{
	uint64_t duration_ns = run->shared.options->duration_ms * 1000000;

	run->start_ns = run->shared.now_ns = load_now_ns();
	run->shared.end_ns = run->is_hold ? UINT64_MAX : run->start_ns + duration_ns;
	run->arrivals.next_ns = run->start_ns;
	if (run->arrivals.timer_fd >= 0)
		run->arrivals.next_ns += next_gap_ns(run);
	if (run->arrivals.timer_fd >= 0)
		arm_timer(&run->arrivals);
}

static void close_run(struct run *run)
{
	for (size_t i = 0; i < run->connection_count; i++)
		load_connection_fini(&run->connections[i]);
	free(run->connections);
	free(run->arrivals.items);
	load_recipe_fini(&run->shared.recipe);
	if (run->arrivals.timer_fd >= 0)
		close(run->arrivals.timer_fd);
	if (run->shared.epoll_fd >= 0)
		close(run->shared.epoll_fd);
	free(run);
}

static void sum_up(struct run *run, struct load_stats *stats)
{
	uint64_t end_ns = run->shared.end_ns;

	/* All requests were made before the time was over: the last answer was the end. */
	if (run->issued == run->shared.options->requests && run->shared.last_answer_ns < end_ns)
		end_ns = run->shared.last_answer_ns;
	stats->duration_ns = end_ns > run->start_ns ? end_ns - run->start_ns : 0;
	stats->unfinished = run->shared.outstanding;
	for (size_t i = 0; i < run->connection_count; i++)
		stats->starved += run->connections[i].has_tried && run->connections[i].answers == 0;
}

bool load_run(const struct load_options *options, struct load_stats *stats)
{
	struct run *run = calloc(1, sizeof(*run));
	bool is_open = run && open_run(run, options, stats);

	if (is_open) {
		set_time(run);
		start_requests(run);
		while (!is_over(run))
			turn(run);
		sum_up(run, stats);
	}
	if (run)
		close_run(run);
	return is_open;
}

/* Without --keep connections are only opened. A full backlog is no reason to give up. */
static size_t open_only(struct run *run)
{
	const uint64_t patience_ns = 10000000000;
	size_t count = 0;

	while (count < run->connection_count && load_now_ns() < run->start_ns + patience_ns) {
		int error = load_connection_open(&run->connections[count]);

		if (error == 0)
			count++;
		else if (error == -EAGAIN)
			usleep(1000);
		else
			break;
	}
	return count;
}

static size_t ask_each(struct run *run, const struct load_stats *stats)
{
	start_requests(run);
	while (stats->answers < run->connection_count && load_stats_errors(stats) == 0)
		turn(run);
	return stats->answers;
}

static void wait_for_end(const struct load_options *options)
{
	const struct timespec duration = {
		.tv_sec = (time_t)(options->duration_ms / 1000),
		.tv_nsec = (long)(options->duration_ms % 1000) * 1000000,
	};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (options->duration_ms > 0)
		sigtimedwait(&signals, NULL, &duration);
	else
		sigwaitinfo(&signals, NULL);
}

bool load_hold(const struct load_options *options, struct load_stats *stats)
{
	struct run *run = calloc(1, sizeof(*run));
	bool is_open;
	size_t held;

	if (!run)
		return false;
	run->is_hold = true;
	is_open = open_run(run, options, stats);
	if (is_open) {
		set_time(run);
		held = options->keeps ? ask_each(run, stats) : open_only(run);
		printf("holding %zu of %zu connections\n", held, options->idle);
		fflush(stdout);
		if (held == options->idle)
			wait_for_end(options);
		is_open = held == options->idle;
	}
	close_run(run);
	return is_open;
}
