#ifndef MUX_BACKEND_H
#define MUX_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "config/settings.h"
#include "mux/counts.h"
#include "mux/load_report.h"
#include "mux/proc.h"
#include "policy/balance.h"
#include "policy/retry_budget.h"

struct discovery;
struct mux;
struct request;
struct route;

/* An application: its procs, the balance between them, and the routes whose requests it takes. */
struct backend {
	struct mux *mux;			 /* borrowed */
	const struct backend_settings *settings; /* borrowed */
	struct proc **procs; /* owned, as they are; in the order of their numbers */
	size_t proc_count;
	struct discovery *discoveries; /* owned: names that stand for more procs */
	size_t discovery_count;
	struct balance balance;
	struct route **routes; /* owned, they are not */
	size_t route_count;
	struct list down; /* procs by state */
	struct list probing;
	struct list up;
	struct list resting;
	struct list draining;
	struct list gone;
	struct list running;   /* requests that its procs have, the oldest first */
	struct list to_serve;  /* in mux->backends_to_serve, or alone */
	uint64_t active_count; /* procs with a request */
	size_t load;	       /* requests that its procs have */
	size_t child_load;     /* the part of them that its children have */
	size_t child_load_max; /* at once, since the supervisor was told last */
	struct load_report reported;
	struct retry_budget retry_budget;
	struct backend_counts counts;
};

/* NULL or a malloced sentence; then fini cleans up what there is. All procs are DOWN. */
char *backend_init(struct backend *backend, struct mux *mux,
		   const struct backend_settings *settings);
void backend_fini(struct backend *backend);

/* A proc that is at no place: one that has long been GONE, or a new one. NULL: no memory. */
struct proc *backend_take_proc(struct backend *backend);

/* For route_attach only. 0 or -ENOMEM. */
int backend_note_route(struct backend *backend, struct route *route)
	__attribute__((warn_unused_result));

/* Whether its last proc that is UP could rest: all its requests can go elsewhere. */
bool backend_can_be_left_out(const struct backend *backend);

/* Runs what waits in its routes while it has a proc with room; the longest waiting first. */
void backend_serve(struct backend *backend);

/* The same at the end of the turn: for callers in the middle of something. */
void backend_serve_later(struct backend *backend);

/* A request is to be run by one of its procs; it may be sent again. */
void backend_note_request(struct backend *backend, const struct request *request);

/* Whether one that a proc may have begun on may be sent again: retry-budget. Then it is counted. */
bool backend_can_repeat(struct backend *backend);

/* One of its procs has got a request, or one less. */
void backend_add_load(struct backend *backend, struct proc *proc);
void backend_take_load(struct backend *backend, struct proc *proc);

/* Once every MUX_TICK_MS. */
void backend_tick(struct backend *backend);

#endif
