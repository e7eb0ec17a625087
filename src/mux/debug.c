#include "mux/debug.h"

#include <stdlib.h>

#include "base/log.h"
#include "mux/backend.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/route.h"

/* As lighttpd numbers them. */
static int state_number(const struct proc *proc)
{
	static const int numbers[] = {
		[PROC_DOWN] = 3,    [PROC_PROBING] = 0,	 [PROC_UP] = 1,
		[PROC_RESTING] = 2, [PROC_DRAINING] = 2, [PROC_GONE] = 3,
	};

	return numbers[proc->state];
}

static int compare_loads(const void *a, const void *b)
{
	const struct balance_entry *left = &(*(const struct proc *const *)a)->balance;
	const struct balance_entry *right = &(*(const struct proc *const *)b)->balance;

	if (left->load != right->load)
		return left->load < right->load ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

static void show_proc(const struct proc *proc)
{
	bool is_unix = proc->place.address.kind == ADDRESS_UNIX;

	log_every(LOG_LEVEL_INFO, "proc: %s %u %s %d %d %u %d",
		  is_unix ? "" : proc->place.address.name, is_unix ? 0U : proc->place.address.port,
		  is_unix ? proc->place.address.name : "", proc->is_child, state_number(proc),
		  proc->balance.load, (int)proc->pid);
}

static void show_balance(const struct backend *backend)
{
	const struct proc **procs = calloc(backend->proc_count, sizeof(*procs));

	if (!procs)
		return;
	for (size_t i = 0; i < backend->proc_count; i++)
		procs[i] = backend->procs[i];
	qsort(procs, backend->proc_count, sizeof(*procs), compare_loads);
	for (size_t i = 0; i < backend->proc_count; i++)
		show_proc(procs[i]);
	free(procs);
}

static bool is_wanted(const struct proc *proc)
{
	return proc->backend->mux->settings->debug > 0;
}

void debug_show_taken(const struct proc_connection *connection)
{
	const struct proc *proc = connection->proc;

	if (!is_wanted(proc))
		return;
	show_balance(proc->backend);
	log_every(LOG_LEVEL_INFO, "got proc: %d %d", stream_fd(&connection->stream),
		  (int)proc->pid);
}

void debug_show_released(const struct proc_connection *connection)
{
	const struct proc *proc = connection->proc;

	if (!is_wanted(proc))
		return;
	log_every(LOG_LEVEL_INFO, "release proc: %d %d", stream_fd(&connection->stream),
		  (int)proc->pid);
	show_balance(proc->backend);
}

static void show_params(const struct request *request, const char *deed)
{
	const uint8_t *at = request_params(request);
	const uint8_t *end = at + request->params_len;
	struct param uri, param;

	if (request->route->mux->settings->debug < 2)
		return;
	uri = request_name(request);
	while (at < end && params_next(&at, end, &param) == PARAMS_PAIR)
		log_every(LOG_LEVEL_INFO, "request %.*s: %s %.*s=%.*s", (int)uri.value_len,
			  uri.value, deed, (int)param.name_len, param.name, (int)param.value_len,
			  param.value);
}

void debug_show_sent(const struct request *request)
{
	show_params(request, "sent");
}

void debug_show_given(const struct request *request)
{
	show_params(request, "given");
}
