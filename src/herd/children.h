#ifndef HERD_CHILDREN_H
#define HERD_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/settings.h"
#include "herd/child.h"
#include "herd/scaling.h"
#include "os/listen.h"
#include "os/spawn.h"

struct muxlink;

/*
 * What one backend is to the supervisor: its listening sockets, which stay open for the whole run,
 * and the children that run its program. With a mux each child has a socket of its own and the mux
 * takes the fronts; without, all children share the one front.
 */
struct children {
	const struct backend_settings *settings; /* borrowed */
	struct muxlink *link;	 /* borrowed; NULL: no mux is told of these children */
	struct listener *fronts; /* owned; as many as settings->listen */
	size_t front_count;
	struct listener *sockets; /* owned; one for each child; NULL: they share the front */
	struct child *items;	  /* owned */
	size_t count;
	struct scaling scaling; /* how many of them run */
	struct spawn_plan plan; /* of each child, but for its fd 0 */
	char **environment;	/* owned; the plan borrows these two */
	gid_t *groups;
};

/*
 * Opens the sockets and prepares the children, which are all STOPPED. NULL, or a malloced sentence;
 * children_close takes what there is then. link is NULL where there is no mux at all.
 */
char *children_open(struct children *children, const struct settings *settings, uint32_t backend,
		    struct outputs *outputs, struct muxlink *link)
	__attribute__((warn_unused_result));

/*
 * Closes the fronts over TCP, at the end: who comes now is refused, and can go elsewhere. Those
 * that wait at a Unix socket have nowhere else to go.
 */
void children_close_fronts(struct children *children);

/*
 * Opens the fronts that are not open yet, and closes them again: NULL, or the malloced sentence of
 * the first that cannot be opened.
 */
char *children_try_fronts(const struct settings *settings) __attribute__((warn_unused_result));

/* Takes one that was only zeroed too. Removes the sockets. */
void children_close(struct children *children);

/* The same event to each of them. */
void children_event(struct children *children, enum child_event event);

/* How many are started at the start: the others follow when they are needed. */
size_t children_start_count(const struct children *children);

/* Whether none has a process or waits for one. */
bool children_are_stopped(const struct children *children);

/* The first that died early or could not be started; NULL: none. */
const struct child *children_find_failed(const struct children *children);

/* NULL: none has this pid. */
struct child *children_find(const struct children *children, pid_t pid);

#endif
