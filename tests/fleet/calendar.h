#ifndef FLEET_CALENDAR_H
#define FLEET_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

/*
 * Simulated time, in ticks of 100 us, and what is to happen when. A wheel with a slot a tick: to
 * put in and to take out cost the same however much there is. What is due at one tick happens in
 * the order in which it was put in, so that a seed always gives the same run.
 */

enum { TICKS_A_MS = 10, TICKS_A_SECOND = 1000 * TICKS_A_MS };

struct event {
	struct list link;
	uint64_t due; /* ticks */
	void (*happen)(struct event *event);
};

struct calendar {
	struct list *slots; /* owned, the events are not */
	uint64_t now;	    /* ticks */
	uint64_t happened;
};

void calendar_init(struct calendar *calendar);
void calendar_fini(struct calendar *calendar);

void event_init(struct event *event);

/* In so many ticks, at least 1. An event that is in already is moved. */
void calendar_put(struct calendar *calendar, struct event *event, uint64_t delay,
		  void (*happen)(struct event *));

/* To the end of this tick; what happens may put in and cancel as it likes. */
void calendar_run(struct calendar *calendar, uint64_t until);

static inline uint64_t calendar_ms(const struct calendar *calendar)
{
	return calendar->now / TICKS_A_MS;
}

#endif
