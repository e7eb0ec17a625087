#ifndef OS_APPENDING_H
#define OS_APPENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A place that lines are appended to and that never makes anybody wait: a file, a FIFO (also one
 * that nobody reads yet), or what the process has as standard output or error.
 */

/*
 * "stdout", "stderr" or a path; a file is created with mode 0640. A descriptor, non-blocking unless
 * it is one that others have too, or -errno.
 */
int appending_open(const char *target) __attribute__((warn_unused_result));

/* Whether target is one of the two: there is nothing to open again. */
bool appending_is_standard(const char *target);

/* What it takes now of len > 0 bytes: so many, or -errno; -EAGAIN: none. */
ssize_t appending_write(int fd, const void *bytes, size_t len) __attribute__((warn_unused_result));

#endif
