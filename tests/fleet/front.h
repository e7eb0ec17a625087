#ifndef FLEET_FRONT_H
#define FLEET_FRONT_H

#include "fleet.h"
#include "host.h"
#include "policy/balance.h"
#include "policy/discovery.h"
#include "policy/health.h"
#include "policy/retry_budget.h"

/* What a front knows of a host. Usable: known, not leaving, not out, not resting. */
struct proc {
	struct balance_entry balance;
	struct health health;
	struct front *front; /* borrowed, as is host */
	struct host *host;
	struct event probe;   /* the next one, or its result */
	uint64_t probed;      /* ticks: when the last one began */
	uint64_t up_since;    /* ticks: when it was last put to use */
	uint64_t rests_until; /* ms; 0: it does not rest */
	uint64_t breaks;      /* ticks: when its connection will be given up; 0: it is well */
	uint32_t failures;    /* to reach it, since it has answered */
	bool is_connected;    /* a connection is there that carries any number of requests */
	bool is_known;	      /* a name server has named it, and it is not forgotten */
	bool is_leaving;      /* in the last answer it was not */
};

/* One fcgi-mux between a web server and the fleet. */
struct front {
	struct fleet *fleet;
	struct balance balance;
	struct balance *balances[1];
	struct balance_group group;
	struct queue queue;
	struct queue_source source; /* of all: within a front, first in is first out */
	struct retry_budget budget;
	struct proc *procs;	      /* owned; by the number of the host */
	struct discovery_host *known; /* owned; that is_known, by the number in the plan */
	size_t *known_hosts;	      /* owned; their numbers */
	size_t known_count;
	struct event lookup, tick;
};

void front_init(struct front *front, struct fleet *fleet);
void front_fini(struct front *front);
size_t front_number(const struct front *front);

/* A request comes from the web server. */
void front_submit(struct front *front, struct request *request);

/* Its answer has come; or never will, as its host has died. */
void front_take_answer(struct request *request);
void front_miss(struct request *request);

/* Runs what waits, while there is room. */
void front_serve(struct front *front);

/* For front_watch only: puts it to use, or no longer. */
void proc_update(struct proc *proc);

/* It could not be reached: it is left alone for a while, then tried with one request. */
void proc_rest(struct proc *proc);

#endif
