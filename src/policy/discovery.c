#include "policy/discovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TTL_MIN_S = 1, TTL_MAX_S = 300 };
enum { RETRY_MIN_MS = 1000, RETRY_MAX_MS = 30000 };
enum { JITTER_PART = 10 };

/* A host of either side, to be sorted by its address. */
struct side {
	const struct discovery_host *host;
	struct discovery_step *step;
	bool is_known;
};

static int compare_numbers(unsigned long a, unsigned long b)
{
	return (a > b) - (a < b);
}

static int compare_addresses(const struct address *a, const struct address *b)
{
	int order = strcmp(a->name, b->name);

	if (order == 0)
		order = compare_numbers(a->port, b->port);
	return order != 0 ? order : compare_numbers(a->kind, b->kind);
}

/* Of one address: the known one, then what the answer says of it, the least priority first. */
static int compare_sides(const void *one, const void *other)
{
	const struct side *a = one, *b = other;
	int order = compare_addresses(a->host->address, b->host->address);

	if (order == 0)
		order = compare_numbers(b->is_known, a->is_known);
	if (order == 0)
		order = compare_numbers(a->host->priority, b->host->priority);
	return order != 0 ? order : compare_numbers(b->host->weight, a->host->weight);
}

static int compare_priorities(const void *one, const void *other)
{
	const struct discovery_step *const *a = one, *const *b = other;

	return compare_numbers((*a)->priority, (*b)->priority);
}

static struct discovery_step step_of(enum discovery_kind kind, size_t index,
				     const struct discovery_host *host)
{
	return (struct discovery_step){
		.kind = kind,
		.index = index,
		.priority = host->priority,
		.weight = host->weight,
	};
}

/* Each for itself: as if the answer had none of the known ones. */
static void fill(struct discovery_plan *plan, struct side *sides,
		 const struct discovery_hosts *known, const struct discovery_hosts *answer,
		 bool takes_away)
{
	for (size_t i = 0; i < known->count; i++) {
		const struct discovery_host *host = &known->items[i];
		bool is_gone = takes_away || host->is_leaving;

		plan->steps[i] = step_of(is_gone ? DISCOVERY_GONE : DISCOVERY_KEPT, i, host);
		sides[i] = (struct side){host, &plan->steps[i], true};
	}
	for (size_t i = 0; i < answer->count; i++) {
		struct discovery_step *step = &plan->steps[known->count + i];

		*step = step_of(DISCOVERY_NEW, i, &answer->items[i]);
		sides[known->count + i] = (struct side){&answer->items[i], step, false};
	}
	plan->count = known->count + answer->count;
}

/* All of one address: what the answer says first of it counts. */
static void match_one(struct side *sides, size_t count)
{
	size_t known = 0;

	while (known < count && sides[known].is_known)
		known++;
	for (size_t i = 0; i < known && known < count; i++) {
		sides[i].step->kind = DISCOVERY_KEPT;
		sides[i].step->priority = sides[known].host->priority;
		sides[i].step->weight = sides[known].host->weight;
	}
	for (size_t i = known > 0 ? known : 1; i < count; i++)
		sides[i].step->kind = DISCOVERY_GONE;
}

static void match(struct side *sides, size_t count)
{
	size_t first = 0;

	qsort(sides, count, sizeof(*sides), compare_sides);
	for (size_t i = 1; i <= count; i++) {
		const struct address *address = sides[first].host->address;

		if (i < count && compare_addresses(address, sides[i].host->address) == 0)
			continue;
		match_one(&sides[first], i - first);
		first = i;
	}
}

/* Of the answer only what is new stays, up to the limit. */
static void compact(struct discovery_plan *plan, size_t known_count, size_t limit)
{
	size_t count = known_count, used = 0;

	for (size_t i = 0; i < known_count; i++)
		used += plan->steps[i].kind == DISCOVERY_KEPT;
	for (size_t i = known_count; i < plan->count; i++) {
		if (plan->steps[i].kind != DISCOVERY_NEW)
			continue;
		if (used < limit) {
			plan->steps[count++] = plan->steps[i];
			used++;
		} else {
			plan->left_out++;
		}
	}
	plan->count = count;
}

static unsigned share_of(unsigned weight, unsigned heaviest)
{
	unsigned share = weight;

	if (heaviest > DISCOVERY_WEIGHT_MAX)
		share = (weight * DISCOVERY_WEIGHT_MAX + heaviest / 2) / heaviest;
	/* RFC 2782: a weight of 0 is to be taken seldom, not never. */
	return share > 0 ? share : 1;
}

/* steps: those of hosts that are used. */
static void rank(struct discovery_step **steps, size_t count)
{
	unsigned heaviest[DISCOVERY_TIER_MAX + 1] = {0};
	unsigned tier = 1;

	qsort(steps, count, sizeof(*steps), compare_priorities);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && steps[i]->priority != steps[i - 1]->priority &&
		    tier < DISCOVERY_TIER_MAX)
			tier++;
		steps[i]->tier = tier;
		if (steps[i]->weight > heaviest[tier])
			heaviest[tier] = steps[i]->weight;
	}
	for (size_t i = 0; i < count; i++)
		steps[i]->share = share_of(steps[i]->weight, heaviest[steps[i]->tier]);
}

static int rank_used(const struct discovery_plan *plan)
{
	struct discovery_step **used = calloc(plan->count + 1, sizeof(struct discovery_step *));
	size_t count = 0;

	if (!used)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind != DISCOVERY_GONE)
			used[count++] = &plan->steps[i];
	rank(used, count);
	free(used);
	return 0;
}

int discovery_plan_make(struct discovery_plan *plan, const struct discovery_hosts *known,
			const struct discovery_hosts *answer, bool is_partial, size_t limit)
{
	size_t size = known->count + answer->count + 1;
	struct side *sides = calloc(size, sizeof(*sides));
	int error = -ENOMEM;

	*plan = (struct discovery_plan){.steps = calloc(size, sizeof(*plan->steps))};
	if (sides && plan->steps) {
		fill(plan, sides, known, answer, !is_partial && answer->count > 0);
		match(sides, plan->count);
		compact(plan, known->count, limit);
		error = rank_used(plan);
	}
	free(sides);
	if (error < 0)
		discovery_plan_fini(plan);
	return error;
}

void discovery_plan_fini(struct discovery_plan *plan)
{
	free(plan->steps);
	*plan = (struct discovery_plan){0};
}

static uint64_t sooner(uint64_t delay_ms, uint32_t random)
{
	return delay_ms - random % (delay_ms / JITTER_PART + 1);
}

uint64_t discovery_refresh_ms(uint32_t ttl_s, uint32_t random)
{
	uint64_t ttl = ttl_s < TTL_MIN_S ? TTL_MIN_S : ttl_s;

	return sooner((ttl > TTL_MAX_S ? TTL_MAX_S : ttl) * 1000, random);
}

uint64_t discovery_retry_ms(unsigned failures, uint32_t random)
{
	uint64_t delay_ms = RETRY_MIN_MS;

	while (failures-- > 1 && delay_ms < RETRY_MAX_MS)
		delay_ms *= 2;
	return sooner(delay_ms > RETRY_MAX_MS ? RETRY_MAX_MS : delay_ms, random);
}
