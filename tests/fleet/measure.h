#ifndef FLEET_MEASURE_H
#define FLEET_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a run measures: plain numbers without a pointer, so that a process of its own can leave them
 * in shared memory.
 */

/* Buckets of equal width within each power of two: a quantile is within 3 percent. */
enum { TIMES_PARTS = 32, TIMES_BUCKETS = 22 * TIMES_PARTS };

/* How many took how many ticks. */
struct times {
	uint64_t counts[TIMES_BUCKETS];
	uint64_t count;
};

void times_add(struct times *times, uint64_t ticks);
void times_merge(struct times *times, const struct times *more);

/* That so many of a million took no longer than, in ms. */
double times_quantile_ms(const struct times *times, uint64_t of_million);

/* The part that took longer. */
double times_share_beyond(const struct times *times, double ms);

enum phase_kind { PHASE_WARM, PHASE_STEADY, PHASE_DEPLOY, PHASE_RACK, PHASE_SLOW, PHASE_UNEVEN };
enum { PHASES = PHASE_UNEVEN + 1 };

extern const char *const phase_names[PHASES];

struct measures {
	uint64_t requests;
	uint64_t lost;		     /* requests not answered, or with 503 */
	uint64_t repeated;	     /* sendings, beyond the first */
	uint64_t doubled;	     /* of them, though not safe to repeat and begun on */
	uint64_t unpaid;	     /* would have been sent again, but for the budget */
	uint64_t struck;	     /* requests that hosts had when they died */
	struct times waiting, total; /* of the requests that came in this phase */
	double variation;	     /* of the load over the hosts: the sum of its coefficients, */
	double peak;		     /* and of the largest loads by the mean, in all samples */
	uint64_t samples;
};

/* Over the whole run, for the graphs. */
enum { SERIES_POINTS = 180 };

struct series_point {
	struct times waiting, total;
	double queued, peak, variation; /* sums over samples */
	uint64_t samples, lost;
};

struct measurement {
	struct measures phases[PHASES];
	struct series_point series[SERIES_POINTS];
	uint64_t phase_begin_s[PHASES + 1];
	uint64_t events;
	double cpu_s;
};

#endif
