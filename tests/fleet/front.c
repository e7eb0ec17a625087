#include "front.h"

#include <stdlib.h>

#include "policy/backoff.h"
#include "policy/slow_start.h"

static struct request *request_of(struct event *event)
{
	return container_of(event, struct request, event);
}

void front_init(struct front *front, struct fleet *fleet)
{
	size_t size = fleet->host_max;

	*front = (struct front){.fleet = fleet};
	front->balances[0] = &front->balance;
	front->group = (struct balance_group){.balances = front->balances, .count = 1};
	front->procs = calloc(size, sizeof(*front->procs));
	front->known = calloc(size, sizeof(*front->known));
	front->known_hosts = calloc(size, sizeof(*front->known_hosts));
	if (!front->procs || !front->known || !front->known_hosts)
		abort();
	queue_init(&front->queue);
	retry_budget_init(&front->budget, calendar_ms(&fleet->calendar));
	event_init(&front->lookup);
	event_init(&front->tick);
}

void front_fini(struct front *front)
{
	balance_fini(&front->balance);
	free(front->procs);
	free(front->known);
	free(front->known_hosts);
}

size_t front_number(const struct front *front)
{
	return (size_t)(front - front->fleet->fronts);
}

static bool is_usable(const struct proc *proc)
{
	return proc->is_known && !proc->is_leaving && !proc->health.is_out &&
	       proc->rests_until == 0;
}

void proc_update(struct proc *proc)
{
	struct fleet *fleet = proc->front->fleet;
	bool usable = is_usable(proc);

	if (usable == proc->balance.usable)
		return;
	if (usable) {
		proc->up_since = fleet->calendar.now;
		balance_set_weight(
			&proc->front->balance, &proc->balance,
			slow_start_weight(BALANCE_WEIGHT_UNIT, 0, fleet->plan.slow_start_ms));
	}
	balance_set_usable(&proc->front->balance, &proc->balance, usable);
	if (usable)
		front_serve(proc->front);
}

void proc_rest(struct proc *proc)
{
	struct fleet *fleet = proc->front->fleet;

	if (proc->rests_until > 0 || !proc->is_known)
		return;
	proc->failures++;
	proc->rests_until = calendar_ms(&fleet->calendar) +
			    backoff_delay_ms(proc->failures, DISABLE_TIME_MS, RESTING_MAX_MS,
					     dice_random(&fleet->dice));
	proc_update(proc);
}

static void run(struct proc *proc, struct request *request);

static struct proc *choose(struct front *front, const struct proc *failed)
{
	const struct balance_choice choice = {
		.failed = failed ? &failed->balance : NULL,
		.takes_two = front->fleet->plan.policy->takes_two,
		.random =
			front->fleet->plan.policy->takes_two ? dice_random(&front->fleet->dice) : 0,
	};
	struct balance_entry *entry = balance_group_least(&front->group, &choice);

	return entry ? container_of(entry, struct proc, balance) : NULL;
}

void front_serve(struct front *front)
{
	struct queue_ticket *first;

	while ((first = queue_first(&front->queue)) &&
	       balance_group_has_room(&front->group, false)) {
		queue_remove(&front->queue, first);
		run(choose(front, NULL), container_of(first, struct request, ticket));
	}
}

void front_submit(struct front *front, struct request *request)
{
	uint64_t now_ms = calendar_ms(&front->fleet->calendar);
	struct proc *proc;

	retry_budget_deposit(&front->budget, front->fleet->plan.retry_budget, now_ms);
	proc = queue_first(&front->queue) ? NULL : choose(front, NULL);
	if (proc)
		run(proc, request);
	else
		queue_append(&front->queue, &request->ticket, &front->source, now_ms);
}

static bool may_repeat(struct front *front, const struct request *request, bool is_unsent)
{
	const struct retry_case failure = {
		.methods = RETRY_SAFE_METHODS,
		.method = request->method,
		.is_answered = request->has_spoken,
		.is_unsent = is_unsent,
		.is_whole = true,
		.retries = request->retries,
	};

	if (!retry_is_allowed(&failure))
		return false;
	/* What nobody has begun on costs nobody anything. */
	if (is_unsent || retry_budget_take(&front->budget, front->fleet->plan.retry_budget,
					   calendar_ms(&front->fleet->calendar)))
		return true;
	fleet_measures(front->fleet)->unpaid++;
	return false;
}

static void submit_again(struct request *request, const struct proc *failed)
{
	struct front *front = request->front;
	struct proc *proc = choose(front, failed);

	if (proc)
		run(proc, request);
	else
		queue_return(&front->queue, &request->ticket);
}

static void fail(struct request *request, bool is_unsent)
{
	struct proc *proc = request->proc;
	struct front *front = request->front;
	struct measures *measures = fleet_measures(front->fleet);

	request->proc = NULL;
	balance_take_load(&front->balance, &proc->balance);
	if (is_unsent) {
		health_take(&proc->health, HEALTH_SIGN_CLOSED);
		proc_rest(proc);
	}
	if (!may_repeat(front, request, is_unsent)) {
		fleet_lose(front->fleet, request);
	} else {
		measures->repeated++;
		measures->doubled += request->has_begun && request->method != RETRY_SAFE_METHODS;
		request->retries++;
		request->has_begun = false;
		submit_again(request, proc);
	}
	front_serve(front);
}

static void on_not_connected(struct event *event)
{
	fail(request_of(event), true);
}

/* With the connection of its proc: all that it carries. The next one has to connect anew. */
static void on_broken(struct event *event)
{
	struct request *request = request_of(event);

	request->proc->is_connected = false;
	request->proc->breaks = 0;
	fail(request, false);
}

/* The host has closed: known as soon as something is sent there. */
static void on_reset(struct event *event)
{
	request_of(event)->proc->is_connected = false;
	fail(request_of(event), false);
}

void front_miss(struct request *request)
{
	struct calendar *calendar = &request->front->fleet->calendar;
	struct proc *proc = request->proc;

	request->has_spoken = request->has_begun && request->speaks_early &&
			      calendar->now - request->begun > request->service / 2;
	if (proc->breaks <= calendar->now)
		proc->breaks = calendar->now + TCP_USER_TIMEOUT_MS * TICKS_A_MS;
	calendar_put(calendar, &request->event, proc->breaks - calendar->now, on_broken);
}

static void on_arrived(struct event *event)
{
	struct request *request = request_of(event);
	struct calendar *calendar = &request->front->fleet->calendar;

	if (request->host->state == HOST_UP)
		host_take(request->host, request);
	else if (request->host->state == HOST_DEAD)
		front_miss(request);
	else
		calendar_put(calendar, &request->event, NETWORK_TICKS, on_reset);
}

static void on_connected(struct event *event)
{
	struct request *request = request_of(event);

	request->proc->is_connected = true;
	calendar_put(&request->front->fleet->calendar, event, NETWORK_TICKS, on_arrived);
}

static void connect_and_send(struct request *request)
{
	struct calendar *calendar = &request->front->fleet->calendar;
	enum host_state state = request->host->state;

	if (state == HOST_UP)
		calendar_put(calendar, &request->event, 2 * NETWORK_TICKS, on_connected);
	else if (state == HOST_CLOSED)
		calendar_put(calendar, &request->event, 2 * NETWORK_TICKS, on_not_connected);
	else
		calendar_put(calendar, &request->event, CONNECT_TIMEOUT_MS * TICKS_A_MS,
			     on_not_connected);
}

static void run(struct proc *proc, struct request *request)
{
	request->proc = proc;
	request->host = proc->host;
	balance_add_load(&proc->front->balance, &proc->balance);
	balance_pass_turn(&proc->front->balance, &proc->balance);
	if (proc->is_connected)
		calendar_put(&proc->front->fleet->calendar, &request->event, NETWORK_TICKS,
			     on_arrived);
	else
		connect_and_send(request);
}

void front_take_answer(struct request *request)
{
	struct proc *proc = request->proc;
	struct front *front = request->front;

	health_note_life(&proc->health);
	if (proc->failures > 0) {
		proc->failures = 0;
		balance_set_capacity(&front->balance, &proc->balance, front->fleet->plan.workers);
	}
	balance_take_load(&front->balance, &proc->balance);
	if (request->is_refused)
		fleet_lose(front->fleet, request);
	else
		fleet_finish(front->fleet, request);
	front_serve(front);
}
