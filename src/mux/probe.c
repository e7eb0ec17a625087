#include "mux/probe.h"

#include "base/log.h"
#include "fcgi/record.h"
#include "fcgi/values.h"
#include "mux/backend.h"
#include "mux/proc.h"
#include "mux/proc_capacity.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/proc_host.h"
#include "mux/proc_pool.h"
#include "os/loop.h"

/* So many lost questions, and none answered, make a program mute. */
enum { LOST_MAX = 2 };

static bool is_mute(const struct proc *proc)
{
	return !proc->answers_values && proc->probes_lost >= LOST_MAX;
}

static void set_up(struct proc *proc)
{
	proc_set_state(proc, PROC_UP);
	proc_on_usable(proc);
	/* The one that the question went over must not hold a worker of others. */
	proc_pool_trim(proc);
	backend_serve_later(proc->backend);
}

static void set_mute(struct proc *proc, const char *reason)
{
	if (!proc->answers_values)
		log_debug("%s: %s: used without its values", proc->name, reason);
	proc->probes_lost = LOST_MAX;
	set_up(proc);
}

void probe_ask(struct proc_connection *connection)
{
	uint8_t query[VALUES_ENCODED_MAX + RECORD_HEADER_LEN];
	uint8_t *end = values_query_encode(query);

	/* libfcgi answers when the header of the next record is there: an empty question is one. */
	end = record_header_encode(end, RECORD_GET_VALUES, 0, 0);
	/* Where it is broken already, reading from it says so in the next turn. */
	proc_connection_send(connection, query, (size_t)(end - query));
}

/* On a connection of its own. False: it cannot be reached. */
static bool ask(struct proc *proc)
{
	struct proc_connection *connection = proc_connection_new(proc);

	if (connection)
		probe_ask(connection);
	return connection;
}

void probe_start(struct proc *proc)
{
	proc->probing_since_ms = loop_now_ms();
	proc->counts.earlier = proc->counts.requests;
	proc_set_state(proc, PROC_PROBING);
	if (is_mute(proc)) {
		set_up(proc);
	} else if (!ask(proc)) {
		proc_host_on_unreachable(proc);
		set_up(proc);
	}
}

static void take_values(struct proc_connection *connection, const uint8_t *content, size_t len)
{
	struct proc *proc = connection->proc;
	struct values values = {0};

	if (values_are_draining(content, len)) {
		proc_connection_retire(connection);
		return;
	}
	if (!values_result_decode(content, len, &values)) {
		probe_lose(proc);
		return;
	}
	proc_take_values(proc, &values);
	/* An answer that came late still counts: for those that wait, and for the next time. */
	if (proc->state == PROC_PROBING)
		set_up(proc);
	else
		backend_serve_later(proc->backend);
}

void probe_take(struct proc_connection *connection, const struct record_piece *piece)
{
	struct proc *proc = connection->proc;

	if (buffer_append(&proc->values, piece->content, piece->content_len) < 0)
		return;
	if (!piece->last)
		return;
	if (proc->values.len > 0 && proc->state != PROC_DOWN)
		take_values(connection, buffer_data(&proc->values), proc->values.len);
	buffer_fini(&proc->values);
}

void probe_lose(struct proc *proc)
{
	if (proc->state == PROC_PROBING)
		set_mute(proc, "gave no answer when asked for its values");
}

void probe_on_down(struct proc *proc)
{
	if (proc->state == PROC_PROBING)
		proc->probes_lost++;
}

/* They run the same program. */
static bool is_known_to_answer(const struct backend *backend)
{
	for (size_t i = 0; i < backend->proc_count; i++)
		if (backend->procs[i]->answers_values)
			return true;
	return false;
}

void probe_tick(struct proc *proc)
{
	uint64_t limit_ms = is_known_to_answer(proc->backend) ? PROBE_KNOWN_MS : PROBE_MS;

	if (loop_now_ms() - proc->probing_since_ms >= limit_ms)
		set_mute(proc, "was too slow to answer when asked for its values");
}
