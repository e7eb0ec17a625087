#include "mux/backend.h"

#include <stdlib.h>

#include "base/text.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc_connection.h"
#include "mux/request.h"

/* Clients do not leave sooner: to ask costs a system call. */
enum { PATIENCE_MS = 100 };

unsigned backend_capacity(const struct backend *backend)
{
	if (backend->settings->capacity > 0)
		return (unsigned)backend->settings->capacity;
	return backend_is_supervised(backend->settings) ? 1 : UINT32_MAX;
}

char *backend_init(struct backend *backend, struct mux *mux,
		   const struct backend_settings *settings)
{
	size_t count = backend_proc_count(settings);

	*backend = (struct backend){.mux = mux, .settings = settings};
	list_init(&backend->down);
	list_init(&backend->probing);
	list_init(&backend->up);
	list_init(&backend->resting);
	queue_init(&backend->queue);
	list_init(&backend->running);
	backend->procs = calloc(count, sizeof(*backend->procs));
	if (!backend->procs || balance_init(&backend->balance, count) < 0)
		return text_new("[%s] out of memory", settings->name);
	for (unsigned i = 0; i < count; i++) {
		char *error = proc_init(&backend->procs[i], backend, i, backend_capacity(backend));

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
	free(backend->procs);
	balance_fini(&backend->balance);
}

static struct proc *proc_of(struct balance_entry *entry)
{
	return entry ? container_of(entry, struct proc, balance) : NULL;
}

static struct request *request_of(struct queue_ticket *ticket)
{
	return container_of(ticket, struct request, ticket);
}

void backend_serve(struct backend *backend)
{
	struct queue_ticket *first;

	while ((first = queue_first(&backend->queue))) {
		struct request *request = request_of(first);
		struct proc *proc = proc_of(balance_least(&backend->balance));

		if (!proc)
			return;
		if (loop_now_ms() - first->since_ms >= PATIENCE_MS &&
		    front_connection_is_gone(request->connection))
			front_connection_close(request->connection, "the client left the queue");
		else
			proc_run(proc, request);
	}
}

void backend_submit(struct backend *backend, struct request *request)
{
	if (backend->queue.count >= backend->settings->queue_limit &&
	    !balance_least(&backend->balance)) {
		failure_answer(request, "503 Service Unavailable", "the queue is full");
		return;
	}
	request_set_state(request, REQUEST_QUEUED);
	backend_serve(backend);
}

void backend_submit_again(struct backend *backend, struct request *request,
			  const struct proc *failed)
{
	struct proc *proc = proc_of(balance_least_but(&backend->balance, &failed->balance));

	request_set_state(request, REQUEST_QUEUED);
	if (proc)
		proc_run(proc, request);
	else
		backend_serve(backend);
}

static void expire_queued(struct backend *backend)
{
	uint64_t timeout_ms = backend->settings->queue_timeout_ms;
	struct queue_ticket *ticket;

	if (timeout_ms == 0)
		return;
	while ((ticket = queue_expired(&backend->queue, timeout_ms, loop_now_ms())))
		failure_answer(request_of(ticket), "503 Service Unavailable",
			       "no process had room within queue-timeout");
}

static bool has_run_for(const struct request *request, uint64_t limit_ms)
{
	return limit_ms > 0 && loop_now_ms() - request->running_since_ms >= limit_ms;
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
	       has_run_for(running_of(first), timeout_ms))
		failure_time_out(running_of(first));
}

static struct request *find_connecting(struct backend *backend)
{
	list_for_each (link, after, &backend->running) {
		struct request *request = running_of(link);

		if (!has_run_for(request, backend->settings->connect_timeout_ms))
			return NULL;
		if (request->proc->stream.connecting)
			return request;
	}
	return NULL;
}

static void expire_connecting(struct backend *backend)
{
	struct request *request;

	while ((request = find_connecting(backend)))
		proc_connection_fail(request->proc, "cannot connect within connect-timeout");
}

static void name_slow(struct backend *backend)
{
	list_for_each (link, after, &backend->running) {
		struct request *request = running_of(link);

		if (!has_run_for(request, backend->settings->slow_request_ms))
			return;
		if (!request->is_slow)
			request_name_slow(request);
	}
}

void backend_tick(struct backend *backend)
{
	list_for_each (link, after, &backend->probing)
		proc_tick(container_of(link, struct proc, link));
	list_for_each (resting, behind, &backend->resting)
		proc_tick(container_of(resting, struct proc, link));
	expire_queued(backend);
	expire_connecting(backend);
	name_slow(backend);
	expire_running(backend);
	backend_serve(backend);
}
