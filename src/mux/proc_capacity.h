#ifndef MUX_PROC_CAPACITY_H
#define MUX_PROC_CAPACITY_H

#include <limits.h>
#include <stdbool.h>

struct proc;
struct values;

#define PROC_CAPACITY_UNKNOWN UINT_MAX

/* How many requests it takes at once; until it says so, what is known without asking. */
void proc_forget_capacity(struct proc *proc);
void proc_set_capacity(struct proc *proc, unsigned capacity);

/*
 * It refuses more than it has, a connection (its backlog is full) or a request: it gets no more
 * until its next answer, or where that could take long, until it is tried with one more: where
 * nothing of ours is there to be answered, and where a connection costs no request.
 */
void proc_on_full(struct proc *proc, bool is_backlog);
void proc_try_one_more(struct proc *proc);

/* It has said so itself: how many requests it takes, and how. */
void proc_take_values(struct proc *proc, const struct values *values);

#endif
