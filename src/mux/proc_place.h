#ifndef MUX_PROC_PLACE_H
#define MUX_PROC_PLACE_H

#include "base/address.h"
#include "policy/balance.h"

/* The tiers of the balance: what a name server ranks behind its first hosts is between. */
enum proc_tier { PROC_TIER_CHILD = 0, PROC_TIER_SERVER = 1, PROC_TIER_BACKUP = BALANCE_TIERS - 1 };

/* Where a proc is, and how it stands beside the others of its backend. */
struct proc_place {
	struct address address;
	unsigned tier;	 /* one of enum proc_tier, or between the last two of them */
	unsigned weight; /* in units of BALANCE_WEIGHT_UNIT */
};

#endif
