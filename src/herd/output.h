#ifndef HERD_OUTPUT_H
#define HERD_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/list.h"
#include "os/loop.h"

/*
 * What children write to their stdout and stderr: one pipe each, whose whole lines go to the log. A
 * pipe lives until its end, whatever has become of the child: what a process wrote before it died
 * is logged, and so is what others that inherited the pipe write after.
 */

/* Longest line that is logged as one; what is longer goes on in a line of its own. */
enum { OUTPUT_LINE_MAX = 64 * 1024 };

struct output {
	struct outputs *outputs; /* borrowed: whose it is */
	struct list link;	 /* in open, or after its end in done */
	struct loop_io io;
	int fd;	    /* the reading end */
	char *name; /* owned: the child's */
	pid_t pid;
	bool has_levels;    /* lines begin with the <N> of sd-daemon(3) */
	struct buffer line; /* the start of a line whose end has not come */
};

/* All the pipes of one supervisor. */
struct outputs {
	struct list open;
	struct list done; /* freed at the end of the turn */
};

void outputs_init(struct outputs *outputs);

/* Logs what the pipes hold by now and closes them. */
void outputs_fini(struct outputs *outputs);

/* At the end of a turn: frees the outputs that ended in it. */
void outputs_free_done(struct outputs *outputs);

/*
 * A pipe for a process that is about to start; its pid is set when it is known. Returns the
 * process's end, which the caller closes, or -errno.
 */
int outputs_open(struct outputs *outputs, struct output **opened, const char *name, bool has_levels)
	__attribute__((warn_unused_result));

/*
 * The reading end of a pipe that an earlier self of this process has opened, which is taken. 0 or
 * -errno.
 */
int outputs_adopt(struct outputs *outputs, int fd, const char *name, pid_t pid, bool has_levels)
	__attribute__((warn_unused_result));

#endif
