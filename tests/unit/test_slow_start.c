#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/balance.h"
#include "policy/slow_start.h"

enum { UNIT = BALANCE_WEIGHT_UNIT, DAY_MS = 86400000 };

static void test_from_a_tenth_to_all(void **state)
{
	(void)state;
	assert_int_equal(slow_start_weight(100 * UNIT, 0, 10000), 10 * UNIT);
	assert_int_equal(slow_start_weight(100 * UNIT, 5000, 10000), 55 * UNIT);
	assert_int_equal(slow_start_weight(100 * UNIT, 10000, 10000), 100 * UNIT);
	assert_int_equal(slow_start_weight(100 * UNIT, UINT64_MAX, 10000), 100 * UNIT);
}

static void test_it_only_grows(void **state)
{
	uint32_t before = 1;

	(void)state;
	for (uint64_t up_ms = 0; up_ms <= 20000; up_ms += 7) {
		uint32_t weight = slow_start_weight(UNIT, up_ms, 10000);

		assert_in_range(weight, before, UNIT);
		before = weight;
	}
	assert_int_equal(before, UNIT);
}

static void test_no_duration_is_all_at_once(void **state)
{
	(void)state;
	assert_int_equal(slow_start_weight(3 * UNIT, 0, 0), 3 * UNIT);
}

static void test_never_nothing_never_too_much(void **state)
{
	(void)state;
	assert_int_equal(slow_start_weight(1, 0, 10000), 1);
	assert_int_equal(slow_start_weight(9, 0, 10000), 1);
	assert_in_range(slow_start_weight(256 * UNIT, DAY_MS - 1, DAY_MS), 255 * UNIT, 256 * UNIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_a_tenth_to_all),
		cmocka_unit_test(test_it_only_grows),
		cmocka_unit_test(test_no_duration_is_all_at_once),
		cmocka_unit_test(test_never_nothing_never_too_much),
	};

	return cmocka_run_group_tests_name("slow_start", tests, NULL, NULL);
}
