#ifndef MUX_REQUEST_H
#define MUX_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "mux/request_trace.h"
#include "policy/queue.h"

struct authorization;
struct front_connection;
struct proc_connection;
struct record_begin;
struct response;
struct route;
struct sendfile;

/*
 *   RECEIVING <--> AUTHORIZING
 *       |
 *       +--> QUEUED <--> RUNNING --> SENDING, ABANDONED
 *                                        |
 *       from all, when it ends:          +--> DONE
 *
 * AUTHORIZING: an authorizer is asked, and the body comes in meanwhile. RUNNING to QUEUED: its proc
 * failed, and it may be sent again. SENDING: its proc is done, and a file is on its way to the
 * client. ABANDONED: nobody waits for its answer any more, but its proc still works on it, and it
 * counts as load.
 */
enum request_state {
	REQUEST_RECEIVING,
	REQUEST_AUTHORIZING,
	REQUEST_QUEUED,
	REQUEST_RUNNING,
	REQUEST_SENDING,
	REQUEST_ABANDONED,
	REQUEST_DONE
};

/*
 * One request's life. It holds what was received, as the records that a proc gets: BEGIN, all
 * parameters in one PARAMS record, its end, then the body: as much as is there when it is given to
 * a proc. What comes later is passed on and not kept, and the request cannot be sent again.
 */
struct request {
	struct list link;	    /* in connection->requests; DONE: mux->ended_requests */
	struct queue_ticket ticket; /* in route->queue while QUEUED */
	struct list running;	    /* in backend->running while a proc has it */
	struct list carried;	    /* in proc->carried likewise */
	struct front_connection *connection; /* that it came on; borrowed, NULL when ABANDONED */
	struct route *route;		     /* borrowed */
	struct proc_connection *proc;	     /* that carries it; borrowed, or NULL */
	struct authorization *authorization; /* owned: where it asks an authorizer; or NULL */
	struct response *response;	     /* owned: its answer's head, held; or NULL */
	struct sendfile *files;		     /* owned: SENDING, what is sent; else NULL */
	struct request *asker; /* the one whose authorization it is; borrowed; else NULL */
	struct buffer records;
	size_t head_len, params_len;   /* bytes of the records before the body; of the parameters */
	uint64_t body_len, answer_len; /* that has come; that has gone to the web server */
	uint64_t running_since_ms, timed_out_ms; /* its (last) proc got it; was to end for it */
	struct request_trace trace;
	uint32_t retries;
	uint16_t id, proc_id, role; /* its ids: on its front connection; at its proc */
	uint8_t state, method;	    /* enum request_state; enum retry_methods: its method's class */
	bool keep;		    /* FCGI_KEEP_CONN: the web server wants its connection back */
	bool has_params, has_input; /* all of them are there; the body, too, to its end */
	bool is_partial;	    /* part of what was sent to the proc is not kept here */
	bool has_spoken;	    /* its proc has, since it got it */
	bool is_answered;	    /* some STDOUT of its answer has gone to the web server */
	bool is_slow;		    /* and the log says so */
	bool is_blocked;	    /* counted in connection->blocked */
};

/* Begins one on a connection; NULL: no memory. */
struct request *request_new(struct front_connection *connection, uint16_t id,
			    const struct record_begin *begin);
/* One that asks a route's procs on behalf of another, without parameters yet; NULL: no memory. */
struct request *request_new_question(struct request *asker, struct route *route);
/* Frees one that rested on mux->ended_requests. */
void request_free(struct request *request);

/* The only mover. */
void request_set_state(struct request *request, enum request_state state);

/* Finds out anew whether it can take input, and tells its connection. */
void request_update_blocked(struct request *request);

/* Whether a web server waits for its answer. */
bool request_is_awaited(const struct request *request);

/* The client takes it back or has left. */
void request_abort(struct request *request, const char *reason);

/* Nobody waits for it any more; its connection goes on or ends. ABANDONED where a proc has it. */
void request_end(struct request *request);

#endif
