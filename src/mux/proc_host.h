#ifndef MUX_PROC_HOST_H
#define MUX_PROC_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/health.h"

struct health_probe;
struct proc;

/*
 * A proc that others run, most often on another host: nobody tells whether it is there. So it is
 * asked now and then, and what is new to the work gets its share of it step by step.
 */
struct proc_host {
	struct health health;
	struct health_probe *probe; /* owned; NULL: none is under way */
	uint64_t next_probe_ms;
	uint64_t up_since_ms;	/* in UP */
	uint64_t gone_since_ms; /* in GONE */
	bool is_unreached;	/* it could not be connected to, and whether it answers is open */
};

/* It is at another place: nothing is known of it. */
void proc_host_settle(struct proc *proc);

/* No result of a probe comes any more. */
void proc_host_stop(struct proc *proc);

/* Its name stands for it no more: it gets no new request, and is GONE when it has none. */
void proc_leave(struct proc *proc);
bool proc_is_leaving(const struct proc *proc);

/* Its host may vanish without a word: it is reached over TCP. */
bool proc_is_far(const struct proc *proc);

/* What it gets beside the others now: less than its share where it is UP since a short time. */
void proc_host_set_weight(struct proc *proc);

/* It could not be connected to. */
void proc_host_on_unreachable(struct proc *proc);

/* Its probes say that it is not well, and are to bring it back. */
bool proc_host_is_out(const struct proc *proc);

/* Once every MUX_TICK_MS: probes it when it is time. */
void proc_host_tick(struct proc *proc);

#endif
