#include "policy/histogram.h"

#include <assert.h>

static const uint32_t bounds_ms[HISTOGRAM_BOUNDS] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000,
};

/* Most are in the first few. */
void histogram_add(struct histogram *histogram, uint64_t duration_ms)
{
	size_t bucket = 0;

	while (bucket < HISTOGRAM_BOUNDS && duration_ms > bounds_ms[bucket])
		bucket++;
	histogram->counts[bucket]++;
	histogram->sum_ms += duration_ms;
}

uint64_t histogram_bound_ms(size_t bucket)
{
	assert(bucket < HISTOGRAM_BUCKETS);
	return bucket < HISTOGRAM_BOUNDS ? bounds_ms[bucket] : HISTOGRAM_BEYOND;
}

uint64_t histogram_count_within(const struct histogram *histogram, size_t bucket)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= bucket; i++)
		count += histogram->counts[i];
	return count;
}

uint64_t histogram_count(const struct histogram *histogram)
{
	return histogram_count_within(histogram, HISTOGRAM_BUCKETS - 1);
}

uint64_t histogram_percentile_ms(const struct histogram *histogram, unsigned percent)
{
	uint64_t count = histogram_count(histogram);
	/* Rounded up, so that the bound holds for so many at least; the product might overflow. */
	uint64_t wanted = count / 100 * percent + (count % 100 * percent + 99) / 100;
	size_t bucket = 0;

	if (count == 0)
		return 0;
	while (bucket < HISTOGRAM_BOUNDS && histogram_count_within(histogram, bucket) < wanted)
		bucket++;
	return histogram_bound_ms(bucket);
}
