#include "mux/mux.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "config/backend_procs.h"
#include "mux/access_log.h"
#include "mux/backend.h"
#include "mux/discovery.h"
#include "mux/drain.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/load_report.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/route.h"
#include "os/control.h"
#include "os/resolver.h"

/* Messages of the supervisor taken in one go. */
enum { CONTROL_MAX = 256 };

/* For the log, the fronts, the loop and the like. */
enum { DESCRIPTORS_KEPT = 64 };

static size_t connections_max(size_t descriptors_max)
{
	return descriptors_max > 2 * DESCRIPTORS_KEPT ? (descriptors_max - DESCRIPTORS_KEPT) / 2
						      : DESCRIPTORS_KEPT / 2;
}

static void free_ended(struct mux *mux)
{
	struct list *link;

	while ((link = list_first(&mux->ended_requests))) {
		list_detach(link);
		request_free(container_of(link, struct request, link));
	}
	while ((link = list_first(&mux->ended_fronts))) {
		list_detach(link);
		front_connection_free(container_of(link, struct front_connection, link));
	}
	while ((link = list_first(&mux->ended_procs))) {
		list_detach(link);
		proc_connection_free(container_of(link, struct proc_connection, link));
	}
}

static void serve_backends(struct mux *mux)
{
	struct list *link;

	while ((link = list_first(&mux->backends_to_serve))) {
		list_detach(link);
		backend_serve(container_of(link, struct backend, to_serve));
	}
}

static void on_turn_end(struct loop_turn *turn)
{
	struct mux *mux = container_of(turn, struct mux, turn);

	serve_backends(mux);
	for (size_t i = 0; i < mux->backend_count; i++)
		load_report_turn(&mux->backends[i]);
	free_ended(mux);
	if (mux->is_draining)
		drain_step(mux);
}

static void say_refusals(struct mux *mux)
{
	bool is_refused = loop_take_refusals() > 0;

	if (is_refused && !mux->is_refused)
		log_warnx("cannot watch all connections: the kernel has no memory, or "
			  "fs.epoll.max_user_watches is reached; trying again and again");
	mux->is_refused = is_refused;
}

static void on_tick(struct loop_timer *timer)
{
	struct mux *mux = container_of(timer, struct mux, tick);

	for (size_t i = 0; i < mux->front_count; i++)
		front_tick(&mux->fronts[i]);
	for (size_t i = 0; i < mux->route_count; i++)
		route_tick(mux->routes[i]);
	for (size_t i = 0; i < mux->backend_count; i++)
		backend_tick(&mux->backends[i]);
	for (size_t i = 0; i < mux->backend_count; i++)
		load_report_tick(&mux->backends[i]);
	if (mux->access_log)
		access_log_tick(mux->access_log);
	say_refusals(mux);
	(void)log_flush();
}

/* Nothing more is accepted; the loop stops when the last request is answered. */
static void mux_drain(struct mux *mux)
{
	/* Twice: at once. A supervisor has stronger means, and may tell what we know. */
	if (mux->is_draining && mux->control_fd < 0)
		loop_stop();
	if (mux->is_draining)
		return;
	log_info("stopping: finishing the running requests");
	mux->is_draining = true;
	drain_begin(mux);
}

static void on_terminate(struct loop_signal *signal)
{
	mux_drain(container_of(signal, struct mux, terminate));
}

static void on_interrupt(struct loop_signal *signal)
{
	mux_drain(container_of(signal, struct mux, interrupt));
}

static void on_reopen(struct loop_signal *signal)
{
	struct mux *mux = container_of(signal, struct mux, reopen);

	if (log_reopen() < 0)
		log_warn("cannot open the log again; going on with the old one");
	/* A supervisor opens it, and sends it. */
	if (mux->access_log && mux->control_fd < 0)
		access_log_reopen(mux->access_log, mux->settings->access_log);
}

uint8_t *mux_take_scratch(struct mux *mux)
{
	uint8_t *bytes = mux->is_scratch_taken ? malloc(MUX_SCRATCH_SIZE) : mux->scratch;

	mux->is_scratch_taken = true;
	return bytes ? bytes + RECORD_HEADROOM : NULL;
}

void mux_give_scratch(struct mux *mux, uint8_t *scratch)
{
	if (scratch == mux->scratch + RECORD_HEADROOM)
		mux->is_scratch_taken = false;
	else if (scratch)
		free(scratch - RECORD_HEADROOM);
}

/* Each number is looked at, as if the other side were hostile. */
static struct proc *find_child(struct mux *mux, const struct control_message *message)
{
	struct backend *backend;

	if (message->backend >= mux->backend_count)
		return NULL;
	backend = &mux->backends[message->backend];
	if (message->proc >= backend->proc_count || !backend->procs[message->proc]->is_child)
		return NULL;
	return backend->procs[message->proc];
}

/* passed: a descriptor that came along, or -1. */
static void take_message(struct mux *mux, const struct control_message *message, int passed)
{
	struct proc *proc = find_child(mux, message);

	if (mux->access_log && message->type == CONTROL_ACCESS_LOG && passed >= 0) {
		access_log_set_fd(mux->access_log, passed);
		return;
	}
	if (passed >= 0)
		close(passed);
	if (message->type == CONTROL_SHARED || message->type == CONTROL_ALONE)
		mux->is_sharing = message->type == CONTROL_SHARED;
	else if (proc && message->type == CONTROL_CHILD_UP && message->pid > 0)
		proc_on_up(proc, message->pid);
	else if (proc && message->type == CONTROL_CHILD_DOWN)
		proc_on_down(proc);
	else if (proc && message->type == CONTROL_CHILD_DRAIN && message->pid == proc->pid)
		proc_on_drain(proc);
	else
		log_warnx("control message %u for proc %u.%u makes no sense; ignored",
			  message->type, message->backend, message->proc);
}

static void on_control(struct loop_io *io, int events)
{
	struct mux *mux = container_of(io, struct mux, control);
	struct control_message message;
	int error = 0, passed;

	(void)events;
	for (int i = 0; i < CONTROL_MAX && error != -EAGAIN; i++) {
		error = control_receive_fd(mux->control_fd, &message, &passed);
		if (error == 0) {
			take_message(mux, &message, passed);
		} else if (error != -EAGAIN && error != -EBADMSG) {
			log_warnx("the supervisor is gone");
			loop_io_set(&mux->control, 0);
			mux_drain(mux);
			return;
		}
	}
}

static void start_control(struct mux *mux)
{
	struct control_message ready = {.type = CONTROL_READY};

	loop_io_init(&mux->control, mux->control_fd, on_control);
	loop_io_set(&mux->control, LOOP_READ);
	/* The socket is empty: it fails only when the supervisor is gone, which on_control sees. */
	if (control_send(mux->control_fd, &ready) < 0)
		log_warnx("cannot tell the supervisor that the fronts are ready");
}

/* Nobody else says that they are there: all where there is no supervisor, else those of others. */
static void start_backend(struct backend *backend)
{
	size_t children = backend_child_count(backend->settings);

	for (size_t i = backend->mux->control_fd < 0 ? 0 : children; i < backend->proc_count; i++)
		probe_start(backend->procs[i]);
	for (size_t i = 0; i < backend->discovery_count; i++)
		discovery_tick(&backend->discoveries[i]);
}

static char *open_access_log(struct mux *mux, int fd)
{
	if (!mux->settings->access_log)
		return NULL;
	mux->access_log = access_log_new(mux, fd);
	return mux->access_log ? NULL : text_new("out of memory");
}

static bool has_names(const struct settings *settings)
{
	size_t count = 0;

	for (size_t i = 0; i < settings->backend_count; i++)
		count += backend_name_count(settings->backends[i]);
	return count > 0;
}

static char *open_resolver(struct mux *mux, const struct settings *settings)
{
	size_t count = settings->resolver.count;
	struct address *servers;
	char *error = NULL;

	if (!has_names(settings))
		return NULL;
	servers = calloc(count + 1, sizeof(*servers));
	for (size_t i = 0; servers && i < count && !error; i++) {
		const char *fault = name_server_parse(settings->resolver.items[i], &servers[i]);

		if (fault)
			error = text_new("%s: %s", settings->resolver.items[i], fault);
	}
	if (servers && !error)
		mux->resolver = resolver_new(servers, count, &error);
	free(servers);
	return mux->resolver || error ? error : text_new("out of memory");
}

static char *open_backends(struct mux *mux, const struct settings *settings)
{
	mux->backends = calloc(settings->backend_count, sizeof(*mux->backends));
	if (!mux->backends)
		return text_new("out of memory");
	for (size_t i = 0; i < settings->backend_count; i++) {
		char *error = backend_init(&mux->backends[i], mux, settings->backends[i]);

		mux->backend_count = i + 1;
		if (error)
			return error;
	}
	return NULL;
}

/* The front of one address takes the next of the sockets. */
static char *open_front(struct mux *mux, const struct backend_settings *settings,
			const struct address *address, const struct mux_plan *plan)
{
	struct front *front = &mux->fronts[mux->front_count];

	return front_init(front, mux, plan->front_fds[mux->front_count++], address, settings);
}

/* Those that the section of this number is the first to name; *wanted counts them. */
static char *open_fronts_of(struct mux *mux, size_t backend, const struct mux_plan *plan,
			    size_t *wanted)
{
	const struct backend_settings *settings = plan->settings->backends[backend];
	char *error = NULL;

	if (!backend_has_mux(settings))
		return NULL;
	for (size_t i = 0; i < settings->listen.count && !error; i++) {
		if (!settings_opens_front(plan->settings, backend, i))
			continue;
		if ((*wanted)++ < plan->front_count)
			error = open_front(mux, settings, &settings->listen.items[i], plan);
	}
	return error;
}

static char *open_fronts(struct mux *mux, const struct mux_plan *plan)
{
	size_t wanted = 0;
	char *error = NULL;

	mux->fronts = calloc(plan->front_count, sizeof(*mux->fronts));
	if (!mux->fronts)
		return text_new("out of memory");
	for (size_t i = 0; i < mux->backend_count && !error; i++)
		error = open_fronts_of(mux, i, plan, &wanted);
	if (error || wanted == plan->front_count)
		return error;
	return text_new("%zu sockets were passed, but %zu listen addresses are configured",
			plan->front_count, wanted);
}

static void start(struct mux *mux)
{
	loop_turn_start(&mux->turn, on_turn_end);
	loop_timer_init(&mux->tick, on_tick);
	loop_timer_repeat(&mux->tick, MUX_TICK_MS);
	loop_signal_start(&mux->terminate, SIGTERM, on_terminate);
	loop_signal_start(&mux->interrupt, SIGINT, on_interrupt);
	loop_signal_start(&mux->reopen, SIGUSR1, on_reopen);
	if (mux->control_fd >= 0)
		start_control(mux);
	for (size_t i = 0; i < mux->backend_count; i++)
		start_backend(&mux->backends[i]);
}

struct mux *mux_new(const struct mux_plan *plan, char **error)
{
	struct mux *mux = calloc(1, sizeof(*mux));

	*error = NULL;
	if (!mux) {
		*error = text_new("out of memory");
		return NULL;
	}
	mux->settings = plan->settings;
	mux->control_fd = plan->control_fd;
	mux->started_ms = loop_now_ms();
	mux->connections_max = connections_max(plan->descriptors_max);
	list_init(&mux->backends_to_serve);
	list_init(&mux->ended_requests);
	list_init(&mux->ended_fronts);
	list_init(&mux->ended_procs);
	*error = open_access_log(mux, plan->access_log_fd);
	if (!*error)
		*error = open_resolver(mux, plan->settings);
	if (!*error)
		*error = open_backends(mux, plan->settings);
	if (!*error)
		*error = open_fronts(mux, plan);
	if (*error) {
		mux_free(mux);
		return NULL;
	}
	start(mux);
	return mux;
}

void mux_free(struct mux *mux)
{
	if (!mux)
		return;
	for (size_t i = 0; i < mux->front_count; i++)
		front_fini(&mux->fronts[i]);
	for (size_t i = 0; i < mux->backend_count; i++)
		backend_fini(&mux->backends[i]);
	resolver_free(mux->resolver);
	for (size_t i = 0; i < mux->route_count; i++)
		route_free(mux->routes[i]);
	free_ended(mux);
	access_log_free(mux->access_log);
	free(mux->fronts);
	free(mux->routes);
	free(mux->backends);
	free(mux);
}
