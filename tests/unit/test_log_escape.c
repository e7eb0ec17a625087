#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/log_escape.h"
#include "log_fixture.h"

enum { CODE_POINTS = 0x110000 };

#define REPLACED "\xef\xbf\xbd"

/* In memory of the exact size, so that a sanitizer sees a byte read or written too many. */
static char *escaped(size_t (*escape)(char *, const char *, size_t), const char *text, size_t len)
{
	char *exact = malloc(len ? len : 1), *out = malloc(len * LOG_ESCAPED_LEN + 1);
	size_t used;

	assert_non_null(exact);
	assert_non_null(out);
	memcpy(exact, text, len);
	used = escape(out, exact, len);
	assert_int_equal(used, strlen(out));
	free(exact);
	return out;
}

static void assert_json(const char *text, size_t len, const char *expected)
{
	char *out = escaped(log_escape_json, text, len);

	assert_string_equal(out, expected);
	free(out);
}

static void test_plain(void **state)
{
	static const char text[] = "a\0\x1b\x7f\n\"\\ \xff\xc3\xbc";
	char *out = escaped(log_escape_plain, text, sizeof(text) - 1);

	(void)state;
	assert_string_equal(out, "a\\x00\\x1b\\x7f\\x0a\"\\ \xff\xc3\xbc");
	free(out);
	out = escaped(log_escape_quoted, text, sizeof(text) - 1);
	assert_string_equal(out, "a\\x00\\x1b\\x7f\\x0a\\x22\\x5c \xff\xc3\xbc");
	free(out);
}

static void test_json_of_ascii(void **state)
{
	(void)state;
	assert_json("", 0, "");
	assert_json("a \"quoted\" \\ /", 14, "a \\\"quoted\\\" \\\\ /");
	assert_json("\0\x01\t\n\x1f\x7f~", 7, "\\u0000\\u0001\\u0009\\u000a\\u001f\\u007f~");
}

/* As RFC 3629 writes a number, also where it must not be written so: surrogates, too large. */
static size_t encode(char *out, uint32_t code, size_t len)
{
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len; i-- > 1; code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(marks[len] | code);
	return len;
}

static size_t shortest(uint32_t code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static void test_json_keeps_all_of_unicode(void **state)
{
	char text[8], out[sizeof(text) * LOG_ESCAPED_LEN + 1];

	(void)state;
	for (uint32_t code = 0x80; code < CODE_POINTS; code++) {
		size_t len = encode(text, code, shortest(code));
		size_t used = log_escape_json(out, text, len);

		if (code >= 0xd800 && code < 0xe000)
			assert_string_equal(out, REPLACED REPLACED REPLACED);
		else if (used != len || memcmp(out, text, len) != 0)
			fail_msg("U+%04X is not as it was", (unsigned)code);
	}
}

/* Longer than needed, or above U+10FFFF: each byte is replaced. */
static void test_json_takes_only_the_form_that_is_meant(void **state)
{
	static const uint32_t codes[] = {0, '"', '\n', 0x7f, 0x80, 0x7ff, 0x800, 0xffff};
	char text[8], out[sizeof(text) * LOG_ESCAPED_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		for (size_t len = shortest(codes[i]) + 1; len <= 4; len++) {
			log_escape_json(out, text, encode(text, codes[i], len));
			assert_int_equal(strlen(out), len * strlen(REPLACED));
		}
	for (uint32_t code = CODE_POINTS; code < 0x200000; code += 0x1000) {
		log_escape_json(out, text, encode(text, code, 4));
		assert_string_equal(out, REPLACED REPLACED REPLACED REPLACED);
	}
}

static void test_json_replaces_what_is_cut_or_broken(void **state)
{
	(void)state;
	assert_json("\xc3", 1, REPLACED);
	assert_json("\xe2\x82", 2, REPLACED REPLACED);
	assert_json("\xf0\x9f\x98", 3, REPLACED REPLACED REPLACED);
	assert_json("\xe2\x82\"", 3, REPLACED REPLACED "\\\"");
	assert_json("\xc3\n", 2, REPLACED "\\u000a");
	assert_json("\x80x\xbf", 3, REPLACED "x" REPLACED);
	assert_json("\xc3\xc3\xbc", 3, REPLACED "\xc3\xbc");
	assert_json("\xf0\x9f\x98\xc3\xbc", 5, REPLACED REPLACED REPLACED "\xc3\xbc");
	assert_json("\xc0\xc1\xf5\xf8\xfe\xff", 6,
		    REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED);
}

#define JSON_TIME "^\\{\"time\":\"[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z\","

static void test_json_form(void **state)
{
	struct fixture *fixture = *state;

	log_init("herd", LOG_FORM_JSON);
	log_info("a %s of %d words", "line", 5);
	assert_line(fixture, JSON_TIME "\"level\":\"info\",\"program\":\"herd\",\"pid\":[0-9]+,"
				       "\"message\":\"a line of 5 words\"\\}");
	log_warnx("say \"%s\"\n", "\\");
	assert_line(fixture, JSON_TIME "\"level\":\"warning\",\"program\":\"herd\",\"pid\":[0-9]+,"
				       "\"message\":\"say \\\\\"\\\\\\\\\\\\\"\\\\u000a\"\\}");
	log_debug("%s", "");
	assert_line(fixture, JSON_TIME "\"level\":\"debug\",.*,\"message\":\"\"\\}");
}

/* A supervisor's mux, say: its level, its name and its pid are kept. */
static void test_json_form_of_foreign_lines(void **state)
{
	struct fixture *fixture = *state;

	log_init("herd", LOG_FORM_JSON);
	log_foreign(LOG_LEVEL_WARNING, "mux", 42, "\"gr\xc3\xbc\xc3\x9f\xff\0", 9);
	assert_line(fixture, JSON_TIME "\"level\":\"warning\",\"program\":\"mux\",\"pid\":42,"
				       "\"message\":\"\\\\\"gr\xc3\xbc\xc3\x9f\xef\xbf\xbd\\\\u0000"
				       "\"\\}");
	log_foreign(LOG_LEVEL_ERROR, "a\"\n", 1, "", 0);
	assert_line(fixture, JSON_TIME "\"level\":\"error\",\"program\":\"a\\\\\"\\\\u000a\","
				       "\"pid\":1,\"message\":\"\"\\}");
}

static void test_json_form_has_room_for_the_longest(void **state)
{
	struct fixture *fixture = *state;
	char *text = many('\x01', LONG_LEN);

	log_init("herd", LOG_FORM_JSON);
	log_info("%s", text);
	assert_int_equal(count_logged(fixture, '\\'), 8192 - sizeof(" [cut]"));
	assert_line(fixture, JSON_TIME ".*\\\\u0001 \\[cut\\]\"\\}");
	log_foreign(LOG_LEVEL_INFO, text, 42, text, LONG_LEN);
	assert_int_equal(count_logged(fixture, '\\'), LONG_LEN + 100);
	assert_line(fixture, JSON_TIME ".*\\\\u0001\"\\}");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_json_of_ascii),
		cmocka_unit_test(test_json_keeps_all_of_unicode),
		cmocka_unit_test(test_json_takes_only_the_form_that_is_meant),
		cmocka_unit_test(test_json_replaces_what_is_cut_or_broken),
		LOG_TEST(test_json_form),
		LOG_TEST(test_json_form_of_foreign_lines),
		LOG_TEST(test_json_form_has_room_for_the_longest),
	};

	return cmocka_run_group_tests_name("log_escape", tests, NULL, NULL);
}
