#ifndef HERD_LEGACY_H
#define HERD_LEGACY_H

#include <stdbool.h>
#include <stddef.h>

struct herd;
struct takeover;

/*
 * What a supervisor leaves to its successor in the same process, as lines of text: sockets and
 * pipes that are open, processes that run.
 */

/* Descriptors that have to stay open for it. */
struct legacy_kept {
	int *fds; /* owned by the caller, to be freed in either case */
	size_t count;
};

/* The text, malloced; NULL: no memory. */
char *legacy_write(const struct herd *herd, struct legacy_kept *kept);

/* Fills in what it says; sockets go to os/passed. False: no memory, or it is no such text. */
bool legacy_read(struct takeover *takeover, const char *text);

#endif
