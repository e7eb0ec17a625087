#include "os/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
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
	if (stream->connecting || stream_waiting(stream) > 0)
		events |= LOOP_WRITE;
	loop_io_set(&stream->io, events);
}

void stream_init(struct stream *stream, int fd, void (*on_ready)(struct loop_io *, int))
{
	*stream = (struct stream){0};
	loop_io_init(&stream->io, fd, on_ready);
}

/* It is out, or never will be. */
static void end_piece(struct stream *stream)
{
	struct stream_piece *piece = stream->piece;

	if (!piece)
		return;
	if (piece->is_owned)
		close(piece->file.fd);
	buffer_fini(&stream->out);
	stream->out = piece->behind;
	stream->piece = NULL;
	free(piece);
}

void stream_close(struct stream *stream)
{
	if (!stream_is_open(stream))
		return;
	loop_io_set(&stream->io, 0);
	close(stream_fd(stream));
	loop_io_init(&stream->io, -1, stream->io.on_ready);
	end_piece(stream);
	buffer_fini(&stream->out);
}

void stream_set_connecting(struct stream *stream)
{
	stream->connecting = true;
	stream_update(stream);
}

void stream_set_reading(struct stream *stream, bool reading)
{
	if (stream->reading == reading)
		return;
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
	int flags = MSG_NOSIGNAL | (stream->piece ? MSG_MORE : 0);

	/* Mostly nothing waits, and a plain send(2) costs less. */
	if (stream->out.len == 0)
		return send(stream_fd(stream), bytes, len, flags);
	return sendmsg(stream_fd(stream), &message, flags);
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

/* What waits in memory before a file, then the bytes, which none waits before. */
static int send_memory(struct stream *stream, const uint8_t *bytes, size_t len)
{
	size_t waited = stream->out.len;
	ssize_t sent = stream->connecting ? 0 : send_some(stream, bytes, len);
	size_t old, fresh;

	if (sent < 0)
		return (int)sent;
	/* Mostly: nothing waited and nothing does, and what the loop watches stays as it is. */
	if (waited == 0 && (size_t)sent == len)
		return 0;
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

int stream_write(struct stream *stream, const uint8_t *bytes, size_t len)
{
	if (stream->piece)
		return buffer_append(&stream->piece->behind, bytes, len);
	return send_memory(stream, bytes, len);
}

int stream_put_file(struct stream *stream, const uint8_t *bytes, size_t len,
		    const struct stream_file *file)
{
	struct stream_piece *piece = calloc(1, sizeof(*piece));

	assert(!stream->piece && file->len > 0);
	if (!piece || buffer_append(&stream->out, bytes, len) < 0) {
		free(piece);
		return -ENOMEM;
	}
	piece->file = *file;
	stream->piece = piece;
	stream_update(stream);
	return 0;
}

bool stream_take_over(struct stream *stream, int fd)
{
	if (!stream->piece || stream->piece->file.fd != fd)
		return false;
	stream->piece->is_owned = true;
	return true;
}

/* Bytes of the file that the socket took, 0 where it takes none now, or -errno. */
static ssize_t send_file(const struct stream *stream, const struct stream_file *file)
{
	off_t offset = (off_t)file->offset;
	ssize_t sent;

	do
		sent = sendfile(stream_fd(stream), file->fd, &offset, file->len);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return 0;
	if (sent == 0)
		return -ENODATA;
	return sent < 0 ? -errno : sent;
}

static int send_piece(struct stream *stream)
{
	struct stream_file *file = &stream->piece->file;
	ssize_t sent;

	if (stream->out.len > 0) {
		int error = send_memory(stream, NULL, 0);

		if (error < 0 || stream->out.len > 0)
			return error;
	}
	sent = send_file(stream, file);
	if (sent < 0)
		return (int)sent;
	file->offset += (size_t)sent;
	file->len -= (size_t)sent;
	if (file->len == 0)
		end_piece(stream);
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
	if (stream->piece) {
		int error = send_piece(stream);

		if (error < 0 || stream->piece)
			return error;
	}
	if (stream->out.len == 0) {
		stream_update(stream);
		return 0;
	}
	return send_memory(stream, NULL, 0);
}

void stream_shut(struct stream *stream)
{
	buffer_fini(&stream->out);
	stream_update(stream);
	/* Fails only where the peer is gone already, which the next read tells. */
	(void)shutdown(stream_fd(stream), SHUT_WR);
}

void stream_shut_input(struct stream *stream)
{
	(void)shutdown(stream_fd(stream), SHUT_RD);
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
