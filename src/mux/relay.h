#ifndef MUX_RELAY_H
#define MUX_RELAY_H

struct front_connection;
struct proc_connection;

/*
 * Moves records between the two sides. Each call is one read into the mux's scratch buffer and a
 * pass over the records in it; ids are changed in place, and what follows each other for one peer
 * goes out in one write from where it lies.
 */

/* Something may have come from a web server. */
void relay_from_front(struct front_connection *connection);

/* Something may have come from a proc. */
void relay_from_proc(struct proc_connection *connection);

#endif
