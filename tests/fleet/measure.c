#include "measure.h"

#include "calendar.h"

const char *const phase_names[PHASES] = {
	[PHASE_WARM] = "warm-up",   [PHASE_STEADY] = "steady",	 [PHASE_DEPLOY] = "deploy",
	[PHASE_RACK] = "rack dies", [PHASE_SLOW] = "slow hosts", [PHASE_UNEVEN] = "uneven",
};

static size_t bucket_of(uint64_t ticks)
{
	unsigned octave;
	size_t bucket;

	if (ticks < TIMES_PARTS)
		return (size_t)ticks;
	octave = 63U - (unsigned)__builtin_clzll(ticks) - 5;
	bucket = (size_t)octave * TIMES_PARTS + (size_t)(ticks >> octave);
	return bucket < TIMES_BUCKETS ? bucket : TIMES_BUCKETS - 1;
}

/* The first that is beyond it. */
static uint64_t end_of(size_t bucket)
{
	size_t octave = bucket / TIMES_PARTS;

	if (octave == 0)
		return bucket + 1;
	return (bucket % TIMES_PARTS + TIMES_PARTS + 1) << (octave - 1);
}

void times_add(struct times *times, uint64_t ticks)
{
	times->counts[bucket_of(ticks)]++;
	times->count++;
}

void times_merge(struct times *times, const struct times *more)
{
	for (size_t i = 0; i < TIMES_BUCKETS; i++)
		times->counts[i] += more->counts[i];
	times->count += more->count;
}

double times_quantile_ms(const struct times *times, uint64_t of_million)
{
	uint64_t wanted = times->count / 1000000 * of_million +
			  (times->count % 1000000 * of_million + 999999) / 1000000;
	uint64_t seen = 0;
	size_t bucket = 0;

	if (times->count == 0)
		return 0;
	while (bucket + 1 < TIMES_BUCKETS && (seen += times->counts[bucket]) < wanted)
		bucket++;
	return (double)(end_of(bucket) - 1) / TICKS_A_MS;
}

double times_share_beyond(const struct times *times, double ms)
{
	uint64_t beyond = 0;

	for (size_t i = bucket_of((uint64_t)(ms * TICKS_A_MS)) + 1; i < TIMES_BUCKETS; i++)
		beyond += times->counts[i];
	return times->count > 0 ? (double)beyond / (double)times->count : 0;
}
