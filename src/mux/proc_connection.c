#include "mux/proc_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fcgi/record.h"
#include "mux/backend.h"
#include "mux/debug.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_child.h"
#include "mux/proc_host.h"
#include "mux/proc_pool.h"
#include "mux/relay.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/request_time.h"
#include "mux/route.h"

/* Requests on one connection are looked for one by one. */
enum { CARRIED_MAX = 1024 };

/* How long a client that takes no more may hold up others: the protocol cannot stop it alone. */
enum { HELD_TICKS_MAX = 3 };

/*
 * A proc that was about to close a kept connection does so soon: what has run for longer on one has
 * been begun.
 */
enum { BEGUN_MS = 1000 };

static struct request *request_of(struct list *link)
{
	return container_of(link, struct request, carried);
}

/* The only mover: a state is a list, and counted. */
static void connection_set_state(struct proc_connection *connection,
				 enum proc_connection_state state)
{
	struct proc *proc = connection->proc;
	struct list *const lists[] = {
		[PROC_CONNECTION_IDLE] = &proc->idle,
		[PROC_CONNECTION_BUSY] = &proc->busy,
		[PROC_CONNECTION_CLOSED] = &proc->backend->mux->ended_procs,
	};

	proc->idle_count -= connection->state == PROC_CONNECTION_IDLE;
	proc->idle_count += state == PROC_CONNECTION_IDLE;
	proc->connection_count -= connection->state != PROC_CONNECTION_CLOSED;
	proc->connection_count += state != PROC_CONNECTION_CLOSED;
	list_detach(&connection->link);
	list_prepend(lists[state], &connection->link);
	connection->state = state;
	if (state == PROC_CONNECTION_CLOSED)
		proc_report_drained(proc);
}

/*
 * The next that is free: what a proc sends too late, for a request that is over, is not taken for
 * the answer to another.
 */
static uint16_t next_id(struct proc_connection *connection)
{
	do
		connection->last_id =
			connection->last_id == UINT16_MAX ? 1 : connection->last_id + 1;
	while (proc_connection_find(connection, connection->last_id));
	return connection->last_id;
}

/* The links of the tree's only cross-connection are set here and cleared in detach. */
static void attach(struct proc_connection *connection, struct request *request)
{
	struct proc *proc = connection->proc;
	bool keep = proc->is_multiplexing || proc_pool_keeps(proc);

	assert(!request->proc);
	request->proc = connection;
	request->has_spoken = false;
	request->timed_out_ms = 0;
	/* While a proc that was started anew is probed, nothing is known of it. */
	connection->is_shared = proc->is_multiplexing;
	/* What holds when the answer ends may be otherwise; the proc does as it was told. */
	connection->is_last |= !keep;
	connection->carried_count++;
	request_address(request, next_id(connection), keep);
	list_append(&connection->carried, &request->carried);
	connection_set_state(connection, PROC_CONNECTION_BUSY);
	backend_add_load(proc->backend, proc);
}

static void detach(struct request *request)
{
	struct proc_connection *connection = request->proc;
	struct proc *proc = connection->proc;

	request->proc = NULL;
	list_detach(&request->carried);
	connection->carried_count--;
	backend_take_load(proc->backend, proc);
	debug_show_released(connection);
}

void proc_connection_close(struct proc_connection *connection)
{
	struct list *link;

	connection_set_state(connection, PROC_CONNECTION_CLOSED);
	stream_close(&connection->stream);
	while ((link = list_first(&connection->carried))) {
		detach(request_of(link));
		request_set_state(request_of(link), REQUEST_DONE);
	}
}

void proc_connection_retire(struct proc_connection *connection)
{
	connection->is_last = true;
	if (connection->state == PROC_CONNECTION_IDLE)
		proc_connection_close(connection);
}

void proc_connection_free(struct proc_connection *connection)
{
	assert(connection->carried_count == 0);
	free(connection);
}

bool proc_connection_is_old(const struct proc_connection *connection)
{
	return loop_now_ms() - connection->opened_ms >=
	       connection->proc->backend->settings->keepalive_time_ms;
}

void proc_connection_release(struct request *request, bool can_be_kept)
{
	struct proc_connection *connection = request->proc;

	detach(request);
	if (connection->carried_count > 0 || connection->state == PROC_CONNECTION_CLOSED)
		return;
	if (connection->is_reused && request->has_spoken)
		proc_pool_note_reuse(connection->proc, true);
	connection_set_state(connection, PROC_CONNECTION_IDLE);
	connection->is_reused = true;
	if (!can_be_kept || connection->is_last || connection->is_broken ||
	    proc_connection_is_old(connection) || !proc_pool_keeps(connection->proc))
		proc_connection_close(connection);
	else
		proc_connection_update(connection);
}

/* Where it was memory that was short, the proc would wait for the rest for ever. */
static void set_broken(struct proc_connection *connection)
{
	connection->is_broken = true;
	stream_shut(&connection->stream);
}

void proc_connection_send(struct proc_connection *connection, const uint8_t *bytes, size_t len)
{
	/*
	 * A proc that has closed may have answered before: what can be read decides, and the end of
	 * the connection shows itself there in the next turn.
	 */
	if (!connection->is_broken && stream_write(&connection->stream, bytes, len) < 0)
		set_broken(connection);
	list_for_each (link, after, &connection->carried)
		request_update_blocked(request_of(link));
}

void proc_connection_abandon(struct request *request)
{
	struct proc_connection *connection = request->proc;
	uint8_t record[RECORD_HEADER_LEN];

	if (connection->state == PROC_CONNECTION_CLOSED) {
		proc_connection_release(request, false);
	} else if (connection->is_shared) {
		record_header_encode(record, RECORD_ABORT_REQUEST, request->proc_id, 0);
		proc_connection_send(connection, record, sizeof(record));
	} else if (!request->has_input || stream_waiting(&connection->stream) > 0) {
		/* The proc would wait for the rest for ever. */
		proc_connection_release(request, false);
		backend_serve_later(connection->proc->backend);
	}
}

void proc_connection_give_up(struct request *request)
{
	struct proc_connection *connection = request->proc;

	/* The others on it go on, and what comes for this one until its end goes nowhere. */
	if (connection->is_shared) {
		list_detach(&request->running);
		return;
	}
	proc_connection_release(request, false);
	request_set_state(request, REQUEST_DONE);
	backend_serve_later(connection->proc->backend);
}

/* One request of a connection that failed and is closed. */
static void lose(struct request *request, bool is_unsent, const char *reason)
{
	struct proc_connection *connection = request->proc;
	struct retry_case failure = {
		.is_unsent = is_unsent,
		.is_unaccepted = connection->is_unaccepted,
		.connection_was_reused =
			connection->is_reused && !request_has_run_for(request, BEGUN_MS),
		.is_answered = request->has_spoken,
		.is_whole = !request->is_partial,
	};

	detach(request);
	if (request->state == REQUEST_ABANDONED)
		request_set_state(request, REQUEST_DONE);
	else
		failure_retry(request, connection->proc, failure, reason);
}

static void fail_idle(struct proc_connection *connection, const char *reason)
{
	struct proc *proc = connection->proc;

	log_debug("%s: idle connection closed: %s", proc->name, reason);
	if (connection->stream.connecting)
		proc_host_on_unreachable(proc);
	proc_connection_close(connection);
	probe_lose(proc);
}

static bool has_spoken(const struct proc_connection *connection)
{
	list_for_each (link, after, &connection->carried)
		if (request_of(link)->has_spoken)
			return true;
	return false;
}

void proc_connection_fail(struct proc_connection *connection, const char *reason)
{
	struct proc *proc = connection->proc;
	bool is_unsent = connection->stream.connecting;
	struct list *link;

	if (connection->state == PROC_CONNECTION_IDLE) {
		fail_idle(connection, reason);
		return;
	}
	connection_set_state(connection, PROC_CONNECTION_CLOSED);
	stream_close(&connection->stream);
	if (connection->is_reused && !has_spoken(connection))
		proc_pool_note_reuse(proc, false);
	/* A child that drops a request is most likely ending: the supervisor is about to say so. */
	if (is_unsent || proc->is_child)
		proc_rest(proc);
	while ((link = list_first(&connection->carried)))
		lose(request_of(link), is_unsent, reason);
	backend_serve(proc->backend);
}

static void connection_on_writable(struct proc_connection *connection)
{
	int error = stream_on_writable(&connection->stream);

	if (error < 0 && connection->stream.connecting) {
		proc_connection_fail(connection, strerror(-error));
		return;
	}
	/* Broken while it was connecting: now it can be shut. */
	if (error < 0 || connection->is_broken)
		set_broken(connection);
	list_for_each (link, after, &connection->carried)
		request_update_blocked(request_of(link));
}

static void on_connection_ready(struct loop_io *io, int events)
{
	struct proc_connection *connection = container_of(io, struct proc_connection, stream.io);

	if (events & LOOP_WRITE)
		connection_on_writable(connection);
	if ((events & LOOP_READ) && stream_is_open(&connection->stream))
		relay_from_proc(connection);
}

struct proc_connection *proc_connection_new(struct proc *proc)
{
	struct proc_connection *connection = calloc(1, sizeof(*connection));
	bool is_connecting;
	int fd;

	if (!connection)
		return NULL;
	fd = socket_connect(&proc->socket_address, &is_connecting);
	if (fd < 0) {
		free(connection);
		errno = -fd;
		return NULL;
	}
	if (proc_is_far(proc))
		socket_set_limits(fd, proc->backend->settings->tcp_user_timeout_ms);
	proc->counts.connected++;
	connection->proc = proc;
	connection->opened_ms = loop_now_ms();
	connection->state = PROC_CONNECTION_CLOSED;
	list_init(&connection->link);
	list_init(&connection->carried);
	stream_init(&connection->stream, fd, on_connection_ready);
	connection_set_state(connection, PROC_CONNECTION_IDLE);
	if (is_connecting)
		stream_set_connecting(&connection->stream);
	stream_set_reading(&connection->stream, true);
	return connection;
}

void proc_connection_run(struct proc_connection *connection, struct request *request)
{
	attach(connection, request);
	request_set_state(request, REQUEST_RUNNING);
	request->is_partial = !request->has_input;
	proc_connection_send(connection, buffer_data(&request->records), request->records.len);
}

bool proc_connection_is_full(const struct proc_connection *connection)
{
	return stream_waiting(&connection->stream) >= MUX_SCRATCH_LEN;
}

/* An answer of the size of the buffer fits, whatever else waits for its client. */
static bool is_held_up(const struct request *request)
{
	return request->state == REQUEST_RUNNING && request->connection->is_throttling &&
	       request->answer_len >= request->route->mux->settings->response_buffer;
}

static struct request *find_held_up(const struct proc_connection *connection)
{
	list_for_each (link, after, &connection->carried)
		if (is_held_up(request_of(link)))
			return request_of(link);
	return NULL;
}

bool proc_connection_has_room(const struct proc_connection *connection)
{
	return connection->carried_count < CARRIED_MAX && !connection->is_broken &&
	       !connection->is_last && !proc_connection_is_full(connection) &&
	       !find_held_up(connection) && !proc_connection_is_old(connection);
}

bool proc_connection_is_repeatable(const struct proc_connection *connection)
{
	uint64_t retry = connection->proc->backend->settings->retry;

	list_for_each (link, after, &connection->carried) {
		const struct request *request = request_of(link);

		if (request->state == REQUEST_RUNNING && request->method > retry)
			return false;
	}
	return stream_peek(&connection->stream) == -EAGAIN;
}

struct request *proc_connection_find(const struct proc_connection *connection, uint16_t id)
{
	list_for_each (link, after, &connection->carried)
		if (request_of(link)->proc_id == id)
			return request_of(link);
	return NULL;
}

/* Nobody waits for what it carries, nor for its end. */
static bool is_given_up(const struct proc_connection *connection)
{
	list_for_each (link, after, &connection->carried) {
		const struct request *request = request_of(link);

		if (request->state != REQUEST_ABANDONED || !list_is_empty(&request->running))
			return false;
	}
	return connection->carried_count > 0;
}

void proc_connection_tick(struct proc_connection *connection)
{
	struct request *request;

	if (is_given_up(connection)) {
		proc_connection_close(connection);
		backend_serve_later(connection->proc->backend);
		return;
	}
	if (connection->carried_count < 2 || !find_held_up(connection)) {
		connection->held_ticks = 0;
		return;
	}
	if (++connection->held_ticks < HELD_TICKS_MAX)
		return;
	while ((request = find_held_up(connection)))
		failure_answer(request, FAILURE_TIME_OUT,
			       "its client is too slow for a connection that others share");
}

void proc_connection_update(struct proc_connection *connection)
{
	if (stream_is_open(&connection->stream))
		stream_set_reading(&connection->stream, !find_held_up(connection));
}
