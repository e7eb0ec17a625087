#include "os/control.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int control_open_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	return 0;
}

/* Room for one descriptor, aligned as it has to be. */
union ancillary {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int control_send(int fd, const struct control_message *message)
{
	ssize_t sent;

	do
		sent = send(fd, message, sizeof(*message), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int control_send_fd(int fd, const struct control_message *message, int passed)
{
	struct control_message copy = *message;
	struct iovec content = {.iov_base = &copy, .iov_len = sizeof(copy)};
	union ancillary ancillary = {
		.header = {.cmsg_level = SOL_SOCKET,
			   .cmsg_type = SCM_RIGHTS,
			   .cmsg_len = CMSG_LEN(sizeof(passed))},
	};
	const struct msghdr header = {.msg_iov = &content,
				      .msg_iovlen = 1,
				      .msg_control = &ancillary,
				      .msg_controllen = sizeof(ancillary.room)};
	ssize_t sent;

	memcpy(CMSG_DATA(&ancillary.header), &passed, sizeof(passed));
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* MSG_TRUNC: the true length, so that a longer packet is not taken for a message. */
static int receive(int fd, struct msghdr *header)
{
	ssize_t len;

	do
		len = recvmsg(fd, header, MSG_TRUNC | MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	if (len == 0)
		return -EPIPE;
	return len == sizeof(struct control_message) ? 0 : -EBADMSG;
}

int control_receive(int fd, struct control_message *message)
{
	struct iovec content = {.iov_base = message, .iov_len = sizeof(*message)};
	struct msghdr header = {.msg_iov = &content, .msg_iovlen = 1};

	/* Without room for descriptors the kernel drops them. */
	return receive(fd, &header);
}

int control_receive_fd(int fd, struct control_message *message, int *passed)
{
	struct iovec content = {.iov_base = message, .iov_len = sizeof(*message)};
	union ancillary ancillary;
	struct msghdr header = {.msg_iov = &content,
				.msg_iovlen = 1,
				.msg_control = &ancillary,
				.msg_controllen = sizeof(ancillary.room)};
	const struct cmsghdr *rights;
	int error = receive(fd, &header);

	*passed = -1;
	if (error < 0 && error != -EBADMSG)
		return error;
	rights = CMSG_FIRSTHDR(&header);
	if (rights && rights->cmsg_type == SCM_RIGHTS &&
	    rights->cmsg_len == CMSG_LEN(sizeof(*passed)))
		memcpy(passed, CMSG_DATA(rights), sizeof(*passed));
	if (error < 0 && *passed >= 0) {
		close(*passed);
		*passed = -1;
	}
	return error;
}
