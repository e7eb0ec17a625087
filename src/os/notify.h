#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/*
 * Tells the service manager that started us how we are. Two protocols, both announced in the
 * environment, and both may be there:
 *
 * - datagrams to the socket NOTIFY_SOCKET, a path or "@" and an abstract name (sd_notify(3)), with
 *   a sign of life every half of WATCHDOG_USEC where that is set and WATCHDOG_PID is not another;
 * - a newline when ready to the descriptor NOTIFY_FD: s6's notification-fd, dinit's pipevar,
 *   OpenRC's notify=fd.
 *
 * Without either everything here succeeds and does nothing.
 */
struct notify {
	int socket;		    /* -1: there is no NOTIFY_SOCKET */
	struct sockaddr_un address; /* of the service manager's end */
	socklen_t address_len;
	int ready_fd;	      /* -1: there is no NOTIFY_FD, or it was told */
	pid_t pid;	      /* that we were started with */
	uint64_t watchdog_ms; /* say NOTIFY_ALIVE as often; 0: nobody waits for it */
};

enum notify_event {
	NOTIFY_READY,	  /* after the start, and after a reload */
	NOTIFY_RELOADING, /* until NOTIFY_READY */
	NOTIFY_STOPPING,
	NOTIFY_ALIVE,  /* the watchdog may wait again */
	NOTIFY_STATUS, /* nothing but the status */
};

/* Tells nobody. */
void notify_init(struct notify *notify);

/*
 * Takes the variables out of the environment: they are not for our children. Before the process
 * goes into the background, so that the new pid can be told. 0; or -errno where they make no sense
 * (-EINVAL) or there is no socket to be had, and then it is as after notify_init.
 */
int notify_open(struct notify *notify) __attribute__((warn_unused_result));

/*
 * One message. status: one line for people, NULL: none. Waits a second at most where the service
 * manager is behind with reading. 0, or -errno: it did not take it.
 */
int notify_send(struct notify *notify, enum notify_event event, const char *status)
	__attribute__((warn_unused_result));

/* Puts the variables back: for a program that goes on in this process. */
void notify_export(const struct notify *notify);

void notify_close(struct notify *notify);

#endif
