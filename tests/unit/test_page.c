#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "mux/page.h"

static void assert_page(const struct page *page, const char *expected)
{
	assert_false(page->is_lost);
	assert_int_equal(page->bytes.len, strlen(expected));
	assert_memory_equal(buffer_data(&page->bytes), expected, strlen(expected));
}

static void test_escapes(void **state)
{
	static const struct {
		enum page_form form;
		const char *text, *expected;
	} rows[] = {
		{PAGE_TEXT, "a b", "a b"},
		{PAGE_TEXT, "a\nb: 1\x7f", "a\\x0ab: 1\\x7f"},
		{PAGE_JSON, "a\"b\\c\n", "a\\\"b\\\\c\\u000a"},
		{PAGE_JSON, "\xff\xc3\xa9\xc3", "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd"},
		{PAGE_HTML, "a b/\xc3\xa9", "a b/\xc3\xa9"},
		{PAGE_HTML, "<b>&\"'\x01\n", "&#60;b&#62;&#38;&#34;&#39;??"},
		{PAGE_HTML, "", ""},
		{PAGE_TERMINAL, "a b~\"\\", "a b~\"\\"},
		{PAGE_TERMINAL, "\x1b[2J\n\x7f\xc2\x9b", "\\x1b[2J\\x0a\\x7f\\xc2\\x9b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct page page = {0};

		page_escape(&page, rows[i].form, rows[i].text, strlen(rows[i].text));
		assert_page(&page, rows[i].expected);
		page_fini(&page);
	}
}

/* Of the longest that bytes can become, at once. */
static void test_room_for_the_worst(void **state)
{
	static const enum page_form forms[] = {PAGE_TEXT, PAGE_JSON, PAGE_HTML, PAGE_TERMINAL};
	char text[4096];

	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(*forms); form++) {
		for (int byte = 0; byte < 256; byte++) {
			struct page page = {0};

			memset(text, byte, sizeof(text));
			page_escape(&page, forms[form], text, sizeof(text));
			assert_in_range(page.bytes.len, sizeof(text), sizeof(text) * 6);
			page_fini(&page);
		}
	}
}

/* Around the length that is tried first. */
static void test_prints_of_any_length(void **state)
{
	char text[2048];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 500; len < 520; len++) {
		struct page page = {0};

		page_print(&page, "%s", "<");
		page_print(&page, "%.*s%d", (int)len, text, 7);
		assert_int_equal(page.bytes.len, len + 2);
		assert_int_equal(buffer_data(&page.bytes)[len + 1], '7');
		page_fini(&page);
	}
}

static void test_cut(void **state)
{
	struct page page = {0};

	(void)state;
	page_cut(&page, ',');
	assert_int_equal(page.bytes.len, 0);
	page_print(&page, "[1,");
	page_cut(&page, ',');
	page_cut(&page, ',');
	page_print(&page, "]");
	assert_page(&page, "[1]");
	page_fini(&page);
}

static void test_seconds(void **state)
{
	struct page page = {0};

	(void)state;
	page_seconds(&page, 0);
	page_print(&page, " ");
	page_seconds(&page, 61005);
	assert_page(&page, "0.000 61.005");
	page_fini(&page);
}

/* Nothing is added behind a hole. */
static void test_what_is_lost_stays_lost(void **state)
{
	struct page page = {.is_lost = true};

	(void)state;
	page_print(&page, "%s", "text");
	page_escape(&page, PAGE_HTML, "text", 4);
	assert_true(page.is_lost);
	assert_int_equal(page.bytes.len, 0);
	page_fini(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_room_for_the_worst),
		cmocka_unit_test(test_prints_of_any_length),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_what_is_lost_stays_lost),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
