#ifndef MUX_PROC_POOL_H
#define MUX_PROC_POOL_H

#include <stdbool.h>

struct proc;
struct proc_connection;
struct request;

/* The connections of a proc: which one a request gets, and which are kept when idle. */

/* For a request about to run: a kept one, one that is shared, or a new one. NULL and errno. */
struct proc_connection *proc_pool_choose(struct proc *proc, const struct request *request);

/* Whether those that are idle may be kept. */
bool proc_pool_keeps(const struct proc *proc);

/* Whether a kept connection took another request, or turned out to be closed. */
void proc_pool_note_reuse(struct proc *proc, bool is_good);

/* Closes idle ones that are too old, or should not have been kept. */
void proc_pool_trim(struct proc *proc);

/* Once every MUX_TICK_MS, for those that carry several requests. */
void proc_pool_tick(struct proc *proc);

/* Closes all that are idle. */
void proc_pool_close_idle(struct proc *proc);

#endif
