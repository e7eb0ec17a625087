#include "mux/proc_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/relay.h"
#include "mux/request.h"

void proc_connection_close(struct proc_connection *connection)
{
	list_detach(&connection->link);
	list_append(&connection->proc->backend->mux->ended_procs, &connection->link);
	stream_close(&connection->stream);
}

void proc_connection_free(struct proc_connection *connection)
{
	free(connection);
}

/* The two links of the tree's only cross-connection are set here and cleared in detach. */
static void attach(struct proc_connection *connection, struct request *request)
{
	struct proc *proc = connection->proc;

	assert(!connection->request && !request->proc);
	connection->request = request;
	connection->has_spoken = false;
	request->proc = connection;
	list_detach(&connection->link);
	list_prepend(&proc->busy, &connection->link);
	balance_add_load(&proc->backend->balance, &proc->balance);
}

static void detach(struct proc_connection *connection)
{
	if (connection->request)
		connection->request->proc = NULL;
	connection->request = NULL;
}

void proc_connection_release(struct proc_connection *connection, bool can_be_kept)
{
	struct proc *proc = connection->proc;

	detach(connection);
	balance_take_load(&proc->backend->balance, &proc->balance);
	if (!can_be_kept || connection->is_broken || proc->state != PROC_UP) {
		proc_connection_close(connection);
		return;
	}
	connection->is_reused = true;
	connection->is_abandoned = false;
	list_detach(&connection->link);
	list_prepend(&proc->idle, &connection->link);
	proc_connection_update(connection);
}

void proc_connection_abandon(struct proc_connection *connection)
{
	struct backend *backend = connection->proc->backend;

	/* The proc would wait for the rest for ever. */
	if (!connection->request->has_input || stream_waiting(&connection->stream) > 0) {
		proc_connection_release(connection, false);
		backend_serve(backend);
		return;
	}
	detach(connection);
	connection->is_abandoned = true;
	proc_connection_update(connection);
}

void proc_connection_fail(struct proc_connection *connection, const char *reason)
{
	struct proc *proc = connection->proc;
	struct request *request = connection->request;
	struct retry_case failure = {
		.is_unsent = connection->stream.connecting,
		.is_unaccepted = connection->is_unaccepted,
		.connection_was_reused = connection->is_reused,
		.is_answered = connection->has_spoken,
		.is_whole = request && !request->is_partial,
	};

	if (!request && !connection->is_abandoned) {
		log_debug("%s: idle connection closed: %s", proc->name, reason);
		proc_connection_close(connection);
		probe_lose(proc);
		return;
	}
	proc_connection_release(connection, false);
	/* A child that drops a request is most likely ending: the supervisor is about to say so. */
	if (failure.is_unsent || backend_is_supervised(proc->backend->settings))
		proc_rest(proc);
	if (request) {
		failure_retry(request, proc, failure, reason);
	}
	backend_serve(proc->backend);
}

static void on_connection_ready(struct loop_io *io, int events)
{
	struct proc_connection *connection = container_of(io, struct proc_connection, stream.io);

	if (events & LOOP_WRITE) {
		int error = stream_on_writable(&connection->stream);

		if (error < 0 && connection->stream.connecting) {
			proc_connection_fail(connection, strerror(-error));
			return;
		}
		connection->is_broken |= error < 0;
		if (connection->request)
			request_update_blocked(connection->request);
	}
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
	connection->proc = proc;
	list_init(&connection->link);
	stream_init(&connection->stream, fd, on_connection_ready);
	if (is_connecting)
		stream_set_connecting(&connection->stream);
	stream_set_reading(&connection->stream, true);
	return connection;
}

void proc_connection_send(struct proc_connection *connection, const uint8_t *bytes, size_t len)
{
	/*
	 * A proc that has closed may have answered before: what can be read decides, and the end of
	 * the connection shows itself there in the next turn.
	 */
	if (!connection->is_broken)
		connection->is_broken = stream_write(&connection->stream, bytes, len) < 0;
	request_update_blocked(connection->request);
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

void proc_connection_update(struct proc_connection *connection)
{
	const struct request *request = connection->request;

	stream_set_reading(&connection->stream, !request || !request->connection->is_throttling);
}
