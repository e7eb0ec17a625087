#include "os/control.h"

#include <errno.h>
#include <sys/socket.h>

int control_open_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	return 0;
}

int control_send(int fd, const struct control_message *message)
{
	ssize_t sent;

	do
		sent = send(fd, message, sizeof(*message), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int control_receive(int fd, struct control_message *message)
{
	ssize_t len;

	/* MSG_TRUNC: the true length, so that a longer packet is not taken for a message. */
	do
		len = recv(fd, message, sizeof(*message), MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	if (len == 0)
		return -EPIPE;
	return len == sizeof(*message) ? 0 : -EBADMSG;
}
