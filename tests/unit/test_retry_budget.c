#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/retry_budget.h"

enum { PERCENT = 20 };

static unsigned take_all(struct retry_budget *budget, uint64_t now_ms)
{
	unsigned count = 0;

	while (retry_budget_take(budget, PERCENT, now_ms))
		count++;
	return count;
}

static void test_a_small_site_has_a_hundred(void **state)
{
	struct retry_budget budget;

	(void)state;
	retry_budget_init(&budget, 5000);
	assert_int_equal(take_all(&budget, 5000), 100);
	assert_int_equal(take_all(&budget, 5999), 0);
	assert_int_equal(take_all(&budget, 6000), 10);
	/* After any time it has them again, and no more. */
	assert_in_range(take_all(&budget, 100000), 99, 100);
	assert_in_range(take_all(&budget, UINT64_MAX / 2), 99, 100);
}

/* 100 requests a second, each of which fails and would be sent again. */
static void test_a_failing_site_gets_a_part(void **state)
{
	struct retry_budget budget;
	unsigned taken = 0;

	(void)state;
	retry_budget_init(&budget, 0);
	for (uint64_t now_ms = 0; now_ms < 60000; now_ms += 10) {
		retry_budget_deposit(&budget, PERCENT, now_ms);
		taken += retry_budget_take(&budget, PERCENT, now_ms);
	}
	assert_in_range(taken, 100 + 60 * 28, 100 + 60 * 30);
}

static void test_a_burst_gets_what_ten_seconds_bring(void **state)
{
	struct retry_budget budget;

	(void)state;
	retry_budget_init(&budget, 0);
	for (uint64_t now_ms = 0; now_ms < 600000; now_ms++)
		retry_budget_deposit(&budget, PERCENT, now_ms);
	assert_in_range(take_all(&budget, 600000), 1890, 2110);
}

static void test_what_was_long_ago_is_forgotten(void **state)
{
	struct retry_budget budget;

	(void)state;
	retry_budget_init(&budget, 0);
	for (int i = 0; i < 1000000; i++)
		retry_budget_deposit(&budget, PERCENT, 0);
	assert_in_range(take_all(&budget, 120000), 90, 110);
}

static void test_a_hundred_percent_is_no_limit(void **state)
{
	struct retry_budget budget;

	(void)state;
	retry_budget_init(&budget, 0);
	take_all(&budget, 0);
	for (int i = 0; i < 1000; i++)
		assert_true(retry_budget_take(&budget, 100, 0));
	assert_false(retry_budget_take(&budget, 99, 0));
}

static void test_time_that_goes_back_does_no_harm(void **state)
{
	struct retry_budget budget;

	(void)state;
	retry_budget_init(&budget, 10000);
	retry_budget_deposit(&budget, PERCENT, 9000);
	assert_int_equal(take_all(&budget, 0), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_small_site_has_a_hundred),
		cmocka_unit_test(test_a_failing_site_gets_a_part),
		cmocka_unit_test(test_a_burst_gets_what_ten_seconds_bring),
		cmocka_unit_test(test_what_was_long_ago_is_forgotten),
		cmocka_unit_test(test_a_hundred_percent_is_no_limit),
		cmocka_unit_test(test_time_that_goes_back_does_no_harm),
	};

	return cmocka_run_group_tests_name("retry_budget", tests, NULL, NULL);
}
