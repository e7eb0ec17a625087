#include "herd/rolling.h"

#include "herd/child.h"
#include "herd/children.h"
#include "policy/rollout.h"

/* How long a new child may take to answer. */
enum { ROLLING_LATE_MS = 5000 };

static bool answers(const struct child *child)
{
	return child->siblings->link ? child->takes_requests : child->state == CHILD_RUNNING;
}

static bool is_late(const struct child *child)
{
	return loop_now_ms() - child->started_ms >= ROLLING_LATE_MS;
}

static void look(const struct child *child, struct rollout_facts *facts)
{
	bool is_new = child->pid > 0 && !child->is_adopted && !child_state_is_ending(child->state);

	facts->old += child->is_adopted && child->state == CHILD_RUNNING;
	facts->changing += child_state_is_ending(child->state) || (is_new && !answers(child));
	facts->failed += child->state == CHILD_BACK_OFF ||
			 (is_new && (child->failures > 0 || (!answers(child) && is_late(child))));
}

/* Those of the highest numbers have the least to do: where new ones fail they are missed least. */
static struct child *find_old(const struct children *children)
{
	for (size_t i = children->count; i > 0; i--) {
		struct child *child = &children->items[i - 1];

		if (child->is_adopted && child->state == CHILD_RUNNING)
			return child;
	}
	return NULL;
}

bool rolling_step(struct children *children, struct loop_timer *late, size_t *old_count)
{
	struct rollout_facts facts = {0};

	for (size_t i = 0; i < children->count; i++)
		look(&children->items[i], &facts);
	switch (rollout_next(&facts)) {
	case ROLLOUT_DONE:
		return false;
	case ROLLOUT_HALT:
		*old_count += facts.old;
		return false;
	case ROLLOUT_REPLACE:
		child_event(find_old(children), CHILD_EVENT_REPLACE);
		loop_timer_start(late, ROLLING_LATE_MS);
		return true;
	case ROLLOUT_WAIT:
		break;
	}
	return true;
}
