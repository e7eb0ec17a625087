#include "mux/front_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fcgi/record.h"
#include "mux/authorizer.h"
#include "mux/front.h"
#include "mux/mux.h"
#include "mux/proc_connection.h"
#include "mux/relay.h"
#include "mux/request.h"
#include "mux/route.h"
#include "mux/sendfile.h"

/* How long a client may go on sending what nobody wants any more. */
enum { ENDING_TICKS_MAX = 5 };

/* How long a mux that ends waits for the next request of a connection. */
enum { LAST_TICKS_MAX = 2 };

/* The only mover: a state is a list. */
static void connection_set_state(struct front_connection *connection, enum front_state state)
{
	struct front *front = connection->front;
	struct list *const lists[] = {
		[FRONT_FRESH] = &front->fresh,
		[FRONT_WATCHED] = &front->watched,
		[FRONT_ENDING] = &front->ending,
		[FRONT_CLOSED] = &front->mux->ended_fronts,
	};

	list_detach(&connection->link);
	list_append(lists[state], &connection->link);
	connection->state = (uint8_t)state;
	connection->ticks = 0;
}

void front_connection_close(struct front_connection *connection, const char *reason)
{
	if (connection->state == FRONT_CLOSED)
		return;
	log_debug("front %s: connection closed: %s", connection->front->name, reason);
	connection_set_state(connection, FRONT_CLOSED);
	connection->front->mux->connection_count--;
	stream_close(&connection->stream);
	while (!list_is_empty(&connection->requests))
		request_abort(container_of(connection->requests.next, struct request, link),
			      reason);
}

void front_connection_refuse(struct front_connection *connection, const char *reason)
{
	connection->front->mux->counts.bad_clients++;
	log_warnx("front %s: a client %s; its connection is closed", connection->front->name,
		  reason);
	front_connection_close(connection, reason);
}

void front_connection_free(struct front_connection *connection)
{
	assert(connection->state == FRONT_CLOSED);
	free(connection->query);
	free(connection);
}

/* Written out and nothing to come: closed. Else the rest is awaited, and what comes dropped. */
static void connection_go_on_ending(struct front_connection *connection)
{
	if (stream_waiting(&connection->stream) > 0)
		return;
	if (!connection->is_lingering) {
		front_connection_close(connection, "answered");
		return;
	}
	/* close(2) with bytes unread resets a connection, and the answer may be lost on the way. */
	stream_shut(&connection->stream);
	stream_set_reading(&connection->stream, true);
}

static bool connection_has_all_input(const struct front_connection *connection)
{
	list_for_each (link, after, &connection->requests)
		if (!container_of(link, struct request, link)->has_input)
			return false;
	return !list_is_empty(&connection->requests);
}

/* What has come meanwhile is served where it is whole: its end must not look like the client's. */
static void connection_go_deaf(struct front_connection *connection)
{
	connection->is_deaf = true;
	stream_set_reading(&connection->stream, false);
	stream_shut_input(&connection->stream);
	if (stream_peek(&connection->stream) > 0)
		relay_from_front(connection);
	list_for_each (link, after, &connection->requests) {
		struct request *request = container_of(link, struct request, link);

		if (!request->has_input)
			request_abort(request, "it came too late");
	}
}

/*
 * In a mux that ends, the last request of a connection is here, or none comes: most web servers are
 * about to use one that is idle. The web server must not send another, whose answer it would wait
 * for: it is told before it has the answer to this one. Another fcgi-mux was told already: it
 * closes the connection when it has its answers, and what it sent before it knew is refused.
 */
static bool connection_is_to_go_deaf(const struct front_connection *connection)
{
	if (!connection->front->mux->is_draining || connection->is_deaf ||
	    connection->is_being_read)
		return false;
	if (list_is_empty(&connection->requests))
		return connection->ticks > LAST_TICKS_MAX;
	return !connection->is_of_mux && connection_has_all_input(connection);
}

/* It has had its last request. */
static bool connection_is_to_end(const struct front_connection *connection)
{
	return connection->is_over && list_is_empty(&connection->requests) &&
	       (connection->is_deaf || !connection->front->mux->is_draining);
}

static void connection_update_watched(struct front_connection *connection)
{
	if (connection_is_to_go_deaf(connection))
		connection_go_deaf(connection);
	if (connection->state != FRONT_WATCHED)
		return;
	if (connection_is_to_end(connection)) {
		connection_set_state(connection, FRONT_ENDING);
		stream_set_reading(&connection->stream, false);
		connection_go_on_ending(connection);
		return;
	}
	stream_set_reading(&connection->stream, connection->blocked == 0 && !connection->is_deaf);
}

void front_connection_update(struct front_connection *connection)
{
	bool is_draining = connection->front->mux->is_draining;

	switch ((enum front_state)connection->state) {
	case FRONT_CLOSED:
		return;
	case FRONT_ENDING:
		connection_go_on_ending(connection);
		return;
	case FRONT_FRESH:
		if (connection_has_all_input(connection) && !is_draining)
			return;
		connection_set_state(connection, FRONT_WATCHED);
		break;
	case FRONT_WATCHED:
		break;
	}
	connection_update_watched(connection);
}

bool front_connection_is_gone(const struct front_connection *connection)
{
	int peek;

	if (connection->state != FRONT_FRESH)
		return false;
	peek = stream_peek(&connection->stream);
	return peek <= 0 && peek != -EAGAIN;
}

static void connection_throttle(struct front_connection *connection, bool is_throttling)
{
	if (connection->is_throttling == is_throttling)
		return;
	connection->is_throttling = is_throttling;
	list_for_each (link, after, &connection->requests) {
		struct request *request = container_of(link, struct request, link);

		if (request->proc)
			proc_connection_update(request->proc);
		authorizer_update(request);
		if (!is_throttling)
			route_resume(request);
	}
}

static void connection_update_throttle(struct front_connection *connection)
{
	size_t limit = connection->front->mux->settings->response_buffer;
	size_t waiting = stream_waiting(&connection->stream);

	if (waiting >= limit)
		connection_throttle(connection, true);
	else if (waiting <= limit / 2)
		connection_throttle(connection, false);
}

void front_connection_send(struct front_connection *connection, const uint8_t *bytes, size_t len)
{
	int error;

	if (connection->state == FRONT_CLOSED)
		return;
	error = stream_write(&connection->stream, bytes, len);
	if (error < 0)
		front_connection_close(connection, strerror(-error));
	else
		connection_update_throttle(connection);
}

void front_connection_put_file(struct front_connection *connection, const uint8_t *header,
			       const struct stream_file *file)
{
	int error = stream_put_file(&connection->stream, header, RECORD_HEADER_LEN, file);

	if (error < 0)
		front_connection_close(connection, strerror(-error));
}

void front_connection_flush(struct front_connection *connection)
{
	int error = stream_on_writable(&connection->stream);

	if (error == 0) {
		connection_update_throttle(connection);
		return;
	}
	if (stream_has_file(&connection->stream))
		sendfile_complain(connection, error);
	front_connection_close(connection, strerror(-error));
}

static void connection_on_writable(struct front_connection *connection)
{
	front_connection_flush(connection);
	if (connection->state == FRONT_ENDING)
		connection_go_on_ending(connection);
	else
		sendfile_go_on(connection);
}

static void on_connection_ready(struct loop_io *io, int events)
{
	struct front_connection *connection = container_of(io, struct front_connection, stream.io);

	if (events & LOOP_WRITE)
		connection_on_writable(connection);
	if ((events & LOOP_READ) && connection->state != FRONT_CLOSED)
		relay_from_front(connection);
}

void front_connection_open(struct front *front, int fd)
{
	/* Not calloc(), which does not look into the thread's cache of what was freed just now. */
	struct front_connection *connection = malloc(sizeof(*connection));

	if (!connection) {
		log_warnx("front %s: no memory for a connection; it is closed", front->name);
		close(fd);
		return;
	}
	*connection = (struct front_connection){.front = front};
	front->mux->connection_count++;
	list_init(&connection->link);
	list_init(&connection->requests);
	stream_init(&connection->stream, fd, on_connection_ready);
	connection_set_state(connection, FRONT_FRESH);
	relay_from_front(connection);
}

/* A request that has run for a while may have lost its client: from now on the loop tells. */
static void tick_fresh(struct front_connection *connection)
{
	if (++connection->ticks < 2)
		return;
	connection_set_state(connection, FRONT_WATCHED);
	front_connection_update(connection);
}

static void tick_ending(struct front_connection *connection)
{
	if (stream_waiting(&connection->stream) == 0 && ++connection->ticks > ENDING_TICKS_MAX)
		front_connection_close(connection, "the client went on sending");
}

void front_connection_tick(struct front_connection *connection)
{
	if (connection->state == FRONT_FRESH)
		tick_fresh(connection);
	else if (connection->state == FRONT_ENDING)
		tick_ending(connection);
	else if (list_is_empty(&connection->requests) && ++connection->ticks > LAST_TICKS_MAX)
		front_connection_update(connection);
}

static void tell_mux(struct front_connection *connection)
{
	uint8_t record[VALUES_ENCODED_MAX];

	connection->is_refusing = true;
	front_connection_send(connection, record,
			      (size_t)(values_draining_encode(record) - record));
}

void front_connection_drain(struct front_connection *connection)
{
	connection->is_over = true;
	/* One that was fresh is met again among the watched. */
	if (connection->is_deaf)
		return;
	/* What has come by now is served. */
	if (connection->state == FRONT_WATCHED && connection->blocked == 0)
		relay_from_front(connection);
	else
		front_connection_update(connection);
	if (connection->is_of_mux)
		tell_mux(connection);
}
