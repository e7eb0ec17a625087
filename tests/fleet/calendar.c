#include "calendar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* 13 s: what is due later stays in its slot for another round. */
enum { SLOTS = 1 << 17 };

void calendar_init(struct calendar *calendar)
{
	*calendar = (struct calendar){.slots = calloc(SLOTS, sizeof(struct list))};
	if (!calendar->slots)
		abort();
	for (size_t i = 0; i < SLOTS; i++)
		list_init(&calendar->slots[i]);
}

void calendar_fini(struct calendar *calendar)
{
	free(calendar->slots);
}

void event_init(struct event *event)
{
	*event = (struct event){0};
	list_init(&event->link);
}

void calendar_put(struct calendar *calendar, struct event *event, uint64_t delay,
		  void (*happen)(struct event *))
{
	assert(delay > 0);
	list_detach(&event->link);
	event->due = calendar->now + delay;
	event->happen = happen;
	list_append(&calendar->slots[event->due % SLOTS], &event->link);
}

static void move_all(struct list *from, struct list *to)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

static void run_tick(struct calendar *calendar)
{
	struct list *slot = &calendar->slots[calendar->now % SLOTS];
	struct list due, *first;

	move_all(slot, &due);
	while ((first = list_first(&due))) {
		struct event *event = container_of(first, struct event, link);

		list_detach(first);
		if (event->due != calendar->now) {
			list_append(slot, first);
			continue;
		}
		calendar->happened++;
		event->happen(event);
	}
}

void calendar_run(struct calendar *calendar, uint64_t until)
{
	while (calendar->now < until) {
		calendar->now++;
		if (!list_is_empty(&calendar->slots[calendar->now % SLOTS]))
			run_tick(calendar);
	}
}
