#include "os/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

static void resolve_path(const struct address *address, struct socket_address *found)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&found->storage;

	path->sun_family = AF_UNIX;
	memcpy(path->sun_path, address->name, strlen(address->name));
	found->len = sizeof(*path);
}

const char *socket_address_resolve(const struct address *address, struct socket_address *found)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct addrinfo *first;
	char port[TEXT_UNIT_SIZE];
	int error;

	*found = (struct socket_address){0};
	if (address->kind == ADDRESS_UNIX) {
		resolve_path(address, found);
		return NULL;
	}
	(void)text_format(port, sizeof(port), "%u", address->port);
	error = getaddrinfo(address->name, port, &hints, &first);
	if (error == EAI_SYSTEM)
		return strerror(errno);
	if (error != 0)
		return gai_strerror(error);
	memcpy(&found->storage, first->ai_addr, first->ai_addrlen);
	found->len = first->ai_addrlen;
	freeaddrinfo(first);
	return NULL;
}

void socket_set_no_delay(int fd)
{
	int on = 1;

	/* Fails on a Unix socket, which has no such delay. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int socket_connect(const struct socket_address *address, bool *is_connecting)
{
	int family = address->storage.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;

	*is_connecting = false;
	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		socket_set_no_delay(fd);
	if (connect(fd, (const struct sockaddr *)&address->storage, address->len) < 0)
		error = errno;
	*is_connecting = error == EINPROGRESS || error == EINTR;
	if (error == 0 || *is_connecting)
		return fd;
	close(fd);
	return -error;
}
