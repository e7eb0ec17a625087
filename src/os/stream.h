#ifndef OS_STREAM_H
#define OS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "os/loop.h"

/* Bytes of a file, 1 at least; fd is borrowed until they are out or it is taken over. */
struct stream_file {
	int fd;
	uint64_t offset;
	size_t len;
};

struct stream_piece {
	struct stream_file file; /* what is left of it */
	bool is_owned;		 /* and the stream closes its descriptor */
	struct buffer behind;	 /* was written after it */
};

/*
 * A non-blocking connected socket with what the peer has not taken yet. It tries the write first
 * and asks the kernel for writability only when something is left over; what the loop watches is
 * computed from what waits and the owner's wish in one place. The owner reads into memory of its
 * own.
 */
struct stream {
	struct loop_io io;
	struct buffer out;	    /* goes out first */
	struct stream_piece *piece; /* owned: goes out behind it; NULL: no file waits */
	bool reading;		    /* the owner wants to know when there is something to read */
	bool connecting;	    /* connect(2) is in progress: nothing is sent before it ends */
};

/*
 * Takes fd, which the stream closes. Nothing is watched yet: a socket that is read at once and
 * answered at once never meets the loop. on_ready calls stream_on_writable itself on LOOP_WRITE.
 */
void stream_init(struct stream *stream, int fd, void (*on_ready)(struct loop_io *, int));

/* Closes the descriptor and drops what was not sent; a closed stream takes it again. */
void stream_close(struct stream *stream);

int stream_fd(const struct stream *stream); /* -1: closed */
bool stream_is_open(const struct stream *stream);

void stream_set_connecting(struct stream *stream); /* before the first write */
void stream_set_reading(struct stream *stream, bool reading);

/* Bytes taken into the room of size; 0: the peer ended; -EAGAIN: none now; another -errno. */
ssize_t stream_receive(struct stream *stream, uint8_t *room, size_t size);

/*
 * Sends what the socket takes, behind what waits already, and holds the rest. 0, or -errno: the
 * connection is broken or there is no memory; nothing further may be written.
 */
int stream_write(struct stream *stream, const uint8_t *bytes, size_t len)
	__attribute__((warn_unused_result));

/*
 * Queues len bytes of memory, and those of a file behind them: one file at a time. Nothing is tried
 * before stream_on_writable, which the loop calls for, and after which the owner sees whether it is
 * out. A file that ends too early shows there as -ENODATA. 0 or -ENOMEM.
 */
int stream_put_file(struct stream *stream, const uint8_t *bytes, size_t len,
		    const struct stream_file *file) __attribute__((warn_unused_result));

static inline bool stream_has_file(const struct stream *stream)
{
	return stream->piece;
}

/* The owner is done with fd. True: bytes of it wait still, and the stream closes it after them. */
bool stream_take_over(struct stream *stream, int fd);

/* The socket is writable: ends connecting, sends what waits. 0 or -errno as stream_write. */
int stream_on_writable(struct stream *stream) __attribute__((warn_unused_result));

/* Bytes that wait for the peer. */
static inline size_t stream_waiting(const struct stream *stream)
{
	const struct stream_piece *piece = stream->piece;

	return stream->out.len + (piece ? piece->file.len + piece->behind.len : 0);
}

/* No more will be written, nor what waits in memory: the peer reads to the end of what was sent. */
void stream_shut(struct stream *stream);

/* What the peer has sent by now can be read to its end; more it cannot send, and is told so. */
void stream_shut_input(struct stream *stream);

/* What a read would find, without taking it: 1: bytes; 0: the end; -EAGAIN: nothing; or -errno. */
int stream_peek(const struct stream *stream);

#endif
