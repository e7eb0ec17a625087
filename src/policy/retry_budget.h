#ifndef POLICY_RETRY_BUDGET_H
#define POLICY_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How many requests may be sent again, so that a site that fails is not hit twice as hard: a part
 * of all that came lately. Each request deposits percent hundredths of a repetition, and so do ten
 * repetitions a second without any; each second a tenth of what is there is forgotten. So what can
 * be spent at once is what ten seconds bring, and at least a hundred: a small site loses nothing
 * when one of its procs is killed. Only repetitions of what a proc may have begun on need be taken
 * from it: the others are no work.
 */
struct retry_budget {
	uint64_t parts;	   /* hundredths of a repetition */
	uint64_t since_ms; /* when the last second began that has been looked at */
};

/* Of this percentage on, there is no limit. */
enum { RETRY_BUDGET_UNLIMITED = 100 };

void retry_budget_init(struct retry_budget *budget, uint64_t now_ms);

/* For each request that comes. */
void retry_budget_deposit(struct retry_budget *budget, uint64_t percent, uint64_t now_ms);

/* May one be sent again? Then it is counted. */
bool retry_budget_take(struct retry_budget *budget, uint64_t percent, uint64_t now_ms);

#endif
