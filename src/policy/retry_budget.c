#include "policy/retry_budget.h"

enum { ONE = 100, FLOOR_A_SECOND = 10 * ONE, FORGOTTEN_PART = 10 };
enum { SECOND_MS = 1000, SECONDS_MAX = 100 };

void retry_budget_init(struct retry_budget *budget, uint64_t now_ms)
{
	*budget = (struct retry_budget){
		.parts = (uint64_t)FLOOR_A_SECOND * FORGOTTEN_PART,
		.since_ms = now_ms,
	};
}

/* After SECONDS_MAX next to nothing is left of what was there: more would only take time. */
static void settle(struct retry_budget *budget, uint64_t now_ms)
{
	uint64_t seconds = (now_ms - budget->since_ms) / SECOND_MS;

	if (now_ms < budget->since_ms || seconds == 0)
		return;
	budget->since_ms += seconds * SECOND_MS;
	for (uint64_t i = 0; i < seconds && i < SECONDS_MAX; i++)
		budget->parts += FLOOR_A_SECOND - budget->parts / FORGOTTEN_PART;
}

void retry_budget_deposit(struct retry_budget *budget, uint64_t percent, uint64_t now_ms)
{
	settle(budget, now_ms);
	budget->parts += percent;
}

bool retry_budget_take(struct retry_budget *budget, uint64_t percent, uint64_t now_ms)
{
	if (percent >= RETRY_BUDGET_UNLIMITED)
		return true;
	settle(budget, now_ms);
	if (budget->parts < ONE)
		return false;
	budget->parts -= ONE;
	return true;
}
