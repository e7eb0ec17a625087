#ifndef FLEET_RUNS_H
#define FLEET_RUNS_H

#include "fleet.h"

/* The policies that are compared. */
enum policy_kind {
	POLICY_DEFAULT, /* what fcgi-mux does if nothing else is said */
	POLICY_ALONE,
	POLICY_TOLD,
	POLICY_TWO,
	POLICY_TWO_TOLD,
	POLICY_ONE_QUEUE,
};
enum { POLICIES = POLICY_ONE_QUEUE + 1 };

extern const struct policy policies[POLICIES];

struct run {
	struct plan plan;
	struct measurement measured;
};

/* Shared memory for so many, all zero. */
struct run *runs_new(size_t count);
void runs_free(struct run *runs, size_t count);

/* Each in a process of its own, so many at a time; says on standard error what is done. */
void runs_do(struct run *runs, size_t count, unsigned jobs);

#endif
