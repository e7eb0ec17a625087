#ifndef MUX_PROBE_H
#define MUX_PROBE_H

#include "fcgi/record_reader.h"

struct proc;
struct proc_connection;

/*
 * Asks a proc that has just come up for its values (section 4.1): the answer says that it is ready,
 * and how many requests it takes at once. A program that gives none is used all the same, and not
 * asked for ever.
 */

/* How long a program may take to answer, from its start; a tick is added. One that is known to
 * answer does not work yet, or at all. */
enum { PROBE_MS = 1000, PROBE_KNOWN_MS = 10000 };

/* PROBING, or at once UP where it is known to give no answer or cannot be reached. */
void probe_start(struct proc *proc);

/* Sends the question, whatever the proc's state. */
void probe_ask(struct proc_connection *connection);

/* A piece of a GET_VALUES_RESULT has come: perhaps late, or empty as of our second question. */
void probe_take(struct proc_connection *connection, const struct record_piece *piece);

/* It closed a connection without a request, or answered nonsense: while PROBING, that is its
 * answer. */
void probe_lose(struct proc *proc);

/* It ended while PROBING: the question may have been too much for it. */
void probe_on_down(struct proc *proc);

/* Once every MUX_TICK_MS while PROBING. */
void probe_tick(struct proc *proc);

#endif
