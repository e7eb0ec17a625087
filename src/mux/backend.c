#include "mux/backend.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/request_time.h"
#include "mux/route.h"

char *backend_init(struct backend *backend, struct mux *mux,
		   const struct backend_settings *settings)
{
	/* Where the children share the front, requests do not come by here. */
	size_t count = backend_has_mux(settings) ? backend_proc_count(settings) : 0;

	*backend = (struct backend){.mux = mux, .settings = settings};
	list_init(&backend->down);
	list_init(&backend->probing);
	list_init(&backend->up);
	list_init(&backend->resting);
	list_init(&backend->draining);
	list_init(&backend->running);
	list_init(&backend->to_serve);
	backend->procs = calloc(count > 0 ? count : 1, sizeof(*backend->procs));
	if (!backend->procs || balance_init(&backend->balance, count) < 0)
		return text_new("[%s] out of memory", settings->name);
	for (unsigned i = 0; i < count; i++) {
		char *error = proc_init(&backend->procs[i], backend, i);

		backend->proc_count = i + 1;
		if (error)
			return error;
	}
	return NULL;
}

void backend_fini(struct backend *backend)
{
	for (size_t i = 0; i < backend->proc_count; i++)
		proc_fini(&backend->procs[i]);
	list_detach(&backend->to_serve);
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

/* Of those with somebody waiting, the route whose first has waited longest; or NULL. */
static struct route *find_waiting(const struct backend *backend)
{
	struct route *longest = NULL;
	uint64_t since_ms = UINT64_MAX;

	for (size_t i = 0; i < backend->route_count; i++) {
		const struct queue_ticket *first = queue_first(&backend->routes[i]->queue);

		if (first && first->since_ms < since_ms) {
			longest = backend->routes[i];
			since_ms = first->since_ms;
		}
	}
	return longest;
}

void backend_serve(struct backend *backend)
{
	struct route *route;

	while (balance_least(&backend->balance) && (route = find_waiting(backend)))
		route_serve_first(route);
}

void backend_serve_later(struct backend *backend)
{
	list_detach(&backend->to_serve);
	list_append(&backend->mux->backends_to_serve, &backend->to_serve);
}

void backend_add_load(struct backend *backend, struct proc *proc)
{
	balance_add_load(&backend->balance, &proc->balance);
	if (++backend->load > backend->load_max)
		backend->load_max = backend->load;
	if (proc->balance.load == 1 && ++backend->active_count > backend->counts.active_max)
		backend->counts.active_max = backend->active_count;
}

void backend_take_load(struct backend *backend, struct proc *proc)
{
	balance_take_load(&backend->balance, &proc->balance);
	backend->load--;
	if (proc->balance.load == 0)
		backend->active_count--;
}

static struct request *running_of(struct list *link)
{
	return container_of(link, struct request, running);
}

/* The oldest are first: where one has not run for so long, none behind it has. */
static void expire_running(struct backend *backend)
{
	uint64_t timeout_ms = backend->settings->request_timeout_ms;
	struct list *first;

	while ((first = list_first(&backend->running)) &&
	       request_has_run_for(running_of(first), timeout_ms))
		failure_time_out(running_of(first));
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
		proc_tick(&backend->procs[i]);
	expire_connecting(backend);
	name_slow(backend);
	expire_running(backend);
	backend_serve_later(backend);
}
