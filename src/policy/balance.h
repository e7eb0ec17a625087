#ifndef POLICY_BALANCE_H
#define POLICY_BALANCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Which proc gets the next request: the one with the least load among those with room, and the
 * lowest number among equals, so that surplus procs fall idle. A heap of those with room: choosing
 * and each change of a load cost the logarithm of their number.
 */

enum { BALANCE_OUT = -1 };

/* One proc's place in the balance; lives inside the proc. */
struct balance_entry {
	unsigned number;
	unsigned load;
	unsigned capacity;
	bool usable; /* may be given requests at all */
	long place;  /* in the heap, or BALANCE_OUT */
};

struct balance {
	struct balance_entry **heap; /* owned; the entries are not */
	size_t count;
	size_t size;
};

/* Room for so many entries. 0 or -ENOMEM. */
int balance_init(struct balance *balance, size_t size) __attribute__((warn_unused_result));
void balance_fini(struct balance *balance);

/* Not usable, without load. */
void balance_entry_init(struct balance_entry *entry, unsigned number, unsigned capacity);

void balance_set_usable(struct balance *balance, struct balance_entry *entry, bool usable);

/* At least 1. */
void balance_set_capacity(struct balance *balance, struct balance_entry *entry, unsigned capacity);

/* A request was given to it; or is finished there. */
void balance_add_load(struct balance *balance, struct balance_entry *entry);
void balance_take_load(struct balance *balance, struct balance_entry *entry);

/* The best with room, or NULL. */
struct balance_entry *balance_least(const struct balance *balance);

/* The same without one that just failed: NULL where no other has room. */
struct balance_entry *balance_least_but(const struct balance *balance,
					const struct balance_entry *failed);

/* Balances that share requests: those of several applications, or of one. */
struct balance_group {
	struct balance **balances; /* borrowed, with their array */
	size_t count;
	size_t turn; /* the first to be asked next time: equal loads go around */
};

bool balance_group_has_room(const struct balance_group *group);

/*
 * The best with room in any of them, without failed where that is not NULL; or NULL. Of equal
 * loads, that of the balance whose turn it is.
 */
struct balance_entry *balance_group_least(struct balance_group *group,
					  const struct balance_entry *failed);

#endif
