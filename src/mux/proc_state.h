#ifndef MUX_PROC_STATE_H
#define MUX_PROC_STATE_H

/*
 *   DOWN --> PROBING --> UP <--> RESTING
 *     ^         |         |       |
 *     |         +---------+-------+--> DRAINING --> GONE
 *     +---------+---------+-------+-------+
 *
 * DOWN: the supervisor says that there is no process. PROBING: asked for its values. RESTING: it
 * failed a request or its probes, and is left out until the supervisor starts it anew, disable-time
 * is over, or it answers a probe; the last that is UP never rests. DRAINING: the supervisor is
 * about to end it, or its name stands for it no more: it gets no new request. GONE: a host that is
 * drained; it is nobody's, and its place is for the next that appears.
 */
enum proc_state { PROC_DOWN, PROC_PROBING, PROC_UP, PROC_RESTING, PROC_DRAINING, PROC_GONE };

#endif
