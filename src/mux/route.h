#ifndef MUX_ROUTE_H
#define MUX_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/backend.h"
#include "mux/counts.h"
#include "policy/balance.h"
#include "policy/queue.h"

struct backend;
struct mux;
struct proc;
struct request;

/*
 * The backends that share certain requests, and the queue of those that wait for a proc of any of
 * them. While somebody waits, no proc of the route has room for him.
 */
struct route {
	struct mux *mux;	   /* borrowed */
	struct backend **backends; /* owned, they are not */
	size_t backend_count;
	struct balance_group group;		 /* of the backends, in their order */
	const struct backend_settings *settings; /* of the first; all agree on the queue's */
	struct queue queue;			 /* requests that are QUEUED */
	uint32_t random;			 /* the last that was drawn; not 0 */
	struct route_counts counts;
};

/* The route of the backends of these numbers, which the mux owns: made once. NULL: no memory. */
struct route *route_for(struct mux *mux, const unsigned *backends, size_t count);
void route_free(struct route *route);

/* Whether requests that this backend cannot take now can go to another. */
bool route_has_other(const struct route *route, const struct backend *backend);

/*
 * Whether the first in its queue could run at once, if there is one; or one that came now. Children
 * have room for any; servers of others beside them only while more than spill-over wait.
 */
bool route_has_room(const struct route *route);
bool route_has_room_for_one_more(const struct route *route);

/* To the end of the queue; runs at once where a proc has room. A full queue refuses it: 503. */
void route_submit(struct route *route, struct request *request);

/* To the head of the queue, not to be run by the proc that failed it where another has room. */
void route_submit_again(struct route *route, struct request *request, const struct proc *failed);

/* A request's client takes its answers again: to the head of the queue, if it was set aside. */
void route_resume(struct request *request);

/*
 * Runs the request whose turn it is; somebody waits, and a proc has room. One whose client does not
 * read the answers that it has is set aside, or such clients could hold all procs.
 */
void route_serve_first(struct route *route);

/* Once every MUX_TICK_MS: answers what has waited for too long. */
void route_tick(struct route *route);

#endif
