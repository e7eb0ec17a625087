#include "host.h"

#include <stdio.h>
#include <stdlib.h>

#include "front.h"

/* How much longer than later things take in the first moment of a host's life, and until when. */
enum { COLD_FACTOR = 3, COLD_TICKS = 20 * TICKS_A_SECOND };

static struct request *request_of(struct event *event)
{
	return container_of(event, struct request, event);
}

void host_init(struct host *host, struct fleet *fleet, size_t number)
{
	char text[32];

	*host = (struct host){.fleet = fleet, .slowness = 1, .is_listed = true};
	host->warm_from = fleet->calendar.now > 0 ? fleet->calendar.now + COLD_TICKS : 0;
	host->sources = calloc(fleet->front_count + 1, sizeof(*host->sources));
	(void)snprintf(text, sizeof(text), "10.%zu.%zu.%zu", number >> 16 & 255, number >> 8 & 255,
		       number & 255);
	if (!host->sources || address_set_host(&host->address, text, 9000))
		abort();
	queue_init(&host->queue);
	list_init(&host->requests);
}

void host_fini(struct host *host)
{
	free(host->sources);
}

static uint64_t duration(const struct host *host, const struct request *request)
{
	uint64_t now = host->fleet->calendar.now;
	uint64_t ticks = (uint64_t)request->service * host->slowness;

	if (now < host->warm_from)
		ticks += ticks * (COLD_FACTOR - 1) * (host->warm_from - now) / COLD_TICKS;
	return ticks > 0 ? ticks : 1;
}

static void on_answer(struct event *event)
{
	front_take_answer(request_of(event));
}

static void on_served(struct event *event);

static void begin(struct host *host, struct request *request)
{
	struct calendar *calendar = &host->fleet->calendar;

	host->busy++;
	request->begun = calendar->now;
	request->has_begun = true;
	calendar_put(calendar, &request->event, duration(host, request), on_served);
}

/* On its way back, which nothing that happens to the host can change. */
static void answer(struct request *request)
{
	struct fleet *fleet = request->host->fleet;

	list_detach(&request->at_host);
	if (request->front)
		calendar_put(&fleet->calendar, &request->event, NETWORK_TICKS, on_answer);
	else
		fleet_finish(fleet, request);
}

static void on_served(struct event *event)
{
	struct request *request = request_of(event);
	struct host *host = request->host;
	struct queue_ticket *next = queue_first(&host->queue);

	host->busy--;
	answer(request);
	if (next) {
		queue_remove(&host->queue, next);
		begin(host, container_of(next, struct request, ticket));
	}
}

void host_take(struct host *host, struct request *request)
{
	size_t source = request->front ? front_number(request->front) : host->fleet->front_count;

	if (host->queue.count >= HOST_QUEUE_MAX) {
		request->is_refused = true;
		answer(request);
		return;
	}
	list_append(&host->requests, &request->at_host);
	if (host->busy < host->fleet->plan.workers)
		begin(host, request);
	else
		queue_append(&host->queue, &request->ticket, &host->sources[source],
			     calendar_ms(&host->fleet->calendar));
}

void host_die(struct host *host)
{
	struct list *link;

	host->state = HOST_DEAD;
	host->busy = 0;
	while ((link = list_first(&host->requests))) {
		struct request *request = container_of(link, struct request, at_host);

		list_detach(link);
		queue_remove(&host->queue, &request->ticket);
		if (request->front)
			front_miss(request);
		else
			fleet_lose(host->fleet, request);
	}
}

void host_revive(struct host *host)
{
	host->state = HOST_UP;
	host->warm_from = host->fleet->calendar.now + COLD_TICKS;
}
