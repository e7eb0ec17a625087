#ifndef HERD_STARTUP_H
#define HERD_STARTUP_H

#include <stdbool.h>
#include <stddef.h>

#include "os/loop.h"

struct child;
struct herd;

/*
 * The start of a herd: starts the mux and every child, one a turn of the loop, sees that each lives
 * for a while and that the mux is ready, and reports it. In the background the report goes to the
 * terminal, where scripts look for it, and lets the waiting process go; in the foreground to the
 * log.
 */
struct startup {
	bool foreground;
	int background; /* from spawn_background; -1: foreground, or reported */
	bool exact;	/* a failed start ends with the child's own status, else with 1 */

	size_t backend; /* the next to start: the first that has not been, and its backend */
	size_t number;
	bool mux_started;
	bool survived;		     /* all were started and have lived for long enough */
	bool late;		     /* the mux had its time to get ready */
	struct loop_timer timer;     /* until the next start, then until all have survived */
	struct loop_timer mux_timer; /* until the mux is late */
};

void startup_begin(struct herd *herd);

/* At the end of each turn while the herd is HERD_STARTING: moves it on where it can be. */
void startup_step(struct herd *herd);

/* Stops the timers: the herd ends. */
void startup_end(struct herd *herd);

#endif
