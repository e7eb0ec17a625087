#ifndef POLICY_RETRY_H
#define POLICY_RETRY_H

#include <stdbool.h>
#include <stddef.h>

/* How often a request may be sent again: one that kills its worker does not kill them all. */
enum { RETRY_MAX = 2 };

/* Whose requests may be sent again after a proc may have begun on them. */
enum retry_methods {
	RETRY_NO_METHODS,
	RETRY_SAFE_METHODS,	  /* GET, HEAD, OPTIONS, TRACE (RFC 9110, section 9.2.1) */
	RETRY_IDEMPOTENT_METHODS, /* PUT and DELETE too (section 9.2.2) */
	RETRY_ALL_METHODS,
};

/* How the connection of a request to its proc failed. */
struct retry_case {
	enum retry_methods methods; /* that may be sent again */
	enum retry_methods method;  /* retry_class of the request's */
	bool is_answered;	    /* a byte of the answer has come */
	bool is_unsent;		    /* connect(2) failed: the proc has seen nothing */
	bool is_unaccepted;	    /* the process ended before it took the connection */
	bool connection_was_reused; /* the proc may have closed it before the request came */
	bool is_whole;		    /* all that was sent is still in the buffer */
	unsigned retries;	    /* that this request has had */
};

/*
 * May the request be sent again, to another proc where there is one? What was not accepted has not
 * been tried, and does not count.
 */
bool retry_is_allowed(const struct retry_case *failure);

/* The narrowest class that a method, as REQUEST_METHOD has it, is in. */
enum retry_methods retry_class(const char *method, size_t len);

#endif
