#ifndef BENCH_LOAD_STATS_H
#define BENCH_LOAD_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "load_options.h"

/*
 * What fcgi-load counts. Latencies are kept in buckets that are 1/64 of their value wide, so that
 * any number of them takes the same memory.
 */

enum load_error {
	LOAD_REFUSED, /* no connection */
	LOAD_RESET,   /* ECONNRESET, EPIPE */
	LOAD_CUT_OFF, /* closed before the request's end */
	LOAD_WRONG,   /* not what was asked for, or no FastCGI */
	LOAD_TIMEOUT, /* no end within the time */
	LOAD_STATUS,  /* 5xx */
	LOAD_UNHAPPY, /* ended with an app status, or refused by the protocol's status */
	LOAD_ERROR_COUNT,
};

enum { HISTOGRAM_BUCKETS = 64 * 40 };

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t max_ns;
};

void histogram_add(struct histogram *histogram, uint64_t latency_ns);
double histogram_percentile_us(const struct histogram *histogram, double percent);

struct load_stats {
	struct histogram all;
	struct histogram classes[LOAD_CLASSES_MAX];
	uint64_t errors[LOAD_ERROR_COUNT];
	uint64_t answers;      /* good ones */
	uint64_t answers_late; /* of them: after the end, to what was under way */
	uint64_t connects;     /* that succeeded */
	uint64_t reopened;     /* kept connections that the peer closed between two requests */
	uint64_t unfinished;   /* requests under way at the end on starved connections */
	uint64_t stderr_len;
	size_t starved; /* connections */
	uint64_t duration_ns;
};

uint64_t load_stats_errors(const struct load_stats *stats);
void load_stats_print(const struct load_stats *stats, const struct load_options *options,
		      FILE *out);

#endif
