#include "mux/proc_child.h"

#include <errno.h>

#include "config/backend_procs.h"
#include "mux/backend.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_capacity.h"
#include "mux/proc_connection.h"
#include "mux/proc_pool.h"
#include "mux/request.h"
#include "mux/request_time.h"
#include "os/control.h"
#include "policy/scale.h"

/* False: the supervisor is behind with its messages, or there is none. */
static bool tell_supervisor(const struct proc *proc, enum control_type type)
{
	const struct mux *mux = proc->backend->mux;
	struct control_message message = {
		.type = type,
		.backend = (uint32_t)(proc->backend - mux->backends),
		.proc = proc->number,
		.pid = proc->pid,
	};

	return mux->control_fd >= 0 && proc->pid > 0 &&
	       control_send(mux->control_fd, &message) == 0;
}

static bool is_worn(const struct proc *proc)
{
	uint64_t limit = proc->backend->settings->max_requests;

	return proc->counts.requests - proc->counts.earlier >=
	       scale_spread(limit, (uint32_t)proc->pid);
}

void proc_on_usable(struct proc *proc)
{
	/* Where it cannot be told, an answer or a second tell as much. */
	(void)!tell_supervisor(proc, CONTROL_CHILD_USABLE);
}

void proc_on_answer(struct proc *proc)
{
	health_note_life(&proc->host.health);
	if (proc->failures > 0 || proc->is_full) {
		proc->failures = 0;
		proc->is_full = false;
		proc_set_capacity(proc, proc->capacity);
	}
	/* Where it cannot be told, the next answer tries again. */
	if (!proc->has_answered)
		proc->has_answered = tell_supervisor(proc, CONTROL_CHILD_READY);
	if (proc->backend->settings->max_requests > 0 && !proc->is_spent && is_worn(proc))
		proc->is_spent = tell_supervisor(proc, CONTROL_CHILD_SPENT);
}

bool proc_on_stuck(struct proc *proc)
{
	if (!tell_supervisor(proc, CONTROL_CHILD_STUCK))
		return false;
	proc_rest(proc);
	return true;
}

void proc_on_up(struct proc *proc, pid_t pid)
{
	proc_set_pid(proc, pid);
	proc->has_answered = false;
	proc->is_spent = false;
	proc->is_given_up = false;
	proc_pool_close_idle(proc);
	buffer_fini(&proc->values);
	proc->failures = 0;
	proc_forget_capacity(proc);
	probe_start(proc);
}

void proc_report_drained(struct proc *proc)
{
	/* Where it cannot be told, the next tick tries again. */
	if (proc->state == PROC_DRAINING && proc->connection_count == 0 && !proc->is_drained)
		proc->is_drained = tell_supervisor(proc, CONTROL_CHILD_DRAINED);
}

void proc_on_drain(struct proc *proc)
{
	if (proc->state == PROC_DOWN)
		return;
	proc->is_drained = false;
	proc_set_state(proc, PROC_DRAINING);
	proc_pool_close_idle(proc);
	proc_report_drained(proc);
}

void proc_give_up(struct proc *proc)
{
	/* Where it cannot be told, the end of this mux says as much. */
	if (proc->is_child && !proc->is_given_up)
		proc->is_given_up = tell_supervisor(proc, CONTROL_CHILD_FREE);
}

static struct proc_connection *connection_of(struct list *link)
{
	return container_of(link, struct proc_connection, link);
}

static struct proc_connection *find_repeatable(const struct proc *proc)
{
	list_for_each (link, after, &proc->busy)
		if (proc_connection_is_repeatable(connection_of(link)))
			return connection_of(link);
	return NULL;
}

/* To another proc, or into the queue: nobody knows when the next process comes. */
static void move_unaccepted(struct proc *proc)
{
	for (struct proc_connection *silent; (silent = find_repeatable(proc));) {
		silent->is_unaccepted = true;
		proc_connection_fail(silent, "the process ended");
	}
}

static void leave_unaccepted(const struct proc *proc)
{
	list_for_each (link, after, &proc->busy) {
		const struct proc_connection *connection = connection_of(link);

		if (stream_peek(&connection->stream) != -EAGAIN)
			continue;
		list_for_each (carried, next, &connection->carried)
			request_restart_time(container_of(carried, struct request, carried));
	}
}

static bool has_others(const struct proc *proc)
{
	return !list_is_empty(&proc->backend->up) || backend_can_be_left_out(proc->backend);
}

/*
 * What was accepted is reset by the kernel; what was not waits in the listening socket, which the
 * supervisor holds, and the next process runs it, whether or not we still wait for it there. So it
 * is left to that one, unless it may be repeated and others can have it at once.
 */
void proc_on_down(struct proc *proc)
{
	probe_on_down(proc);
	proc->counts.died++;
	proc_set_state(proc, PROC_DOWN);
	proc_pool_close_idle(proc);
	if (has_others(proc))
		move_unaccepted(proc);
	leave_unaccepted(proc);
	proc_set_pid(proc, 0);
}

void proc_child_tick(struct proc *proc)
{
	proc_report_drained(proc);
	if (proc->state == PROC_DOWN)
		move_unaccepted(proc);
}
