#ifndef HERD_LEGACY_H
#define HERD_LEGACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct herd;
struct takeover;

/*
 * What a supervisor leaves to its successor in the same process, as lines of text: sockets and
 * pipes that are open, processes that run.
 */

/* A process of before. */
struct legacy_process {
	char *name; /* owned: "php.0", "mux" */
	pid_t pid;  /* as the old mux knows it; 0: it was told that there is none */
	uint64_t started_ms;
	uint32_t backend, number; /* of the old configuration, by which the old mux knows it */
	bool is_ending;
	const struct child *child; /* that it has become; NULL: it is retired, or the mux */
};

/* A pipe of one of them. */
struct legacy_output {
	int fd; /* owned until it is adopted */
	char *name;
	pid_t pid;
	bool has_levels;
};

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
