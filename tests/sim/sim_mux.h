#ifndef SIM_SIM_MUX_H
#define SIM_SIM_MUX_H

#include <stddef.h>

#include "config/settings.h"
#include "mux/mux.h"
#include "sim_socket.h"

/*
 * A real multiplexer on the simulated system: of a configuration in text, with a socket for each
 * address that is listened at or connected to. All addresses are paths.
 */

enum { SIM_FRONTS_MAX = 4 };

struct sim_mux {
	struct settings settings;
	struct mux *mux;
	struct sim_socket *fronts[SIM_FRONTS_MAX];
	size_t front_count;
	struct sim_socket *control; /* the supervisor's end; NULL: there is none */
	int control_fd;		    /* the mux's; it lasts as long as its process would */
};

/* The mux says in its log all that it does. */
extern bool sim_is_verbose;

/* Reads the configuration, which has to be good. */
void sim_mux_init(struct sim_mux *sim, const char *text);
void sim_mux_fini(struct sim_mux *sim);

/* Opens the fronts, after all sockets were reset; they stay open for one mux after the other. */
void sim_mux_open_fronts(struct sim_mux *sim);

/* Starts it; those that have come to the fronts meanwhile wait. False: it found no memory. */
bool sim_mux_start(struct sim_mux *sim, bool has_supervisor);

/* Ends it at once, and sees that it leaves nothing behind. */
void sim_mux_stop(struct sim_mux *sim);

#endif
