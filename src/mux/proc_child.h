#ifndef MUX_PROC_CHILD_H
#define MUX_PROC_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct proc;

/* A proc as the supervisor's child: what the mux is told of it, and tells. */

/* It was started as this process; or it ended. */
void proc_on_up(struct proc *proc, pid_t pid);
void proc_on_down(struct proc *proc);

/* It takes requests. The supervisor is told, so that it knows whether to start more. */
void proc_on_usable(struct proc *proc);

/*
 * It has answered a request. The supervisor is told the first time since it came up: such a process
 * has lived, and may be started again at once when it ends.
 */
void proc_on_answer(struct proc *proc);

/*
 * The supervisor is about to end it: it gets no new request, and keeps no connection. When it has
 * none left the supervisor is told, by proc_report_drained, which anybody may call at any time.
 */
void proc_on_drain(struct proc *proc);
void proc_report_drained(struct proc *proc);

/*
 * This mux ends, and the supervisor is told, once, that the next one may have the child. What comes
 * late is given to it all the same.
 */
void proc_give_up(struct proc *proc);

/* Once a second: what nobody takes there goes elsewhere. */
void proc_child_tick(struct proc *proc);

/* A request has run there for too long. False: the supervisor cannot be told to start it anew. */
bool proc_on_stuck(struct proc *proc);

#endif
