#ifndef HERD_HERD_H
#define HERD_HERD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/settings.h"
#include "herd/child.h"
#include "herd/children.h"
#include "herd/muxproc.h"
#include "herd/output.h"
#include "herd/pidfile.h"
#include "herd/startup.h"
#include "herd/takeover.h"
#include "os/loop.h"
#include "os/notify.h"

/*
 * One supervisor: owns the sockets, the children, the mux, and what goes with them. Its end goes
 * down the states one by one; each is left at the end of the turn in which what it waits for has
 * happened.
 *
 *      STARTING --all live, mux ready--> RUNNING
 *         |                                 |
 *         +-- a start failed --+-- signal --+
 *                              v
 *      ENDING_MUX (finishes its requests) --> ENDING_CHILDREN --> SWEEPING (strays) --> ENDED
 */
enum herd_state {
	HERD_STARTING,
	HERD_RUNNING,
	HERD_ENDING_MUX,
	HERD_ENDING_CHILDREN,
	HERD_SWEEPING,
	HERD_ENDED,
	HERD_STATES
};

struct herd {
	enum herd_state state;
	int status;		   /* of the program, from HERD_ENDING_MUX on */
	struct settings *settings; /* borrowed */
	struct children *backends; /* owned, in the order of the configuration */
	size_t backend_count;
	bool has_mux;
	struct muxproc mux;
	struct outputs outputs;
	struct startup startup;
	struct takeover takeover; /* set before herd_init */
	struct pidfile pidfile;
	struct notify *notify; /* borrowed; set before herd_run */
	char *directory;       /* owned: of the children's own sockets; NULL: none was needed */

	struct loop_children exits;
	struct loop_turn turn;
	struct loop_signal term;
	struct loop_signal interrupt;
	struct loop_signal hangup;
	struct loop_signal user1;
	struct loop_signal user2;
	struct loop_timer alive;     /* until the service manager's watchdog wants to hear of us */
	struct loop_timer look;	     /* at the directory, which others can remove */
	struct loop_timer log_flush; /* until the log tells what it held back */
	struct loop_timer sweep;
	unsigned sweeps; /* done */
};

/*
 * Opens all that can fail, and gives up what privileges are not needed for the children: NULL, or a
 * malloced sentence. Names the children's sockets in settings, where the user left that to us. Call
 * herd_fini in either case. loop_init comes first.
 */
char *herd_init(struct herd *herd, struct settings *settings) __attribute__((warn_unused_result));

/* Starts everything, and runs until all has ended; startup says how to report. The status. */
int herd_run(struct herd *herd);

/* Removes what herd_init made: sockets, directory, pid file. */
void herd_fini(struct herd *herd);

/* Of the service manager's view of us: a reload begins, and is over. */
void herd_tell_reloading(struct herd *herd);
void herd_tell_ready(struct herd *herd);

/* The child of a backend that has this pid; NULL: none. */
struct child *herd_find_child(const struct herd *herd, pid_t pid);

/* The start-up check is over. */
void herd_set_running(struct herd *herd);

/* Ends everything, in order and with time to finish; herd_run returns status then. */
void herd_stop(struct herd *herd, int status);

#endif
