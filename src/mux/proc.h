#ifndef MUX_PROC_H
#define MUX_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/list.h"
#include "mux/counts.h"
#include "mux/proc_host.h"
#include "mux/proc_place.h"
#include "mux/proc_state.h"
#include "os/address.h"
#include "policy/balance.h"

struct backend;
struct request;

enum { PROC_NAME_SIZE = 96 };

/* One process or remote host of a backend: one address, one load, its kept connections. */
struct proc {
	struct backend *backend;   /* borrowed */
	struct list link;	   /* in the backend's list of its state */
	unsigned number;	   /* in the backend */
	bool is_child;		   /* the supervisor started it */
	char name[PROC_NAME_SIZE]; /* "php.0[4711]", "php.4[192.0.2.7:9000]" in the log */
	struct proc_place place;
	struct socket_address socket_address;
	struct balance_entry balance; /* load and capacity are here */
	struct list idle;	      /* connections without a request, the last used first */
	struct list busy;	      /* with at least one */
	size_t idle_count;
	size_t connection_count;   /* of both */
	size_t connections_max;	   /* where it multiplexes */
	pid_t pid;		   /* 0: not known */
	uint64_t probing_since_ms; /* when it came up, and was asked for its values */
	uint64_t resting_until_ms; /* in RESTING */
	uint64_t kept_failed_ms;   /* when a kept connection turned out to be closed last */
	unsigned kept_failures;	   /* in a row; see proc_pool.c */
	struct proc_host host;	   /* of one that others run */
	unsigned capacity;	   /* what it takes at once; balance.capacity is what it gets now */
	unsigned failures;	   /* to reach it, since it has answered */
	unsigned probes_lost;	   /* in a row; see probe.c */
	struct buffer values;	   /* content of a GET_VALUES_RESULT that came in part */
	struct proc_counts counts;
	enum proc_state state;
	bool is_multiplexing; /* takes several requests on a connection */
	bool answers_values;  /* it has, in this life or an earlier one */
	bool tells_load;      /* it is another fcgi-mux */
	bool is_full;	      /* it has refused a request or connection, and not answered since */
	bool is_backlog_full; /* that was a connection */
	bool has_answered;    /* since it came up, and the supervisor knows */
	bool is_spent;	      /* it has answered max-requests, and the supervisor knows */
	bool is_given_up;     /* this mux ends without it, and the supervisor knows */
	bool is_drained; /* in DRAINING: it has no request any more, and the supervisor knows */
};

/* DOWN, and not yet at a place. NULL: no memory. */
struct proc *proc_new(struct backend *backend, unsigned number);
void proc_free(struct proc *proc);

/*
 * Puts one that is DOWN or GONE there: DOWN. localhost is looked up, and only for the start. NULL
 * or a malloced sentence: the address cannot be found.
 */
char *proc_settle(struct proc *proc, const struct proc_place *place);

/* It stands otherwise beside the others. */
void proc_rank(struct proc *proc, unsigned tier, unsigned weight);

/* 0: not known. */
void proc_set_pid(struct proc *proc, pid_t pid);

/* The only mover. */
void proc_set_state(struct proc *proc, enum proc_state state);

/* Logs what it did wrong. */
void proc_complain(const struct proc *proc, const char *fault);

/* It could not be reached: where another can do its work, it rests; the last one UP never does. */
void proc_rest(struct proc *proc);

/* It rests, and another attempt has failed. */
void proc_rest_longer(struct proc *proc);

/* Ends its rest: with one request, so that no more are held up by what has failed before. */
void proc_try_again(struct proc *proc);

/* Once every MUX_TICK_MS: ends its rest when the time has come. */
void proc_tick(struct proc *proc);

/* Gives it a queued request; one that it cannot have is queued on or again, or answered. */
void proc_run(struct proc *proc, struct request *request);

#endif
