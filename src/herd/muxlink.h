#ifndef HERD_MUXLINK_H
#define HERD_MUXLINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "os/loop.h"

struct child;
struct children;

/*
 * The supervisor's side of the control socket to fcgi-mux. What a child is (pid) and what the mux
 * was told of it (announced_pid) are two facts; children in which they differ are in unsynced, and
 * are sent as the socket takes them. A mux that starts knows nothing, so it is told everything.
 */
struct muxlink {
	struct children *backends; /* borrowed, all of them, in the order of the configuration */
	size_t backend_count;
	struct child *mux; /* borrowed: the process at the other end */
	int fd;		   /* -1: no mux */
	struct loop_io io;
	struct list unsynced; /* children, by their unsynced links */
	bool is_ready;	      /* this mux has said so */
	bool is_sharing;      /* another one, which is to end, has the same children */
	bool announced_sharing;
	int access_log;	 /* borrowed: the descriptor that it writes to; -1: none */
	bool is_log_due; /* and has not been sent */
};

void muxlink_init(struct muxlink *link, struct child *mux, struct children *backends,
		  size_t backend_count);

/* For a mux about to start: returns its end, which the caller closes, or -errno. */
int muxlink_open(struct muxlink *link) __attribute__((warn_unused_result));

/* The access log is written to fd from now on, borrowed until another is; tells as muxlink_note. */
void muxlink_set_access_log(struct muxlink *link, int fd);

/* Whether another mux is there, for whose requests no child may be held; tells as muxlink_note. */
void muxlink_set_sharing(struct muxlink *link, bool is_sharing);

/* The mux has gone. Takes a closed one. */
void muxlink_close(struct muxlink *link);

/* The child has another pid, or none: tells the mux, now or as soon as it listens. */
void muxlink_note(struct muxlink *link, struct child *child);

/* A mux says that the child has not answered within request-timeout. */
void muxlink_on_stuck(struct child *child);

#endif
