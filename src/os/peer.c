#include "os/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int peer_address(int fd, uint8_t address[NETWORK_ADDRESS_LEN])
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} peer = {.any = {0}};
	socklen_t len = sizeof(peer);

	if (getpeername(fd, &peer.any, &len) < 0)
		return -errno;
	if (peer.any.sa_family == AF_INET) {
		network_map_ipv4((const uint8_t *)&peer.ipv4.sin_addr, address);
		return 0;
	}
	if (peer.any.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(address, &peer.ipv6.sin6_addr, NETWORK_ADDRESS_LEN);
	return 0;
}

int peer_user(int fd, uint32_t *user)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	*user = peer.uid;
	return 0;
}
