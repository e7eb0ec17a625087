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
	/* to the supervisor */
	CONTROL_READY,	     /* the fronts are open for requests */
	CONTROL_CHILD_READY, /* the child of this pid has answered a request */
	CONTROL_CHILD_STUCK, /* the child of this pid has not, within request-timeout */
};

struct control_message {
	uint32_t type;
	uint32_t backend; /* number of the section in the configuration, from 0 */
	uint32_t proc;	  /* number of the proc in its backend, from 0 */
	int32_t pid;
};

/* A connected pair, non-blocking and close-on-exec. 0 or -errno. */
int control_open_pair(int pair[2]) __attribute__((warn_unused_result));

/* 0; -EAGAIN: the other side is behind, try when writable; another -errno: it is gone. */
int control_send(int fd, const struct control_message *message) __attribute__((warn_unused_result));

/* 0; -EAGAIN: none there; -EPIPE: the other side is gone; -EBADMSG: not a message of ours, skip it.
 */
int control_receive(int fd, struct control_message *message) __attribute__((warn_unused_result));

#endif
