/* The system calls of the mux, on sockets in memory. Calls for other descriptors are real ones. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim.h"
#include "sim_socket.h"

ssize_t __wrap_recv(int fd, void *room, size_t size, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendfile(int out, int in, off_t *offset, size_t len);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_close(int fd);
int __wrap_shutdown(int fd, int how);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *len);
int __wrap_socket_connect(const void *address, bool *is_connecting);
int __wrap_process_memory(pid_t pid, uint64_t *len);
int __real_close(int fd);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

static int fail(int error)
{
	errno = error;
	return -1;
}

/* What any call may say in place of what it should. */
static int disturbed(void)
{
	if (sim_happens(sim_faults.interrupted))
		return EINTR;
	return sim_happens(sim_faults.later) ? EAGAIN : 0;
}

static size_t some_of(size_t len)
{
	return len > 1 && sim_happens(sim_faults.part) ? 1 + sim_choose((unsigned)len - 1) : len;
}

/* Nothing is there to be read. */
static ssize_t receive_none(struct sim_socket *socket)
{
	if (socket->is_reset) {
		socket->is_reset = false;
		socket->has_end = true;
		return fail(ECONNRESET);
	}
	return socket->has_end ? 0 : fail(EAGAIN);
}

ssize_t __wrap_recv(int fd, void *room, size_t size, int flags)
{
	struct sim_socket *socket = sim_socket_of(fd);
	int error = disturbed();

	MUST(!socket->is_connecting, "read before it is connected");
	if (error > 0)
		return fail(error);
	if (socket->len == 0)
		return receive_none(socket);
	if (socket->kind == SIM_MESSAGES)
		return (ssize_t)sim_get_message(socket, room, size);
	if (flags & MSG_PEEK)
		return (ssize_t)sim_peek(socket, room, size);
	return (ssize_t)sim_get(socket, room, some_of(socket->len < size ? socket->len : size));
}

/* Of messages, without descriptors that come along. */
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	message->msg_controllen = 0;
	return __wrap_recv(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len, flags);
}

/* 0: there is room; or errno. */
static int try_sending(const struct sim_socket *socket)
{
	int error = disturbed();

	MUST(!socket->is_connecting, "written before it is connected");
	if (socket->has_shut)
		return EPIPE;
	if (error > 0)
		return error;
	if (sim_is_left(socket))
		return EPIPE;
	return sim_room(socket) > 0 ? 0 : EAGAIN;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
	struct sim_socket *socket = sim_socket_of(fd);
	int error = try_sending(socket);

	MUST(flags & MSG_NOSIGNAL, "sent without MSG_NOSIGNAL");
	if (error > 0)
		return fail(error);
	if (socket->kind == SIM_MESSAGES)
		return sim_put_message(socket, bytes, len) ? (ssize_t)len : fail(EAGAIN);
	return (ssize_t)sim_put(socket, bytes, some_of(len));
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t sent = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++) {
		const struct iovec *part = &message->msg_iov[i];
		ssize_t len;

		if (part->iov_len == 0)
			continue;
		len = __wrap_send(fd, part->iov_base, part->iov_len, flags);
		if (len < 0)
			return sent > 0 ? (ssize_t)sent : len;
		sent += (size_t)len;
		if ((size_t)len < part->iov_len)
			break;
	}
	return (ssize_t)sent;
}

ssize_t __wrap_sendfile(int out, int in, off_t *offset, size_t len)
{
	struct sim_socket *socket = sim_socket_of(out);
	int error = try_sending(socket);
	uint8_t bytes[4096];
	ssize_t here;

	if (error > 0)
		return fail(error);
	len = len < sizeof(bytes) ? len : sizeof(bytes);
	len = len < sim_room(socket) ? len : sim_room(socket);
	here = pread(in, bytes, some_of(len), *offset);
	if (here > 0) {
		(void)sim_put(socket, bytes, (size_t)here);
		*offset += here;
	}
	return here;
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	struct sim_socket *listening = sim_socket_of(fd), *accepted;

	MUST((flags & (SOCK_NONBLOCK | SOCK_CLOEXEC)) == (SOCK_NONBLOCK | SOCK_CLOEXEC),
	     "accepted without SOCK_NONBLOCK | SOCK_CLOEXEC");
	if (address)
		(void)__wrap_getpeername(fd, address, len);
	if (sim_happens(sim_faults.shortage))
		return fail(EMFILE);
	accepted = sim_accept(listening);
	if (!accepted)
		return fail(EAGAIN);
	accepted->is_ours = true;
	return sim_socket_fd(accepted);
}

int __wrap_close(int fd)
{
	struct sim_socket *socket;

	if (sim_socket_number(fd) < 0)
		return __real_close(fd);
	socket = sim_socket_of(fd);
	/* Somebody else holds it too. */
	if (socket->kind == SIM_LISTENING)
		return 0;
	sim_close(socket, false);
	return 0;
}

int __wrap_shutdown(int fd, int how)
{
	if (how == SHUT_RD)
		sim_shut_input(sim_socket_of(fd));
	else
		sim_shut(sim_socket_of(fd));
	return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	if (sim_socket_number(fd) < 0)
		return __real_getsockopt(fd, level, name, value, len);
	if (name == SO_PEERCRED) {
		*(struct ucred *)value = (struct ucred){.pid = 1, .uid = getuid(), .gid = getgid()};
		return 0;
	}
	MUST(name == SO_ERROR, "an option of sockets that is not played here: %d", name);
	*(int *)value = sim_socket_of(fd)->error;
	return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
	(void)fd;
	address->sa_family = AF_UNIX;
	*len = sizeof(address->sa_family);
	return 0;
}

/* In place of os/address: a path alone says who is there. */
int __wrap_socket_connect(const void *address, bool *is_connecting)
{
	const struct sockaddr_un *path = address;
	struct sim_socket *listening = sim_find_listening(path->sun_path), *socket;

	*is_connecting = false;
	if (sim_happens(sim_faults.shortage))
		return -EMFILE;
	if (!listening || (listening->is_remote && sim_happens(sim_faults.refused)))
		return -ECONNREFUSED;
	socket = sim_connect_to(listening);
	if (!socket)
		return -EAGAIN;
	*is_connecting = socket->is_connecting;
	return sim_socket_fd(socket);
}

int __wrap_process_memory(pid_t pid, uint64_t *len)
{
	*len = (uint64_t)pid * 4096;
	return 0;
}
