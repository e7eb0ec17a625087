#ifndef MUX_ACCESS_LOG_H
#define MUX_ACCESS_LOG_H

#include <stdbool.h>

struct mux;
struct request;

/*
 * A line for each request that is over, in a buffer that is written as a whole: when it is full, at
 * each tick, and at the end. Nothing waits for it: what cannot be written stays until the next
 * tick, and lines without room are dropped and counted; where that begins and where it ends, the
 * log says so. There is none (NULL) unless access-log is set.
 */
struct access_log;

/* Writes to fd, which it owns; -1: nowhere, until access_log_set_fd. NULL: no memory. */
struct access_log *access_log_new(struct mux *mux, int fd);

/* Writes what it holds, as far as that is possible now. */
void access_log_free(struct access_log *log);

/* What it holds still goes to the old place; the rest to this one, which it owns. */
void access_log_set_fd(struct access_log *log, int fd);

/* Opens a file again after it was moved away. */
void access_log_reopen(struct access_log *log, const char *target);

/* The request is over now, as far as its web server is concerned. */
void access_log_add(struct access_log *log, const struct request *request);

/* Once every MUX_TICK_MS. */
void access_log_tick(struct access_log *log);

#endif
