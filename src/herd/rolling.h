#ifndef HERD_ROLLING_H
#define HERD_ROLLING_H

#include <stdbool.h>
#include <stddef.h>

#include "os/loop.h"

struct children;

/*
 * Replaces the next of a backend's children that were adopted, where its time has come
 * (policy/rollout); late is started, for the turn in which a new one that has not answered by then
 * counts as failed. Whether there is more to do, or to wait for; where not, *old_count grows by
 * those that stay as they are.
 */
bool rolling_step(struct children *children, struct loop_timer *late, size_t *old_count);

#endif
