#ifndef HERD_CHILD_STATE_H
#define HERD_CHILD_STATE_H

#include <stdbool.h>

/*
 * The states of a child, what happens to one, and where that leads.
 *
 *      STOPPED --start--> STARTING --ready, or 1 s--> RUNNING --exit--> STARTING
 *         ^                |  ^  |                       |
 *         |                |  |  +---retire, replace-----+--> DRAINING --drained, or too long--+
 *         |      died early|  |  |                       |                                     |
 *         |                v  |  +--------stop-----------+--> STOPPING <-----------------------+
 *         |               BACK_OFF in a while                    |  |
 *         |                  |                                   |  +--too long--> KILLED
 *         +---stop, retire---+--------------exit-----------------+------exit---------+
 *
 * One that is replaced does not stay STOPPED: it is STARTING again. Invariant: pid is 0 in STOPPED
 * and BACK_OFF, and a process of ours in all other states. When a process ends, what is left of its
 * process group is killed.
 */
enum child_state {
	CHILD_STOPPED,
	CHILD_STARTING,
	CHILD_RUNNING,
	CHILD_DRAINING, /* gets no new request */
	CHILD_STOPPING,
	CHILD_KILLED,
	CHILD_BACK_OFF,
	CHILD_STATES
};

enum child_event {
	CHILD_EVENT_START,   /* wish: run */
	CHILD_EVENT_READY,   /* it has answered a request */
	CHILD_EVENT_STUCK,   /* it does not answer any more */
	CHILD_EVENT_DRAINED, /* it has no request any more */
	CHILD_EVENT_EXIT,    /* its process has ended */
	CHILD_EVENT_TIMEOUT,
	CHILD_EVENT_RETIRE,  /* wish: finish the requests and end */
	CHILD_EVENT_REPLACE, /* wish: the same, and run again */
	CHILD_EVENT_STOP,    /* wish: end, with time to finish */
	CHILD_EVENT_KILL,    /* wish: end now */
	CHILD_EVENTS
};

const char *child_state_name(enum child_state state);

/* It is about to end: it is not to get requests, and never again in this life. */
bool child_state_is_ending(enum child_state state);

#endif
