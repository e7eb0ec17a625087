#ifndef MUX_DISCOVERY_H
#define MUX_DISCOVERY_H

#include <stddef.h>
#include <stdint.h>

#include "config/backend_procs.h"
#include "os/lookup.h"

struct backend;
struct proc;

/* A host that a name stands for, and the record that says so. */
struct discovered {
	struct proc *proc; /* the backend's */
	uint16_t priority, weight;
};

/*
 * A name whose hosts are procs of a backend. It is looked up again as the time to live of its
 * records runs out: hosts that appear become procs, those that vanish are drained. A name server
 * that fails, or answers nothing, changes nothing.
 */
struct discovery {
	struct backend *backend; /* borrowed */
	struct backend_name name;
	struct lookup lookup;
	struct discovered *hosts; /* owned */
	size_t host_count;
	uint64_t next_ms;  /* when it is looked up again */
	unsigned failures; /* in a row */
};

/* Nothing is looked up before the first tick. */
void discovery_init(struct discovery *discovery, struct backend *backend,
		    const struct backend_name *name);
void discovery_fini(struct discovery *discovery);

/* At the start, and once every MUX_TICK_MS: begins a lookup when it is time. */
void discovery_tick(struct discovery *discovery);

#endif
