#ifndef MUX_FRONT_VALUES_H
#define MUX_FRONT_VALUES_H

#include "fcgi/values.h"

struct front;

/*
 * What a front answers to FCGI_GET_VALUES: what it takes itself, and for the fcgi-mux of other
 * hosts how much what is behind it has to do. That is the procs that its requests can go to,
 * whichever front their requests came through, and the queues of its routes. Those of authorizers
 * count only where there are no others: what they have is a step of requests that are counted
 * already.
 */
struct values front_values(const struct front *front);

#endif
