#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"
#include "guarded.h"

enum { SPECS_MAX = 256, WIRE_SIZE = 128 * 1024, CANARY_LEN = 64, CANARY = 0xAA, ROUNDS = 3000 };

/* One record as it was sent. */
struct spec {
	uint8_t type;
	uint16_t id;
	uint16_t content_len;
	uint8_t padding_len;
	size_t at; /* of its header on the wire */
};

struct conversation {
	struct spec specs[SPECS_MAX];
	size_t count;
	uint8_t *wire;
	size_t len;
	struct guarded guarded; /* what the reader is given */
};

/* A reader's way through a conversation. */
struct walk {
	const struct conversation *conversation;
	struct record_reader reader;
	size_t index; /* of the record that comes */
	size_t seen;  /* bytes of its content that came */
};

static struct conversation *conversation_new(void)
{
	struct conversation *conversation = calloc(1, sizeof(*conversation));

	assert_non_null(conversation);
	conversation->wire = malloc(WIRE_SIZE);
	assert_non_null(conversation->wire);
	conversation->guarded = guarded_new(WIRE_SIZE + RECORD_HEADROOM + CANARY_LEN);
	return conversation;
}

static void conversation_free(struct conversation *conversation)
{
	guarded_free(&conversation->guarded);
	free(conversation->wire);
	free(conversation);
}

static void add(struct conversation *conversation, uint8_t type, size_t content_len, int padding)
{
	struct spec *spec = &conversation->specs[conversation->count];
	uint8_t *header = conversation->wire + conversation->len;

	assert_true(conversation->count < SPECS_MAX);
	*spec = (struct spec){
		.type = type,
		.id = (uint16_t)(type >= RECORD_GET_VALUES ? 0 : conversation->count * 7919 + 1),
		.content_len = (uint16_t)content_len,
		.padding_len = (uint8_t)padding,
		.at = conversation->len,
	};
	conversation->len += RECORD_HEADER_LEN + content_len + spec->padding_len;
	assert_true(conversation->len <= WIRE_SIZE);
	conversation->count++;
	record_header_encode(header, type, spec->id, spec->content_len);
	header[6] = spec->padding_len;
	for (size_t i = 0; i < content_len + spec->padding_len; i++)
		header[RECORD_HEADER_LEN + i] = (uint8_t)rand();
}

static bool is_fixed(uint8_t type)
{
	return type == RECORD_BEGIN_REQUEST || type == RECORD_END_REQUEST;
}

/* All types, known ones and others; the lengths at which encodings change; all kinds of padding. */
static struct conversation *mixed_conversation(void)
{
	static const size_t lens[] = {0, 1, 127, 128, 5};
	static const uint8_t types[] = {1, 4, 4, 5, 5, 2, 6, 7, 6, 3, 8, 9, 10, 11, 12, 200, 255};
	struct conversation *conversation = conversation_new();
	int padding = 0;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (size_t n = 0; n < sizeof(types); n++) {
			add(conversation, types[n], is_fixed(types[n]) ? 8 : lens[i], padding);
			padding = (padding * 5 + 7) % 256;
		}
	add(conversation, RECORD_STDIN, 0, 0);
	add(conversation, RECORD_END_REQUEST, 8, 255);
	return conversation;
}

static struct conversation *large_conversation(void)
{
	struct conversation *conversation = conversation_new();

	add(conversation, RECORD_BEGIN_REQUEST, 8, 0);
	add(conversation, RECORD_STDOUT, RECORD_CONTENT_MAX, 255);
	add(conversation, RECORD_END_REQUEST, 8, 1);
	return conversation;
}

static void walk_init(struct walk *walk, const struct conversation *conversation)
{
	*walk = (struct walk){.conversation = conversation};
}

/* That a piece is a record by itself, and the next that was to come. */
static void check_piece(struct walk *walk, const struct record_piece *piece)
{
	const struct conversation *conversation = walk->conversation;
	const struct spec *spec = &conversation->specs[walk->index];
	const uint8_t *content = conversation->wire + spec->at + RECORD_HEADER_LEN;

	assert_true(walk->index < conversation->count);
	assert_int_equal(piece->type, spec->type);
	assert_int_equal(piece->id, spec->id);
	assert_int_equal(piece->record[0], RECORD_VERSION);
	assert_int_equal(piece->record[1], spec->type);
	assert_int_equal(get_be16(piece->record + 2), spec->id);
	assert_int_equal(get_be16(piece->record + 4), piece->content_len);
	assert_int_equal(piece->record_len,
			 RECORD_HEADER_LEN + piece->content_len + piece->record[6]);
	assert_ptr_equal(piece->content, piece->record + RECORD_HEADER_LEN);
	/* One that is empty would end a stream. */
	assert_true(piece->content_len > 0 || spec->content_len == 0);
	assert_true(walk->seen + piece->content_len <= spec->content_len);
	assert_true(piece->record[6] <= spec->padding_len);
	assert_int_equal(memcmp(piece->content, content + walk->seen, piece->content_len), 0);
	walk->seen += piece->content_len;
	assert_int_equal(piece->last, walk->seen == spec->content_len);
	if (is_fixed(spec->type))
		assert_true(piece->last);
	if (!piece->last)
		return;
	walk->index++;
	walk->seen = 0;
}

static bool is_boundary(const struct conversation *conversation, size_t at)
{
	for (size_t i = 0; i < conversation->count; i++)
		if (conversation->specs[i].at == at)
			return true;
	return at == conversation->len;
}

/* Gives the reader a part of the wire, at the end of what may be touched. */
static void feed(struct walk *walk, size_t from, size_t to)
{
	const struct conversation *conversation = walk->conversation;
	uint8_t *bytes =
		guarded_place(&conversation->guarded, conversation->wire + from, to - from);
	uint8_t *canary = bytes - RECORD_HEADROOM - CANARY_LEN;
	struct record_cursor cursor;
	struct record_piece piece;
	enum record_result result;
	uint8_t *end = bytes - RECORD_HEADROOM;

	memset(canary, CANARY, CANARY_LEN);
	record_reader_begin(&cursor, &walk->reader, bytes, to - from);
	while ((result = record_reader_next(&cursor, &piece)) == RECORD_PIECE) {
		/* In place, one behind the other. */
		assert_true(piece.record >= end);
		end = piece.record + piece.record_len;
		assert_true(end <= bytes + (to - from));
		check_piece(walk, &piece);
	}
	assert_int_equal(result, RECORD_MORE);
	for (size_t i = 0; i < CANARY_LEN; i++)
		assert_int_equal(canary[i], CANARY);
	assert_true(walk->reader.held_len <= RECORD_HEADROOM);
}

static void finish(const struct walk *walk)
{
	assert_int_equal(walk->index, walk->conversation->count);
	assert_int_equal(walk->seen, 0);
	assert_true(record_reader_is_between(&walk->reader));
}

static void split_at_each_byte(struct conversation *conversation)
{
	for (size_t cut = 0; cut <= conversation->len; cut++) {
		struct walk walk;

		walk_init(&walk, conversation);
		feed(&walk, 0, cut);
		assert_int_equal(record_reader_is_between(&walk.reader),
				 is_boundary(conversation, cut));
		feed(&walk, cut, conversation->len);
		finish(&walk);
	}
	conversation_free(conversation);
}

static void test_split_in_two_at_each_byte(void **state)
{
	(void)state;
	split_at_each_byte(mixed_conversation());
}

static void test_the_largest_record_split_at_each_byte(void **state)
{
	(void)state;
	split_at_each_byte(large_conversation());
}

static void test_split_in_three_anywhere(void **state)
{
	struct conversation *conversation = mixed_conversation();

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t second = (size_t)rand() % (conversation->len + 1);
		size_t first = (size_t)rand() % (second + 1);
		struct walk walk;

		walk_init(&walk, conversation);
		feed(&walk, 0, first);
		feed(&walk, first, second);
		feed(&walk, second, conversation->len);
		finish(&walk);
	}
	conversation_free(conversation);
}

static void chop(struct conversation *conversation, size_t len_max)
{
	struct walk walk;
	size_t at = 0;

	walk_init(&walk, conversation);
	while (at < conversation->len) {
		size_t len = 1 + (size_t)rand() % len_max;

		if (len > conversation->len - at)
			len = conversation->len - at;
		feed(&walk, at, at + len);
		at += len;
		/* Nothing new changes nothing. */
		feed(&walk, at, at);
	}
	finish(&walk);
	conversation_free(conversation);
}

static void test_chopped_small(void **state)
{
	(void)state;
	chop(mixed_conversation(), 1);
	chop(large_conversation(), 1);
	for (int round = 0; round < 20; round++)
		chop(mixed_conversation(), 20);
}

static void test_all_paddings(void **state)
{
	struct conversation *conversation = conversation_new();

	(void)state;
	for (int padding = 0; padding < 256; padding++)
		add(conversation, RECORD_STDERR, 1, padding);
	chop(conversation, 300);
}

/* The result for one record, in one piece and then cut at each byte. */
static void check_bad(const uint8_t *record, size_t len)
{
	struct guarded guarded = guarded_new(len + RECORD_HEADROOM);

	for (size_t cut = 0; cut <= len; cut++) {
		struct record_reader reader = {0};
		struct record_cursor cursor;
		struct record_piece piece;
		enum record_result result;

		record_reader_begin(&cursor, &reader, guarded_place(&guarded, record, cut), cut);
		result = record_reader_next(&cursor, &piece);
		assert_true(result != RECORD_PIECE);
		if (result == RECORD_BAD)
			continue;
		record_reader_begin(&cursor, &reader,
				    guarded_place(&guarded, record + cut, len - cut), len - cut);
		assert_int_equal(record_reader_next(&cursor, &piece), RECORD_BAD);
	}
	guarded_free(&guarded);
}

static void test_another_version_is_bad(void **state)
{
	uint8_t record[RECORD_HEADER_LEN];

	(void)state;
	for (int version = 0; version < 256; version++) {
		if (version == RECORD_VERSION)
			continue;
		record_header_encode(record, RECORD_STDIN, 1, 0);
		record[0] = (uint8_t)version;
		check_bad(record, sizeof(record));
	}
}

static void test_begin_and_end_of_another_length_are_bad(void **state)
{
	static const uint16_t lens[] = {0, 1, 7, 9, 16, RECORD_CONTENT_MAX};
	uint8_t record[RECORD_HEADER_LEN + 8] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		record_header_encode(record, RECORD_BEGIN_REQUEST, 1, lens[i]);
		check_bad(record, sizeof(record));
		record_header_encode(record, RECORD_END_REQUEST, 1, lens[i]);
		check_bad(record, sizeof(record));
	}
}

static void test_a_cut_record_leaves_room_for_another(void **state)
{
	static const uint8_t sent[] = {1, 6, 0, 9, 0, 3, 2, 0, 'a', 'b', 'c', 'x', 'y'};
	static const uint8_t first[] = {1, 6, 0, 9, 0, 2, 0, 0, 'a', 'b'};
	static const uint8_t second[] = {1, 6, 0, 9, 0, 1, 1, 0, 'c', 'x'};
	uint8_t bytes[RECORD_HEADROOM + sizeof(sent)];
	struct record_reader reader = {0};
	struct record_cursor cursor;
	struct record_piece piece;

	(void)state;
	memcpy(bytes + RECORD_HEADROOM, sent, sizeof(sent));
	record_reader_begin(&cursor, &reader, bytes + RECORD_HEADROOM, 10);
	assert_int_equal(record_reader_next(&cursor, &piece), RECORD_PIECE);
	assert_int_equal(piece.record_len, sizeof(first));
	assert_memory_equal(piece.record, first, sizeof(first));
	assert_false(piece.last);
	assert_int_equal(record_reader_next(&cursor, &piece), RECORD_MORE);

	memcpy(bytes + RECORD_HEADROOM, sent + 10, 2);
	record_reader_begin(&cursor, &reader, bytes + RECORD_HEADROOM, 2);
	assert_int_equal(record_reader_next(&cursor, &piece), RECORD_PIECE);
	assert_int_equal(piece.record_len, sizeof(second));
	assert_memory_equal(piece.record, second, sizeof(second));
	assert_true(piece.last);
	assert_int_equal(record_reader_next(&cursor, &piece), RECORD_MORE);
	assert_false(record_reader_is_between(&reader));
}

/* SEED=N repeats what a run with that number did. */
static void seed(void)
{
	const char *given = getenv("SEED");
	unsigned number = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

	print_message("# SEED=%u\n", number);
	srand(number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_in_two_at_each_byte),
		cmocka_unit_test(test_the_largest_record_split_at_each_byte),
		cmocka_unit_test(test_split_in_three_anywhere),
		cmocka_unit_test(test_chopped_small),
		cmocka_unit_test(test_all_paddings),
		cmocka_unit_test(test_another_version_is_bad),
		cmocka_unit_test(test_begin_and_end_of_another_length_are_bad),
		cmocka_unit_test(test_a_cut_record_leaves_room_for_another),
	};

	seed();
	return cmocka_run_group_tests_name("record_reader", tests, NULL, NULL);
}
