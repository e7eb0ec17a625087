#ifndef POLICY_HISTOGRAM_H
#define POLICY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many requests took how long, in fixed buckets: each takes what is longer than the bound
 * before it and not longer than its own; one more, the last, takes what is beyond all bounds. All
 * zero is an empty one.
 */

enum { HISTOGRAM_BOUNDS = 15, HISTOGRAM_BUCKETS };

#define HISTOGRAM_BEYOND UINT64_MAX

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t sum_ms;
};

void histogram_add(struct histogram *histogram, uint64_t duration_ms);

/* The longest time in a bucket; of the last one, HISTOGRAM_BEYOND. */
uint64_t histogram_bound_ms(size_t bucket);

/* All in the buckets up to this one. */
uint64_t histogram_count_within(const struct histogram *histogram, size_t bucket);
uint64_t histogram_count(const struct histogram *histogram);

/* The bound that so many of a hundred stay within; HISTOGRAM_BEYOND: none; 0: it is empty. */
uint64_t histogram_percentile_ms(const struct histogram *histogram, unsigned percent);

#endif
