#include "mux/proc_host.h"

#include "base/log.h"
#include "mux/backend.h"
#include "mux/health.h"
#include "mux/proc.h"
#include "mux/proc_capacity.h"
#include "mux/proc_child.h"
#include "mux/proc_pool.h"
#include "os/random.h"
#include "policy/slow_start.h"

void proc_leave(struct proc *proc)
{
	proc_set_state(proc, PROC_DRAINING);
	proc_pool_close_idle(proc);
}

bool proc_is_leaving(const struct proc *proc)
{
	return !proc->is_child && (proc->state == PROC_DRAINING || proc->state == PROC_GONE);
}

bool proc_is_far(const struct proc *proc)
{
	return !proc->is_child && proc->place.address.kind == ADDRESS_TCP;
}

static void end_leaving(struct proc *proc)
{
	if (proc->connection_count > 0)
		return;
	proc->host.gone_since_ms = loop_now_ms();
	proc_set_state(proc, PROC_GONE);
}

void proc_host_set_weight(struct proc *proc)
{
	uint64_t duration_ms = proc->is_child ? 0 : proc->backend->settings->slow_start_ms;
	uint32_t weight = slow_start_weight(proc->place.weight,
					    loop_now_ms() - proc->host.up_since_ms, duration_ms);

	if (weight != proc->balance.weight)
		balance_set_weight(&proc->backend->balance, &proc->balance, weight);
}

/* A program that does not know the question could be held up by it. */
static bool is_probed(const struct proc *proc)
{
	const struct backend_settings *settings = proc->backend->settings;

	return !proc->is_child && settings->probe_interval_ms > 0 &&
	       (settings->probe_request || proc->answers_values || proc->host.is_unreached);
}

bool proc_host_is_out(const struct proc *proc)
{
	return is_probed(proc) && proc->host.health.is_out;
}

void proc_host_on_unreachable(struct proc *proc)
{
	proc->host.is_unreached = true;
	if (is_probed(proc))
		health_take(&proc->host.health, HEALTH_SIGN_CLOSED);
}

/* What its own requests are not, other muxes have given it. */
static void take_load(struct proc *proc, const struct values *values)
{
	uint64_t told = (uint64_t)values->busy + values->queued;
	uint32_t other = balance_other_of(told < UINT32_MAX ? (uint32_t)told : UINT32_MAX,
					  proc->balance.load);

	balance_set_other(&proc->backend->balance, &proc->balance, other);
}

static void take_good(struct proc *proc, const struct health_answer *answer)
{
	bool was_out = proc->host.health.is_out;

	health_take(&proc->host.health, HEALTH_SIGN_GOOD);
	if (answer->has_values)
		proc_take_values(proc, &answer->values);
	if (answer->has_values && answer->values.knows_load)
		take_load(proc, &answer->values);
	if (was_out && proc->state == PROC_RESTING) {
		log_info("%s: answers again", proc->name);
		proc_try_again(proc);
	}
	backend_serve_later(proc->backend);
}

/*
 * Each connection holds a worker, those that are kept too: there is nobody to answer with. Their
 * end shows by itself.
 */
static bool is_full(const struct proc *proc)
{
	return !proc->is_multiplexing && proc->connection_count >= proc->capacity;
}

static void take_bad(struct proc *proc, const struct health_answer *answer)
{
	bool was_out = proc->host.health.is_out;

	if (answer->result == HEALTH_SILENT && is_full(proc))
		return;
	health_take(&proc->host.health,
		    answer->result == HEALTH_REFUSED ? HEALTH_SIGN_CLOSED : HEALTH_SIGN_BAD);
	if (!proc->host.health.is_out)
		return;
	if (!was_out)
		log_warnx("%s: its probe failed: %s", proc->name, answer->reason);
	if (proc->state == PROC_RESTING)
		proc_rest_longer(proc);
	else if (proc->state == PROC_UP)
		proc_rest(proc);
}

static void on_result(struct health_probe *probe, const struct health_answer *answer)
{
	struct proc *proc = probe->owner;

	if (answer->result != HEALTH_REFUSED)
		proc->host.is_unreached = false;
	if (answer->result == HEALTH_GOOD)
		take_good(proc, answer);
	else
		take_bad(proc, answer);
	health_probe_cancel(proc->host.probe);
	proc->host.probe = NULL;
}

static void probe(struct proc *proc)
{
	const struct backend_settings *settings = proc->backend->settings;
	const struct health_plan plan = {
		.timeout_ms = settings->probe_timeout_ms,
		.request = settings->probe_request,
		.docroot = settings->docroot,
		.status = (unsigned)settings->probe_status,
		.owner = proc,
	};

	health_begin_probe(&proc->host.health);
	proc->host.probe = health_probe_start(&proc->socket_address, &plan, on_result);
	proc->host.next_probe_ms =
		loop_now_ms() + health_next_ms(settings->probe_interval_ms, random_draw());
}

/* One that rests is asked at the end of its rest too, however long the interval is. */
static bool is_due(const struct proc *proc)
{
	if (proc->state == PROC_RESTING && loop_now_ms() >= proc->resting_until_ms)
		return true;
	return (proc->state == PROC_UP || proc->state == PROC_RESTING) &&
	       loop_now_ms() >= proc->host.next_probe_ms;
}

void proc_host_tick(struct proc *proc)
{
	if (proc->state == PROC_DRAINING)
		end_leaving(proc);
	if (proc->state == PROC_UP)
		proc_host_set_weight(proc);
	if (is_probed(proc) && !proc->host.probe && !is_full(proc) && is_due(proc))
		probe(proc);
}

void proc_host_settle(struct proc *proc)
{
	proc_host_stop(proc);
	health_init(&proc->host.health, proc->backend->settings->probe_request != NULL);
	balance_set_other(&proc->backend->balance, &proc->balance, 0);
	proc->host.next_probe_ms = 0;
	proc->host.is_unreached = false;
}

void proc_host_stop(struct proc *proc)
{
	health_probe_cancel(proc->host.probe);
	proc->host.probe = NULL;
}
