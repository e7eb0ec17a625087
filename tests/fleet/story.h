#ifndef FLEET_STORY_H
#define FLEET_STORY_H

#include "fleet.h"

/*
 * What happens to the fleet, each kind in a phase of its own: nothing; a deploy, in which every
 * host is replaced; a rack that loses power and comes back; some hosts that are ten times slower;
 * and work on a part of the hosts that comes from elsewhere. Each phase ends with a part in which
 * all is well again.
 */

/* When the phases begin, in seconds; the last is the end. */
void story_plan(uint64_t minutes, uint64_t begin_s[PHASES + 1]);

/* How many hosts there will be in all. */
size_t story_hosts(const struct plan *plan);

/* Once a second. */
void story_second(struct fleet *fleet);

#endif
