#include "os/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int stream_fd(const struct stream *stream)
{
	return stream->io.watcher.fd;
}

bool stream_is_open(const struct stream *stream)
{
	return stream_fd(stream) >= 0;
}

/* The one place that decides what the loop watches. */
static void stream_update(struct stream *stream)
{
	int events = 0;

	if (stream->reading && !stream->connecting)
		events |= LOOP_READ;
	if (stream->connecting || stream->out.len > 0)
		events |= LOOP_WRITE;
	loop_io_set(&stream->io, events);
}

void stream_init(struct stream *stream, int fd, void (*on_ready)(struct loop_io *, int))
{
	*stream = (struct stream){0};
	loop_io_init(&stream->io, fd, on_ready);
}

void stream_close(struct stream *stream)
{
	if (!stream_is_open(stream))
		return;
	loop_io_set(&stream->io, 0);
	close(stream_fd(stream));
	loop_io_init(&stream->io, -1, stream->io.on_ready);
	buffer_fini(&stream->out);
}

void stream_set_connecting(struct stream *stream)
{
	stream->connecting = true;
	stream_update(stream);
}

void stream_set_reading(struct stream *stream, bool reading)
{
	stream->reading = reading;
	stream_update(stream);
}

ssize_t stream_receive(struct stream *stream, uint8_t *room, size_t size)
{
	ssize_t len;

	do
		len = recv(stream_fd(stream), room, size, 0);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : len;
}

static ssize_t send_both(struct stream *stream, const uint8_t *bytes, size_t len)
{
	struct iovec parts[2] = {
		{buffer_data(&stream->out), stream->out.len},
		{(void *)(uintptr_t)bytes, len},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	/* Mostly nothing waits, and a plain send(2) costs less. */
	if (stream->out.len == 0)
		return send(stream_fd(stream), bytes, len, MSG_NOSIGNAL);
	return sendmsg(stream_fd(stream), &message, MSG_NOSIGNAL);
}

/* Bytes that the socket took, 0 where it takes none now, or -errno. */
static ssize_t send_some(struct stream *stream, const uint8_t *bytes, size_t len)
{
	ssize_t sent;

	do
		sent = send_both(stream, bytes, len);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return 0;
	return sent < 0 ? -errno : sent;
}

int stream_write(struct stream *stream, const uint8_t *bytes, size_t len)
{
	size_t waited = stream->out.len;
	ssize_t sent = stream->connecting ? 0 : send_some(stream, bytes, len);
	size_t old, fresh;

	if (sent < 0)
		return (int)sent;
	old = (size_t)sent < waited ? (size_t)sent : waited;
	fresh = (size_t)sent - old;
	buffer_consume(&stream->out, old);
	if (fresh < len && buffer_append(&stream->out, bytes + fresh, len - fresh) < 0)
		return -ENOMEM;
	if (stream->out.len == 0)
		buffer_fini(&stream->out);
	stream_update(stream);
	return 0;
}

static int finish_connecting(struct stream *stream)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(stream_fd(stream), SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	if (error == 0)
		stream->connecting = false;
	return -error;
}

int stream_on_writable(struct stream *stream)
{
	if (stream->connecting) {
		int error = finish_connecting(stream);

		if (error < 0)
			return error;
	}
	if (stream->out.len == 0) {
		stream_update(stream);
		return 0;
	}
	return stream_write(stream, NULL, 0);
}

void stream_shut(struct stream *stream)
{
	/* Fails only where the peer is gone already, which the next read tells. */
	(void)shutdown(stream_fd(stream), SHUT_WR);
}

int stream_peek(const struct stream *stream)
{
	uint8_t byte;
	ssize_t len;

	do
		len = recv(stream_fd(stream), &byte, 1, MSG_PEEK);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : (int)len;
}
