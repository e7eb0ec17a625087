#ifndef MUX_GET_H
#define MUX_GET_H

#include <stddef.h>

/* One question to whatever speaks FastCGI at an address, and its answer: a GET, or its values. */

struct get {
	const char *address; /* as it was given */
	const char *path;    /* may have a query behind a "?" */
	void (*on_body)(void *owner, const void *bytes, size_t len);
	void (*on_error)(void *owner, const void *bytes, size_t len); /* the error stream */
	void *owner;						      /* of both */
};

/*
 * Waits at most 10 seconds in all. NULL: the answer was whole, and its status is *status; or a
 * malloced sentence.
 */
char *get_answer(const struct get *get, unsigned *status) __attribute__((warn_unused_result));

/*
 * For scripts and health checks: the body goes to standard output, the error stream to standard
 * error. Returns the exit status for a whole answer with a status below 400; all else is said in a
 * sentence and ends the program.
 */
int get_run(const char *address, const char *path);

/*
 * The same for what it answers to FCGI_GET_VALUES: a line NAME=VALUE each. An fcgi-mux none of
 * whose processes takes requests is not well.
 */
int get_values_run(const char *address);

#endif
