#include "story.h"

#include "front.h"
#include "host.h"

enum {
	BATCH_PART = 20,     /* of the hosts are replaced at once */
	UNLIST_AFTER_S = 10, /* old ones, once the new ones are there */
	CLOSE_AFTER_S = 30,  /* which is long after all fronts know */
	RACK_PART = 25,	     /* 40 of 1,000 */
	SLOW_PART = 50,
	SLOWNESS = 10,
	PINNED_PART = 5,
	PINNED_PERCENT = 25, /* of what those hosts can do */
};

/* In hundredths of the time that is measured. */
static const unsigned lengths[PHASES] = {
	[PHASE_STEADY] = 15, [PHASE_DEPLOY] = 30, [PHASE_RACK] = 20,
	[PHASE_SLOW] = 15,   [PHASE_UNEVEN] = 20,
};

void story_plan(uint64_t minutes, uint64_t begin_s[PHASES + 1])
{
	begin_s[PHASE_WARM] = 0;
	begin_s[PHASE_STEADY] = WARM_SECONDS;
	for (size_t i = PHASE_STEADY; i < PHASES; i++)
		begin_s[i + 1] = begin_s[i] + minutes * 60 * lengths[i] / 100;
}

size_t story_hosts(const struct plan *plan)
{
	return 2 * (size_t)plan->hosts;
}

static uint64_t now_s(const struct fleet *fleet)
{
	return fleet->calendar.now / TICKS_A_SECOND;
}

/* Of the phase, in thousandths. */
static uint64_t progress(const struct fleet *fleet)
{
	const uint64_t *begin_s = &fleet->measured->phase_begin_s[fleet->phase];

	return (now_s(fleet) - begin_s[0]) * 1000 / (begin_s[1] - begin_s[0]);
}

static size_t batch_begin(const struct fleet *fleet, uint64_t batch)
{
	return (size_t)(batch * fleet->plan.hosts / BATCH_PART);
}

static void start_batch(struct fleet *fleet, uint64_t batch)
{
	size_t end = fleet->plan.hosts + batch_begin(fleet, batch + 1);

	while (fleet->host_count < end) {
		host_init(&fleet->hosts[fleet->host_count], fleet, fleet->host_count);
		fleet->host_count++;
	}
}

static void end_batch(struct fleet *fleet, uint64_t batch, uint64_t age_s)
{
	for (size_t i = batch_begin(fleet, batch); i < batch_begin(fleet, batch + 1); i++) {
		if (age_s >= UNLIST_AFTER_S)
			fleet->hosts[i].is_listed = false;
		if (age_s >= CLOSE_AFTER_S)
			fleet->hosts[i].state = HOST_CLOSED;
	}
}

/* Over nine tenths of the phase. */
static void deploy(struct fleet *fleet)
{
	const uint64_t *begin_s = &fleet->measured->phase_begin_s[PHASE_DEPLOY];
	uint64_t gap_s = (begin_s[1] - begin_s[0]) * 9 / 10 / BATCH_PART;
	uint64_t age_s = now_s(fleet) - begin_s[0];

	gap_s = gap_s > 0 ? gap_s : 1;
	while (fleet->batches < BATCH_PART && fleet->batches * gap_s <= age_s)
		start_batch(fleet, fleet->batches++);
	for (uint64_t batch = 0; batch < fleet->batches; batch++)
		end_batch(fleet, batch, age_s - batch * gap_s);
}

static size_t part_of(const struct fleet *fleet, unsigned part)
{
	return fleet->plan.hosts > part ? fleet->plan.hosts / part : 1;
}

/* Hosts that are in use after the deploy, from this place on. */
static struct host *host_at(struct fleet *fleet, size_t place)
{
	return &fleet->hosts[fleet->host_count - fleet->plan.hosts + place];
}

static void fail_rack(struct fleet *fleet)
{
	size_t size = part_of(fleet, RACK_PART);
	bool is_dead = progress(fleet) < 600;

	for (size_t i = 0; i < size; i++) {
		struct host *host = host_at(fleet, i);

		if (is_dead && host->state == HOST_UP) {
			fleet_measures(fleet)->struck += host_load(host);
			host_die(host);
		}
		if (!is_dead && host->state == HOST_DEAD)
			host_revive(host);
	}
}

static void slow_down(struct fleet *fleet)
{
	bool is_slow = progress(fleet) < 800;

	for (size_t i = 0; i < part_of(fleet, SLOW_PART); i++)
		host_at(fleet, fleet->plan.hosts - 1 - i)->slowness = is_slow ? SLOWNESS : 1;
}

static void on_pinned(struct event *event)
{
	struct fleet *fleet = container_of(event, struct fleet, pinned);
	struct request *request = fleet_new_request(fleet);
	double gap = dice_exponential(&fleet->traffic, fleet->pinned_gap);

	request->host =
		host_at(fleet, dice_below(&fleet->traffic, (uint32_t)part_of(fleet, PINNED_PART)));
	host_take(request->host, request);
	if (progress(fleet) < 800)
		calendar_put(&fleet->calendar, event, 1 + (uint64_t)gap, on_pinned);
}

static void pin(struct fleet *fleet)
{
	double workers = (double)part_of(fleet, PINNED_PART) * fleet->plan.workers;

	if (fleet->pinned_gap > 0)
		return;
	fleet->pinned_gap = SERVICE_MEAN_MS * (double)TICKS_A_MS / (workers * PINNED_PERCENT / 100);
	calendar_put(&fleet->calendar, &fleet->pinned, 1, on_pinned);
}

void story_second(struct fleet *fleet)
{
	const uint64_t *begin_s = fleet->measured->phase_begin_s;

	while (fleet->phase < PHASE_UNEVEN && now_s(fleet) >= begin_s[fleet->phase + 1])
		fleet->phase++;
	if (fleet->phase == PHASE_DEPLOY)
		deploy(fleet);
	else if (fleet->phase == PHASE_RACK)
		fail_rack(fleet);
	else if (fleet->phase == PHASE_SLOW)
		slow_down(fleet);
	else if (fleet->phase == PHASE_UNEVEN)
		pin(fleet);
}
