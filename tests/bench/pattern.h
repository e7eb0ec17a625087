#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * What bodies and answers of the bench consist of: bytes that tell their place, so that a piece
 * that is lost, doubled or moved is noticed. The table is read by memcmp, so that checking costs
 * next to nothing.
 */
enum {
	PATTERN_PERIOD = 65521, /* a prime: no size of a record or a buffer divides it */
	PATTERN_MAX = 131072,	/* longest run from any place */
};

struct pattern {
	uint8_t bytes[PATTERN_PERIOD + PATTERN_MAX];
};

static inline void pattern_init(struct pattern *pattern)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < PATTERN_PERIOD; i++) {
		seed = seed * 1664525 + 1013904223;
		pattern->bytes[i] = (uint8_t)(seed >> 24);
	}
	for (size_t i = PATTERN_PERIOD; i < sizeof(pattern->bytes); i++)
		pattern->bytes[i] = pattern->bytes[i - PATTERN_PERIOD];
}

/* PATTERN_MAX bytes as they are from place on. */
static inline const uint8_t *pattern_at(const struct pattern *pattern, size_t place)
{
	return pattern->bytes + place % PATTERN_PERIOD;
}

/* Whether len (at most PATTERN_MAX) bytes are those that belong at place. */
static inline bool pattern_is_at(const struct pattern *pattern, size_t place, const uint8_t *bytes,
				 size_t len)
{
	return memcmp(pattern_at(pattern, place), bytes, len) == 0;
}

#endif
