#ifndef OS_PASSED_H
#define OS_PASSED_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Listening sockets that were open when this program began: from a service manager, from the
 * supervisor, or from an earlier life of this process. listener_open takes those that are bound
 * where it is to listen.
 */
struct passed_socket {
	int fd;
	bool is_taken; /* by a listener */
	dev_t device;  /* of the Unix socket, where we made it; else the inode is 0 */
	ino_t inode;
};

/*
 * How many sockets were passed by the LISTEN_FDS convention (sd_listen_fds(3)): they are the
 * descriptors from PASSED_FIRST_FD on. Takes the variables out of the environment and makes the
 * sockets close-on-exec and non-blocking. 0: none; -EINVAL: variables that make no sense, or a
 * descriptor that is no listening socket.
 */
enum { PASSED_FIRST_FD = 3 };
int passed_take(void) __attribute__((warn_unused_result));

/*
 * One more, of an earlier life. Unless inode is 0 it is the Unix socket of this identity that an
 * earlier listener made: the new one removes it. Its flags stay as they are: others may be using
 * it. 0 or -EINVAL.
 */
int passed_add(int fd, dev_t device, ino_t inode) __attribute__((warn_unused_result));

/* For os/listen: the first one, where before is NULL, or the one behind it; NULL: there is none. */
struct passed_socket *passed_next(struct passed_socket *before);

/*
 * NULL where each of those of LISTEN_FDS was taken by a listener; else a malloced sentence that
 * names one at which nobody would answer.
 */
char *passed_find_untaken(void) __attribute__((warn_unused_result));

/* Closes, and removes, those that no listener has taken. */
void passed_close_untaken(void);

#endif
