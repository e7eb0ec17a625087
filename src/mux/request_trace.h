#ifndef MUX_REQUEST_TRACE_H
#define MUX_REQUEST_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proc;

/* What the access log tells of a request when it is over. Whoever does it notes it here. */

enum request_ending {
	REQUEST_ENDED_WELL,
	REQUEST_ENDED_ABORTED, /* the client has left or took it back */
	REQUEST_ENDED_BROKEN,  /* its answer has begun, and could not go on */
	REQUEST_ENDED_FAILED,  /* the answer is our own, and its status says why */
};

/* A value in its parameters: where, and how many bytes. */
struct request_value {
	uint16_t at, len;
};

struct request_trace {
	uint64_t began_ms, first_ms;		  /* and when its answer did, where sent_len > 0 */
	uint64_t sent_len;			  /* of STDOUT, for the web server */
	const struct proc *proc;		  /* that had it last; borrowed, or NULL */
	int32_t pid;				  /* of that, or 0 */
	uint16_t status;			  /* of its answer; 0: none is in the head */
	uint8_t ending;				  /* enum request_ending */
	struct request_value method, uri, script; /* as it came, where has_values */
	bool has_values;			  /* and they are still there */
	bool is_untold; /* it asked for the status: no line in the access log */
};

/* So much of STDOUT goes to the web server. */
void request_trace_sent(struct request_trace *trace, size_t len);

#endif
