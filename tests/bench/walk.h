#ifndef BENCH_WALK_H
#define BENCH_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "fcgi/record.h"

/*
 * Reads a stream of records from bytes as they come, at any cut. Not src/fcgi's reader on purpose:
 * what checks must not rest on what is checked.
 */
struct walk {
	uint8_t header[RECORD_HEADER_LEN];
	uint8_t header_len;
	uint8_t padding_left;
	uint8_t type;
	uint16_t id;
	uint16_t content_left;
	bool is_new; /* nothing of the record's content was given out */
};

/* Some of one record's content. */
struct walk_piece {
	uint8_t *bytes;
	size_t len;
	uint16_t id;
	uint8_t type;
	bool is_first, is_last; /* of its record; an empty record is both */
};

enum walk_result { WALK_PIECE, WALK_MORE, WALK_BAD };

static inline size_t walk_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline void walk_skip_padding(struct walk *walk, uint8_t **at, const uint8_t *end)
{
	size_t len = walk_least(walk->padding_left, (size_t)(end - *at));

	*at += len;
	walk->padding_left = (uint8_t)(walk->padding_left - len);
}

/* False: the bytes end before the header does. */
static inline bool walk_take_header(struct walk *walk, uint8_t **at, const uint8_t *end)
{
	size_t len = walk_least(RECORD_HEADER_LEN - walk->header_len, (size_t)(end - *at));

	memcpy(walk->header + walk->header_len, *at, len);
	*at += len;
	walk->header_len = (uint8_t)(walk->header_len + len);
	if (walk->header_len < RECORD_HEADER_LEN)
		return false;
	walk->type = walk->header[1];
	walk->id = get_be16(walk->header + 2);
	walk->content_left = get_be16(walk->header + 4);
	walk->is_new = true;
	return true;
}

static inline void walk_take_content(struct walk *walk, uint8_t **at, const uint8_t *end,
				     struct walk_piece *piece)
{
	piece->bytes = *at;
	piece->len = walk_least(walk->content_left, (size_t)(end - *at));
	piece->id = walk->id;
	piece->type = walk->type;
	piece->is_first = walk->is_new;
	piece->is_last = piece->len == walk->content_left;
	*at += piece->len;
	walk->content_left = (uint16_t)(walk->content_left - piece->len);
	walk->is_new = false;
	if (piece->is_last) {
		walk->padding_left = walk->header[6];
		walk->header_len = 0;
	}
}

/* The next piece of the bytes at *at, which is moved behind it. WALK_BAD: no FastCGI 1. */
static inline enum walk_result walk_next(struct walk *walk, uint8_t **at, const uint8_t *end,
					 struct walk_piece *piece)
{
	walk_skip_padding(walk, at, end);
	if (walk->header_len < RECORD_HEADER_LEN && !walk_take_header(walk, at, end))
		return WALK_MORE;
	if (walk->header[0] != RECORD_VERSION)
		return WALK_BAD;
	if (*at == end && walk->content_left > 0)
		return WALK_MORE;
	walk_take_content(walk, at, end, piece);
	return WALK_PIECE;
}

#endif
