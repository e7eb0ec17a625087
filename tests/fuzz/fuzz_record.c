/*
 * Records: the same bytes, cut anywhere, give the same records, and no piece lies outside of what
 * was given.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "base/buffer.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"

/* What a reader made of a stream. */
struct trace {
	struct buffer bytes; /* of each record: type, id, content, and a mark where it ends */
	enum record_result result;
	bool is_inside; /* the last piece did not end its record */
	bool is_between;
};

enum { MARK = 0xfe };

static void append(struct buffer *buffer, const void *bytes, size_t len)
{
	CHECK(buffer_append(buffer, bytes, len) == 0);
}

static void note_piece(struct trace *trace, const struct record_piece *piece)
{
	const uint8_t head[] = {piece->type, (uint8_t)(piece->id >> 8), (uint8_t)piece->id};
	const uint8_t mark = MARK;

	CHECK(piece->record_len == record_len(piece->record));
	CHECK(piece->content == piece->record + RECORD_HEADER_LEN);
	CHECK(piece->content_len > 0 || (!trace->is_inside && piece->last));
	if (!trace->is_inside)
		append(&trace->bytes, head, sizeof(head));
	append(&trace->bytes, piece->content, piece->content_len);
	if (piece->last)
		append(&trace->bytes, &mark, sizeof(mark));
	trace->is_inside = !piece->last;
}

static void read_piece(struct trace *trace, struct record_reader *reader, const uint8_t *bytes,
		       size_t len)
{
	uint8_t *room = malloc(RECORD_HEADROOM + len);
	struct record_cursor cursor;
	struct record_piece piece;

	CHECK(room);
	memcpy(room + RECORD_HEADROOM, bytes, len);
	record_reader_begin(&cursor, reader, room + RECORD_HEADROOM, len);
	while ((trace->result = record_reader_next(&cursor, &piece)) == RECORD_PIECE) {
		CHECK(piece.record >= room);
		CHECK(piece.record + piece.record_len <= room + RECORD_HEADROOM + len);
		note_piece(trace, &piece);
	}
	free(room);
}

/* random NULL: in one piece. */
static struct trace read_stream(const uint8_t *bytes, size_t len, uint64_t *random)
{
	struct record_reader reader = {0};
	struct trace trace = {.result = RECORD_MORE};

	while (len > 0 && trace.result == RECORD_MORE) {
		size_t part = random ? next_cut(random, len) : len;

		read_piece(&trace, &reader, bytes, part);
		bytes += part;
		len -= part;
	}
	trace.is_between = record_reader_is_between(&reader);
	return trace;
}

static void compare(const struct trace *a, const struct trace *b)
{
	CHECK(a->result == b->result);
	CHECK(a->bytes.len == b->bytes.len);
	CHECK(a->bytes.len == 0 ||
	      memcmp(buffer_data(&a->bytes), buffer_data(&b->bytes), a->bytes.len) == 0);
	if (a->result == RECORD_MORE)
		CHECK(a->is_inside == b->is_inside && a->is_between == b->is_between);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	uint64_t random = seed_random(take_byte(&input));
	struct trace whole = read_stream(input.at, input.len, NULL);

	for (int i = 0; i < 2; i++) {
		struct trace cut = read_stream(input.at, input.len, &random);

		compare(&whole, &cut);
		buffer_fini(&cut.bytes);
	}
	buffer_fini(&whole.bytes);
	return 0;
}
