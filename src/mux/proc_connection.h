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

/* A connection to a proc. It carries one request at a time and is watched from its first use on. */
struct proc_connection {
	struct list link; /* in proc->idle or proc->busy; closed: mux->ended_procs */
	struct proc *proc;
	struct stream stream;
	struct request *request; /* NULL when idle */
	struct record_reader reader;
	bool is_reused;	    /* carried another request before this one */
	bool has_spoken;    /* something came since it was given its request */
	bool is_broken;	    /* writing failed: what was sent to us may still be read */
	bool is_unaccepted; /* the process ended and never took it */
	bool is_abandoned;  /* its client left; it counts as load until the proc speaks or closes */
};

/* Connects to a proc; in no list yet. NULL and errno. */
struct proc_connection *proc_connection_new(struct proc *proc);

/* Frees one that rested on mux->ended_procs. */
void proc_connection_free(struct proc_connection *connection);

/* Without a request, or at the end of the mux: for good. */
void proc_connection_close(struct proc_connection *connection);

/* Gives it a request and sends what is there of it. */
void proc_connection_run(struct proc_connection *connection, struct request *request);

/* More of a running request's body, as records. */
void proc_connection_send(struct proc_connection *connection, const uint8_t *bytes, size_t len);

/* Whether so much waits to be taken that the web server should wait. */
bool proc_connection_is_full(const struct proc_connection *connection);

/* Reads answers on, or pauses while the web server is slow. */
void proc_connection_update(struct proc_connection *connection);

/*
 * Its request is done. can_be_kept: the connection stands between two requests on both sides; else
 * it is closed. The proc has room again: the caller serves the backend's queue.
 */
void proc_connection_release(struct proc_connection *connection, bool can_be_kept);

/*
 * Its client has left. A proc that waits for more of the body is cut off at once; one that works
 * stays busy until its first word, which then goes nowhere: to give it another request before would
 * let that one wait.
 */
void proc_connection_abandon(struct proc_connection *connection);

/* It failed: reason is for the log. Its request is sent again or answered. */
void proc_connection_fail(struct proc_connection *connection, const char *reason);

#endif
