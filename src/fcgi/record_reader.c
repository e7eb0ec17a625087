#include "fcgi/record_reader.h"

#include <string.h>

#include "base/bytes.h"
#include "fcgi/record.h"

/* Of BEGIN_REQUEST and END_REQUEST (sections 5.1, 5.5). */
enum { FIXED_CONTENT_LEN = RECORD_BEGIN_LEN - RECORD_HEADER_LEN };

void record_reader_begin(struct record_cursor *cursor, struct record_reader *reader, uint8_t *bytes,
			 size_t len)
{
	*cursor = (struct record_cursor){.reader = reader, .at = bytes, .end = bytes + len};
	cursor->at -= reader->held_len;
	memcpy(cursor->at, reader->held, reader->held_len);
	reader->held_len = 0;
}

static enum record_result hold(struct record_cursor *cursor, size_t len)
{
	memcpy(cursor->reader->held, cursor->at, len);
	cursor->reader->held_len = (uint8_t)len;
	cursor->at = cursor->end;
	return RECORD_MORE;
}

static void skip_padding(struct record_cursor *cursor)
{
	size_t here = (size_t)(cursor->end - cursor->at);
	size_t len = cursor->reader->padding_left < here ? cursor->reader->padding_left : here;

	cursor->at += len;
	cursor->reader->padding_left -= (uint8_t)len;
}

static bool is_fixed(uint8_t type)
{
	return type == RECORD_BEGIN_REQUEST || type == RECORD_END_REQUEST;
}

/* The rest of a record comes as one of its own: its header waits for the next bytes. */
static void hold_rest(struct record_reader *reader, const uint8_t *header, size_t content_left)
{
	memcpy(reader->held, header, RECORD_HEADER_LEN);
	put_be16(reader->held + RECORD_AT_CONTENT_LEN, (uint16_t)content_left);
	reader->held_len = RECORD_HEADER_LEN;
}

static void cut_content(struct record_cursor *cursor, struct record_piece *piece, size_t here)
{
	hold_rest(cursor->reader, piece->record, piece->content_len - here);
	put_be16(piece->record + RECORD_AT_CONTENT_LEN, (uint16_t)here);
	piece->record[RECORD_AT_PADDING_LEN] = 0;
	piece->content_len = here;
	piece->record_len = RECORD_HEADER_LEN + here;
	piece->last = false;
}

static void cut_padding(struct record_cursor *cursor, struct record_piece *piece, size_t here)
{
	cursor->reader->padding_left = (uint8_t)(piece->record[RECORD_AT_PADDING_LEN] - here);
	piece->record[RECORD_AT_PADDING_LEN] = (uint8_t)here;
	piece->record_len = RECORD_HEADER_LEN + piece->content_len + here;
}

static void decode(struct record_piece *piece, uint8_t *record)
{
	size_t content_len = get_be16(record + RECORD_AT_CONTENT_LEN);

	*piece = (struct record_piece){
		.record = record,
		.record_len = RECORD_HEADER_LEN + content_len + record[RECORD_AT_PADDING_LEN],
		.content = record + RECORD_HEADER_LEN,
		.content_len = content_len,
		.id = get_be16(record + RECORD_AT_ID),
		.type = record[RECORD_AT_TYPE],
		.last = true,
	};
}

enum record_result record_reader_next(struct record_cursor *cursor, struct record_piece *piece)
{
	size_t here;

	if (cursor->reader->padding_left > 0)
		skip_padding(cursor);
	here = (size_t)(cursor->end - cursor->at);
	/* The header of a record's rest may be held already: it stays. */
	if (here == 0)
		return RECORD_MORE;
	if (cursor->at[RECORD_AT_VERSION] != RECORD_VERSION)
		return RECORD_BAD;
	if (here < RECORD_HEADER_LEN)
		return hold(cursor, here);
	decode(piece, cursor->at);
	if (is_fixed(piece->type) && piece->content_len != FIXED_CONTENT_LEN)
		return RECORD_BAD;
	here -= RECORD_HEADER_LEN;
	if (here < piece->content_len && (here == 0 || is_fixed(piece->type)))
		return hold(cursor, RECORD_HEADER_LEN + here);
	if (here < piece->content_len)
		cut_content(cursor, piece, here);
	else if (here < piece->record_len - RECORD_HEADER_LEN)
		cut_padding(cursor, piece, here - piece->content_len);
	cursor->at += piece->record_len;
	return RECORD_PIECE;
}

bool record_reader_is_between(const struct record_reader *reader)
{
	return reader->held_len == 0 && reader->padding_left == 0;
}
