#ifndef POLICY_DISCOVERY_H
#define POLICY_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

/*
 * What an answer of a name server changes in the hosts that are known, and when to ask again. One
 * name is one set of hosts, each address and port once. An answer without hosts changes nothing,
 * and one that is partial takes none away.
 */

/* What tiers and weights there are: the lowest priority is 1; from the sixth on all are 6. */
enum { DISCOVERY_TIER_MAX = 6, DISCOVERY_WEIGHT_MAX = 256 };

/* A host as an answer has it, or as it is known: priority and weight are those of its record. */
struct discovery_host {
	const struct address *address; /* borrowed */
	uint16_t priority, weight;
	bool is_leaving; /* of a known one: an answer was without it, and it only finishes */
};

struct discovery_hosts {
	const struct discovery_host *items;
	size_t count;
};

enum discovery_kind {
	DISCOVERY_NEW,
	DISCOVERY_KEPT, /* known, and to be used, also where it was leaving */
	DISCOVERY_GONE, /* known, and not to be used, also where it was leaving already */
};

struct discovery_step {
	enum discovery_kind kind;
	size_t index;		   /* NEW: among those of the answer; else: among the known */
	uint16_t priority, weight; /* of the record that counts now: to be known by */
	unsigned tier;		   /* 1 .. DISCOVERY_TIER_MAX; 0: GONE */
	unsigned share; /* 1 .. DISCOVERY_WEIGHT_MAX, in proportion within the tier; 0: GONE */
};

/* A step for each known host and each new one: known ones first, both in their order. */
struct discovery_plan {
	struct discovery_step *steps; /* owned */
	size_t count;
	size_t left_out; /* new hosts beyond the limit */
};

/*
 * limit: of hosts that are used, among whom known ones come first. Takes time in proportion to n
 * log n. 0 or -ENOMEM: nothing changes. The caller frees it with discovery_plan_fini.
 */
int discovery_plan_make(struct discovery_plan *plan, const struct discovery_hosts *known,
			const struct discovery_hosts *answer, bool is_partial, size_t limit)
	__attribute__((warn_unused_result));
void discovery_plan_fini(struct discovery_plan *plan);

/*
 * Until the next question: after an answer, its time to live, which counts from 1 s to 300 s;
 * after so many failures in a row 1 s, 2 s, 4 s, ... 30 s. Up to a tenth sooner, as random has it,
 * so that those who began together do not ask together.
 */
uint64_t discovery_refresh_ms(uint32_t ttl_s, uint32_t random);
uint64_t discovery_retry_ms(unsigned failures, uint32_t random);

#endif
