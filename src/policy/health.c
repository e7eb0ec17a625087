#include "policy/health.h"

enum { JITTER_PART = 10 };

void health_init(struct health *health, bool must_answer)
{
	*health = (struct health){.must_answer = must_answer};
}

void health_begin_probe(struct health *health)
{
	health->is_alive = false;
}

void health_take(struct health *health, enum health_sign sign)
{
	if (sign == HEALTH_SIGN_GOOD) {
		*health = (struct health){.must_answer = true, .is_alive = true};
	} else if (sign == HEALTH_SIGN_CLOSED) {
		/* It may still be finishing what it has, and is to get nothing more. */
		health->failures++;
		health->is_out = true;
	} else if (health->must_answer && !health->is_alive) {
		health->failures++;
		health->is_out |= health->failures >= HEALTH_FAILURES_MAX;
	}
}

uint64_t health_next_ms(uint64_t interval_ms, uint32_t random)
{
	uint64_t spread_ms = interval_ms / JITTER_PART;

	/* Of one that is out too: to ask it costs less than to be without it for longer. */
	return interval_ms - spread_ms + random % (2 * spread_ms + 1);
}
