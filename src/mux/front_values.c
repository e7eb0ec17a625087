#include "mux/front_values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "mux/backend.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/route.h"
#include "mux/routing.h"

/* No more than there is place for. */
static uint32_t add(uint32_t sum, uint64_t more)
{
	return more < UINT32_MAX - sum ? sum + (uint32_t)more : UINT32_MAX;
}

static uint32_t capacity_of(const struct backend *backend)
{
	uint32_t capacity = 0;

	list_for_each (link, after, &backend->up)
		capacity = add(capacity, container_of(link, struct proc, link)->capacity);
	return capacity;
}

static enum route_role counted_role(const struct route_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->keys[i].role == ROUTE_RESPONDER)
			return ROUTE_RESPONDER;
	return ROUTE_AUTHORIZER;
}

/* Whether one of the keys before this one leads to it. */
static bool has_route(const struct routing *routing, size_t end, const struct route *route)
{
	for (size_t i = 0; i < end; i++)
		if (routing->routes[i] == route)
			return true;
	return false;
}

static bool has_backend(const struct routing *routing, size_t end, const struct backend *backend)
{
	for (size_t i = 0; i < backend->route_count; i++)
		if (has_route(routing, end, backend->routes[i]))
			return true;
	return false;
}

static void count_route(struct values *values, const struct routing *routing, size_t number)
{
	const struct route *route = routing->routes[number];

	values->queued = add(values->queued, route->queue.count);
	for (size_t i = 0; i < route->backend_count; i++) {
		const struct backend *backend = route->backends[i];

		if (has_backend(routing, number, backend))
			continue;
		values->busy = add(values->busy, backend->load);
		values->capacity = add(values->capacity, capacity_of(backend));
	}
}

struct values front_values(const struct front *front)
{
	const struct route_table *table = &front->routing.table;
	enum route_role role = counted_role(table);
	struct values values = {
		.max_conns = (uint32_t)front->mux->connections_max,
		.max_reqs = FRONT_REQUESTS_MAX,
		.mpxs_conns = true,
	};

	for (size_t i = 0; i < table->count; i++)
		if (table->keys[i].role == role &&
		    !has_route(&front->routing, i, front->routing.routes[i]))
			count_route(&values, &front->routing, i);
	return values;
}
