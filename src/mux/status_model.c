#include "mux/status_model.h"

#include <errno.h>
#include <stdlib.h>

#include "config/backend_procs.h"
#include "mux/backend.h"
#include "mux/discovery.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_capacity.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/proc_host.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/request_time.h"
#include "mux/route.h"
#include "os/loop.h"
#include "os/process.h"

/* Of what a client sent: enough to know it again, and a bound for the page. */
enum { VALUE_LEN_MAX = 256 };

static uint64_t seconds_since(uint64_t since_ms)
{
	return (loop_now_ms() - since_ms) / 1000;
}

static const struct param none = {.value = "-", .value_len = 1};

static struct param cut(struct param param)
{
	if (param.value_len == 0)
		return none;
	if (param.value_len > VALUE_LEN_MAX)
		param.value_len = VALUE_LEN_MAX;
	return param;
}

static uint64_t number_of(const struct param *param)
{
	uint64_t number = 0;

	for (size_t i = 0; i < param->value_len && number < UINT64_MAX / 100; i++) {
		if (param->value[i] < '0' || param->value[i] > '9')
			break;
		number = number * 10 + (uint64_t)(param->value[i] - '0');
	}
	return number;
}

/* NULL: there is none. */
static void read_request(struct status_request *shown, const struct request *request)
{
	struct param content_len;

	*shown = (struct status_request){none, none, none, none, 0};
	if (!request)
		return;
	content_len = request_param(request, "CONTENT_LENGTH");
	*shown = (struct status_request){
		.method = cut(request_param(request, "REQUEST_METHOD")),
		.uri = cut(request_name(request)),
		.script = cut(request_script(request)),
		.user = cut(request_param(request, "REMOTE_USER")),
		.content_len = number_of(&content_len),
	};
}

static const struct request *older(const struct request *a, const struct request *b)
{
	return !a || b->running_since_ms < a->running_since_ms ? b : a;
}

static const struct request *oldest_request(const struct proc *proc)
{
	const struct request *oldest = NULL;

	list_for_each (link, after, &proc->busy) {
		const struct proc_connection *connection =
			container_of(link, struct proc_connection, link);

		list_for_each (carried, behind, &connection->carried)
			oldest = older(oldest, container_of(carried, struct request, carried));
	}
	return oldest;
}

/* It could not be reached, and is to be tried again: nobody knows better before it answers. */
static bool is_failing(const struct proc *proc)
{
	return proc->state == PROC_UP && proc->failures > 0;
}

/* One of the children that are there only when there is much to do. */
static bool is_spare(const struct proc *proc)
{
	return proc->is_child && proc->number >= backend_child_min(proc->backend->settings);
}

static const char *state_of(const struct proc *proc)
{
	switch (proc->state) {
	case PROC_DOWN:
		return is_spare(proc) ? "Off" : "Down";
	case PROC_PROBING:
		return "Starting";
	case PROC_RESTING:
		return "Resting";
	case PROC_DRAINING:
	case PROC_GONE:
		return "Draining";
	case PROC_UP:
		if (is_failing(proc))
			return "Failing";
		return proc->balance.load > 0 ? "Running" : "Idle";
	}
	return "";
}

static uint64_t memory_of(const struct proc *proc)
{
	uint64_t len;

	return proc->pid > 0 && process_memory(proc->pid, &len) == 0 ? len : STATUS_NONE;
}

static uint64_t capacity_of(const struct proc *proc)
{
	return proc->capacity == PROC_CAPACITY_UNKNOWN ? STATUS_NONE : proc->capacity;
}

static void read_proc(struct status_proc *shown, const struct proc *proc, time_t now)
{
	const struct request *request = oldest_request(proc);
	bool is_up = proc->state != PROC_DOWN;

	*shown = (struct status_proc){
		.state = state_of(proc),
		.address = &proc->place.address,
		.number = proc->number,
		.pid = (uint64_t)proc->pid,
		.is_up = is_up,
		.load = proc->balance.load,
		.capacity = capacity_of(proc),
		.other_load = proc->balance.other,
		.tier = proc->balance.tier,
		.weight_percent = proc->balance.weight * 100ULL / BALANCE_WEIGHT_UNIT,
		.since_s = is_up ? seconds_since(proc->probing_since_ms) : 0,
		.requests = proc->counts.requests - proc->counts.earlier,
		/* The one that has died last is not back yet. */
		.restarts = proc->counts.died - (!is_up && proc->counts.died > 0),
		.memory_len = memory_of(proc),
		.duration_ms = request ? request_running_ms(request) : proc->counts.last_ms,
		.counts = proc->counts,
		.has_request = request != NULL,
		.is_abandoned = request && request->state == REQUEST_ABANDONED,
	};
	shown->started_s = is_up ? (uint64_t)now - shown->since_s : 0;
	read_request(&shown->request, request);
}

/* The limits of one that is unlimited and any other are none. */
static void add_limit(uint64_t *sum, uint64_t limit)
{
	*sum = *sum == STATUS_NONE || limit == STATUS_NONE ? STATUS_NONE : *sum + limit;
}

static void add_proc(struct status_sum *sum, const struct status_proc *proc)
{
	sum->count++;
	sum->load += proc->load;
	sum->up += proc->is_up;
	sum->active += proc->load > 0;
	sum->idle += proc->is_up && proc->load == 0;
	add_limit(&sum->capacity, proc->capacity);
}

static uint64_t longest_wait(const struct queue *queue)
{
	uint64_t since_ms = loop_now_ms();

	list_for_each (link, after, &queue->tickets) {
		const struct queue_ticket *ticket = container_of(link, struct queue_ticket, link);

		since_ms = ticket->since_ms < since_ms ? ticket->since_ms : since_ms;
	}
	return loop_now_ms() - since_ms;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* In settings 0 stands for no limit. */
static uint64_t limit_of(uint64_t setting)
{
	return setting > 0 ? setting : STATUS_NONE;
}

static void add_route(struct status_queue *sum, const struct route *route)
{
	sum->count += route->queue.count;
	sum->count_max += route->counts.queued_max;
	sum->limit += route->settings->queue_limit;
	sum->waits += route->counts.waits;
	sum->waiting_ms = larger(sum->waiting_ms, longest_wait(&route->queue));
	sum->timeout_ms = larger(sum->timeout_ms, limit_of(route->settings->queue_timeout_ms));
}

static void add_backend(struct status_sum *sum, const struct status_sum *backend)
{
	sum->count += backend->count;
	sum->up += backend->up;
	sum->idle += backend->idle;
	sum->active += backend->active;
	sum->active_max += backend->active_max;
	sum->missing += backend->missing;
	sum->load += backend->load;
	add_limit(&sum->capacity, backend->capacity);
}

/* One of those that should be there: servers of others all, and as many children as never go. */
static bool is_wanted(const struct proc *proc)
{
	return proc->is_child ? !is_spare(proc) : !proc_is_leaving(proc);
}

static bool is_good(const struct proc *proc)
{
	return proc->state != PROC_DOWN && proc->state != PROC_RESTING && !is_failing(proc) &&
	       !proc_is_leaving(proc);
}

static uint64_t count_missing(const struct backend *backend)
{
	size_t wanted = 0, good = 0;

	for (size_t i = 0; i < backend->proc_count; i++) {
		wanted += is_wanted(backend->procs[i]);
		good += is_good(backend->procs[i]);
	}
	/* A name of which no host is known stands for one at least. */
	for (size_t i = 0; i < backend->discovery_count; i++)
		wanted += backend->discoveries[i].host_count == 0;
	return wanted > good ? wanted - good : 0;
}

static void read_backend(struct status_backend *shown, const struct backend *backend, time_t now)
{
	shown->name = backend->settings->name;
	shown->counts = backend->counts;
	shown->scales = backend_scales(backend->settings);
	shown->request_timeout_ms = limit_of(backend->settings->request_timeout_ms);
	shown->sum.active_max = backend->counts.active_max;
	shown->sum.missing = count_missing(backend);
	for (size_t i = 0; i < backend->proc_count; i++) {
		struct status_proc *proc = &shown->procs[shown->proc_count];

		if (backend->procs[i]->state == PROC_GONE)
			continue;
		read_proc(proc, backend->procs[i], now);
		add_proc(&shown->sum, proc);
		shown->proc_count++;
	}
	for (size_t i = 0; i < backend->route_count; i++)
		add_route(&shown->sum.queue, backend->routes[i]);
}

static int allocate(struct status_model *model, const struct mux *mux)
{
	size_t count = 0;

	for (size_t i = 0; i < mux->backend_count; i++)
		count += mux->backends[i].proc_count;
	model->backends = calloc(mux->backend_count, sizeof(*model->backends));
	model->procs = calloc(count > 0 ? count : 1, sizeof(*model->procs));
	if (model->backends && model->procs)
		return 0;
	status_model_fini(model);
	return -ENOMEM;
}

int status_model_init(struct status_model *model, const struct mux *mux)
{
	time_t now = time(NULL);
	struct status_proc *procs;

	*model = (struct status_model){
		.since_s = seconds_since(mux->started_ms),
		.connections = mux->connection_count,
		.connections_max = mux->connections_max,
		.counts = mux->counts,
		.backend_count = mux->backend_count,
	};
	model->started_s = (uint64_t)now - model->since_s;
	if (allocate(model, mux) < 0)
		return -ENOMEM;
	procs = model->procs;
	for (size_t i = 0; i < mux->backend_count; i++) {
		model->backends[i].procs = procs;
		read_backend(&model->backends[i], &mux->backends[i], now);
		add_backend(&model->sum, &model->backends[i].sum);
		procs += mux->backends[i].proc_count;
	}
	/* Backends may share one. */
	for (size_t i = 0; i < mux->route_count; i++)
		add_route(&model->sum.queue, mux->routes[i]);
	return 0;
}

void status_model_fini(struct status_model *model)
{
	free(model->backends);
	free(model->procs);
	*model = (struct status_model){0};
}

const char *status_model_pool(const struct status_model *model)
{
	return model->backend_count == 1 ? model->backends[0].name : "all";
}

const char *status_model_manager(const struct status_model *model)
{
	for (size_t i = 0; i < model->backend_count; i++)
		if (model->backends[i].scales)
			return "dynamic";
	return "static";
}
