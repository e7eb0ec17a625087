#include "mux/proc.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"
#include "mux/backend.h"
#include "mux/debug.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/proc_pool.h"
#include "mux/request.h"
#include "os/control.h"
#include "policy/backoff.h"
#include "policy/retry.h"

/* The longest that one is left out, however often it has failed; jitter is added. */
enum { RESTING_MAX_MS = 60000 };

static const char *const state_names[] = {
	[PROC_DOWN] = "down",	    [PROC_PROBING] = "probing",	  [PROC_UP] = "up",
	[PROC_RESTING] = "resting", [PROC_DRAINING] = "draining",
};

void proc_set_pid(struct proc *proc, pid_t pid)
{
	const char *backend = proc->backend->settings->name;
	unsigned number = proc->balance.number;

	proc->pid = pid;
	if (pid > 0)
		(void)text_format(proc->name, sizeof(proc->name), "%s.%u[%d]", backend, number,
				  (int)pid);
	else
		(void)text_format(proc->name, sizeof(proc->name), "%s.%u", backend, number);
}

void proc_set_state(struct proc *proc, enum proc_state state)
{
	struct backend *backend = proc->backend;
	struct list *const lists[] = {
		[PROC_DOWN] = &backend->down,
		[PROC_PROBING] = &backend->probing,
		[PROC_UP] = &backend->up,
		[PROC_RESTING] = &backend->resting,
		[PROC_DRAINING] = &backend->draining,
	};

	if (state != proc->state)
		log_debug("%s: %s -> %s", proc->name, state_names[proc->state], state_names[state]);
	list_detach(&proc->link);
	list_append(lists[state], &proc->link);
	proc->state = state;
	balance_set_usable(&backend->balance, &proc->balance, state == PROC_UP);
}

void proc_set_capacity(struct proc *proc, unsigned capacity)
{
	proc->capacity = capacity;
	balance_set_capacity(&proc->backend->balance, &proc->balance, capacity);
}

/* A child serves one request at a time; of what others run, nothing is known. */
void proc_forget_capacity(struct proc *proc)
{
	uint64_t configured = proc->backend->settings->capacity;
	unsigned assumed = proc_is_child(proc) ? 1 : PROC_CAPACITY_UNKNOWN;

	proc->is_multiplexing = false;
	proc_set_capacity(proc, configured > 0 ? (unsigned)configured : assumed);
}

char *proc_init(struct proc *proc, struct backend *backend, unsigned number)
{
	const char *complaint;
	char text[ADDRESS_TEXT_SIZE];

	proc->backend = backend;
	list_init(&proc->link);
	list_init(&proc->idle);
	list_init(&proc->busy);
	balance_entry_init(&proc->balance, number, 1);
	proc_forget_capacity(proc);
	proc_set_pid(proc, 0);
	proc_set_state(proc, PROC_DOWN);
	complaint = backend_proc_address(backend->settings, number, &proc->address);
	if (complaint)
		return text_new("[%s] proc %u: %s", backend->settings->name, number, complaint);
	complaint = socket_address_resolve(&proc->address, &proc->socket_address);
	if (complaint)
		return text_new("[%s] cannot find the address of %s: %s", backend->settings->name,
				address_format(&proc->address, text), complaint);
	return NULL;
}

static struct proc_connection *connection_of(struct list *link)
{
	return link ? container_of(link, struct proc_connection, link) : NULL;
}

void proc_fini(struct proc *proc)
{
	proc_pool_close_idle(proc);
	while (!list_is_empty(&proc->busy))
		proc_connection_close(connection_of(list_first(&proc->busy)));
	buffer_fini(&proc->values);
}

/* The last that is UP for a route never rests. */
static bool can_rest(const struct proc *proc)
{
	const struct list *up = &proc->backend->up;

	return proc->state == PROC_UP &&
	       (up->next != up->prev || backend_can_be_left_out(proc->backend));
}

void proc_rest(struct proc *proc)
{
	uint32_t random = 0;

	/* With disable-time = 0 it is tried again at once. */
	if (!can_rest(proc) || proc->backend->settings->disable_time_ms == 0) {
		proc->failures += proc->failures == 0; /* which the status shows */
		return;
	}
	proc->counts.disabled++;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)loop_now_ms();
	proc->failures++;
	proc->resting_until_ms =
		loop_now_ms() + backoff_delay_ms(proc->failures,
						 proc->backend->settings->disable_time_ms,
						 RESTING_MAX_MS, random);
	proc_set_state(proc, PROC_RESTING);
}

/* With one request, so that no more are held up by what has failed before. */
static void proc_try_again(struct proc *proc)
{
	balance_set_capacity(&proc->backend->balance, &proc->balance, 1);
	proc_set_state(proc, PROC_UP);
}

void proc_tick(struct proc *proc)
{
	if (proc->state == PROC_UP)
		proc_pool_trim(proc);
	if (proc->is_multiplexing)
		proc_pool_tick(proc);
	if (proc->state == PROC_PROBING)
		probe_tick(proc);
	else if (proc->state == PROC_DRAINING)
		proc_report_drained(proc);
	else if (proc->state == PROC_RESTING && loop_now_ms() >= proc->resting_until_ms)
		proc_try_again(proc);
}

bool proc_ask(struct proc *proc, const uint8_t *question, size_t len)
{
	struct proc_connection *connection = proc_connection_new(proc);

	if (!connection)
		return false;
	/* Where it is broken already, reading from it says so in the next turn. */
	proc_connection_send(connection, question, len);
	return true;
}

void proc_run(struct proc *proc, struct request *request)
{
	struct proc_connection *connection = proc_pool_choose(proc, request);

	if (connection) {
		debug_show_taken(connection);
		debug_show_given(request);
		proc_connection_run(connection, request);
	} else {
		const struct retry_case failure = {.is_unsent = true, .is_whole = true};
		const char *reason = strerror(errno);

		proc->counts.overloaded += errno == EAGAIN;
		log_warnx("%s: cannot connect: %s", proc->name, reason);
		proc_rest(proc);
		failure_retry(request, proc, failure, reason);
	}
}

void proc_complain(const struct proc *proc, const char *fault)
{
	proc->backend->mux->counts.bad_answers++;
	log_warnx("%s: %s; its connection is closed", proc->name, fault);
}
