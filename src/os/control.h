#ifndef OS_CONTROL_H
#define OS_CONTROL_H

#include <stdint.h>

/*
 * The message socket between the two programs: a SOCK_SEQPACKET pair, one fixed-size message a
 * packet, in the byte order of the machine. The mux reports, the supervisor decides; each side
 * checks every number that it is sent.
 */

enum control_type {
	/* to the mux */
	CONTROL_CHILD_UP = 1,
	CONTROL_CHILD_DOWN,
	CONTROL_CHILD_DRAIN, /* is to get no new request */
	CONTROL_ACCESS_LOG,  /* is written to the descriptor that comes along */
	CONTROL_SHARED,	     /* another mux, which is about to end, has the same procs */
	CONTROL_ALONE,	     /* that one has gone */
	/* to the supervisor */
	CONTROL_READY,	       /* the fronts are open for requests */
	CONTROL_CHILD_USABLE,  /* the child of this pid takes requests */
	CONTROL_CHILD_READY,   /* it has answered one */
	CONTROL_CHILD_STUCK,   /* it has not, within request-timeout */
	CONTROL_CHILD_SPENT,   /* it has answered max-requests */
	CONTROL_LOAD,	       /* of a backend: busy and queued */
	CONTROL_CHILD_DRAINED, /* that child has no request any more */
	CONTROL_CHILD_FREE,    /* it has room, which this mux, as it is to end, does not need */
};

struct control_message {
	uint32_t type;
	uint32_t backend; /* number of the section in the configuration, from 0 */
	uint32_t proc;	  /* number of the proc in its backend, from 0 */
	int32_t pid;
	uint32_t busy, queued; /* processes at work; that the requests which wait would take */
};

/* A connected pair, non-blocking and close-on-exec. 0 or -errno. */
int control_open_pair(int pair[2]) __attribute__((warn_unused_result));

/* 0; -EAGAIN: the other side is behind, try when writable; another -errno: it is gone. */
int control_send(int fd, const struct control_message *message) __attribute__((warn_unused_result));

/* The same with a descriptor, which stays the caller's. */
int control_send_fd(int fd, const struct control_message *message, int passed)
	__attribute__((warn_unused_result));

/* 0; -EAGAIN: none there; -EPIPE: the other side is gone; -EBADMSG: none of ours, skip it. */
int control_receive(int fd, struct control_message *message) __attribute__((warn_unused_result));

/* The same with a descriptor where one comes along, which is the caller's then; else -1. */
int control_receive_fd(int fd, struct control_message *message, int *passed)
	__attribute__((warn_unused_result));

#endif
