#ifndef POLICY_HEALTH_H
#define POLICY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the probes of a remote proc mean. It is in or out; it begins in, since whether it can be
 * reached shows itself at the first request too. One good probe brings it in. One that finds
 * nothing listening takes it out, and so do three in a row that find no answer, or a wrong one;
 * but none of those counts where anything has been heard of the proc since it began, or where the
 * proc has never answered a probe and need not: not every program knows the question.
 */

enum health_sign {
	HEALTH_SIGN_GOOD,
	HEALTH_SIGN_BAD,    /* no answer, or a wrong one */
	HEALTH_SIGN_CLOSED, /* connections are refused */
};

enum { HEALTH_FAILURES_MAX = 3 };

struct health {
	unsigned failures; /* probes that counted, in a row */
	bool must_answer;
	bool is_out;
	bool is_alive; /* something has been heard of it since the last probe began */
};

/* must_answer: a probe asks for something that only a proc that is well has, as a page does. */
void health_init(struct health *health, bool must_answer);

void health_begin_probe(struct health *health);

/* Any part of an answer has come, also one to a request. Cheap enough for each. */
static inline void health_note_life(struct health *health)
{
	health->is_alive = true;
}

/* What the probe found. Whether it is in or out now is in is_out. */
void health_take(struct health *health, enum health_sign sign);

/*
 * From the beginning of a probe to the next one: the interval, of which random picks 90 to 110
 * percent, so that fronts do not ask in step.
 */
uint64_t health_next_ms(uint64_t interval_ms, uint32_t random);

#endif
