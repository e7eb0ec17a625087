#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/backoff.h"

enum { MIN_MS = 100, MAX_MS = 30000 };

static void test_no_failure_no_delay(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(9, 0, MAX_MS, UINT32_MAX), 0);
	assert_int_equal(backoff_delay_ms(0, MIN_MS, MAX_MS, 0), 0);
	assert_int_equal(backoff_delay_ms(0, MIN_MS, MAX_MS, UINT32_MAX), 0);
}

/* Of the middle that each number of failures has, the bounds are half and one and a half. */
static void test_doubles_within_its_bounds(void **state)
{
	uint64_t middle = MIN_MS;

	(void)state;
	for (unsigned failures = 1; failures < 100; failures++) {
		assert_int_equal(backoff_delay_ms(failures, MIN_MS, MAX_MS, 0), middle / 2);
		assert_int_equal(backoff_delay_ms(failures, MIN_MS, MAX_MS, (uint32_t)middle),
				 middle / 2 + middle);
		assert_in_range(backoff_delay_ms(failures, MIN_MS, MAX_MS, UINT32_MAX), middle / 2,
				middle / 2 + middle);
		middle = middle * 2 < MAX_MS ? middle * 2 : MAX_MS;
	}
}

static void test_stays_at_the_cap(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay_ms(UINT32_MAX, MIN_MS, MAX_MS, 0), MAX_MS / 2);
}

static void test_spreads(void **state)
{
	unsigned low = 0, high = 0;

	(void)state;
	for (uint32_t random = 0; random < 1000; random++) {
		uint64_t delay_ms = backoff_delay_ms(1, MIN_MS, MAX_MS, random * 2654435761u);

		low += delay_ms < MIN_MS * 3 / 4;
		high += delay_ms > MIN_MS * 5 / 4;
	}
	assert_in_range(low, 100, 400);
	assert_in_range(high, 100, 400);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_failure_no_delay),
		cmocka_unit_test(test_doubles_within_its_bounds),
		cmocka_unit_test(test_stays_at_the_cap),
		cmocka_unit_test(test_spreads),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
