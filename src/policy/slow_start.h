#ifndef POLICY_SLOW_START_H
#define POLICY_SLOW_START_H

#include <stdint.h>

/*
 * How much of its weight a proc has that came up a while ago: a tenth at once, all after
 * duration_ms, in between in proportion to the time. A program that has just begun has yet to
 * compile what it runs and to fill what it caches. Weights are those of policy/balance; the share
 * is at least 1. A duration of 0: all at once.
 */
uint32_t slow_start_weight(uint32_t weight, uint64_t up_ms, uint64_t duration_ms);

#endif
