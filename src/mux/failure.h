#ifndef MUX_FAILURE_H
#define MUX_FAILURE_H

#include "policy/retry.h"

struct proc;
struct request;

/* What becomes of a request that cannot be served as it was meant to. */

/*
 * Ends it with an answer of our own: status is "502 Bad Gateway" and so on, reason a sentence that
 * the web server logs. Where an answer has begun, it is broken off so that the web server can tell.
 */
void failure_answer(struct request *request, const char *status, const char *reason);

/*
 * It has lost its proc: sent again where the rules allow it, else answered. failure says what the
 * caller knows of the connection; what the request knows itself is filled in here.
 */
void failure_retry(struct request *request, const struct proc *proc, struct retry_case failure,
		   const char *reason);

/* It has run for too long: answered, and its child is reported to the supervisor. */
void failure_time_out(struct request *request);

#endif
