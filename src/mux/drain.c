#include "mux/drain.h"

#include "mux/backend.h"
#include "mux/front.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_child.h"
#include "mux/route.h"
#include "os/loop.h"

void drain_begin(struct mux *mux)
{
	for (size_t i = 0; i < mux->front_count; i++)
		front_drain(&mux->fronts[i]);
}

static bool is_over(const struct mux *mux)
{
	for (size_t i = 0; i < mux->front_count; i++)
		if (!front_is_empty(&mux->fronts[i]))
			return false;
	return true;
}

static bool has_queue(const struct backend *backend)
{
	for (size_t i = 0; i < backend->route_count; i++)
		if (backend->routes[i]->queue.count > 0)
			return true;
	return false;
}

/* It has room that nobody here waits for. */
static bool is_needless(const struct proc *proc)
{
	return proc->state != PROC_DOWN && proc->balance.load < proc->capacity;
}

static void give_up_needless(struct backend *backend)
{
	for (size_t i = 0; i < backend->proc_count; i++)
		if (is_needless(backend->procs[i]))
			proc_give_up(backend->procs[i]);
}

void drain_step(struct mux *mux)
{
	if (is_over(mux)) {
		loop_stop();
		return;
	}
	for (size_t i = 0; i < mux->backend_count; i++)
		if (!has_queue(&mux->backends[i]))
			give_up_needless(&mux->backends[i]);
}
