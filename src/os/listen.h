#ifndef OS_LISTEN_H
#define OS_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/address.h"

/*
 * Listening sockets: non-blocking and close-on-exec. A Unix socket that nobody answers at is
 * replaced, one that answers is refused, and anything that is no socket is never touched. What a
 * service manager opened for us is taken in place of opening it.
 */

struct listen_plan {
	struct address address;
	const char *root; /* a chroot: a Unix path below it is resolved inside it, symbolic links
			     included; NULL: none */
	uid_t owner;	  /* of a Unix socket; (uid_t)-1: as it comes */
	gid_t group;
	mode_t mode; /* of a Unix socket, whatever the umask; TCP: ignored */
	int backlog;
};

/*
 * An open one. For a Unix socket it holds the directory too, and removes what it made and nothing
 * else, however the path is taken or moved in the meantime.
 */
struct listener {
	int fd;				 /* -1: closed */
	int directory;			 /* O_PATH descriptor of the socket's directory, or -1 */
	char name[ADDRESS_PATH_MAX + 1]; /* of the socket in that directory */
	dev_t device;			 /* identity of the socket that we made */
	ino_t inode;
	bool is_passed; /* taken over: what listens there may be running already */
};

/* Closed, so that listener_close does nothing. */
void listener_init(struct listener *listener);

/*
 * Takes the passed socket that is bound to the address, where listen_take_passed found one: with
 * its owner, mode and backlog, and listener_close will not remove it. Otherwise opens and listens.
 * Returns NULL, or a malloced sentence (address, step, errno's text, what to do); then nothing is
 * left behind and the listener is closed.
 */
char *listener_open(struct listener *listener, const struct listen_plan *plan)
	__attribute__((warn_unused_result));

/* Closes, and removes the Unix socket if it is still the one that was made. */
void listener_close(struct listener *listener);

/* Closes without removing: another process goes on with it. */
void listener_release(struct listener *listener);

/*
 * How many sockets were passed by the LISTEN_FDS convention (sd_listen_fds(3)): they are the
 * descriptors from LISTEN_FIRST_FD on. Takes the variables out of the environment and makes the
 * sockets close-on-exec and non-blocking. 0: none; -EINVAL: variables that make no sense, or a
 * descriptor that is no listening socket.
 */
enum { LISTEN_FIRST_FD = 3 };
int listen_take_passed(void) __attribute__((warn_unused_result));

/*
 * One more that is open already, for a listener_open. Unless inode is 0 it is the Unix socket of
 * this identity that an earlier listener made: the new one removes it. Its flags stay as they are:
 * others may be using it. 0 or -EINVAL.
 */
int listen_add_passed(int fd, dev_t device, ino_t inode) __attribute__((warn_unused_result));

/* Whether a listener_open would take one that is open already. */
bool listen_is_passed(const struct listen_plan *plan);

/*
 * NULL where each of them was taken by a listener_open; else a malloced sentence that names one at
 * which nobody would answer.
 */
char *listen_find_untaken(void) __attribute__((warn_unused_result));

/* Closes, and removes, those that no listener_open has taken. */
void listen_close_untaken(void);

/*
 * Makes a directory below one of /run, $XDG_RUNTIME_DIR or /tmp that only this process's user and
 * members of group can enter (mode 0710; group (gid_t)-1: 0700). Returns its malloced path, or NULL
 * and errno.
 */
char *listen_directory_new(gid_t group);

#endif
