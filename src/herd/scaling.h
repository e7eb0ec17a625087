#ifndef HERD_SCALING_H
#define HERD_SCALING_H

#include <stdbool.h>
#include <stdint.h>

#include "os/loop.h"

struct child;
struct children;

/*
 * How many of a backend's children run: between min-procs and max-procs, as the load that the mux
 * reports asks for (policy/scale). Those of the lowest numbers are started first and go last. It
 * also replaces, one at a time, those that have served their time: max-requests, of which the mux
 * tells, max-age and max-memory.
 */
struct scaling {
	bool is_active;		 /* the start-up check is over, and the end has not begun */
	uint32_t busy, queued;	 /* processes that are at work; that those who wait would take */
	uint64_t *needed_ms;	 /* owned: [n]: when more than n processes were needed, lately */
	struct loop_timer timer; /* of what happens by time alone */
};

/* 0 or -ENOMEM. Nothing is started or ended before scaling_begin and after scaling_end. */
int scaling_init(struct children *children) __attribute__((warn_unused_result));
void scaling_begin(struct children *children);
void scaling_end(struct children *children);
/* Takes one that was only zeroed too. */
void scaling_fini(struct children *children);

/* What the mux says of the load. */
void scaling_on_load(struct children *children, uint32_t busy, uint32_t queued);

/* At the end of each turn: starts, ends and replaces what is to be. */
void scaling_step(struct children *children);

#endif
