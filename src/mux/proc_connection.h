#ifndef MUX_PROC_CONNECTION_H
#define MUX_PROC_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "fcgi/record_reader.h"
#include "os/stream.h"

struct proc;
struct request;

/* IDLE: carries no request. */
enum proc_connection_state { PROC_CONNECTION_IDLE, PROC_CONNECTION_BUSY, PROC_CONNECTION_CLOSED };

/*
 * A connection to a proc, watched from its first use on. It carries one request at a time, or
 * several where the proc multiplexes: then each has an id of its own there.
 */
struct proc_connection {
	struct list link; /* in proc->idle or proc->busy; CLOSED: mux->ended_procs */
	struct proc *proc;
	struct stream stream;
	struct list carried; /* requests */
	size_t carried_count;
	unsigned held_ticks; /* for so long a slow client has held it up */
	uint16_t last_id;    /* that a request got here */
	uint64_t opened_ms;
	struct record_reader reader;
	enum proc_connection_state state;
	bool is_reused;	    /* has carried another request to its end */
	bool is_shared;	    /* its proc multiplexes, or did when it got its last request */
	bool is_last;	    /* its request was sent without FCGI_KEEP_CONN: the proc closes it */
	bool is_broken;	    /* writing failed: what was sent to us may still be read */
	bool is_unaccepted; /* the process ended and never took it */
};

/* Connects to a proc: IDLE. NULL and errno. */
struct proc_connection *proc_connection_new(struct proc *proc);

/* Frees one that rested on mux->ended_procs. */
void proc_connection_free(struct proc_connection *connection);

/* For good. What it carried is nobody's any more: at the end of the mux, or there is none. */
void proc_connection_close(struct proc_connection *connection);

/* It gets no new request: it is closed with its last answer. */
void proc_connection_retire(struct proc_connection *connection);

/* Gives it a request and sends what is there of it. */
void proc_connection_run(struct proc_connection *connection, struct request *request);

/* More of a running request's body, as records. */
void proc_connection_send(struct proc_connection *connection, const uint8_t *bytes, size_t len);

/* Whether so much waits to be taken that the web server should wait. */
bool proc_connection_is_full(const struct proc_connection *connection);

/* Whether one that carries requests of a proc that multiplexes takes another. */
bool proc_connection_has_room(const struct proc_connection *connection);

/* Older than keepalive-time: carries what it has to the end, and nothing new. */
bool proc_connection_is_old(const struct proc_connection *connection);

/* Nothing is to be read there, not even its end, and all that it carries may be sent again. */
bool proc_connection_is_repeatable(const struct proc_connection *connection);

/* The request of this id there, or NULL. */
struct request *proc_connection_find(const struct proc_connection *connection, uint16_t id);

/* Reads answers on, or pauses while a web server is slow. */
void proc_connection_update(struct proc_connection *connection);

/*
 * One of its requests is done. Where it was the last, the connection is kept if it can be (it
 * stands between two requests on both sides), else closed. The proc has room again: the caller
 * serves the backend.
 */
void proc_connection_release(struct request *request, bool can_be_kept);

/*
 * Nobody waits for this request any more. A proc that multiplexes is told to abort it; one that
 * waits for more of the body is cut off at once. One that works stays busy until its first word,
 * which then goes nowhere: to give it another request before would let that one wait. So request
 * still has its proc, or not.
 */
void proc_connection_abandon(struct request *request);

/* Once every MUX_TICK_MS: a client that is slow for long gives way to those it shares with. */
void proc_connection_tick(struct proc_connection *connection);

/* An ABANDONED request's time is over. */
void proc_connection_give_up(struct request *request);

/* It failed: reason is for the log. Its requests are sent again or answered. */
void proc_connection_fail(struct proc_connection *connection, const char *reason);

#endif
