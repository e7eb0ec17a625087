#include "mux/backend.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "config/backend_procs.h"
#include "mux/discovery.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/proc_host.h"
#include "mux/request.h"
#include "mux/request_time.h"
#include "mux/route.h"

/* A host that a name stood for may still be named by a request that it has answered. */
enum { GONE_MS = 10 * 60 * 1000 };

static struct proc *proc_of(struct list *link)
{
	return link ? container_of(link, struct proc, link) : NULL;
}

/* The one that has been gone for longest, where that is long enough. */
static struct proc *find_gone(struct backend *backend)
{
	struct proc *proc = proc_of(list_first(&backend->gone));

	return proc && loop_now_ms() - proc->host.gone_since_ms >= GONE_MS ? proc : NULL;
}

static struct proc *grow(struct backend *backend)
{
	struct proc **procs =
		reallocarray(backend->procs, backend->proc_count + 1, sizeof(struct proc *));
	struct proc *proc;

	if (!procs)
		return NULL;
	backend->procs = procs;
	proc = proc_new(backend, (unsigned)backend->proc_count);
	if (proc)
		procs[backend->proc_count++] = proc;
	return proc;
}

struct proc *backend_take_proc(struct backend *backend)
{
	struct proc *gone = find_gone(backend);

	return gone ? gone : grow(backend);
}

static struct proc_place place_of(const struct backend_settings *settings, size_t number)
{
	size_t children = backend_child_count(settings);
	struct proc_place place = {.tier = PROC_TIER_CHILD, .weight = BALANCE_WEIGHT_UNIT};
	struct server server;

	/* What is wrong with its address shows when that is looked at. */
	if (number < children || backend_proc_server(settings, number, &server))
		return place;
	place.tier = server.is_backup ? PROC_TIER_BACKUP : PROC_TIER_SERVER;
	place.weight = (unsigned)server.weight * BALANCE_WEIGHT_UNIT;
	return place;
}

/* Those that stand in the configuration, by address. */
static char *open_procs(struct backend *backend)
{
	const struct backend_settings *settings = backend->settings;
	char *error = NULL;

	for (size_t i = 0; i < backend_proc_count(settings) && !error; i++) {
		struct proc_place place = place_of(settings, i);
		const char *complaint = backend_proc_address(settings, i, &place.address);
		struct proc *proc = grow(backend);

		if (complaint)
			error = text_new("[%s] proc %zu: %s", settings->name, i, complaint);
		else
			error = proc ? proc_settle(proc, &place) : text_new("out of memory");
	}
	return error;
}

/* Those that stand for the hosts of a name. */
static char *open_discoveries(struct backend *backend)
{
	size_t count = backend_name_count(backend->settings);

	if (count == 0)
		return NULL;
	backend->discoveries = calloc(count, sizeof(*backend->discoveries));
	if (!backend->discoveries)
		return text_new("out of memory");
	for (size_t i = 0; i < count; i++) {
		struct backend_name name;

		backend_name_at(backend->settings, i, &name);
		discovery_init(&backend->discoveries[i], backend, &name);
	}
	backend->discovery_count = count;
	return NULL;
}

char *backend_init(struct backend *backend, struct mux *mux,
		   const struct backend_settings *settings)
{
	char *error;

	*backend = (struct backend){.mux = mux, .settings = settings};
	retry_budget_init(&backend->retry_budget, loop_now_ms());
	list_init(&backend->down);
	list_init(&backend->probing);
	list_init(&backend->up);
	list_init(&backend->resting);
	list_init(&backend->draining);
	list_init(&backend->gone);
	list_init(&backend->running);
	list_init(&backend->to_serve);
	/* Where the children share the front, requests do not come by here. */
	if (!backend_has_mux(settings))
		return NULL;
	error = open_procs(backend);
	return error ? error : open_discoveries(backend);
}

void backend_fini(struct backend *backend)
{
	for (size_t i = 0; i < backend->proc_count; i++)
		proc_free(backend->procs[i]);
	for (size_t i = 0; i < backend->discovery_count; i++)
		discovery_fini(&backend->discoveries[i]);
	list_detach(&backend->to_serve);
	free(backend->discoveries);
	free(backend->procs);
	free(backend->routes);
	balance_fini(&backend->balance);
}

int backend_note_route(struct backend *backend, struct route *route)
{
	struct route **routes =
		reallocarray(backend->routes, backend->route_count + 1, sizeof(struct route *));

	if (!routes)
		return -ENOMEM;
	backend->routes = routes;
	routes[backend->route_count++] = route;
	return 0;
}

bool backend_can_be_left_out(const struct backend *backend)
{
	for (size_t i = 0; i < backend->route_count; i++)
		if (!route_has_other(backend->routes[i], backend))
			return false;
	return true;
}

/* Of those with room for one who waits, the route whose first has waited longest; or NULL. */
static struct route *find_servable(const struct backend *backend)
{
	struct route *longest = NULL;
	uint64_t since_ms = UINT64_MAX;

	for (size_t i = 0; i < backend->route_count; i++) {
		struct route *route = backend->routes[i];
		const struct queue_ticket *first = queue_first(&route->queue);

		if (first && first->since_ms < since_ms && route_has_room(route)) {
			longest = route;
			since_ms = first->since_ms;
		}
	}
	return longest;
}

void backend_serve(struct backend *backend)
{
	struct route *route;

	while ((route = find_servable(backend)))
		route_serve_first(route);
}

void backend_serve_later(struct backend *backend)
{
	list_detach(&backend->to_serve);
	list_append(&backend->mux->backends_to_serve, &backend->to_serve);
}

void backend_note_request(struct backend *backend, const struct request *request)
{
	if (request->retries == 0)
		retry_budget_deposit(&backend->retry_budget, backend->settings->retry_budget,
				     loop_now_ms());
}

bool backend_can_repeat(struct backend *backend)
{
	return retry_budget_take(&backend->retry_budget, backend->settings->retry_budget,
				 loop_now_ms());
}

void backend_add_load(struct backend *backend, struct proc *proc)
{
	balance_add_load(&backend->balance, &proc->balance);
	/* Surplus children are to fall idle; servers are there to be used. */
	if (!proc->is_child)
		balance_pass_turn(&backend->balance, &proc->balance);
	backend->load++;
	backend->child_load += proc->is_child;
	if (backend->child_load > backend->child_load_max)
		backend->child_load_max = backend->child_load;
	if (proc->balance.load == 1 && ++backend->active_count > backend->counts.active_max)
		backend->counts.active_max = backend->active_count;
}

void backend_take_load(struct backend *backend, struct proc *proc)
{
	balance_take_load(&backend->balance, &proc->balance);
	backend->load--;
	backend->child_load -= proc->is_child;
	if (proc->balance.load == 0)
		backend->active_count--;
}

static struct request *running_of(struct list *link)
{
	return container_of(link, struct request, running);
}

/* The end of its process has had the time to show whether it had been accepted. */
static bool has_waited(const struct request *request)
{
	return loop_now_ms() - request->timed_out_ms >= MUX_TICK_MS;
}

/* The oldest are first: where one has not run for so long, none behind it has. */
static struct request *find_expired(struct backend *backend)
{
	uint64_t timeout_ms = backend->settings->request_timeout_ms;

	list_for_each (link, after, &backend->running) {
		struct request *request = running_of(link);

		if (!request_has_run_for(request, timeout_ms))
			return NULL;
		if (request->timed_out_ms == 0 || has_waited(request))
			return request;
	}
	return NULL;
}

static void expire_running(struct backend *backend)
{
	struct request *request;

	while ((request = find_expired(backend)))
		failure_time_out(request);
}

static struct proc_connection *find_connecting(struct backend *backend)
{
	list_for_each (link, after, &backend->running) {
		struct request *request = running_of(link);

		if (!request_has_run_for(request, backend->settings->connect_timeout_ms))
			return NULL;
		if (request->proc->stream.connecting)
			return request->proc;
	}
	return NULL;
}

static void expire_connecting(struct backend *backend)
{
	struct proc_connection *connection;

	while ((connection = find_connecting(backend)))
		proc_connection_fail(connection, "cannot connect within connect-timeout");
}

/* A request younger than that cannot have been left for so long. */
static struct proc_connection *find_silent(struct backend *backend)
{
	uint64_t silent_ms = backend->settings->tcp_user_timeout_ms;

	list_for_each (link, after, &backend->running) {
		struct request *request = running_of(link);

		if (silent_ms == 0 || !request_has_run_for(request, silent_ms))
			return NULL;
		if (proc_is_far(request->proc->proc) &&
		    socket_is_silent(stream_fd(&request->proc->stream), silent_ms))
			return request->proc;
	}
	return NULL;
}

static void expire_silent(struct backend *backend)
{
	struct proc_connection *connection;

	while ((connection = find_silent(backend))) {
		/* What is sent again must not go there at once. */
		proc_rest(connection->proc);
		proc_connection_fail(connection, "its host has gone silent");
	}
}

static void name_slow(struct backend *backend)
{
	list_for_each (link, after, &backend->running) {
		struct request *request = running_of(link);

		if (!request_has_run_for(request, backend->settings->slow_request_ms))
			return;
		if (!request->is_slow)
			request_name_slow(request);
	}
}

void backend_tick(struct backend *backend)
{
	for (size_t i = 0; i < backend->proc_count; i++)
		proc_tick(backend->procs[i]);
	for (size_t i = 0; i < backend->discovery_count; i++)
		discovery_tick(&backend->discoveries[i]);
	expire_connecting(backend);
	expire_silent(backend);
	name_slow(backend);
	expire_running(backend);
	backend_serve_later(backend);
}
