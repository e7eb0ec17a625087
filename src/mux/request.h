#ifndef MUX_REQUEST_H
#define MUX_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"
#include "policy/queue.h"

struct front_connection;
struct proc_connection;

enum { REQUEST_PROC_ID = 1 }; /* on its proc connection, which carries one at a time */

/*
 *   RECEIVING --> QUEUED <--> RUNNING --> DONE
 *       |            |                      ^
 *       +------------+----------------------+
 * RUNNING to QUEUED: its proc failed, and it may be sent again.
 */
enum request_state { REQUEST_RECEIVING, REQUEST_QUEUED, REQUEST_RUNNING, REQUEST_DONE };

/*
 * One request's life. It holds what was received, as the records that a proc gets: BEGIN, all
 * parameters in one PARAMS record, its end, then the body: as much as is there when it is given to
 * a proc. What comes later is passed on and not kept, and the request cannot be sent again.
 */
struct request {
	struct list link;	    /* in connection->requests; DONE: mux->ended_requests */
	struct queue_ticket ticket; /* in backend->queue while QUEUED */
	struct list running;	    /* in backend->running while RUNNING */
	struct front_connection *connection; /* that it came on; borrowed, valid until DONE */
	struct proc_connection *proc;	     /* that it runs on; borrowed, NULL unless RUNNING */
	struct buffer records;
	size_t params_len;
	uint64_t running_since_ms; /* in RUNNING: when its proc got it */
	uint32_t retries;
	uint16_t id; /* on its front connection */
	uint16_t role;
	uint8_t state; /* enum request_state */
	bool keep;     /* FCGI_KEEP_CONN: the web server wants its connection back */
	bool has_params;
	bool has_input;	 /* the body, too, is there to its end */
	bool is_partial; /* part of what was sent to the proc is not kept here */
	bool is_safe;	 /* its method may be repeated */
	bool is_answered;
	bool is_slow;	 /* and the log says so */
	bool is_blocked; /* counted in connection->blocked */
};

/* Begins one on a connection; NULL: no memory. */
struct request *request_new(struct front_connection *connection, uint16_t id,
			    const struct record_begin *begin);
/* Frees one that rested on mux->ended_requests. */
void request_free(struct request *request);

/*
 * A piece of PARAMS, STDIN or DATA for a request that is not running. It is queued for a proc once
 * enough is there, or answered where it is wrong.
 */
void request_receive(struct request *request, const struct record_piece *piece);

/*
 * So much of the connection's input is at hand. Where that fills the buffer with this request's
 * body alone, and a proc has room, it runs at once, and the body need not pass through the buffer.
 */
void request_hurry(struct request *request, size_t len);

/*
 * A piece of STDIN or DATA for a running request, about to be passed on from where it lies: gives
 * it the id it has at the proc and notes its end. False: nothing more was due, and it is dropped.
 */
bool request_pass(struct request *request, const struct record_piece *piece);

/* The only mover. */
void request_set_state(struct request *request, enum request_state state);

/* Finds out anew whether it can take input, and tells its connection. */
void request_update_blocked(struct request *request);

/* The client takes it back or has left: whatever runs for it is abandoned. */
void request_abort(struct request *request, const char *reason);

/* It has run for long: says so in the log, once. */
void request_name_slow(struct request *request);

/* Its answer is complete: DONE, and its connection goes on with the others or ends. */
void request_end(struct request *request);

/* The value of the URI or script, to be printed with %.*s. */
struct param request_name(const struct request *request);

#endif
