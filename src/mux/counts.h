#ifndef MUX_COUNTS_H
#define MUX_COUNTS_H

#include <stdint.h>

#include "mux/failure.h"
#include "policy/histogram.h"

/* What has happened since the start: plain numbers inside their owners, shown by the status. */

struct mux_counts {
	uint64_t requests;		  /* with all their parameters there */
	uint64_t retries;		  /* sent again after a proc failed */
	uint64_t slow_requests;		  /* that ran for slow-request */
	uint64_t bad_clients;		  /* connections closed for what came on them */
	uint64_t refused_clients;	  /* connections closed for who they came from */
	uint64_t access_lines_lost;	  /* that the access log did not take */
	uint64_t bad_answers;		  /* of procs, that broke the protocol */
	uint64_t broken_answers;	  /* of procs, that ended before their end */
	uint64_t failures[FAILURE_KINDS]; /* answered by us in place of a proc */
};

struct route_counts {
	uint64_t queued_max; /* requests that waited at once */
	uint64_t waits;	     /* how often all was busy, and a request began to wait */
};

struct backend_counts {
	struct histogram latency; /* of answered requests, from when they were whole to their end */
	uint64_t waited_ms;	  /* the part of it that all of them waited for a proc */
	uint64_t active_max;	  /* procs with a request at once */
};

/* The first four in the words of lighttpd's statistics. */
struct proc_counts {
	uint64_t connected;  /* connections to it */
	uint64_t died;	     /* the process ended */
	uint64_t disabled;   /* left out for a while */
	uint64_t overloaded; /* refused a connection or a request for being full */
	uint64_t requests;   /* answered to their end */
	uint64_t earlier;    /* the part of them before it came up last */
	uint64_t busy_ms;    /* that these ran */
	uint64_t last_ms;    /* that the last of them ran */
};

#endif
