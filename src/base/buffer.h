#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A queue of bytes on the heap. Empty, it holds no memory: an idle connection costs no buffer. The
 * caller bounds it: it looks at len before it appends.
 */
struct buffer {
	uint8_t *bytes;	 /* owned; NULL when capacity is 0 */
	size_t start;	 /* the first byte that was not consumed */
	size_t len;	 /* bytes held from start on */
	size_t capacity; /* bytes allocated */
};

/* All zero is an empty buffer too. */
void buffer_init(struct buffer *buffer);

/* Gives the memory back; the buffer is empty and usable again. */
void buffer_fini(struct buffer *buffer);

/* The bytes held, or NULL: valid until the next call that changes the buffer. */
static inline uint8_t *buffer_data(const struct buffer *buffer)
{
	return buffer->bytes ? buffer->bytes + buffer->start : NULL;
}

/* For buffer_room, where there is too little behind those held. 0 or -ENOMEM. */
int buffer_make_room(struct buffer *buffer, size_t len) __attribute__((warn_unused_result));

/* Room for len > 0 bytes behind those held, to be taken with buffer_grow. NULL: no memory. */
static inline uint8_t *buffer_room(struct buffer *buffer, size_t len)
{
	size_t end = buffer->start + buffer->len;

	if (buffer->capacity - end < len && buffer_make_room(buffer, len) < 0)
		return NULL;
	return buffer_data(buffer) + buffer->len;
}

/* len bytes of the room were filled. */
static inline void buffer_grow(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->capacity - buffer->start - buffer->len);
	buffer->len += len;
}

/* Copies len bytes to the end. 0, or -ENOMEM with the buffer as it was. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t len)
	__attribute__((warn_unused_result));

/* Drops len bytes from the front, no more than are held; with the last goes the memory. */
void buffer_consume(struct buffer *buffer, size_t len);

#endif
