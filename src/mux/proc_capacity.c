#include "mux/proc_capacity.h"

#include "base/log.h"
#include "fcgi/values.h"
#include "mux/backend.h"
#include "mux/proc.h"
#include "mux/proc_child.h"

void proc_set_capacity(struct proc *proc, unsigned capacity)
{
	proc->capacity = capacity;
	balance_set_capacity(&proc->backend->balance, &proc->balance, capacity);
}

void proc_on_full(struct proc *proc, bool is_backlog)
{
	proc->counts.overloaded++;
	proc->is_full = true;
	proc->is_backlog_full = is_backlog;
	balance_set_capacity(&proc->backend->balance, &proc->balance, proc->balance.load);
}

void proc_try_one_more(struct proc *proc)
{
	unsigned load = proc->balance.load;
	bool may_try = proc->is_full && (proc->is_backlog_full || load == 0);

	if (may_try && load < proc->capacity)
		balance_set_capacity(&proc->backend->balance, &proc->balance, load + 1);
}

static unsigned told_capacity(const struct values *values)
{
	/* Where it has no process at the moment, requests can wait there. */
	if (values->knows_load)
		return values->capacity > 0 ? values->capacity : 1;
	return values->mpxs_conns ? values->max_reqs : values->max_conns;
}

void proc_take_values(struct proc *proc, const struct values *values)
{
	unsigned capacity = told_capacity(values);

	proc->answers_values = true;
	proc->tells_load = values->knows_load;
	proc->is_multiplexing = values->mpxs_conns;
	proc->connections_max = values->max_conns > 0 ? values->max_conns : SIZE_MAX;
	if (capacity > 0 && capacity != proc->capacity && proc->backend->settings->capacity == 0)
		proc_set_capacity(proc, capacity);
	log_debug(
		"%s: values: max_conns=%u max_reqs=%u mpxs_conns=%d capacity=%u busy=%u queued=%u",
		proc->name, values->max_conns, values->max_reqs, values->mpxs_conns,
		values->capacity, values->busy, values->queued);
}

/* A child serves one request at a time; of what others run, nothing is known. */
void proc_forget_capacity(struct proc *proc)
{
	uint64_t configured = proc->backend->settings->capacity;
	unsigned assumed = proc->is_child ? 1 : PROC_CAPACITY_UNKNOWN;

	proc->is_multiplexing = proc->is_full = false;
	proc_set_capacity(proc, configured > 0 ? (unsigned)configured : assumed);
}
