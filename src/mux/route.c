#include "mux/route.h"

#include <stdlib.h>

#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/request.h"
#include "os/random.h"

/* Clients do not leave sooner: to ask costs a system call. */
enum { PATIENCE_MS = 100 };

static bool is_for(const struct route *route, const unsigned *backends, size_t count)
{
	if (route->backend_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (route->backends[i] != &route->mux->backends[backends[i]])
			return false;
	return true;
}

/* They know each other from now on. */
static bool attach(struct route *route, struct backend *backend)
{
	if (backend_note_route(backend, route) < 0)
		return false;
	if (route->backend_count == 0)
		route->settings = backend->settings;
	route->backends[route->backend_count++] = backend;
	route->group.balances[route->group.count++] = &backend->balance;
	return true;
}

static struct route *route_new(struct mux *mux, const unsigned *backends, size_t count)
{
	struct route *route = calloc(1, sizeof(*route));
	bool is_good;

	if (!route)
		return NULL;
	route->mux = mux;
	route->random = random_draw() | 1;
	queue_init(&route->queue);
	route->backends = calloc(count, sizeof(*route->backends));
	route->group.balances = calloc(count, sizeof(*route->group.balances));
	is_good = route->backends && route->group.balances;
	for (size_t i = 0; i < count && is_good; i++)
		is_good = attach(route, &mux->backends[backends[i]]);
	if (is_good)
		return route;
	route_free(route);
	return NULL;
}

void route_free(struct route *route)
{
	free(route->backends);
	free(route->group.balances);
	free(route);
}

struct route *route_for(struct mux *mux, const unsigned *backends, size_t count)
{
	struct route **routes;

	for (size_t i = 0; i < mux->route_count; i++)
		if (is_for(mux->routes[i], backends, count))
			return mux->routes[i];
	routes = reallocarray(mux->routes, mux->route_count + 1, sizeof(struct route *));
	if (!routes)
		return NULL;
	mux->routes = routes;
	routes[mux->route_count] = route_new(mux, backends, count);
	return routes[mux->route_count] ? routes[mux->route_count++] : NULL;
}

bool route_has_other(const struct route *route, const struct backend *backend)
{
	for (size_t i = 0; i < route->backend_count; i++)
		if (route->backends[i] != backend && !list_is_empty(&route->backends[i]->up))
			return true;
	return false;
}

/* Servers of others may take what children have no room for. */
static bool may_spill(const struct route *route, size_t waiting)
{
	return waiting > route->settings->spill_over;
}

bool route_has_room(const struct route *route)
{
	return balance_group_has_room(&route->group, may_spill(route, route->queue.count));
}

bool route_has_room_for_one_more(const struct route *route)
{
	return balance_group_has_room(&route->group, may_spill(route, route->queue.count + 1));
}

/* Marsaglia's xorshift: which two are looked at is no secret, and each request asks. */
static uint32_t draw(struct route *route)
{
	route->random ^= route->random << 13;
	route->random ^= route->random >> 17;
	route->random ^= route->random << 5;
	return route->random;
}

/* One that waits is still in the queue. */
static struct proc *choose_proc(struct route *route, const struct proc *failed)
{
	bool takes_two = route->settings->balance == BALANCE_RANDOM_OF_TWO;
	const struct balance_choice choice = {
		.failed = failed ? &failed->balance : NULL,
		.may_spill = may_spill(route, route->queue.count),
		.takes_two = takes_two,
		.random = takes_two ? draw(route) : 0,
	};
	struct balance_entry *entry = balance_group_least(&route->group, &choice);

	return entry ? container_of(entry, struct proc, balance) : NULL;
}

static struct request *request_of(struct queue_ticket *ticket)
{
	return container_of(ticket, struct request, ticket);
}

void route_serve_first(struct route *route)
{
	struct queue_ticket *first = queue_first(&route->queue);
	struct request *request = request_of(first);

	if (loop_now_ms() - first->since_ms >= PATIENCE_MS &&
	    front_connection_is_gone(request->connection))
		front_connection_close(request->connection, "the client left the queue");
	else if (request->connection->is_throttling && !request->asker)
		queue_remove(&route->queue, first);
	else
		proc_run(choose_proc(route, NULL), request);
}

void route_resume(struct request *request)
{
	struct route *route = request->route;

	if (request->state != REQUEST_QUEUED || queue_has(&request->ticket))
		return;
	queue_return(&route->queue, &request->ticket);
	for (size_t i = 0; i < route->backend_count; i++)
		backend_serve_later(route->backends[i]);
}

static void route_serve(struct route *route)
{
	while (queue_first(&route->queue) && route_has_room(route))
		route_serve_first(route);
}

/* Who still waits after one more has come: no proc has room. */
static void count_waiting(struct route *route)
{
	struct route_counts *counts = &route->counts;

	counts->waits += route->queue.count == 1;
	if (route->queue.count > counts->queued_max)
		counts->queued_max = route->queue.count;
}

void route_submit(struct route *route, struct request *request)
{
	if (route->queue.count >= route->settings->queue_limit &&
	    !route_has_room_for_one_more(route)) {
		failure_answer(request, FAILURE_NO_ROOM, "the queue is full");
		return;
	}
	request_set_state(request, REQUEST_QUEUED);
	route_serve(route);
	count_waiting(route);
}

void route_submit_again(struct route *route, struct request *request, const struct proc *failed)
{
	struct proc *proc;

	request_set_state(request, REQUEST_QUEUED);
	proc = choose_proc(route, failed);
	if (proc)
		proc_run(proc, request);
	else
		route_serve(route);
}

void route_tick(struct route *route)
{
	uint64_t timeout_ms = route->settings->queue_timeout_ms;
	struct queue_ticket *ticket;

	if (timeout_ms == 0)
		return;
	while ((ticket = queue_expired(&route->queue, timeout_ms, loop_now_ms())))
		failure_answer(request_of(ticket), FAILURE_NO_ROOM,
			       "no process had room within queue-timeout");
}
