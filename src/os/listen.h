#ifndef OS_LISTEN_H
#define OS_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/address.h"

/*
 * Listening sockets: non-blocking and close-on-exec. A Unix socket that nobody answers at is
 * replaced, one that answers is refused, and anything that is no socket is never touched. What is
 * open already (os/passed) is taken in place of opening it.
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
 * Takes the passed socket that is bound to the address, where there is one (os/passed): with
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

/* Of one that is open. */
bool listener_is_tcp(const struct listener *listener);

/* Whether a listener_open would take one that is open already. */
bool listen_is_passed(const struct listen_plan *plan);

/*
 * Makes a directory below one of /run, $XDG_RUNTIME_DIR or /tmp that only this process's user and
 * members of group can enter (mode 0710; group (gid_t)-1: 0700). Returns its malloced path, or NULL
 * and errno.
 */
char *listen_directory_new(gid_t group);

#endif
