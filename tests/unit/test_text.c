#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Numbers that a failed parse must leave alone. */
enum { UNTOUCHED = 4711 };

typedef int (*parser)(const char *, uint64_t, uint64_t, uint64_t *);

struct parse_case {
	const char *text;
	int error;
	uint64_t number;
};

static void check_parses(parser parse, const struct parse_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t number = UNTOUCHED;
		int error = parse(cases[i].text, 0, UINT64_MAX, &number);

		if (error != cases[i].error)
			fail_msg("\"%s\" gave %d", cases[i].text, error);
		assert_true(number == (error < 0 ? UNTOUCHED : cases[i].number));
	}
}

#define CHECK_PARSES(parse, cases) check_parses(parse, cases, sizeof(cases) / sizeof((cases)[0]))

static void test_format_is_bounded(void **state)
{
	char out[6];

	(void)state;
	assert_int_equal(text_format(out, sizeof(out), "%s", "12345"), 0);
	assert_string_equal(out, "12345");
	assert_int_equal(text_format(out, sizeof(out), "%d", 123456), -ENOSPC);
	assert_string_equal(out, "12345");
}

static void test_new(void **state)
{
	char *text = text_new("%s-%d", "socket", 3);

	(void)state;
	assert_string_equal(text, "socket-3");
	free(text);
}

static void test_numbers(void **state)
{
	static const struct parse_case cases[] = {
		{"0", 0, 0},
		{"007", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"184467440737095516160", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"99999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1.5", -EINVAL, 0},
	};
	uint64_t number = UNTOUCHED;

	(void)state;
	CHECK_PARSES(text_parse_number, cases);
	assert_int_equal(text_parse_number("9", 10, 20, &number), -ERANGE);
	assert_int_equal(text_parse_number("21", 10, 20, &number), -ERANGE);
	assert_int_equal(number, UNTOUCHED);
	assert_int_equal(text_parse_number("10", 10, 20, &number), 0);
	assert_int_equal(number, 10);
	assert_int_equal(text_parse_number("20", 10, 20, &number), 0);
	assert_int_equal(number, 20);
}

static int parse_octal(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	(void)min;
	return text_parse_octal(text, max, number);
}

static void test_octal(void **state)
{
	static const struct parse_case cases[] = {
		{"0660", 0, 0660},
		{"660", 0, 0660},
		{"0", 0, 0},
		{"1777777777777777777777", 0, UINT64_MAX},
		{"2000000000000000000000", -ERANGE, 0},
		{"20000000000000000000008", -EINVAL, 0},
		{"8", -EINVAL, 0},
		{"0689", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"0o660", -EINVAL, 0},
	};
	uint64_t number;

	(void)state;
	CHECK_PARSES(parse_octal, cases);
	assert_int_equal(text_parse_octal("1000", 0777, &number), -ERANGE);
	assert_int_equal(text_parse_octal("777", 0777, &number), 0);
}

static void test_sizes(void **state)
{
	static const struct parse_case cases[] = {
		{"512", 0, 512},
		{"64k", 0, 65536},
		{"64K", 0, 65536},
		{"8m", 0, 8388608},
		{"1G", 0, 1073741824},
		{"0", 0, 0},
		{"17179869183g", 0, 17179869183 * UINT64_C(1073741824)},
		{"17179869184g", -ERANGE, 0},
		{"99999999999999999999k", -ERANGE, 0},
		{"99999999999999999999t", -EINVAL, 0},
		{"k", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"1 k", -EINVAL, 0},
		{"1kb", -EINVAL, 0},
		{"1t", -EINVAL, 0},
		{"-1k", -EINVAL, 0},
	};
	uint64_t len;

	(void)state;
	CHECK_PARSES(text_parse_size, cases);
	assert_int_equal(text_parse_size("1k", 0, 1023, &len), -ERANGE);
	assert_int_equal(text_parse_size("1k", 1025, 9999, &len), -ERANGE);
	assert_int_equal(text_parse_size("1k", 1024, 1024, &len), 0);
}

static void test_durations(void **state)
{
	static const struct parse_case cases[] = {
		{"250ms", 0, 250},
		{"10s", 0, 10000},
		{"10", 0, 10000},
		{"5m", 0, 300000},
		{"2h", 0, 7200000},
		{"0", 0, 0},
		{"18446744073709551615ms", 0, UINT64_MAX},
		{"18446744073709551", 0, 18446744073709551000U},
		{"18446744073709552", -ERANGE, 0},
		{"18446744073709552s", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"99999999999999999999ms", -ERANGE, 0},
		{"99999999999999999999d", -EINVAL, 0},
		{"ms", -EINVAL, 0},
		{"1d", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"1s ", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
	};
	uint64_t duration_ms;

	(void)state;
	CHECK_PARSES(text_parse_duration, cases);
	assert_int_equal(text_parse_duration("1", 0, 999, &duration_ms), -ERANGE);
	assert_int_equal(text_parse_duration("999ms", 1000, 2000, &duration_ms), -ERANGE);
	assert_int_equal(text_parse_duration("1s", 1000, 1000, &duration_ms), 0);
}

static void test_what_is_formatted_is_read_back(void **state)
{
	static const uint64_t numbers[] = {0,	    1,		999,	   1000,  1023,	 1024,
					   1025,    1500,	2048,	   60000, 65536, 90000,
					   1048576, 3600000,	3661,	   7000,  86400, 100000,
					   5400000, 1073741824, UINT64_MAX};
	char out[TEXT_UNIT_SIZE];
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(
			text_parse_size(text_format_size(out, numbers[i]), 0, UINT64_MAX, &number),
			0);
		assert_true(number == numbers[i]);
		assert_int_equal(text_parse_duration(text_format_duration(out, numbers[i]), 0,
						     UINT64_MAX, &number),
				 0);
		assert_true(number == numbers[i]);
	}
	assert_string_equal(text_format_size(out, 0), "0");
	assert_string_equal(text_format_duration(out, 0), "0");
	assert_string_equal(text_format_size(out, 65536), "64k");
	assert_string_equal(text_format_size(out, 1000), "1000");
	assert_string_equal(text_format_duration(out, 90000), "90s");
	assert_string_equal(text_format_duration(out, 7200000), "2h");
	assert_string_equal(text_format_duration(out, 1500), "1500ms");
}

/* The words joined with '|'. */
static void check_words(const char *text, const char *expected)
{
	char **words = text_split_words(text);
	char joined[128] = "";
	size_t used = 0;

	assert_non_null(words);
	for (size_t i = 0; words[i]; i++) {
		assert_int_equal(text_format(joined + used, sizeof(joined) - used, "%s|", words[i]),
				 0);
		used += strlen(words[i]) + 1;
	}
	assert_string_equal(joined, expected);
	text_free_words(words);
}

static void test_words(void **state)
{
	(void)state;
	check_words("", "");
	check_words(" \t\n ", "");
	check_words("/usr/bin/php-cgi", "/usr/bin/php-cgi|");
	check_words("  a  bc\td ", "a|bc|d|");
	check_words("'a b' \"c d\"", "a b|c d|");
	check_words("a' 'b\" \"c\\ d", "a b c d|");
	check_words("'' \"\"", "||");
	check_words("'a\\b\"c'", "a\\b\"c|");
	check_words("\"\\\" \\\\ \\$ \\` \\a '\"", "\" \\ $ ` \\a '|");
	check_words("\\'a \\\"b \\\\", "'a|\"b|\\|");
	check_words("$HOME `id` *", "$HOME|`id`|*|");
}

static void test_words_that_do_not_end(void **state)
{
	static const char *const texts[] = {"'", "a 'b", "\"", "a\"b", "\"a\\\"", "\\", "a b\\"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		errno = 0;
		assert_null(text_split_words(texts[i]));
		assert_int_equal(errno, EINVAL);
	}
	text_free_words(NULL);
}

static void test_nearest(void **state)
{
	static const char *const keys[] = {"listen",	"listen-mode", "max-procs",
					   "min-procs", "log",	       "shutdown-timeout"};
	const size_t count = sizeof(keys) / sizeof(keys[0]);
	char longest[200];

	(void)state;
	assert_string_equal(text_nearest("lsten", keys, count), "listen");
	assert_string_equal(text_nearest("listne", keys, count), "listen");
	assert_string_equal(text_nearest("listen_mode", keys, count), "listen-mode");
	assert_string_equal(text_nearest("maxprocs", keys, count), "max-procs");
	assert_string_equal(text_nearest("mim-procs", keys, count), "min-procs");
	assert_string_equal(text_nearest("mam-procs", keys, count), "max-procs");
	assert_string_equal(text_nearest("shutdowntimout", keys, count), "shutdown-timeout");
	assert_string_equal(text_nearest("log", keys, count), "log");
	assert_null(text_nearest("request-timeout-x", keys, count));
	assert_null(text_nearest("something", keys, count));
	assert_null(text_nearest("lsten", keys, 0));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(text_nearest(longest, keys, count));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_is_bounded),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_octal),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_what_is_formatted_is_read_back),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_that_do_not_end),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
