#ifndef MUX_PROC_CAPACITY_H
#define MUX_PROC_CAPACITY_H

#include <limits.h>

struct proc;
struct values;

#define PROC_CAPACITY_UNKNOWN UINT_MAX

/* How many requests it takes at once; until it says so, what is known without asking. */
void proc_forget_capacity(struct proc *proc);
void proc_set_capacity(struct proc *proc, unsigned capacity);

/* It refuses more than it has: until its next answer it gets no more. */
void proc_on_full(struct proc *proc);

/* It has said so itself: how many requests it takes, and how. */
void proc_take_values(struct proc *proc, const struct values *values);

#endif
