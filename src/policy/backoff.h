#ifndef POLICY_BACKOFF_H
#define POLICY_BACKOFF_H

#include <stdint.h>

/*
 * How long something that has failed so often in a row is left alone before it is tried again:
 * min_ms, doubled by each failure after the first up to max_ms, of which random picks 50 to 150
 * percent. No failures: 0.
 */
uint64_t backoff_delay_ms(unsigned failures, uint64_t min_ms, uint64_t max_ms, uint32_t random);

#endif
