#ifndef MUX_FAILURE_H
#define MUX_FAILURE_H

#include "policy/retry.h"

struct proc;
struct request;

/* What becomes of a request that cannot be served as it was meant to. */

enum failure_kind {
	FAILURE_BAD_REQUEST,	  /* 400 */
	FAILURE_FORBIDDEN,	  /* 403 */
	FAILURE_NOT_FOUND,	  /* 404 */
	FAILURE_NO_LENGTH,	  /* 411 */
	FAILURE_BODY_TOO_LARGE,	  /* 413 */
	FAILURE_PARAMS_TOO_LARGE, /* 431 */
	FAILURE_BAD_PROC,	  /* 502 */
	FAILURE_NO_ROOM,	  /* 503 */
	FAILURE_TIME_OUT,	  /* 504 */
	FAILURE_KINDS
};

/* The status line, "502 Bad Gateway" and so on. */
const char *failure_status(enum failure_kind kind);

/*
 * Ends it with an answer of our own; reason is a sentence that the web server logs. Where an answer
 * has begun, it is broken off so that the web server can tell.
 */
void failure_answer(struct request *request, enum failure_kind kind, const char *reason);

/*
 * It has lost its proc: sent again where the rules allow it, else answered. failure says what the
 * caller knows of the connection; what the request knows itself is filled in here.
 */
void failure_retry(struct request *request, const struct proc *proc, struct retry_case failure,
		   const char *reason);

/* It has run for too long: answered, and its child is reported to the supervisor. */
void failure_time_out(struct request *request);

#endif
