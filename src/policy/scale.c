#include "policy/scale.h"

enum { STARTING_MAX = 8 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t wanted(const struct scale_rules *rules, size_t needed)
{
	return needed < rules->min ? rules->min : smaller(needed, rules->max);
}

size_t scale_missing(const struct scale_rules *rules, const struct scale_facts *facts)
{
	size_t count = wanted(rules, facts->needed);

	if (facts->failing > 0 || facts->alive >= count || facts->starting >= STARTING_MAX)
		return 0;
	return smaller(count - facts->alive, STARTING_MAX - facts->starting);
}

bool scale_has_surplus(const struct scale_rules *rules, const struct scale_facts *facts,
		       uint64_t unneeded_ms)
{
	return facts->alive > wanted(rules, facts->needed) && unneeded_ms >= rules->idle_ms;
}

uint64_t scale_spread(uint64_t limit, uint32_t pid)
{
	/* A multiplicative hash: their pids are neighbours. */
	uint32_t random = pid * 2654435761U;
	uint64_t tenth = limit / 10;
	uint64_t spread = limit - tenth + random % (2 * tenth + 1);

	return spread > 0 ? spread : 1;
}
