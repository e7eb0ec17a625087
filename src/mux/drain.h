#ifndef MUX_DRAIN_H
#define MUX_DRAIN_H

struct mux;

/*
 * The end of a mux, which may be the beginning of another on the same fronts and with the same
 * procs: nothing more is accepted, requests that are here are finished, and each proc that has
 * room is given up at once, so that the other mux can have it. No idle connection to a proc is
 * kept.
 */

/* Once: the fronts. */
void drain_begin(struct mux *mux);

/* At the end of each turn from then on: gives up what is not needed, and ends the loop at last. */
void drain_step(struct mux *mux);

#endif
