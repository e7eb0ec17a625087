#ifndef MUX_HEALTH_H
#define MUX_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/values.h"
#include "mux/question.h"
#include "os/address.h"
#include "os/loop.h"
#include "os/stream.h"

/*
 * Is a remote proc well? One probe: a question to it on a connection of its own, apart from those
 * that carry requests, and a result after a bounded time. It never blocks. What follows from the
 * result, and when the next one is due, is its owner's business.
 */

enum health_result {
	HEALTH_GOOD,
	HEALTH_REFUSED, /* it cannot be connected to */
	HEALTH_BAD,	/* another status, no FastCGI, closed before the end of the answer */
	HEALTH_SILENT,	/* no connection, no answer or not its end within timeout_ms */
};

struct health_answer {
	enum health_result result;
	struct values values; /* with has_values */
	bool has_values;      /* it was asked for them, and knows them */
	const char *reason;   /* until on_result returns: what is wrong; GOOD: NULL */
};

/* The texts are borrowed, and outlive the probe. */
struct health_plan {
	uint64_t timeout_ms; /* from the start to the end of the answer */
	const char *request; /* of a page, as struct question's path; NULL: asks for the values */
	const char *docroot; /* of that page; NULL: none */
	unsigned status;     /* that the page is to have */
	void *owner;	     /* whom the result is for */
};

struct health_probe {
	void *owner;
	void (*on_result)(struct health_probe *probe, const struct health_answer *answer);
	struct question question;
	struct stream stream; /* closed: the result is known */
	struct loop_timer timeout;
	unsigned status; /* that a page is to have */
	size_t received; /* bytes */
	int error;	 /* -errno: it could not be connected to; 0: it is, or may be */
};

/*
 * NULL: nothing can be asked now, for want of memory, descriptors or ports here, or since its
 * backlog is full, which says nothing of how it is. Else on_result is called once, never from
 * within this call, and as the last thing that is done with the probe: health_probe_cancel may be
 * called from there, and must be some time. A page of which 64 KiB have come with the right status
 * is good without its end; so is an answer that there is no memory for here.
 */
struct health_probe *
health_probe_start(const struct socket_address *to, const struct health_plan *plan,
		   void (*on_result)(struct health_probe *, const struct health_answer *));

/* Ends it where it is under way, without a result, and frees it. NULL is nothing. */
void health_probe_cancel(struct health_probe *probe);

#endif
