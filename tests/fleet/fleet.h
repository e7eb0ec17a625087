#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "dice.h"
#include "measure.h"
#include "plan.h"
#include "policy/queue.h"
#include "policy/retry.h"

struct front;
struct host;
struct proc;

enum {
	NETWORK_TICKS = 5, /* one way: 0.5 ms */
	CONNECT_TIMEOUT_MS = 3000,
	TCP_USER_TIMEOUT_MS = 10000,
	DISABLE_TIME_MS = 1000,
	RESTING_MAX_MS = 60000,
	HOST_QUEUE_MAX = 1024,
	WARM_SECONDS = 60,
	SERVICE_MEAN_MS = 350, /* of the three kinds in fleet_service */
};

/* One request, from the web server's connection to its answer. It waits in one place at a time. */
struct request {
	union {
		struct event event;
		struct request *next; /* of those that are free */
	};
	struct queue_ticket ticket; /* in the queue of its front, or of its host */
	struct list at_host;	    /* in host->requests, from its arrival there to its answer */
	struct front *front;	    /* NULL: it is of nobody that we know */
	struct proc *proc;	    /* that has it, or NULL */
	struct host *host;	    /* the same's */
	uint64_t arrived, begun;    /* ticks */
	uint32_t service;	    /* ticks that a worker of a host that is well needs */
	enum retry_methods method;
	enum phase_kind phase;
	unsigned retries;
	bool has_begun;	   /* a worker has seen it */
	bool speaks_early; /* its answer begins when half of the work is done */
	bool has_spoken;   /* it had, when its host died */
	bool is_refused;   /* 503 */
};

struct fleet {
	struct plan plan;
	struct calendar calendar;
	struct dice traffic;  /* what comes: the same whatever the policy */
	struct dice dice;     /* what is done with it */
	struct front *fronts; /* owned */
	size_t front_count;
	struct host *hosts; /* owned; all that there ever will be */
	size_t host_count;  /* that have been there */
	size_t host_max;
	struct request *free; /* by next; in one of the pools */
	void **pools;	      /* owned */
	size_t pool_count;
	struct event arrival, pinned, second;
	double next_arrival; /* ticks, as those between two, on average: */
	double arrival_gap;
	double pinned_gap; /* 0: none */
	enum phase_kind phase;
	uint64_t batches; /* of the deploy, begun */
	struct measurement *measured;
};

/* Runs it all. What is measured is left there. */
void fleet_run(const struct plan *plan, struct measurement *measured);

struct request *fleet_new_request(struct fleet *fleet);

/* When it is over: an answer has come, or it is lost. Both free it. */
void fleet_finish(struct fleet *fleet, struct request *request);
void fleet_lose(struct fleet *fleet, struct request *request);

/* Of what happens now. */
static inline struct measures *fleet_measures(struct fleet *fleet)
{
	return &fleet->measured->phases[fleet->phase];
}

#endif
