#include "mux/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "config/backend_procs.h"
#include "mux/backend.h"
#include "mux/debug.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc_capacity.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/proc_host.h"
#include "mux/proc_pool.h"
#include "mux/request.h"
#include "os/control.h"
#include "os/random.h"
#include "policy/backoff.h"
#include "policy/retry.h"

/* The longest that one is left out, however often it has failed; jitter is added. */
enum { RESTING_MAX_MS = 60000 };

static const char *const state_names[] = {
	[PROC_DOWN] = "down",	    [PROC_PROBING] = "probing",	  [PROC_UP] = "up",
	[PROC_RESTING] = "resting", [PROC_DRAINING] = "draining", [PROC_GONE] = "gone",
};

void proc_set_pid(struct proc *proc, pid_t pid)
{
	const char *backend = proc->backend->settings->name;
	unsigned number = proc->number;
	char text[ADDRESS_TEXT_SIZE];

	proc->pid = pid;
	if (pid > 0)
		(void)text_format(proc->name, sizeof(proc->name), "%s.%u[%d]", backend, number,
				  (int)pid);
	else if (proc->is_child)
		(void)text_format(proc->name, sizeof(proc->name), "%s.%u", backend, number);
	else
		(void)text_format(proc->name, sizeof(proc->name), "%s.%u[%s]", backend, number,
				  address_format(&proc->place.address, text));
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
		[PROC_GONE] = &backend->gone,
	};

	if (state != proc->state)
		log_debug("%s: %s -> %s", proc->name, state_names[proc->state], state_names[state]);
	if (state == PROC_UP && proc->state != PROC_UP) {
		proc->host.up_since_ms = loop_now_ms();
		proc_host_set_weight(proc);
	}
	list_detach(&proc->link);
	list_append(lists[state], &proc->link);
	proc->state = state;
	balance_set_usable(&backend->balance, &proc->balance, state == PROC_UP);
}

struct proc *proc_new(struct backend *backend, unsigned number)
{
	struct proc *proc = calloc(1, sizeof(*proc));

	if (!proc)
		return NULL;
	proc->backend = backend;
	proc->number = number;
	list_init(&proc->link);
	list_init(&proc->idle);
	list_init(&proc->busy);
	proc->is_child = number < backend_child_count(backend->settings);
	balance_entry_init(&proc->balance, PROC_TIER_CHILD, number, 1);
	if (balance_add(&backend->balance, &proc->balance) < 0) {
		free(proc);
		return NULL;
	}
	proc_set_state(proc, PROC_DOWN);
	return proc;
}

/* Where there is no memory for the change, it stays where it was: there was room for it. */
static void move_to_tier(struct proc *proc, unsigned tier)
{
	struct balance *balance = &proc->backend->balance;
	uint8_t before = proc->balance.tier;

	balance_remove(balance, &proc->balance);
	proc->balance.tier = (uint8_t)tier;
	if (balance_add(balance, &proc->balance) < 0) {
		proc->balance.tier = before;
		(void)!balance_add(balance, &proc->balance);
	}
	balance_set_usable(balance, &proc->balance, proc->state == PROC_UP);
}

void proc_rank(struct proc *proc, unsigned tier, unsigned weight)
{
	if (tier != proc->balance.tier)
		move_to_tier(proc, tier);
	proc->place.tier = tier;
	proc->place.weight = weight;
	proc_host_set_weight(proc);
}

char *proc_settle(struct proc *proc, const struct proc_place *place)
{
	const char *complaint = socket_address_resolve(&place->address, &proc->socket_address);
	char text[ADDRESS_TEXT_SIZE];

	if (complaint)
		return text_new("[%s] cannot find the address of %s: %s",
				proc->backend->settings->name,
				address_format(&place->address, text), complaint);
	proc->place = *place;
	proc->counts = (struct proc_counts){0};
	proc->failures = proc->probes_lost = proc->kept_failures = 0;
	proc->answers_values = proc->tells_load = false;
	buffer_fini(&proc->values);
	proc_rank(proc, place->tier, place->weight);
	proc_set_pid(proc, 0);
	proc_forget_capacity(proc);
	proc_host_settle(proc);
	proc_set_state(proc, PROC_DOWN);
	return NULL;
}

static struct proc_connection *connection_of(struct list *link)
{
	return link ? container_of(link, struct proc_connection, link) : NULL;
}

void proc_free(struct proc *proc)
{
	if (!proc)
		return;
	proc_host_stop(proc);
	proc_pool_close_idle(proc);
	while (!list_is_empty(&proc->busy))
		proc_connection_close(connection_of(list_first(&proc->busy)));
	buffer_fini(&proc->values);
	list_detach(&proc->link);
	balance_remove(&proc->backend->balance, &proc->balance);
	free(proc);
}

/* The last that is UP for a route never rests. */
static bool can_rest(const struct proc *proc)
{
	const struct list *up = &proc->backend->up;

	return proc->state == PROC_UP &&
	       (up->next != up->prev || backend_can_be_left_out(proc->backend));
}

void proc_rest_longer(struct proc *proc)
{
	proc->failures++;
	proc->resting_until_ms =
		loop_now_ms() + backoff_delay_ms(proc->failures,
						 proc->backend->settings->disable_time_ms,
						 RESTING_MAX_MS, random_draw());
}

void proc_rest(struct proc *proc)
{
	proc_host_on_unreachable(proc);
	/* With disable-time = 0 it is tried again at once. */
	if (!can_rest(proc) || proc->backend->settings->disable_time_ms == 0) {
		proc->failures += proc->failures == 0; /* which the status shows */
		return;
	}
	proc->counts.disabled++;
	proc_rest_longer(proc);
	proc_set_state(proc, PROC_RESTING);
}

void proc_try_again(struct proc *proc)
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
	else if (proc->state == PROC_RESTING && loop_now_ms() >= proc->resting_until_ms &&
		 !proc_host_is_out(proc))
		proc_try_again(proc);
	proc_try_one_more(proc);
	if (proc->is_child)
		proc_child_tick(proc);
	else
		proc_host_tick(proc);
}

/* The request waits on where it is, for this one or another. */
static void on_backlog_full(struct proc *proc)
{
	if (!proc->is_full)
		log_warnx("%s: its backlog is full: requests wait", proc->name);
	proc_on_full(proc, true);
	backend_serve_later(proc->backend);
}

void proc_run(struct proc *proc, struct request *request)
{
	struct proc_connection *connection = proc_pool_choose(proc, request);

	if (connection) {
		backend_note_request(proc->backend, request);
		debug_show_taken(connection);
		debug_show_given(request);
		proc_connection_run(connection, request);
	} else if (errno == EAGAIN) {
		on_backlog_full(proc);
	} else {
		const struct retry_case failure = {.is_unsent = true, .is_whole = true};
		const char *reason = strerror(errno);

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
