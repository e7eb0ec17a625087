#include "policy/slow_start.h"

enum { PARTS = 10 };

uint32_t slow_start_weight(uint32_t weight, uint64_t up_ms, uint64_t duration_ms)
{
	uint32_t least = weight / PARTS > 0 ? weight / PARTS : 1;

	if (up_ms >= duration_ms)
		return weight;
	/* Both times are less than a day, the longest that can be configured. */
	return least + (uint32_t)((weight - least) * up_ms / duration_ms);
}
