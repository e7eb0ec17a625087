#ifndef MUX_BACKEND_H
#define MUX_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "config/settings.h"
#include "mux/proc.h"
#include "policy/balance.h"
#include "policy/queue.h"

struct mux;
struct request;

/* An application: its procs, the balance between them, and the queue of those that wait for one. */
struct backend {
	struct mux *mux;			 /* borrowed */
	const struct backend_settings *settings; /* borrowed */
	struct proc *procs;			 /* owned; in the order of their numbers */
	size_t proc_count;
	struct balance balance;
	struct list down; /* procs by state */
	struct list probing;
	struct list up;
	struct list resting;
	struct queue queue;  /* requests that are QUEUED */
	struct list running; /* requests that are RUNNING, the oldest first */
};

/* NULL or a malloced sentence; then fini cleans up what there is. All procs are DOWN. */
char *backend_init(struct backend *backend, struct mux *mux,
		   const struct backend_settings *settings);
void backend_fini(struct backend *backend);

/*
 * How many requests a proc may have at once unless it says more: a child serves one; of what others
 * run, nothing is known.
 */
unsigned backend_capacity(const struct backend *backend);

/* To the end of the queue; runs at once where a proc has room. A full queue refuses it: 503. */
void backend_submit(struct backend *backend, struct request *request);

/* To the head of the queue, not to be run by the proc that failed it where another has room. */
void backend_submit_again(struct backend *backend, struct request *request,
			  const struct proc *failed);

/* Runs what waits while there is a proc with room. */
void backend_serve(struct backend *backend);

/* Once every MUX_TICK_MS. */
void backend_tick(struct backend *backend);

#endif
