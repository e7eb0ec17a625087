#ifndef POLICY_SCALE_H
#define POLICY_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many children a backend is to have, and when one has served its time. */

struct scale_rules {
	size_t min, max;
	uint64_t idle_ms; /* how long one is not needed before it goes */
};

/* In processes. */
struct scale_facts {
	size_t alive;	 /* that run, or are about to without being asked again */
	size_t starting; /* the part of them that cannot take a request yet */
	size_t failing;	 /* the part of them that died early and have not come up since */
	size_t needed;	 /* for the requests that run and that wait */
};

/*
 * How many to start now. Those that are starting are room to come; there are no more than a few of
 * them at a time, since they take the processors from each other and from those at work. While one
 * fails to start, no other is tried.
 */
size_t scale_missing(const struct scale_rules *rules, const struct scale_facts *facts);

/* Whether one can go, when for so long no more than alive - 1 were needed. */
bool scale_has_surplus(const struct scale_rules *rules, const struct scale_facts *facts,
		       uint64_t unneeded_ms);

/*
 * 90 to 110 percent of a limit on the life of the process of this pid, so that those that were
 * started together do not end together. At least 1.
 */
uint64_t scale_spread(uint64_t limit, uint32_t pid);

#endif
