#include "policy/rollout.h"

enum rollout_step rollout_next(const struct rollout_facts *facts)
{
	if (facts->failed > 0)
		return facts->old > 0 ? ROLLOUT_HALT : ROLLOUT_DONE;
	if (facts->changing > 0)
		return ROLLOUT_WAIT;
	return facts->old > 0 ? ROLLOUT_REPLACE : ROLLOUT_DONE;
}
