#ifndef OS_ADDRESS_H
#define OS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/address.h"

/* An address as the kernel takes it. */
struct socket_address {
	struct sockaddr_storage storage;
	socklen_t len;
};

/*
 * Finds the first address of a name; literals never touch a resolver. It may block and read files:
 * at start only. NULL, or a sentence without a final stop (static) that says why there is none.
 */
const char *socket_address_resolve(const struct address *address, struct socket_address *found)
	__attribute__((warn_unused_result));

/*
 * A new socket, non-blocking and close-on-exec, connected or on its way (*is_connecting: until it
 * is writable). The descriptor, which the caller closes, or -errno. A Unix socket whose backlog is
 * full gives -EAGAIN: it is not on its way.
 */
int socket_connect(const struct socket_address *address, bool *is_connecting)
	__attribute__((warn_unused_result));

/*
 * Records are whole when they are written, and one that waits for an acknowledgement costs 40 ms.
 * What a listening socket accepts inherits it.
 */
void socket_set_no_delay(int fd);

/*
 * A connection on which nothing is on the way breaks with ETIMEDOUT when the host of the peer has
 * not said for silent_ms (in whole seconds, at least 2) that it has it, which it is asked. 0: for
 * hours, as the system has it. A Unix socket stays as it is.
 */
void socket_set_limits(int fd, uint64_t silent_ms);

/*
 * The other half: whether the host of the peer has left what was sent unacknowledged for so long,
 * of a socket with the same limits. With TCP_USER_TIMEOUT the kernel would break such a connection,
 * but also one whose peer is well and leaves its buffer full for so long, as a program does that
 * works before it reads.
 */
bool socket_is_silent(int fd, uint64_t silent_ms);

#endif
