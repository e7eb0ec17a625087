#include "mux/proc_pool.h"

#include "mux/backend.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_capacity.h"
#include "mux/proc_connection.h"
#include "mux/request.h"

static struct proc_connection *connection_of(struct list *link)
{
	return link ? container_of(link, struct proc_connection, link) : NULL;
}

void proc_pool_close_idle(struct proc *proc)
{
	while (!list_is_empty(&proc->idle))
		proc_connection_close(connection_of(list_first(&proc->idle)));
}

/*
 * A program that closes its connections although it is asked to keep them would cost each request a
 * second attempt. Now and then it is tried again: it may have been started anew.
 */
enum { KEPT_FAILURES_MAX = 8, KEPT_FAILED_MS = 60000 };

static bool closes_kept(const struct proc *proc)
{
	return proc->kept_failures >= KEPT_FAILURES_MAX &&
	       loop_now_ms() - proc->kept_failed_ms < KEPT_FAILED_MS;
}

void proc_pool_note_reuse(struct proc *proc, bool is_good)
{
	if (is_good || loop_now_ms() - proc->kept_failed_ms >= KEPT_FAILED_MS)
		proc->kept_failures = 0;
	if (is_good)
		return;
	proc->kept_failures++;
	proc->kept_failed_ms = loop_now_ms();
}

bool proc_pool_keeps(const struct proc *proc)
{
	const struct mux *mux = proc->backend->mux;

	/*
	 * A kept connection holds a worker of a pool: another mux may wait for it. Where their
	 * number is not known, those that are free could all be held by idle connections while a
	 * new one waits.
	 */
	return !mux->is_draining && !mux->is_sharing && proc->state == PROC_UP &&
	       !closes_kept(proc) && proc->capacity != PROC_CAPACITY_UNKNOWN &&
	       proc->idle_count <= proc->backend->settings->keepalive;
}

void proc_pool_trim(struct proc *proc)
{
	list_for_each (link, after, &proc->idle) {
		struct proc_connection *connection = connection_of(link);

		if (proc_connection_is_old(connection) || !proc_pool_keeps(proc))
			proc_connection_close(connection);
	}
}

void proc_pool_tick(struct proc *proc)
{
	list_for_each (link, after, &proc->busy)
		proc_connection_tick(connection_of(link));
}

/* One that carries requests and takes another. */
static struct proc_connection *find_shared(const struct proc *proc)
{
	if (!proc->is_multiplexing)
		return NULL;
	list_for_each (link, after, &proc->busy)
		if (proc_connection_has_room(connection_of(link)))
			return connection_of(link);
	/* Those that a slow client holds up are better than none. */
	if (proc->connection_count >= proc->connections_max)
		return connection_of(list_first(&proc->busy));
	return NULL;
}

static struct proc_connection *open_connection(struct proc *proc)
{
	struct proc_connection *connection = proc_connection_new(proc);

	/* So that it knows us, and tells us before it ends. */
	if (connection && proc->tells_load)
		probe_ask(connection);
	return connection;
}

struct proc_connection *proc_pool_choose(struct proc *proc, const struct request *request)
{
	struct proc_connection *connection = NULL;

	/*
	 * What has failed once is not given to a kept connection, which may fail for its age alone.
	 * Those that are there are closed: a program that serves one at a time waits for it.
	 */
	if (request->retries > 0)
		proc_pool_close_idle(proc);
	else
		connection = find_shared(proc);
	if (!connection)
		connection = connection_of(list_first(&proc->idle));
	return connection ? connection : open_connection(proc);
}
