#ifndef LIB_WIRE_H
#define LIB_WIRE_H

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

/*
 * FastCGI for the test programs, on blocking sockets. It shares no code with the library on
 * purpose: a mistake there must not be made here too.
 */

enum {
	WIRE_HEADER = 8,
	WIRE_CONTENT_MAX = 65535,
	WIRE_BEGIN_REQUEST = 1,
	WIRE_ABORT_REQUEST = 2,
	WIRE_END_REQUEST = 3,
	WIRE_PARAMS = 4,
	WIRE_STDIN = 5,
	WIRE_STDOUT = 6,
	WIRE_STDERR = 7,
	WIRE_GET_VALUES = 9,
	WIRE_GET_VALUES_RESULT = 10,
	WIRE_UNKNOWN_TYPE = 11,
	WIRE_KEEP_CONN = 1,
	WIRE_AUTHORIZER = 2,
	WIRE_CANT_MPX_CONN = 1,
	WIRE_OVERLOADED = 2,
};

/* A growing run of bytes; all zero is empty. */
struct bytes {
	uint8_t *at; /* owned */
	size_t len, room;
};

static inline void bytes_add(struct bytes *bytes, const void *more, size_t len)
{
	if (len == 0)
		return;
	if (bytes->at == NULL || bytes->room - bytes->len < len) {
		bytes->room = 2 * bytes->room + len;
		bytes->at = realloc(bytes->at, bytes->room);
		if (bytes->at == NULL)
			abort();
	}
	memcpy(bytes->at + bytes->len, more, len);
	bytes->len += len;
}

/* What a body of a given size holds: any piece of it shows when it is lost or out of place. */
static inline uint8_t wire_pattern(size_t position)
{
	return (uint8_t)("0123456789abcdefghijklmnopqrstuvwxyz"[position % 36] +
			 (position / 36) % 3);
}

static inline void bytes_add_pattern(struct bytes *bytes, size_t from, size_t len)
{
	for (size_t i = from; i < from + len; i++) {
		uint8_t byte = wire_pattern(i);

		bytes_add(bytes, &byte, 1);
	}
}

#define WIRE_CHECKSUM_START 0xcbf29ce484222325u

/* FNV-1a, 64 bits. */
static inline uint64_t wire_checksum(uint64_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

/* One record; content that does not fit is the caller's bug. */
static inline void wire_add_record(struct bytes *out, uint8_t type, uint16_t id,
				   const void *content, size_t len)
{
	static const uint8_t zeros[8];
	uint8_t padding = (uint8_t)(-len & 7);
	uint8_t header[WIRE_HEADER] = {[0] = 1, [1] = type, [6] = padding};

	put_be16(header + 2, id);
	put_be16(header + 4, (uint16_t)len);
	bytes_add(out, header, sizeof(header));
	bytes_add(out, content, len);
	bytes_add(out, zeros, padding);
}

/* A stream of any length, in records; without the empty one that ends it. */
static inline void wire_add_stream(struct bytes *out, uint8_t type, uint16_t id,
				   const struct bytes *content)
{
	for (size_t sent = 0, len; sent < content->len; sent += len) {
		len = content->len - sent;
		if (len > WIRE_CONTENT_MAX)
			len = WIRE_CONTENT_MAX;
		wire_add_record(out, type, id, content->at + sent, len);
	}
}

static inline void wire_add_end(struct bytes *out, uint16_t id, uint32_t app_status, uint8_t status)
{
	uint8_t body[8] = {[4] = status};

	put_be32(body, app_status);
	wire_add_record(out, WIRE_END_REQUEST, id, body, sizeof(body));
}

static inline void wire_add_length(struct bytes *out, size_t len)
{
	uint8_t number[4] = {(uint8_t)len};

	if (len > 127)
		put_be32(number, (uint32_t)len | 0x80000000u);
	bytes_add(out, number, len > 127 ? 4 : 1);
}

static inline void wire_add_pair(struct bytes *out, const char *name, const char *value)
{
	wire_add_length(out, strlen(name));
	wire_add_length(out, strlen(value));
	bytes_add(out, name, strlen(name));
	bytes_add(out, value, strlen(value));
}

/* The length at *at, which moves on; -1: it is cut off. */
static inline long wire_take_length(const uint8_t **at, const uint8_t *end)
{
	long len;

	if (*at < end && **at < 128)
		return *(*at)++;
	if (end - *at < 4)
		return -1;
	len = (long)(get_be32(*at) & 0x7fffffffu);
	*at += 4;
	return len;
}

/* Calls with each pair, names and values not ended by NUL. 0, or -1 where they are cut off. */
static inline int wire_each_pair(const struct bytes *pairs, void *context,
				 void (*with)(void *context, const char *name, int name_len,
					      const char *value, int value_len))
{
	const uint8_t *at = pairs->at, *end = at + pairs->len;

	while (at < end) {
		long name_len = wire_take_length(&at, end);
		long value_len = name_len < 0 ? -1 : wire_take_length(&at, end);

		if (value_len < 0 || end - at < name_len + value_len)
			return -1;
		with(context, (const char *)at, (int)name_len, (const char *)at + name_len,
		     (int)value_len);
		at += name_len + value_len;
	}
	return 0;
}

/* No SIGPIPE, and no change of its disposition, which a test may look at. 0 or -1. */
static inline int wire_send(int fd, const void *bytes, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t count = send(fd, (const uint8_t *)bytes + sent, len - sent, MSG_NOSIGNAL);

		if (count < 0 && errno != EINTR)
			return -1;
		sent += count < 0 ? 0 : (size_t)count;
	}
	return 0;
}

static inline int wire_receive(int fd, void *bytes, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t count = recv(fd, (uint8_t *)bytes + got, len - got, 0);

		if (count == 0 || (count < 0 && errno != EINTR))
			return -1;
		got += count < 0 ? 0 : (size_t)count;
	}
	return 0;
}

struct wire_record {
	uint8_t type;
	uint16_t id;
	size_t len;
	uint8_t content[WIRE_CONTENT_MAX + 255 + 1]; /* with padding; a NUL follows the content */
};

/* Waits for a whole record. 0, or -1: the connection has ended, or it is no FastCGI. */
static inline int wire_receive_record(int fd, struct wire_record *record)
{
	uint8_t header[WIRE_HEADER];

	if (wire_receive(fd, header, sizeof(header)) < 0 || header[0] != 1)
		return -1;
	record->type = header[1];
	record->id = get_be16(header + 2);
	record->len = get_be16(header + 4);
	if (wire_receive(fd, record->content, record->len + header[6]) < 0)
		return -1;
	record->content[record->len] = '\0';
	return 0;
}

#endif
