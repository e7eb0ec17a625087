#ifndef POLICY_RETRY_H
#define POLICY_RETRY_H

#include <stdbool.h>
#include <stddef.h>

/* How often a request may be sent again: one that kills its worker does not kill them all. */
enum { RETRY_MAX = 2 };

/* How the connection of a request to its proc failed. */
struct retry_case {
	bool is_answered;	    /* a byte of the answer has come */
	bool is_unsent;		    /* connect(2) failed: the proc has seen nothing */
	bool is_unaccepted;	    /* the process ended before it took the connection */
	bool connection_was_reused; /* the proc may have closed it before the request came */
	bool method_is_safe;	    /* see retry_method_is_safe */
	bool is_whole;		    /* all that was sent is still in the buffer */
	unsigned retries;	    /* that this request has had */
};

/*
 * May the request be sent again, to another proc where there is one? What was not accepted has not
 * been tried, and does not count.
 */
bool retry_is_allowed(const struct retry_case *failure);

/* GET, HEAD, OPTIONS and TRACE: safe to repeat (RFC 9110, section 9.2.1). */
bool retry_method_is_safe(const char *method, size_t len);

#endif
