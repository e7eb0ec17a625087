#ifndef HERD_MUXPROC_H
#define HERD_MUXPROC_H

#include <stddef.h>

#include "config/settings.h"
#include "herd/child.h"
#include "herd/muxlink.h"
#include "os/spawn.h"

/*
 * The fcgi-mux that carries the requests of all backends that have one: a child like the others,
 * with the front sockets, the configuration in effect on its stdin, and the control socket.
 */
struct muxproc {
	struct child child;
	struct muxlink link;
	char *program;		      /* owned: the path of fcgi-mux */
	char *control_text;	      /* owned: the number of the control socket, for argv */
	char *argv[6];		      /* owned: the array; borrowed: its texts */
	char **environment;	      /* owned */
	gid_t group;		      /* the only one of the mux */
	int configuration;	      /* a file in memory */
	const char *access_log_path;  /* borrowed: as it is configured; NULL: none */
	int access_log;		      /* owned: open, for the mux to write to; -1: none */
	size_t front_count;	      /* those before the control socket in passed */
	int passed[SPAWN_PASSED_MAX]; /* borrowed: front sockets; the control socket's place */
	struct spawn_plan plan;
};

/*
 * Prepares it, with the fronts of backends, which are open. NULL or a malloced sentence;
 * muxproc_close takes what there is then.
 */
char *muxproc_open(struct muxproc *mux, const struct settings *settings, struct children *backends,
		   struct outputs *outputs) __attribute__((warn_unused_result));

/* Opens the access log again, where there is one, for the mux to go on there. 0 or -errno. */
int muxproc_reopen_log(struct muxproc *mux) __attribute__((warn_unused_result));

/* Takes one that was only zeroed too. */
void muxproc_close(struct muxproc *mux);

#endif
