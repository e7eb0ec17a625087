#ifndef MUX_LOAD_REPORT_H
#define MUX_LOAD_REPORT_H

#include <stdint.h>

struct backend;

/*
 * What the supervisor is told of a backend that scales, in processes: how many were at work at once
 * lately, and how many more those that wait would take. Told at once when some wait and more are
 * needed than it knows of; that there is less to do can wait for the tick.
 */
struct load_report {
	uint32_t busy, queued;
};

/* At the end of each turn. */
void load_report_turn(struct backend *backend);

/* Once every MUX_TICK_MS. */
void load_report_tick(struct backend *backend);

#endif
