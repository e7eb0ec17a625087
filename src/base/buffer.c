#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 1024 };

void buffer_init(struct buffer *buffer)
{
	*buffer = (struct buffer){0};
}

void buffer_fini(struct buffer *buffer)
{
	free(buffer->bytes);
	buffer_init(buffer);
}

/* Doubles, so that appending costs the same however long it goes on. */
static size_t next_capacity(const struct buffer *buffer, size_t needed)
{
	size_t capacity = buffer->capacity > 0 ? buffer->capacity : CAPACITY_MIN;

	while (capacity < needed && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	return capacity < needed ? needed : capacity;
}

static int enlarge(struct buffer *buffer, size_t needed)
{
	size_t capacity = next_capacity(buffer, needed);
	uint8_t *bytes = malloc(capacity);

	if (!bytes)
		return -ENOMEM;
	if (buffer->bytes)
		memcpy(bytes, buffer->bytes + buffer->start, buffer->len);
	free(buffer->bytes);
	buffer->bytes = bytes;
	buffer->start = 0;
	buffer->capacity = capacity;
	return 0;
}

int buffer_make_room(struct buffer *buffer, size_t len)
{
	if (len > SIZE_MAX - buffer->len)
		return -ENOMEM;
	if (buffer->capacity - buffer->len < len)
		return enlarge(buffer, buffer->len + len);
	memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->len);
	buffer->start = 0;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t len)
{
	uint8_t *room;

	if (len == 0)
		return 0;
	room = buffer_room(buffer, len);
	if (!room)
		return -ENOMEM;
	memcpy(room, bytes, len);
	buffer_grow(buffer, len);
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->len);
	buffer->start += len;
	buffer->len -= len;
	if (buffer->len == 0)
		buffer_fini(buffer);
}
