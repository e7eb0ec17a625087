#ifndef FLEET_FRONT_WATCH_H
#define FLEET_FRONT_WATCH_H

#include "front.h"

/*
 * What a front does apart from requests: asks the name server, probes, ends rests, lets hosts that
 * came up have their share little by little.
 */

/* From now on; what the name server has at this moment is known at once. */
void front_watch_start(struct front *front);

#endif
