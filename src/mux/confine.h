#ifndef MUX_CONFINE_H
#define MUX_CONFINE_H

#include <stdbool.h>

struct settings;

/*
 * Leaves a mux that is open with what its settings need: the sandbox, whose files and ports are
 * those of the options in use. is_alone: without a supervisor it has a log to open again and
 * sockets to remove at the end. Logs what is in force, and what is not and why; that is no reason
 * to stop.
 */
void confine_mux(const struct settings *settings, bool is_alone);

#endif
