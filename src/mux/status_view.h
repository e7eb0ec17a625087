#ifndef MUX_STATUS_VIEW_H
#define MUX_STATUS_VIEW_H

#include <stdbool.h>

/* The status in a terminal, from the other side of a front: the form "table" of status_forms. */

/* For scripts. */
enum status_view_result { STATUS_VIEW_GOOD, STATUS_VIEW_MISSING, STATUS_VIEW_NO_ANSWER };

struct status_view {
	const char *address; /* of a front of the mux, as it was given */
	const char *path;    /* status-path there */
	bool is_watch;
};

/*
 * Prints it once; or, is_watch, every second until SIGINT or SIGTERM: on a terminal in place, its
 * lines cut to fit, and an mux that gives no answer is asked again. Returns what came of the last.
 */
enum status_view_result status_view_run(const struct status_view *view);

#endif
