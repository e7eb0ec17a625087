#include "policy/backoff.h"

uint64_t backoff_delay_ms(unsigned failures, uint64_t min_ms, uint64_t max_ms, uint32_t random)
{
	uint64_t delay_ms = min_ms;

	if (failures == 0 || min_ms == 0)
		return 0;
	while (--failures > 0 && delay_ms < max_ms)
		delay_ms *= 2;
	if (delay_ms > max_ms)
		delay_ms = max_ms;
	/* Spread, so that a thousand that failed together do not come back together. */
	return delay_ms / 2 + random % (delay_ms + 1);
}
