#include "herd/scaling.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "config/backend.h"
#include "config/backend_procs.h"
#include "herd/child.h"
#include "herd/children.h"
#include "os/process.h"
#include "policy/scale.h"

/* Times and memory are looked at so often. */
enum { LOOK_MS = 1000 };

static struct scale_rules rules_of(const struct children *children)
{
	return (struct scale_rules){
		.min = backend_child_min(children->settings),
		.max = children->count,
		.idle_ms = children->settings->idle_timeout_ms,
	};
}

/* It runs, or will without being asked again. */
static bool is_alive(const struct child *child)
{
	return child_state_is_ending(child->state) ? child->starts_again
						   : child->state != CHILD_STOPPED;
}

static bool can_work(const struct child *child)
{
	return child->state == CHILD_RUNNING ||
	       (child->state == CHILD_STARTING && child->takes_requests);
}

/* It died early, and has not come up since; one that was stopped meanwhile may be tried again. */
static bool is_failing(const struct child *child)
{
	return child->failures > 0 &&
	       (child->state == CHILD_BACK_OFF || child->state == CHILD_STARTING);
}

static struct scale_facts look(const struct children *children)
{
	struct scale_facts facts = {.needed = (size_t)children->scaling.busy +
					      children->scaling.queued};

	for (size_t i = 0; i < children->count; i++) {
		const struct child *child = &children->items[i];

		facts.alive += is_alive(child);
		facts.failing += is_failing(child);
		facts.starting += is_alive(child) && !can_work(child);
	}
	return facts;
}

static void note_needed(struct children *children)
{
	struct scaling *scaling = &children->scaling;
	uint64_t needed = (uint64_t)scaling->busy + scaling->queued;

	for (size_t n = 0; n < children->count && n < needed; n++)
		scaling->needed_ms[n] = loop_now_ms();
}

/* One that is about to end is started again only where there is no other: it may take a while. */
static struct child *find_startable(struct children *children)
{
	struct child *ending = NULL;

	for (size_t i = 0; i < children->count; i++) {
		struct child *child = &children->items[i];

		if (child->state == CHILD_STOPPED)
			return child;
		if (!ending && !is_alive(child))
			ending = child;
	}
	return ending;
}

static void start_missing(struct children *children, const struct scale_rules *rules)
{
	const struct scale_facts facts = look(children);

	for (size_t missing = scale_missing(rules, &facts); missing > 0; missing--) {
		struct child *child = find_startable(children);

		if (child)
			child_event(child, CHILD_EVENT_START);
	}
}

static struct child *find_last(struct children *children)
{
	for (size_t i = children->count; i > 0; i--)
		if (is_alive(&children->items[i - 1]))
			return &children->items[i - 1];
	return NULL;
}

static void retire_surplus(struct children *children, const struct scale_rules *rules)
{
	const uint64_t *needed_ms = children->scaling.needed_ms;
	struct scale_facts facts = look(children);

	for (; facts.alive > 0; facts.alive--) {
		uint64_t unneeded_ms = loop_now_ms() - needed_ms[facts.alive - 1];
		struct child *last = find_last(children);

		if (!last || !scale_has_surplus(rules, &facts, unneeded_ms))
			return;
		log_info("%s: idle for idle-timeout, stopping it pid=%d", last->name,
			 (int)last->pid);
		child_event(last, CHILD_EVENT_RETIRE);
	}
}

static bool is_old(const struct children *children, const struct child *child)
{
	uint64_t limit_ms = children->settings->max_age_ms;

	return limit_ms > 0 &&
	       loop_now_ms() - child->started_ms >= scale_spread(limit_ms, (uint32_t)child->pid);
}

static bool is_large(const struct children *children, const struct child *child)
{
	uint64_t limit = children->settings->max_memory;
	uint64_t len;

	return limit > 0 && process_memory(child->pid, &len) == 0 &&
	       len >= scale_spread(limit, (uint32_t)child->pid);
}

static void find_spent(struct children *children)
{
	for (size_t i = 0; i < children->count; i++) {
		struct child *child = &children->items[i];

		if (child->state != CHILD_RUNNING || child->spent)
			continue;
		if (is_old(children, child))
			child->spent = "max-age";
		else if (is_large(children, child))
			child->spent = "max-memory";
	}
}

/* One at a time, and only while all others are well. */
static void replace_spent(struct children *children)
{
	struct child *spent = NULL;

	for (size_t i = 0; i < children->count; i++) {
		struct child *child = &children->items[i];

		if (child->state != CHILD_RUNNING && child->state != CHILD_STOPPED)
			return;
		if (!spent && child->spent)
			spent = child;
	}
	if (!spent)
		return;
	log_info("%s: has reached %s, replacing it pid=%d", spent->name, spent->spent,
		 (int)spent->pid);
	child_event(spent, CHILD_EVENT_REPLACE);
}

static bool needs_looks(const struct children *children, const struct scale_rules *rules)
{
	return children->settings->max_age_ms > 0 || children->settings->max_memory > 0 ||
	       look(children).alive > rules->min;
}

void scaling_step(struct children *children)
{
	const struct scale_rules rules = rules_of(children);
	struct scaling *scaling = &children->scaling;

	if (!scaling->is_active)
		return;
	note_needed(children);
	start_missing(children, &rules);
	retire_surplus(children, &rules);
	replace_spent(children);
	if (!loop_timer_is_running(&scaling->timer) && needs_looks(children, &rules))
		loop_timer_start(&scaling->timer, LOOK_MS);
}

/* The rest is done at the end of the turn. */
static void on_look(struct loop_timer *timer)
{
	find_spent(container_of(timer, struct children, scaling.timer));
}

void scaling_on_load(struct children *children, uint32_t busy, uint32_t queued)
{
	/* What was so until now. */
	note_needed(children);
	children->scaling.busy = busy;
	children->scaling.queued = queued;
}

int scaling_init(struct children *children)
{
	struct scaling *scaling = &children->scaling;

	loop_timer_init(&scaling->timer, on_look);
	scaling->needed_ms = calloc(children->count, sizeof(*scaling->needed_ms));
	return scaling->needed_ms ? 0 : -ENOMEM;
}

void scaling_begin(struct children *children)
{
	/* Without a mux they come and go with the whole. */
	children->scaling.is_active = children->link != NULL;
	/* Those that run already were needed until now, for all that is known. */
	for (size_t n = 0; children->scaling.needed_ms && n < children->count; n++)
		children->scaling.needed_ms[n] = loop_now_ms();
}

void scaling_end(struct children *children)
{
	if (!children->scaling.needed_ms)
		return;
	children->scaling.is_active = false;
	loop_timer_stop(&children->scaling.timer);
}

void scaling_fini(struct children *children)
{
	scaling_end(children);
	free(children->scaling.needed_ms);
	children->scaling.needed_ms = NULL;
}
