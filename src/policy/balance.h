#ifndef POLICY_BALANCE_H
#define POLICY_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which proc gets the next request: of those with room in the lowest tier where any is usable, the
 * one whose load will be the least for its weight; of equals the first in order. A tier whose procs
 * are all full hides those after it, which are for procs that are gone; only from the first tier
 * may requests spill over into the next. A heap a tier of those with room: choosing and each change
 * of a load cost the logarithm of their number.
 */

enum { BALANCE_OUT = -1, BALANCE_TIERS = 8, BALANCE_WEIGHT_UNIT = 256 };

/* One proc's place in the balance; lives inside the proc. */
struct balance_entry {
	uint32_t load;	   /* requests of ours */
	uint32_t other;	   /* those that others have given it */
	uint32_t weight;   /* BALANCE_WEIGHT_UNIT is 1, so that there are parts of it; up to 256 */
	uint64_t order;	   /* lower ones first among equals, so that surplus procs fall idle */
	uint32_t capacity; /* of ours */
	uint8_t tier;
	bool is_member; /* of a balance */
	bool usable;	/* may be given requests at all */
	long place;	/* in its tier's heap, or BALANCE_OUT */
};

struct balance_tier {
	struct balance_entry **heap; /* owned, the entries are not; those usable and with room */
	size_t count;
	size_t size;
	size_t member_count;
	size_t usable_count;
};

/* All zero is an empty one. */
struct balance {
	struct balance_tier tiers[BALANCE_TIERS];
	unsigned usable_tiers; /* a bit for each that has a usable entry */
	uint64_t last_order;   /* that any entry has */
};

void balance_fini(struct balance *balance);

/* Not usable, without load, of weight 1. Its tier does not change while it is a member. */
void balance_entry_init(struct balance_entry *entry, unsigned tier, uint32_t order,
			uint32_t capacity);

/* 0 or -ENOMEM. One that is removed keeps its load, which may still be taken; it is not usable. */
int balance_add(struct balance *balance, struct balance_entry *entry)
	__attribute__((warn_unused_result));
void balance_remove(struct balance *balance, struct balance_entry *entry);

/* Usable: members only. With a capacity of 0 it gets nothing for now. A weight is at least 1. */
void balance_set_usable(struct balance *balance, struct balance_entry *entry, bool usable);
void balance_set_capacity(struct balance *balance, struct balance_entry *entry, uint32_t capacity);
void balance_set_weight(struct balance *balance, struct balance_entry *entry, uint32_t weight);
void balance_set_other(struct balance *balance, struct balance_entry *entry, uint32_t other);

/*
 * What of a load that a proc tells of is to be set as other: a quarter of what is not ours, since
 * it is old when it is used. With all of it, fronts run together at a host that has just come up;
 * with nothing, they do not see what others than they do to a part of the hosts (make fleet).
 */
static inline uint32_t balance_other_of(uint32_t told, uint32_t load)
{
	return told > load ? (told - load) / 4 : 0;
}

/* From now on it comes last among its equals: those that all are to be used take turns. */
void balance_pass_turn(struct balance *balance, struct balance_entry *entry);

/* A request was given to it; or is finished there. */
void balance_add_load(struct balance *balance, struct balance_entry *entry);
void balance_take_load(struct balance *balance, struct balance_entry *entry);

/* Balances that share requests: those of several applications, or of one. Their tiers are one. */
struct balance_group {
	struct balance **balances; /* borrowed, with their array */
	size_t count;
	size_t turn; /* the first to be asked next time: equals go around */
};

struct balance_choice {
	const struct balance_entry *failed; /* not this one; or NULL */
	bool may_spill;			    /* from a full first tier into the next usable one */
	bool takes_two; /* the better of two taken at random, instead of the best of all */
	uint32_t random;
};

bool balance_group_has_room(const struct balance_group *group, bool may_spill);

/* Or NULL: nobody has room. Of equals, that of the balance whose turn it is. */
struct balance_entry *balance_group_least(struct balance_group *group,
					  const struct balance_choice *choice);

#endif
