#ifndef HERD_CHILD_H
#define HERD_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "herd/child_state.h"
#include "os/loop.h"
#include "os/spawn.h"

struct children;
struct outputs;

/*
 * The life of one process that is kept running: a program of a backend, or fcgi-mux. Its states,
 * and what moves it from one to another, are in child_state.h.
 */

struct child;

/* What the kinds of child differ in. */
struct child_kind {
	struct spawn_result (*start)(struct child *child); /* most call child_spawn */
	void (*on_pid)(struct child *child); /* pid is another one, or 0; NULL: nothing to do */
	/*
	 * Tells whoever gives it requests to give no more; CHILD_EVENT_DRAINED is to follow. False,
	 * or NULL: nobody can be told.
	 */
	bool (*drain)(struct child *child);
	bool log_has_levels; /* what it writes begins with <N> */
};

struct child {
	const struct child_kind *kind;
	struct children *siblings; /* borrowed: where it belongs; NULL: fcgi-mux */
	char *name;		   /* owned: "php.0" */
	uint32_t backend;	   /* number of its section, from 0 */
	uint32_t number;	   /* in its backend, from 0 */
	struct outputs *outputs;   /* borrowed */
	const char *program;	   /* borrowed: its path, for messages */
	int stop_signal;
	uint64_t stop_timeout_ms;
	bool gives_up;	   /* wish: no back-off, an early death is the end (the start-up check) */
	bool starts_again; /* wish: when the process that is to end has ended */

	enum child_state state;
	struct loop_timer timer;     /* the one deadline: of STARTING, STOPPING, KILLED, BACK_OFF */
	pid_t pid;		     /* 0: none */
	unsigned failures;	     /* early deaths and failed starts in a row */
	struct spawn_result failure; /* of the latest start; stage SPAWN_DONE: it did start */
	uint64_t started_ms;	     /* the latest process */
	bool takes_requests;	     /* the latest process does */
	bool is_adopted;	     /* that is not of this life of the supervisor */
	bool is_lent;		     /* the mux of before still has requests for it */
	const char *spent;	     /* the limit of a life that it has reached; NULL: none */
	int end_status;		     /* of the latest process that ended, as from waitpid(2) */

	struct list unsynced; /* link: what the mux was told is not so any more (herd/muxlink.h) */
	pid_t announced_pid;  /* what the mux was told; 0: that there is none */
	bool announced_drain; /* and whether it was told to give that one no more requests */
};

/* Takes name. */
void child_init(struct child *child, const struct child_kind *kind, char *name);

/* Takes a child that was only zeroed too. A process that still runs is left alone. */
void child_fini(struct child *child);

/* One that runs already, of an earlier life of the supervisor: RUNNING, or DRAINING. */
void child_adopt(struct child *child, pid_t pid, uint64_t started_ms, enum child_state state);

/* Whatever happens to a child goes through its table. */
void child_event(struct child *child, enum child_event event);
/* Its process has ended: status as from waitpid(2). */
void child_on_exit(struct child *child, int status);
/* Runs the plan with stdout and stderr in pipes to the log. */
struct spawn_result child_spawn(struct child *child, const struct spawn_plan *plan);

/* malloced: "php.0: cannot execute the program /x: Permission denied"; after a failed start. */
char *child_describe_failure(const struct child *child);

#endif
