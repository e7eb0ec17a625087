#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "guarded.h"
#include "policy/sendfile.h"

enum { VALUE_SIZE = 8192 };

#define BYTES(text) text, sizeof(text) - 1

/* Each value ends at memory that nobody may touch. */
static struct guarded guarded;

static int setup(void **state)
{
	(void)state;
	guarded = guarded_new(VALUE_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guarded_free(&guarded);
	return 0;
}

static enum sendfile_result decode(char *path, const char *value, size_t len)
{
	return sendfile_decode(path, (const char *)guarded_place(&guarded, value, len), len);
}

static void test_paths(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		const char *path; /* NULL: bad */
	} rows[] = {
		{BYTES("/srv/a"), "/srv/a"},
		{BYTES("/"), "/"},
		{BYTES("/srv/%61%2Fb%2f"), "/srv/a/b/"},
		{BYTES("/a+b c%20d?e#f"), "/a+b c d?e#f"},
		{BYTES("/100%/%zz%4/%"), "/100%/%zz%4/%"},
		{BYTES("/%4"), "/%4"},
		{BYTES("/%252e%252e/a"), "/%2e%2e/a"},
		{BYTES("//srv///a//b"), "/srv/a/b"},
		{BYTES("/srv/./a/."), "/srv/a/"},
		{BYTES("/srv/../a"), "/a"},
		{BYTES("/srv/x/.."), "/srv/"},
		{BYTES("/srv/%2e%2E/a"), "/a"},
		{BYTES("/srv/.%2e%2fa"), "/a"},
		{BYTES("/../../../a"), "/a"},
		{BYTES("/.."), "/"},
		{BYTES("/a/b/c/../../../../d/"), "/d/"},
		{BYTES("/..a/.b/c../..."), "/..a/.b/c../..."},
		{BYTES("/\xc3\xa9%c3%a9\xf0\x9f\x98\x80"), "/\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80"},
		{BYTES("/\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
		 "/\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"},
		{BYTES("/a\0b"), NULL},
		{BYTES("/a%00"), NULL},
		{BYTES("/a%00.png"), NULL},
		{BYTES("/l\xe9.txt"), NULL},
		{BYTES("/l%e9"), NULL},
		{BYTES("/\xc0\xaf"), NULL},
		{BYTES("/\xc1\xbf"), NULL},
		{BYTES("/\xe0\x80\xaf"), NULL},
		{BYTES("/\xf0\x80\x80\xaf"), NULL},
		{BYTES("/%ed%a0%80"), NULL},
		{BYTES("/\xf4\x90\x80\x80"), NULL},
		{BYTES("/\xf5\x80\x80\x80"), NULL},
		{BYTES("/\x80"), NULL},
		{BYTES("/\xe2\x82"), NULL},
		{BYTES("/\xe2\x28\xa1"), NULL},
	};
	char path[SENDFILE_PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum sendfile_result result = decode(path, rows[i].value, rows[i].len);

		if (!rows[i].path && result != SENDFILE_BAD)
			fail_msg("%s is not bad", rows[i].value);
		if (!rows[i].path)
			continue;
		assert_int_equal(result, SENDFILE_OK);
		assert_string_equal(path, rows[i].path);
	}
}

static void test_forbidden_paths(void **state)
{
	static const char *const values[] = {"a", "a/b", "./a", "../a", "%61", "\"/a\"", ""};
	char path[SENDFILE_PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(decode(path, values[i], strlen(values[i])), SENDFILE_FORBIDDEN);
}

/* The longest that fits, encoded and not, and one byte more. */
static void test_long_paths(void **state)
{
	char value[VALUE_SIZE], path[SENDFILE_PATH_SIZE];

	(void)state;
	memset(value, 'a', sizeof(value));
	value[0] = '/';
	assert_int_equal(decode(path, value, SENDFILE_PATH_SIZE - 1), SENDFILE_OK);
	assert_int_equal(strlen(path), SENDFILE_PATH_SIZE - 1);
	assert_int_equal(decode(path, value, SENDFILE_PATH_SIZE), SENDFILE_FORBIDDEN);
	assert_int_equal(decode(path, value, sizeof(value)), SENDFILE_FORBIDDEN);
	memcpy(value, "/%61", 4);
	assert_int_equal(decode(path, value, SENDFILE_PATH_SIZE + 1), SENDFILE_OK);
	assert_int_equal(decode(path, value, SENDFILE_PATH_SIZE + 2), SENDFILE_FORBIDDEN);
}

static void test_directories(void **state)
{
	char slash[] = "/", inner[] = "/srv/a/b", outer[] = "/srv/a", other[] = "/var/c/";
	char *const none[] = {NULL};
	char *const whole[] = {slash, NULL};
	char *const some[] = {inner, outer, other, NULL};
	const struct {
		char *const *directories;
		const char *path;
		const char *below; /* NULL: forbidden */
		size_t which;
	} rows[] = {
		{none, "/srv/a", NULL, 0},
		{whole, "/srv/a", "srv/a", 0},
		{whole, "/", "", 0},
		{some, "/srv/a/f", "f", 1},
		{some, "/srv/a/", "", 1},
		{some, "/srv/a/b/f", "b/f", 1},
		{some, "/srv/a/bc/f/", "bc/f/", 1},
		{some, "/var/c/d/f", "d/f", 2},
		{some, "/srv/a", NULL, 0},
		{some, "/srv/ab", NULL, 0},
		{some, "/srv/ab/f", NULL, 0},
		{some, "/srv", NULL, 0},
		{some, "/srv/", NULL, 0},
		{some, "/SRV/a/f", NULL, 0},
		{some, "/var/c", NULL, 0},
		{some, "/", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t which = 99;
		const char *below = sendfile_permit(rows[i].directories, rows[i].path, &which);

		if (!rows[i].below != !below)
			fail_msg("%s", rows[i].path);
		if (!below)
			continue;
		assert_string_equal(below, rows[i].below);
		assert_int_equal(which, rows[i].which);
	}
}

struct expected {
	const char *path;
	uint64_t first;
	uint64_t last;
};

static void check_parts(struct sendfile_parts *parts, const char *value,
			const struct expected *expected)
{
	size_t len = strlen(value);
	struct sendfile_part part;

	sendfile_parts_set_value(parts, (const char *)guarded_place(&guarded, value, len), len);
	for (; expected->path; expected++) {
		assert_int_equal(sendfile_parts_next(parts, &part), SENDFILE_OK);
		assert_string_equal(part.path, expected->path);
		assert_int_equal(part.first, expected->first);
		assert_int_equal(part.last, expected->last);
	}
	assert_int_equal(sendfile_parts_next(parts, &part), SENDFILE_END);
}

static void test_parts(void **state)
{
	static const struct {
		const char *value;
		struct expected expected[3];
	} rows[] = {
		{"/a 2-4", {{"/a", 2, 4}}},
		{"/a 0-0", {{"/a", 0, 0}}},
		{"/a 2-", {{"/a", 2, UINT64_MAX}}},
		{"/a 2-4, /b%2c%20c 0-", {{"/a", 2, 4}, {"/b, c", 0, UINT64_MAX}}},
		{"/a 2-4,/b,c 0-1", {{"/a", 2, 4}, {"/b,c", 0, 1}}},
		{"/a 2-4  ,  /b 0-1  ", {{"/a", 2, 4}, {"/b", 0, 1}}},
		{"/a/../b 2-4,", {{"/b", 2, 4}}},
		{"/a 1-4294967296", {{"/a", 1, 4294967296}}},
		{"/a 007-9000000000000000000", {{"/a", 7, 9000000000000000000}}},
		{"", {{NULL, 0, 0}}},
		{"   ", {{NULL, 0, 0}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sendfile_parts parts = {0};

		check_parts(&parts, rows[i].value, rows[i].expected);
	}
}

static void test_bad_parts(void **state)
{
	static const struct {
		const char *value;
		enum sendfile_result result;
	} rows[] = {
		{"/a", SENDFILE_BAD},
		{"/a ", SENDFILE_BAD},
		{"/a 3", SENDFILE_BAD},
		{"/a -3", SENDFILE_BAD},
		{"/a 4-2", SENDFILE_BAD},
		{"/a 1-2x", SENDFILE_BAD},
		{"/a x1-2", SENDFILE_BAD},
		{"/a +1-2", SENDFILE_BAD},
		{"/a 0x1-2", SENDFILE_BAD},
		{"/a 1--2", SENDFILE_BAD},
		{"/a 2 - 4", SENDFILE_BAD},
		{"/a 2- 4", SENDFILE_BAD},
		{"/a  2-4", SENDFILE_BAD},
		{"/a\t2-4", SENDFILE_BAD},
		{"/a 0-1 2-3", SENDFILE_BAD},
		{"/a b 0-1", SENDFILE_BAD},
		{"/a 1-99999999999999999999999", SENDFILE_BAD},
		{"/a 18446744073709551616-", SENDFILE_BAD},
		{"/a%00 0-1", SENDFILE_BAD},
		{"/%ff 0-1", SENDFILE_BAD},
		{"a 0-1", SENDFILE_FORBIDDEN},
		{",/a 0-1", SENDFILE_FORBIDDEN},
	};
	struct sendfile_part part;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sendfile_parts parts = {0};
		size_t len = strlen(rows[i].value);

		sendfile_parts_set_value(
			&parts, (const char *)guarded_place(&guarded, rows[i].value, len), len);
		if (sendfile_parts_next(&parts, &part) != rows[i].result)
			fail_msg("%s", rows[i].value);
	}
}

/* The count goes on from one field to the next. */
static void test_too_many_parts(void **state)
{
	static const struct expected one[] = {{"/a", 0, 1}, {NULL, 0, 0}};
	struct sendfile_parts parts = {0};
	struct sendfile_part part;

	(void)state;
	for (int i = 0; i < SENDFILE_PARTS_MAX; i++)
		check_parts(&parts, "/a 0-1", one);
	sendfile_parts_set_value(&parts, "/a 0-1", 6);
	assert_int_equal(sendfile_parts_next(&parts, &part), SENDFILE_BAD);
}

static void test_part_of_a_file(void **state)
{
	static const struct {
		uint64_t first, last, size;
		enum sendfile_result result;
		uint64_t len;
	} rows[] = {
		{0, 0, 10, SENDFILE_OK, 1},
		{2, 4, 10, SENDFILE_OK, 3},
		{2, UINT64_MAX, 10, SENDFILE_OK, 8},
		{5, 99, 10, SENDFILE_OK, 5},
		{9, 9, 10, SENDFILE_OK, 1},
		{9, 10, 10, SENDFILE_OK, 1},
		{10, 12, 10, SENDFILE_OK, 0},
		{10, 10, 10, SENDFILE_OK, 0},
		{11, 12, 10, SENDFILE_BAD, 0},
		{11, UINT64_MAX, 10, SENDFILE_BAD, 0},
		{0, 0, 0, SENDFILE_OK, 0},
		{0, UINT64_MAX, 0, SENDFILE_OK, 0},
		{1, UINT64_MAX, 0, SENDFILE_BAD, 0},
		{0, UINT64_MAX, UINT64_MAX, SENDFILE_OK, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sendfile_part part = {.first = rows[i].first, .last = rows[i].last};
		uint64_t len = 0;

		assert_int_equal(sendfile_part_len(&part, rows[i].size, &len), rows[i].result);
		assert_int_equal(len, rows[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),	       cmocka_unit_test(test_forbidden_paths),
		cmocka_unit_test(test_long_paths),     cmocka_unit_test(test_directories),
		cmocka_unit_test(test_parts),	       cmocka_unit_test(test_bad_parts),
		cmocka_unit_test(test_too_many_parts), cmocka_unit_test(test_part_of_a_file),
	};

	return cmocka_run_group_tests_name("sendfile", tests, setup, teardown);
}
