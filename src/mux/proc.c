#include "mux/proc.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "os/control.h"
#include "policy/backoff.h"
#include "policy/retry.h"

/* The longest that one is left out, however often it has failed; jitter is added. */
enum { RESTING_MAX_MS = 60000 };

static const char *const state_names[] = {
	[PROC_DOWN] = "down",
	[PROC_PROBING] = "probing",
	[PROC_UP] = "up",
	[PROC_RESTING] = "resting",
};

static void proc_set_pid(struct proc *proc, pid_t pid)
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
	};

	if (state != proc->state)
		log_debug("%s: %s -> %s", proc->name, state_names[proc->state], state_names[state]);
	list_detach(&proc->link);
	list_append(lists[state], &proc->link);
	proc->state = state;
	balance_set_usable(&backend->balance, &proc->balance, state == PROC_UP);
}

char *proc_init(struct proc *proc, struct backend *backend, unsigned number, unsigned capacity)
{
	const char *complaint;
	char text[ADDRESS_TEXT_SIZE];

	proc->backend = backend;
	list_init(&proc->link);
	list_init(&proc->idle);
	list_init(&proc->busy);
	balance_entry_init(&proc->balance, number, capacity);
	proc->capacity = capacity;
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

static void close_idle(struct proc *proc)
{
	while (!list_is_empty(&proc->idle))
		proc_connection_close(connection_of(list_first(&proc->idle)));
}

void proc_fini(struct proc *proc)
{
	close_idle(proc);
	while (!list_is_empty(&proc->busy))
		proc_connection_close(connection_of(list_first(&proc->busy)));
	buffer_fini(&proc->values);
}

void proc_rest(struct proc *proc)
{
	const struct list *up = &proc->backend->up;
	uint32_t random = 0;

	if (proc->state != PROC_UP || up->next == up->prev)
		return;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)loop_now_ms();
	proc->failures++;
	proc->resting_until_ms =
		loop_now_ms() + backoff_delay_ms(proc->failures,
						 proc->backend->settings->disable_time_ms,
						 RESTING_MAX_MS, random);
	proc_set_state(proc, PROC_RESTING);
}

void proc_set_capacity(struct proc *proc, unsigned capacity)
{
	proc->capacity = capacity;
	balance_set_capacity(&proc->backend->balance, &proc->balance, capacity);
}

/* With one request, so that no more are held up by what has failed before. */
static void proc_try_again(struct proc *proc)
{
	balance_set_capacity(&proc->backend->balance, &proc->balance, 1);
	proc_set_state(proc, PROC_UP);
}

void proc_tick(struct proc *proc)
{
	if (proc->state == PROC_PROBING)
		probe_tick(proc);
	else if (proc->state == PROC_RESTING && loop_now_ms() >= proc->resting_until_ms)
		proc_try_again(proc);
}

bool proc_ask(struct proc *proc, const uint8_t *question, size_t len)
{
	struct proc_connection *connection = proc_connection_new(proc);

	if (!connection)
		return false;
	list_prepend(&proc->idle, &connection->link);
	/* Where it is broken already, reading from it says so in the next turn. */
	connection->is_broken = stream_write(&connection->stream, question, len) < 0;
	return true;
}

void proc_run(struct proc *proc, struct request *request)
{
	struct proc_connection *connection;

	/*
	 * What has failed once is not given to a kept connection, which may fail for its age alone.
	 * Those that are there are closed: a program that serves one at a time waits for it.
	 */
	if (request->retries > 0)
		close_idle(proc);
	connection = connection_of(list_first(&proc->idle));
	if (!connection)
		connection = proc_connection_new(proc);
	if (connection) {
		proc_connection_run(connection, request);
	} else {
		const struct retry_case failure = {.is_unsent = true, .is_whole = true};
		const char *reason = strerror(errno);

		log_warnx("%s: cannot connect: %s", proc->name, reason);
		proc_rest(proc);
		failure_retry(request, proc, failure, reason);
	}
}

/* False: the supervisor is behind with its messages, or there is none. */
static bool tell_supervisor(const struct proc *proc, enum control_type type)
{
	const struct mux *mux = proc->backend->mux;
	struct control_message message = {
		.type = type,
		.backend = (uint32_t)(proc->backend - mux->backends),
		.proc = proc->balance.number,
		.pid = proc->pid,
	};

	return mux->control_fd >= 0 && proc->pid > 0 &&
	       control_send(mux->control_fd, &message) == 0;
}

void proc_on_answer(struct proc *proc)
{
	if (proc->failures > 0) {
		proc->failures = 0;
		proc_set_capacity(proc, proc->capacity);
	}
	/* Where it cannot be told, the next answer tries again. */
	if (!proc->has_answered)
		proc->has_answered = tell_supervisor(proc, CONTROL_CHILD_READY);
}

void proc_on_stuck(struct proc *proc)
{
	if (tell_supervisor(proc, CONTROL_CHILD_STUCK))
		proc_rest(proc);
}

void proc_complain(const struct proc *proc, const char *fault)
{
	log_warnx("%s: %s; its connection is closed", proc->name, fault);
}

void proc_on_up(struct proc *proc, pid_t pid)
{
	proc_set_pid(proc, pid);
	proc->has_answered = false;
	close_idle(proc);
	buffer_fini(&proc->values);
	proc->failures = 0;
	proc_set_capacity(proc, backend_capacity(proc->backend));
	probe_start(proc);
}

/* A busy connection with nothing to be read, not even its end, whose request can run elsewhere. */
static struct proc_connection *find_repeatable(const struct proc *proc)
{
	list_for_each (link, after, &proc->busy) {
		struct proc_connection *connection = connection_of(link);

		if (connection->request && !connection->request->is_safe)
			continue;
		if (stream_peek(&connection->stream) == -EAGAIN)
			return connection;
	}
	return NULL;
}

/*
 * What was accepted is reset by the kernel; what was not waits in the listening socket, which the
 * supervisor holds. Requests that may be repeated need not wait for the next process there. The
 * others do: the next one serves them, or a reset tells that this one had begun.
 */
void proc_on_down(struct proc *proc)
{
	probe_on_down(proc);
	proc_set_state(proc, PROC_DOWN);
	close_idle(proc);
	for (struct proc_connection *silent; (silent = find_repeatable(proc));) {
		silent->is_unaccepted = true;
		proc_connection_fail(silent, "the process ended");
	}
	proc_set_pid(proc, 0);
}
