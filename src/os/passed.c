#include "os/passed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/address.h"
#include "base/text.h"
#include "os/address.h"

enum { PASSED_MAX = 1024 };

/* There is one such list in a process, as there is one table of descriptors. */
static struct {
	size_t count;
	struct passed_socket items[PASSED_MAX];
} passed;

struct passed_socket *passed_next(struct passed_socket *before)
{
	struct passed_socket *next = before ? before + 1 : passed.items;

	return next < passed.items + passed.count ? next : NULL;
}

static bool is_listening(int fd)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value;
}

/* The number of passed sockets, as the environment has it: 0 where it is for another process. */
static int passed_count(void)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *count_text = getenv("LISTEN_FDS");
	uint64_t pid = 0, count = 0;

	if (!pid_text || !count_text)
		return 0;
	if (text_parse_number(pid_text, 1, INT32_MAX, &pid) < 0 ||
	    text_parse_number(count_text, 0, PASSED_MAX, &count) < 0)
		return -EINVAL;
	return pid == (uint64_t)getpid() ? (int)count : 0;
}

int passed_add(int fd, dev_t device, ino_t inode)
{
	if (passed.count == PASSED_MAX || !is_listening(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -EINVAL;
	passed.items[passed.count++] =
		(struct passed_socket){.fd = fd, .device = device, .inode = inode};
	return 0;
}

/* As we would have opened it. */
static int take_fd(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -EINVAL;
	socket_set_no_delay(fd);
	return passed_add(fd, 0, 0);
}

int passed_take(void)
{
	int count = passed_count();

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	memset(&passed, 0, sizeof(passed));
	for (int i = 0; i < count; i++) {
		int error = take_fd(PASSED_FIRST_FD + i);

		if (error < 0)
			return error;
	}
	return count;
}

/* As "listen" would have to name it. */
static const char *set_bound_address(const struct sockaddr_storage *bound, struct address *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)bound;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)bound;
	char host[INET6_ADDRSTRLEN];

	if (bound->ss_family == AF_UNIX)
		return address_set_path(address, ((const struct sockaddr_un *)bound)->sun_path);
	if (bound->ss_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host)))
		return address_set_host(address, host, ntohs(v4->sin_port));
	if (bound->ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host)))
		return address_set_host(address, host, ntohs(v6->sin6_port));
	return "neither a path nor a port";
}

static char *complain_of_untaken(int fd)
{
	struct socket_address bound = {.len = sizeof(bound.storage)};
	char text[ADDRESS_TEXT_SIZE];
	struct address address;
	const char *name;
	char *sentence;

	(void)getsockname(fd, (struct sockaddr *)&bound.storage, &bound.len);
	name = set_bound_address(&bound.storage, &address);
	sentence = text_new(
		"a socket was passed (LISTEN_FDS) that is not among the listen addresses: %s",
		name ? name : address_format(&address, text));
	/* NULL would mean that all went well. */
	return sentence ? sentence : strdup("out of memory");
}

char *passed_find_untaken(void)
{
	for (size_t i = 0; i < passed.count; i++)
		if (!passed.items[i].is_taken && passed.items[i].inode == 0)
			return complain_of_untaken(passed.items[i].fd);
	return NULL;
}

void passed_close_untaken(void)
{
	struct sockaddr_un bound = {0};
	struct stat status;

	for (size_t i = 0; i < passed.count; i++) {
		struct passed_socket *socket = &passed.items[i];
		socklen_t len = sizeof(bound) - 1;

		if (socket->is_taken)
			continue;
		socket->is_taken = true;
		if (socket->inode != 0 &&
		    getsockname(socket->fd, (struct sockaddr *)&bound, &len) == 0 &&
		    lstat(bound.sun_path, &status) == 0 && status.st_dev == socket->device &&
		    status.st_ino == socket->inode)
			(void)unlink(bound.sun_path);
		close(socket->fd);
	}
}
