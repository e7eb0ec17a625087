#ifndef MUX_STATUS_MODEL_H
#define MUX_STATUS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "fcgi/params.h"
#include "mux/counts.h"

struct address;
struct mux;

/*
 * What the status shows, whatever its form: the state of a mux at one moment, read when somebody
 * asks. Names and texts are borrowed: it is to be used and given back before anything else happens.
 */

/* No limit, or not known. */
#define STATUS_NONE UINT64_MAX

struct status_request {
	struct param method, uri, script, user; /* cut to a length fit to be shown; "-": none */
	uint64_t content_len;
};

struct status_proc {
	const char *state;
	const struct address *address;
	uint64_t number, pid; /* 0: no pid is known */
	uint64_t is_up;	      /* 0 or 1: there is a process, as far as is known */
	uint64_t load, capacity;
	uint64_t other_load;	       /* that it says others have given it */
	uint64_t tier, weight_percent; /* how it stands beside the others, now */
	uint64_t started_s, since_s;   /* when it came up, since 1970; and for how long */
	uint64_t requests;	       /* answered since then */
	uint64_t restarts;
	uint64_t memory_len;  /* bytes that are resident, or STATUS_NONE */
	uint64_t duration_ms; /* of the request that it has had for longest, or its last */
	struct proc_counts counts;
	struct status_request request; /* that one */
	uint64_t has_request;	       /* 0 or 1 */
	bool is_abandoned;	       /* its client has left, and nothing more is known of it */
};

struct status_queue {
	uint64_t count, count_max, limit; /* of requests: waiting, the most so far, allowed */
	uint64_t waiting_ms, timeout_ms;  /* of the one that has waited for longest; allowed */
	uint64_t waits;			  /* how often all was busy, and a request began to wait */
};

/* Of a backend, or of all. */
struct status_sum {
	uint64_t count, up, idle, active; /* procs: in all, there, without and with requests */
	uint64_t missing;		  /* that should be there, and are not or do not work */
	uint64_t active_max;
	uint64_t load, capacity;
	struct status_queue queue;
};

struct status_backend {
	const char *name;
	struct status_sum sum;
	struct backend_counts counts;
	uint64_t request_timeout_ms;
	bool scales;
	struct status_proc *procs; /* owned by the model */
	size_t proc_count;
};

struct status_model {
	uint64_t started_s, since_s; /* of the mux */
	uint64_t connections, connections_max;
	struct mux_counts counts;
	struct status_sum sum;
	struct status_backend *backends; /* owned */
	size_t backend_count;
	struct status_proc *procs; /* owned: of all backends */
};

/* 0 or -ENOMEM. */
int status_model_init(struct status_model *model, const struct mux *mux)
	__attribute__((warn_unused_result));
void status_model_fini(struct status_model *model);

/* The name of the only backend, or "all"; and whether the number of processes changes. */
const char *status_model_pool(const struct status_model *model);
const char *status_model_manager(const struct status_model *model);

#endif
