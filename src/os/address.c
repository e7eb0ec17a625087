#include "os/address.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

/* What tcp(7) takes at most. */
enum { KEEP_ALIVE_MAX_S = 32767, KEEP_ALIVE_PROBES_MAX = 5 };

/* So many questions in a row, whether a peer whose buffer is full takes more, are not lost by
 * chance. */
enum { LOST_MAX = 2 };

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

static int set_number(int fd, int level, int option, uint64_t number)
{
	int value = number < INT_MAX ? (int)number : INT_MAX;

	return setsockopt(fd, level, option, &value, sizeof(value));
}

static uint64_t clamp(uint64_t number, uint64_t max)
{
	if (number == 0)
		return 1;
	return number < max ? number : max;
}

void socket_set_limits(int fd, uint64_t silent_ms)
{
	uint64_t half_s = clamp(silent_ms / 2 / 1000, KEEP_ALIVE_MAX_S);
	uint64_t step_s = clamp(half_s / KEEP_ALIVE_PROBES_MAX, KEEP_ALIVE_MAX_S);

	/* Fails on a Unix socket, whose other end is this kernel's. */
	if (silent_ms == 0 || set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, half_s) < 0)
		return;
	(void)set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, step_s);
	(void)set_number(fd, IPPROTO_TCP, TCP_KEEPCNT,
			 clamp(half_s / step_s, KEEP_ALIVE_PROBES_MAX));
	(void)set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

bool socket_is_silent(int fd, uint64_t silent_ms)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	return (info.tcpi_unacked > 0 || info.tcpi_probes > LOST_MAX) &&
	       info.tcpi_last_ack_recv >= silent_ms;
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
