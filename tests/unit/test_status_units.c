#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mux/status_units.h"

static void test_times(void **state)
{
	static const struct {
		uint64_t ms;
		const char *expected;
	} rows[] = {
		{0, "0 s"},	   {1, "1 ms"},
		{999, "999 ms"},   {1000, "1 s"},
		{1249, "1.2 s"},   {9999, "10.0 s"},
		{10999, "10 s"},   {59999, "59 s"},
		{60000, "1 min"},  {90000, "1.5 min"},
		{3600000, "1 h"},  {86399999, "23 h"},
		{86400000, "1 d"}, {UINT64_MAX, "213503982334 d"},
	};
	char out[STATUS_UNIT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(status_format_time(out, rows[i].ms), rows[i].expected);
}

static void test_memory(void **state)
{
	char out[STATUS_UNIT_SIZE];

	(void)state;
	assert_string_equal(status_format_memory(out, 0), "0.0 MiB");
	assert_string_equal(status_format_memory(out, 3 << 19), "1.5 MiB");
	assert_string_equal(status_format_memory(out, UINT64_MAX), "17592186044416.0 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("status_units", tests, NULL, NULL);
}
