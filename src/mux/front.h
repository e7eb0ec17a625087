#ifndef MUX_FRONT_H
#define MUX_FRONT_H

#include <stdbool.h>

#include "base/address.h"
#include "base/list.h"
#include "config/backend.h"
#include "mux/routing.h"
#include "os/loop.h"
#include "policy/access.h"

struct mux;

/* Where web servers connect to, and their connections. */
struct front {
	struct mux *mux; /* borrowed */
	struct routing routing;
	char name[ADDRESS_TEXT_SIZE]; /* its address, for the log */
	bool is_unix;
	struct access access; /* who may come in */
	struct loop_io listening;
	struct loop_timer pause; /* no descriptors left: accepting goes on after it */
	bool is_short;		 /* of them, or was until there is nobody left to accept */
	struct list fresh;	 /* connections by state */
	struct list watched;
	struct list ending;
};

/*
 * Begins to accept on a listening socket, which the front then owns, those whom the settings of the
 * backend that names it first let in. NULL, or a malloced sentence; then fini cleans up what there
 * is.
 */
char *front_init(struct front *front, struct mux *mux, int fd, const struct address *address,
		 const struct backend_settings *settings);
void front_fini(struct front *front);

/* Accepts nothing more and closes the connections that carry no request. */
void front_drain(struct front *front);

/* True when a draining front has no connection left. */
bool front_is_empty(const struct front *front);

/* Once every MUX_TICK_MS. */
void front_tick(struct front *front);

#endif
