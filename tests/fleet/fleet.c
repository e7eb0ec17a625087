#include "fleet.h"

#include <stdlib.h>
#include <time.h>

#include "front.h"
#include "front_watch.h"
#include "host.h"
#include "story.h"

enum { POOL = 4096, CENTRAL_PROBE_MS = 100 };

static void add_pool(struct fleet *fleet)
{
	struct request *requests = calloc(POOL, sizeof(*requests));

	fleet->pools = reallocarray(fleet->pools, fleet->pool_count + 1, sizeof(*fleet->pools));
	if (!requests || !fleet->pools)
		abort();
	fleet->pools[fleet->pool_count++] = requests;
	for (size_t i = 0; i < POOL; i++) {
		requests[i].next = fleet->free;
		fleet->free = &requests[i];
	}
}

/* Most are short, some are not, and a few take very long: 90, 9 and 1 of a hundred. */
static uint32_t draw_service(struct dice *dice)
{
	uint32_t kind = dice_below(dice, 100);
	double mean_ms = kind < 90 ? 200 : kind < 99 ? 1000 : 8000;

	return 1 + (uint32_t)dice_exponential(dice, mean_ms * TICKS_A_MS);
}

struct request *fleet_new_request(struct fleet *fleet)
{
	struct request *request;

	if (!fleet->free)
		add_pool(fleet);
	request = fleet->free;
	fleet->free = request->next;
	*request = (struct request){.phase = fleet->phase, .arrived = fleet->calendar.now};
	event_init(&request->event);
	queue_ticket_init(&request->ticket);
	list_init(&request->at_host);
	request->service = draw_service(&fleet->traffic);
	request->method =
		dice_below(&fleet->traffic, 5) > 0 ? RETRY_SAFE_METHODS : RETRY_ALL_METHODS;
	request->speaks_early = dice_below(&fleet->traffic, 4) == 0;
	return request;
}

static void free_request(struct fleet *fleet, struct request *request)
{
	request->next = fleet->free;
	fleet->free = request;
}

static struct series_point *point_at(const struct fleet *fleet, uint64_t ticks)
{
	struct measurement *measured = fleet->measured;
	uint64_t begin = measured->phase_begin_s[PHASE_STEADY] * TICKS_A_SECOND;
	uint64_t end = measured->phase_begin_s[PHASES] * TICKS_A_SECOND;

	if (ticks < begin || ticks >= end)
		return NULL;
	return &measured->series[(ticks - begin) * SERIES_POINTS / (end - begin)];
}

void fleet_finish(struct fleet *fleet, struct request *request)
{
	struct measures *measures = &fleet->measured->phases[request->phase];
	struct series_point *point = point_at(fleet, request->arrived);
	uint64_t waited = request->begun - request->arrived;
	uint64_t total = fleet->calendar.now - request->arrived;

	if (request->front) {
		times_add(&measures->waiting, waited);
		times_add(&measures->total, total);
		if (point) {
			times_add(&point->waiting, waited);
			times_add(&point->total, total);
		}
	}
	free_request(fleet, request);
}

void fleet_lose(struct fleet *fleet, struct request *request)
{
	struct series_point *point = point_at(fleet, fleet->calendar.now);

	if (request->front) {
		fleet_measures(fleet)->lost++;
		if (point)
			point->lost++;
	}
	free_request(fleet, request);
}

static void arrive(struct fleet *fleet)
{
	struct request *request = fleet_new_request(fleet);
	uint32_t front = dice_below(&fleet->traffic, fleet->plan.fronts);

	request->front = &fleet->fronts[front % fleet->front_count];
	fleet_measures(fleet)->requests++;
	front_submit(request->front, request);
}

/* Several may come in one tick. */
static void on_arrival(struct event *event)
{
	struct fleet *fleet = container_of(event, struct fleet, arrival);
	double now = (double)fleet->calendar.now;

	while (fleet->next_arrival <= now) {
		arrive(fleet);
		fleet->next_arrival += dice_exponential(&fleet->traffic, fleet->arrival_gap);
	}
	calendar_put(&fleet->calendar, event, 1 + (uint64_t)(fleet->next_arrival - now),
		     on_arrival);
}

/* Over the hosts that are there, and are meant to be. */
static void sample(struct fleet *fleet)
{
	struct measures *measures = &fleet->measured->phases[fleet->phase];
	struct series_point *point = point_at(fleet, fleet->calendar.now);
	double count = 0, sum = 0, squares = 0, most = 0, queued = 0, mean, variation;

	for (size_t i = 0; i < fleet->host_count; i++) {
		const struct host *host = &fleet->hosts[i];
		double load = host_load(host);

		if (!host->is_listed || host->state != HOST_UP)
			continue;
		count++;
		sum += load;
		squares += load * load;
		most = load > most ? load : most;
		queued += (double)host->queue.count;
	}
	for (size_t i = 0; i < fleet->front_count; i++)
		queued += (double)fleet->fronts[i].queue.count;
	if (count == 0 || sum == 0)
		return;
	mean = sum / count;
	variation = sqrt(fmax(squares / count - mean * mean, 0)) / mean;
	measures->samples++;
	measures->variation += variation;
	measures->peak += most / mean;
	if (point) {
		point->samples++;
		point->variation += variation;
		point->peak += most / mean;
		point->queued += queued;
	}
}

static void on_second(struct event *event)
{
	struct fleet *fleet = container_of(event, struct fleet, second);

	story_second(fleet);
	sample(fleet);
	calendar_put(&fleet->calendar, event, TICKS_A_SECOND, on_second);
}

static void init(struct fleet *fleet, const struct plan *plan, struct measurement *measured)
{
	double workers = (double)plan->hosts * plan->workers;

	*fleet = (struct fleet){.plan = *plan, .measured = measured};
	*measured = (struct measurement){0};
	/* What knows all knows at once what comes from elsewhere too. */
	if (plan->policy->is_central)
		fleet->plan.probe_interval_ms = CENTRAL_PROBE_MS;
	story_plan(plan->minutes, measured->phase_begin_s);
	calendar_init(&fleet->calendar);
	fleet->traffic.state = plan->seed;
	fleet->dice.state = ~plan->seed;
	fleet->arrival_gap = SERVICE_MEAN_MS * TICKS_A_MS / (workers * plan->load_percent / 100);
	fleet->host_max = story_hosts(plan);
	fleet->front_count = plan->policy->is_central ? 1 : plan->fronts;
	fleet->hosts = calloc(fleet->host_max, sizeof(*fleet->hosts));
	fleet->fronts = calloc(fleet->front_count, sizeof(*fleet->fronts));
	if (!fleet->hosts || !fleet->fronts)
		abort();
	for (; fleet->host_count < plan->hosts; fleet->host_count++)
		host_init(&fleet->hosts[fleet->host_count], fleet, fleet->host_count);
	for (size_t i = 0; i < fleet->front_count; i++)
		front_init(&fleet->fronts[i], fleet);
}

static void fini(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->front_count; i++)
		front_fini(&fleet->fronts[i]);
	for (size_t i = 0; i < fleet->host_count; i++)
		host_fini(&fleet->hosts[i]);
	for (size_t i = 0; i < fleet->pool_count; i++)
		free(fleet->pools[i]);
	free(fleet->pools);
	free(fleet->hosts);
	free(fleet->fronts);
	calendar_fini(&fleet->calendar);
}

void fleet_run(const struct plan *plan, struct measurement *measured)
{
	struct fleet fleet;

	init(&fleet, plan, measured);
	event_init(&fleet.arrival);
	event_init(&fleet.pinned);
	event_init(&fleet.second);
	for (size_t i = 0; i < fleet.front_count; i++)
		front_watch_start(&fleet.fronts[i]);
	calendar_put(&fleet.calendar, &fleet.arrival, 1, on_arrival);
	calendar_put(&fleet.calendar, &fleet.second, TICKS_A_SECOND, on_second);
	calendar_run(&fleet.calendar, measured->phase_begin_s[PHASES] * TICKS_A_SECOND);
	measured->events = fleet.calendar.happened;
	measured->cpu_s = (double)clock() / CLOCKS_PER_SEC;
	fini(&fleet);
}
