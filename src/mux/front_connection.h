#ifndef MUX_FRONT_CONNECTION_H
#define MUX_FRONT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "fcgi/record_reader.h"
#include "fcgi/values.h"
#include "os/stream.h"
#include "policy/queue.h"

struct front;

/* Requests at once on one connection: they are looked for one by one. */
enum { FRONT_REQUESTS_MAX = 1024 };

/*
 *   FRESH ---> WATCHED ---> ENDING ---> CLOSED
 *     |                       ^           ^
 *     +-----------------------+-----------+
 *
 * FRESH: read right after accept, and not known to the loop: most connections of web servers that
 * keep none are answered and closed in this state. The tick makes the rest WATCHED. ENDING: all is
 * answered; what waits is still written and what still comes is dropped, until the client closes.
 */
enum front_state { FRONT_FRESH, FRONT_WATCHED, FRONT_ENDING, FRONT_CLOSED };

struct front_connection {
	struct list link; /* in the front's list of its state; CLOSED: mux->ended_fronts */
	struct front *front;
	struct stream stream;
	struct list requests;	    /* not yet done */
	struct queue_source source; /* its place in the queue's rounds */
	struct values_query *query; /* a GET_VALUES that came in part, or NULL */
	unsigned request_count;	    /* of requests */
	unsigned blocked;	    /* requests that can take no more input now */
	struct record_reader reader;
	uint8_t state;	    /* enum front_state */
	uint8_t ticks;	    /* seen in this state */
	bool is_over;	    /* ends with its last request: FCGI_KEEP_CONN was not set, or it must */
	bool is_being_read; /* what was received is not all looked at */
	bool is_deaf;	    /* nothing more is read: it is drained */
	bool is_of_mux;	    /* the web server is another fcgi-mux */
	bool is_refusing;   /* it has been told that no more requests are taken here */
	bool is_lingering;  /* when it ends, the client may still be sending */
	bool is_throttling; /* its procs are not read until the client takes more */
};

/* Takes a connection that a front has accepted, and reads at once: the request has mostly come. */
void front_connection_open(struct front *front, int fd);

/* Whole records for the web server, out of any memory. A broken connection is closed. */
void front_connection_send(struct front_connection *connection, const uint8_t *bytes, size_t len);

/* The header of a record and its content from a file. The stream has none waiting. */
void front_connection_put_file(struct front_connection *connection, const uint8_t *header,
			       const struct stream_file *file);

/* Sends what the client takes now of what waits. */
void front_connection_flush(struct front_connection *connection);

/* After something was read or answered: closes, goes on reading, or pauses, as it stands now. */
void front_connection_update(struct front_connection *connection);

/*
 * Whether the client has left a connection that the loop does not watch: asked when a queued
 * request's turn comes, which costs less than watching all.
 */
bool front_connection_is_gone(const struct front_connection *connection);

/* Ends all its requests and closes it. reason is for the log. */
void front_connection_close(struct front_connection *connection, const char *reason);

/* The same for what the client did wrong: counted, and a warning. */
void front_connection_refuse(struct front_connection *connection, const char *reason);

/* Frees one that rested on mux->ended_fronts. */
void front_connection_free(struct front_connection *connection);

/* For the front only: ends it when its last request is done. */
void front_connection_drain(struct front_connection *connection);

/* For the front only: once every MUX_TICK_MS while it is FRESH or ENDING. */
void front_connection_tick(struct front_connection *connection);

#endif
