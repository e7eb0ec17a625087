#ifndef OS_PEER_H
#define OS_PEER_H

#include <stdint.h>

#include "base/network.h"

/* Who is at the other end of an accepted connection: the kernel's word, not theirs. */

/* Of a TCP one. 0 or -errno: most often it has gone again. */
int peer_address(int fd, uint8_t address[NETWORK_ADDRESS_LEN]) __attribute__((warn_unused_result));

/*
 * Of one through a Unix socket: the effective user id that it had as it connected, unix(7). What
 * has no name in this user namespace has the overflow id, 65534. 0 or -errno.
 */
int peer_user(int fd, uint32_t *user) __attribute__((warn_unused_result));

#endif
