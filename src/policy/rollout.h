#ifndef POLICY_ROLLOUT_H
#define POLICY_ROLLOUT_H

#include <stddef.h>

/* Old processes make way for new ones one at a time, and no more of them when a new one fails. */

enum rollout_step { ROLLOUT_WAIT, ROLLOUT_REPLACE, ROLLOUT_DONE, ROLLOUT_HALT };

struct rollout_facts {
	size_t old;	 /* processes that run and are to be replaced */
	size_t changing; /* that end or start */
	size_t failed;	 /* that died early, or could not be started */
};

/* ROLLOUT_REPLACE: the next of the old ones can go. */
enum rollout_step rollout_next(const struct rollout_facts *facts);

#endif
