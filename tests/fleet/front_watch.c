#include "front_watch.h"

#include <stdlib.h>

#include "policy/slow_start.h"

/* A proc that failed and is tried again gets one request, until it has answered. */
static void end_rest(struct proc *proc)
{
	proc->rests_until = 0;
	balance_set_capacity(&proc->front->balance, &proc->balance, 1);
	proc_update(proc);
}

static void forget(struct proc *proc)
{
	balance_remove(&proc->front->balance, &proc->balance);
	list_detach(&proc->probe.link);
	proc->is_known = false;
}

static void tick_proc(struct proc *proc)
{
	const struct fleet *fleet = proc->front->fleet;
	uint64_t up_ms = (fleet->calendar.now - proc->up_since) / TICKS_A_MS;

	if (proc->rests_until > 0 && !proc->health.is_out &&
	    calendar_ms(&fleet->calendar) >= proc->rests_until)
		end_rest(proc);
	if (proc->balance.usable && proc->balance.weight < BALANCE_WEIGHT_UNIT)
		balance_set_weight(
			&proc->front->balance, &proc->balance,
			slow_start_weight(BALANCE_WEIGHT_UNIT, up_ms, fleet->plan.slow_start_ms));
}

static void on_tick(struct event *event)
{
	struct front *front = container_of(event, struct front, tick);

	for (size_t i = 0; i < front->known_count; i++)
		tick_proc(&front->procs[front->known_hosts[i]]);
	calendar_put(&front->fleet->calendar, event, TICKS_A_SECOND, on_tick);
}

static void take_told(struct proc *proc)
{
	uint32_t told = host_load(proc->host), load = proc->balance.load;
	enum told_mode mode = proc->front->fleet->plan.policy->told;
	uint32_t other = told > load ? told - load : 0;

	if (mode == TOLD_NOTHING)
		return;
	if (mode == TOLD_QUARTER)
		other = balance_other_of(told, load);
	balance_set_other(&proc->front->balance, &proc->balance, other);
}

static void on_probe(struct event *event);

static void end_probe(struct event *event, enum health_sign sign)
{
	struct proc *proc = container_of(event, struct proc, probe);
	struct fleet *fleet = proc->front->fleet;
	uint64_t next = proc->probed + TICKS_A_MS * health_next_ms(fleet->plan.probe_interval_ms,
								   dice_random(&fleet->dice));
	uint64_t now = fleet->calendar.now;
	bool was_out = proc->health.is_out;

	health_take(&proc->health, sign);
	if (sign == HEALTH_SIGN_GOOD)
		take_told(proc);
	if (was_out && !proc->health.is_out)
		end_rest(proc);
	else if (proc->health.is_out && !was_out)
		proc_rest(proc);
	calendar_put(&fleet->calendar, event, next > now ? next - now : 1, on_probe);
}

static void on_probe_answered(struct event *event)
{
	const struct proc *proc = container_of(event, struct proc, probe);

	end_probe(event, proc->host->state == HOST_UP ? HEALTH_SIGN_GOOD : HEALTH_SIGN_CLOSED);
}

static void on_probe_silent(struct event *event)
{
	end_probe(event, HEALTH_SIGN_BAD);
}

static void on_probe(struct event *event)
{
	struct proc *proc = container_of(event, struct proc, probe);
	const struct fleet *fleet = proc->front->fleet;
	bool is_dead = proc->host->state == HOST_DEAD;

	proc->probed = fleet->calendar.now;
	health_begin_probe(&proc->health);
	if (is_dead)
		calendar_put(&proc->front->fleet->calendar, event,
			     fleet->plan.probe_timeout_ms * TICKS_A_MS, on_probe_silent);
	else
		calendar_put(&proc->front->fleet->calendar, event, 4 * NETWORK_TICKS,
			     on_probe_answered);
}

static void discover(struct front *front, struct host *host)
{
	struct fleet *fleet = front->fleet;
	struct proc *proc = &front->procs[host - fleet->hosts];
	uint64_t interval = fleet->plan.probe_interval_ms * TICKS_A_MS;

	*proc = (struct proc){.front = front, .host = host, .is_known = true};
	balance_entry_init(&proc->balance, 1, dice_random(&fleet->dice), fleet->plan.workers);
	if (balance_add(&front->balance, &proc->balance) < 0)
		abort();
	health_init(&proc->health, false);
	event_init(&proc->probe);
	if (interval > 0)
		calendar_put(&fleet->calendar, &proc->probe,
			     1 + dice_below(&fleet->dice, (uint32_t)interval), on_probe);
}

/* Those that the name server has now, which the plan speaks of by their place. */
static size_t answer(const struct fleet *fleet, struct discovery_host *hosts, size_t *numbers)
{
	size_t count = 0;

	for (size_t i = 0; i < fleet->host_count; i++) {
		if (!fleet->hosts[i].is_listed)
			continue;
		hosts[count] =
			(struct discovery_host){.address = &fleet->hosts[i].address, .weight = 1};
		numbers[count++] = i;
	}
	return count;
}

static void keep(struct front *front, size_t number, bool is_leaving)
{
	struct proc *proc = &front->procs[number];

	proc->is_leaving = is_leaving;
	proc_update(proc);
	if (is_leaving && proc->balance.load == 0) {
		forget(proc);
		return;
	}
	front->known[front->known_count] = (struct discovery_host){
		.address = &proc->host->address, .weight = 1, .is_leaving = is_leaving};
	front->known_hosts[front->known_count++] = number;
}

/* Known ones come first in a plan, in their order: what is kept never overtakes what is read. */
static void follow(struct front *front, const struct discovery_plan *plan, const size_t *numbers)
{
	front->known_count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct discovery_step *step = &plan->steps[i];

		if (step->kind == DISCOVERY_NEW)
			discover(front, &front->fleet->hosts[numbers[step->index]]);
		keep(front,
		     step->kind == DISCOVERY_NEW ? numbers[step->index]
						 : front->known_hosts[step->index],
		     step->kind == DISCOVERY_GONE);
	}
}

static void look_up(struct front *front)
{
	struct fleet *fleet = front->fleet;
	struct discovery_host *hosts = calloc(fleet->host_max, sizeof(*hosts));
	size_t *numbers = calloc(fleet->host_max, sizeof(*numbers));
	const struct discovery_hosts known = {front->known, front->known_count};
	struct discovery_plan plan;

	if (!hosts || !numbers)
		abort();
	const struct discovery_hosts found = {hosts, answer(fleet, hosts, numbers)};

	if (discovery_plan_make(&plan, &known, &found, false, fleet->host_max) < 0)
		abort();
	follow(front, &plan, numbers);
	discovery_plan_fini(&plan);
	free(hosts);
	free(numbers);
}

static void on_lookup(struct event *event)
{
	struct front *front = container_of(event, struct front, lookup);
	struct fleet *fleet = front->fleet;
	uint64_t next_ms =
		discovery_refresh_ms((uint32_t)fleet->plan.ttl_s, dice_random(&fleet->dice));

	look_up(front);
	calendar_put(&fleet->calendar, event, next_ms * TICKS_A_MS, on_lookup);
}

void front_watch_start(struct front *front)
{
	struct fleet *fleet = front->fleet;

	on_lookup(&front->lookup);
	calendar_put(&fleet->calendar, &front->tick, 1 + dice_below(&fleet->dice, TICKS_A_SECOND),
		     on_tick);
}
