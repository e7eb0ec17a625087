#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fcgi/head.h"
#include "fcgi/params.h"
#include "guarded.h"

enum { MAX_LEN = 1000 };

#define BYTES(text) text, sizeof(text) - 1

struct row {
	const char *bytes;
	size_t len;
	enum head_result result;
	size_t head_len; /* where complete */
	unsigned status;
};

static const struct row rows[] = {
	{BYTES("Status: 201 Made\r\nX: y\r\n\r\nBODY\n\n"), HEAD_COMPLETE, 26, 201},
	{BYTES("Status: 201\nX: y\n\nBODY"), HEAD_COMPLETE, 18, 201},
	{BYTES("A: b\r\nC:d\n\nBODY"), HEAD_COMPLETE, 11, 200},
	{BYTES("A: b\nC: d\n\r\n\r\n"), HEAD_COMPLETE, 12, 200},
	{BYTES("A: b\n\nNo head\0"), HEAD_COMPLETE, 6, 200},
	{BYTES("\nBODY"), HEAD_COMPLETE, 1, 200},
	{BYTES("\r\nBODY"), HEAD_COMPLETE, 2, 200},
	{BYTES("A:\n\n"), HEAD_COMPLETE, 4, 200},
	{BYTES("A: a\tb\x01\x7f\xc3\xa9\n\n"), HEAD_COMPLETE, 12, 200},
	{BYTES("X_A: b\nX(A)/\xc3\xa9: b\n\n"), HEAD_COMPLETE, 19, 200},
	{BYTES("Status: 404\n\n"), HEAD_COMPLETE, 13, 404},
	{BYTES("sTATUS:100\t\n\n"), HEAD_COMPLETE, 13, 100},
	{BYTES("Status:\t 999 x\n\n"), HEAD_COMPLETE, 16, 999},
	{BYTES("Status: 201\nStatus: 201 Made\n\n"), HEAD_COMPLETE, 30, 201},
	{BYTES("Location: /x\n\n"), HEAD_COMPLETE, 14, 302},
	{BYTES("Location: /x\nStatus: 201\n\n"), HEAD_COMPLETE, 26, 201},
	{BYTES("Status: 200\nLocation: /x\n\n"), HEAD_COMPLETE, 26, 200},
	{BYTES("HTTP/1.1 404 Not: There\r\nA: b\r\n\r\n"), HEAD_COMPLETE, 33, 404},
	{BYTES("HTTP/1.0 204\n\n"), HEAD_COMPLETE, 14, 204},
	{BYTES("HTTP/1.1 403 No\nStatus: 403\n\n"), HEAD_COMPLETE, 29, 403},
	{BYTES(""), HEAD_MORE, 0, 0},
	{BYTES("A: b\nC: d\n"), HEAD_MORE, 0, 0},
	{BYTES("A: b\nC: d\r\n\r"), HEAD_MORE, 0, 0},
	{BYTES("<html>hello</html>"), HEAD_MORE, 0, 0},
	{BYTES("no colon\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: b\n<html>\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES(": b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: b\nHTTP/1.1: 200\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A : b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A B: b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A\x7f: b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A\0B: b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: a\0b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: a\rb\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: a\r\r\n\r\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: a\r\n\r\r\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: a\n  b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: a\n\tb: c\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES(" A: a\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status:\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: abc\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: 20\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: 099\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: 1000\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: 200OK\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: -200\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("Status: 200\nStatus: 403\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("HTTP/1.1 403 No\nStatus: 200\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("HTTP/1.1 40\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("HTTP/1.1\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("HTTP/1.1 404 a\0b\n\n"), HEAD_MALFORMED, 0, 0},
	{BYTES("A: b\nHTTP/1.1 404 No\n\n"), HEAD_MALFORMED, 0, 0},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The bytes come in two pieces, each at the end of what may be touched. */
static enum head_result read_in_two(struct head *head, const struct row *row, size_t cut,
				    const struct guarded *guarded)
{
	enum head_result result = head_read(head, guarded_place(guarded, row->bytes, cut), cut);

	if (result != HEAD_MORE)
		return result;
	return head_read(head, guarded_place(guarded, row->bytes, row->len), row->len);
}

static void test_heads_at_every_cut(void **state)
{
	struct guarded guarded = guarded_new(MAX_LEN);
	struct head head;

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t cut = 0; cut <= rows[i].len; cut++) {
			head_init(&head, MAX_LEN);
			if (read_in_two(&head, &rows[i], cut, &guarded) != rows[i].result)
				fail_msg("%s, cut at %zu", rows[i].bytes, cut);
			if (rows[i].result != HEAD_COMPLETE)
				continue;
			assert_int_equal(head.len, rows[i].head_len);
			assert_int_equal(head.status, rows[i].status);
		}
	guarded_free(&guarded);
}

static void test_byte_by_byte(void **state)
{
	struct head head;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		enum head_result result = HEAD_MORE;

		head_init(&head, MAX_LEN);
		for (size_t len = 0; len <= rows[i].len && result == HEAD_MORE; len++)
			result = head_read(&head, (const uint8_t *)rows[i].bytes, len);
		assert_int_equal(result, rows[i].result);
	}
}

/* The cap is on the head with its empty line; what follows may be longer. */
static void test_too_long(void **state)
{
	static const char bytes[] = "A: b\r\nC: d\r\n\r\nBODY";
	enum { HEAD_LEN = 14 };
	struct head head;

	(void)state;
	for (size_t max = 0; max < sizeof(bytes); max++)
		for (size_t cut = 0; cut < sizeof(bytes); cut++) {
			struct row row = {bytes, sizeof(bytes) - 1, HEAD_MORE, 0, 0};
			struct guarded guarded = guarded_new(sizeof(bytes));

			head_init(&head, max);
			assert_int_equal(read_in_two(&head, &row, cut, &guarded),
					 max < HEAD_LEN ? HEAD_TOO_LONG : HEAD_COMPLETE);
			guarded_free(&guarded);
		}
}

static const uint8_t *read_whole(struct head *head, const char *text)
{
	head_init(head, MAX_LEN);
	assert_int_equal(head_read(head, (const uint8_t *)text, strlen(text)), HEAD_COMPLETE);
	return (const uint8_t *)text;
}

static void check_text(const char *text, size_t len, const char *expected)
{
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, len);
}

static void test_fields(void **state)
{
	static const struct {
		const char *name;
		const char *value;
		enum head_kind kind;
	} expected[] = {
		{"Status", "200 OK", HEAD_STATUS},
		{"x-sendFILE", "/a b", HEAD_SENDFILE},
		{"X-LIGHTTPD-send-file", "/c", HEAD_SENDFILE1},
		{"X-Sendfile2", "", HEAD_SENDFILE2},
		{"X-Sendfile2", "/d 0-", HEAD_SENDFILE2},
		{"X-Sendfile22", "e", HEAD_OTHER},
		{"Variable-A", "f: g", HEAD_VARIABLE},
		{"Variable-", "h", HEAD_VARIABLE},
		{"Variable", "i", HEAD_OTHER},
		{"Content-Length", "3", HEAD_LENGTH},
		{"Transfer-Encoding", "chunked", HEAD_LENGTH},
		{"Content-Type", "text/x", HEAD_CONTENT_TYPE},
		{"Location", "/j", HEAD_LOCATION},
	};
	struct head head;
	const uint8_t *bytes = read_whole(
		&head, "HTTP/1.1 200 OK\r\nStatus: 200 OK\r\nx-sendFILE:  /a b \t\r\n"
		       "X-LIGHTTPD-send-file:/c\nX-Sendfile2:  \nX-Sendfile2: /d 0-\n"
		       "X-Sendfile22: e\nVariable-A: f: g\nVariable-: h\nVariable: i\n"
		       "Content-Length: 3\nTransfer-Encoding: chunked\nContent-Type: text/x\n"
		       "Location: /j\n\nNot: a field\n\n");
	struct head_field field;
	size_t at = 0, count = sizeof(expected) / sizeof(expected[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_true(head_next(&head, bytes, &at, &field));
		check_text(field.name, field.name_len, expected[i].name);
		check_text(field.value, field.value_len, expected[i].value);
		assert_int_equal(field.kind, expected[i].kind);
	}
	assert_false(head_next(&head, bytes, &at, &field));
	assert_int_equal(head.count, count + 1);
	assert_true(head_find(&head, bytes, HEAD_SENDFILE2, &field));
	check_text(field.value, field.value_len, "/d 0-");
}

static void test_find_what_is_not_there(void **state)
{
	struct head_field field;
	struct head head;
	const uint8_t *bytes = read_whole(&head, "A: b\nX-Sendfile: \n\n");

	(void)state;
	assert_false(head_find(&head, bytes, HEAD_LOCATION, &field));
	assert_false(head_find(&head, bytes, HEAD_SENDFILE, &field));
	assert_int_equal(head.kinds, HEAD_SET(HEAD_OTHER) | HEAD_SET(HEAD_SENDFILE));
	bytes = read_whole(&head, "\n");
	assert_false(head_find(&head, bytes, HEAD_OTHER, &field));
	assert_int_equal(head.kinds, 0);
	assert_int_equal(head.count, 0);
}

static void test_variables(void **state)
{
	static const char *const expected[][2] = {{"AUTH_METHOD", "db lookup"},
						  {"FOO_BAR", "x"},
						  {"A__B", "\xc3\xa9"},
						  {"EMPTY", ""}};
	struct head head;
	const uint8_t *bytes = read_whole(&head, "Variable-AUTH_METHOD: db lookup\n"
						 "VARIABLE-foo-Bar: x\nVariable-: none\n"
						 "Variable-a\xc3\xa9"
						 "b: \xc3\xa9\nVariable-EMPTY:\n\n");
	uint8_t pairs[200], *out = pairs;
	const uint8_t *pair = pairs;
	struct head_field field;
	struct param param = {0};

	(void)state;
	for (size_t at = 0; head_next(&head, bytes, &at, &field);) {
		uint8_t *end = head_variable_encode(out, &field);

		assert_true((size_t)(end - out) <= head_variable_len(&field));
		out = end;
	}
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(params_next(&pair, out, &param), PARAMS_PAIR);
		check_text(param.name, param.name_len, expected[i][0]);
		check_text(param.value, param.value_len, expected[i][1]);
	}
	assert_ptr_equal(pair, out);
}

static void check_copy(const char *old, unsigned without, const char *expected)
{
	struct buffer out = {0};
	struct head head;
	const uint8_t *bytes = read_whole(&head, old);

	assert_int_equal(head_copy(&head, bytes, without, &out), 0);
	assert_int_equal(head_add(&out, "Content-Length", "7"), 0);
	assert_int_equal(head_end(&out), 0);
	check_text((const char *)buffer_data(&out), out.len, expected);
	buffer_fini(&out);
}

static void test_written_again(void **state)
{
	static const char old[] = "HTTP/1.1 201 Made\r\nX-Sendfile: /a\nContent-length: 99\r\n"
				  "A:b\nX-SendFile2: /b 0-\nVariable-X: y\nStatus: 201\n\nBODY";

	(void)state;
	check_copy(old, HEAD_SENDFILES | HEAD_SET(HEAD_LENGTH) | HEAD_SET(HEAD_VARIABLE),
		   "HTTP/1.1 201 Made\r\nA:b\nStatus: 201\nContent-Length: 7\r\n\r\n");
	check_copy(old, HEAD_SENDFILES | HEAD_SET(HEAD_LENGTH) | HEAD_SET(HEAD_STATUS),
		   "A:b\nVariable-X: y\nContent-Length: 7\r\n\r\n");
	check_copy("A: b\n\n", 0, "A: b\nContent-Length: 7\r\n\r\n");
	check_copy("A: b\n\n", HEAD_SET(HEAD_OTHER), "Content-Length: 7\r\n\r\n");
	check_copy("\n", 0, "Content-Length: 7\r\n\r\n");
}

/* No byte behind the head is touched when it is gone through. */
static void test_head_alone_in_its_memory(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\nA: b\r\nX-Sendfile: /c\r\n\r\n";
	struct guarded guarded = guarded_new(sizeof(text));
	const uint8_t *bytes = guarded_place(&guarded, BYTES(text));
	struct buffer out = {0};
	struct head_field field;
	struct head head;

	(void)state;
	head_init(&head, MAX_LEN);
	assert_int_equal(head_read(&head, bytes, sizeof(text) - 1), HEAD_COMPLETE);
	assert_true(head_find(&head, bytes, HEAD_SENDFILE, &field));
	assert_false(head_find(&head, bytes, HEAD_VARIABLE, &field));
	assert_int_equal(head_copy(&head, bytes, 0, &out), 0);
	assert_int_equal(out.len, sizeof(text) - 3);
	buffer_fini(&out);
	guarded_free(&guarded);
}

/*
 * Random bytes of those that mean something: nothing beyond them is touched, and no two cuts
 * disagree.
 */
static void test_nonsense(void **state)
{
	static const char alphabet[] = "\n\n\n\r\r: :AStatus: 200\nHTTP/1.1 404\n\t\0\x7f";
	struct guarded guarded = guarded_new(64);
	char bytes[64];
	struct head whole, cut;

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct row row = {bytes, (size_t)rand() % sizeof(bytes), HEAD_MORE, 0, 0};

		for (size_t i = 0; i < row.len; i++)
			bytes[i] = alphabet[(size_t)rand() % sizeof(alphabet)];
		head_init(&whole, 40);
		head_init(&cut, 40);
		assert_int_equal(read_in_two(&whole, &row, 0, &guarded),
				 read_in_two(&cut, &row, row.len > 0 ? (size_t)rand() % row.len : 0,
					     &guarded));
		assert_int_equal(whole.len, cut.len);
		assert_int_equal(whole.status, cut.status);
		assert_int_equal(whole.kinds, cut.kinds);
	}
	guarded_free(&guarded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads_at_every_cut),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_find_what_is_not_there),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_written_again),
		cmocka_unit_test(test_head_alone_in_its_memory),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
