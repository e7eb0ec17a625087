#ifndef MUX_PROC_H
#define MUX_PROC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/buffer.h"
#include "base/list.h"
#include "mux/counts.h"
#include "os/address.h"
#include "policy/balance.h"

struct backend;
struct request;

enum { PROC_NAME_SIZE = 96 };

#define PROC_CAPACITY_UNKNOWN UINT_MAX

/*
 *   DOWN --> PROBING --> UP <--> RESTING
 *     ^         |         |       |
 *     |         +---------+-------+--> DRAINING
 *     +---------+---------+-------+-------+
 *
 * DOWN: the supervisor says that there is no process. PROBING: asked for its values. RESTING: it
 * failed a request, and is left out until the supervisor starts it anew or disable-time is over;
 * the last that is UP never rests. DRAINING: the supervisor is about to end it, and it gets no new
 * request.
 */
enum proc_state { PROC_DOWN, PROC_PROBING, PROC_UP, PROC_RESTING, PROC_DRAINING };

/* One process or remote host of a backend: one address, one load, its kept connections. */
struct proc {
	struct backend *backend;   /* borrowed */
	struct list link;	   /* in the backend's list of its state */
	char name[PROC_NAME_SIZE]; /* "php.0[4711]" in all lines of the log about it */
	struct address address;
	struct socket_address socket_address;
	struct balance_entry balance; /* number, load and capacity are here */
	struct list idle;	      /* connections without a request, the last used first */
	struct list busy;	      /* with at least one */
	size_t idle_count;
	size_t connection_count;   /* of both */
	size_t connections_max;	   /* where it multiplexes */
	pid_t pid;		   /* 0: not known */
	uint64_t probing_since_ms; /* when it came up, and was asked for its values */
	uint64_t resting_until_ms; /* in RESTING */
	unsigned capacity;	   /* what it takes at once; balance.capacity is what it gets now */
	unsigned failures;	   /* to reach it, since it has answered */
	unsigned probes_lost;	   /* in a row; see probe.c */
	struct buffer values;	   /* content of a GET_VALUES_RESULT that came in part */
	struct proc_counts counts;
	enum proc_state state;
	bool is_multiplexing; /* takes several requests on a connection */
	bool answers_values;  /* it has, in this life or an earlier one */
	bool has_answered;    /* since it came up, and the supervisor knows */
	bool is_spent;	      /* it has answered max-requests, and the supervisor knows */
	bool is_given_up;     /* this mux ends without it, and the supervisor knows */
	bool is_drained; /* in DRAINING: it has no request any more, and the supervisor knows */
};

/* Resolves the address; may block, so only at start. NULL or a malloced sentence. */
char *proc_init(struct proc *proc, struct backend *backend, unsigned number);
void proc_fini(struct proc *proc);

/* 0: not known. */
void proc_set_pid(struct proc *proc, pid_t pid);

/* The only mover. */
void proc_set_state(struct proc *proc, enum proc_state state);

/* Logs what it did wrong. */
void proc_complain(const struct proc *proc, const char *fault);

/* How many requests it takes at once; until it says so, what is known without asking. */
void proc_forget_capacity(struct proc *proc);
void proc_set_capacity(struct proc *proc, unsigned capacity);

/* It could not be reached: where another can do its work, it rests; the last that is UP never does.
 */
void proc_rest(struct proc *proc);

/* Opens an idle connection with a question on it. False: it cannot be reached. */
bool proc_ask(struct proc *proc, const uint8_t *question, size_t len);

/* Once every MUX_TICK_MS: ends its rest when the time has come. */
void proc_tick(struct proc *proc);

/* Gives it a queued request. Where it cannot be reached, that is queued again or answered. */
void proc_run(struct proc *proc, struct request *request);

#endif
