#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/histogram.h"

static void test_bounds_grow(void **state)
{
	(void)state;
	assert_int_equal(histogram_bound_ms(0), 1);
	for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
		assert_true(histogram_bound_ms(i) > histogram_bound_ms(i - 1));
	assert_true(histogram_bound_ms(HISTOGRAM_BUCKETS - 1) == HISTOGRAM_BEYOND);
}

/* A time is in the first bucket whose bound it does not exceed. */
static void test_buckets(void **state)
{
	(void)state;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		struct histogram histogram = {0};
		uint64_t bound_ms = histogram_bound_ms(i);
		uint64_t before_ms = i > 0 ? histogram_bound_ms(i - 1) : 0;

		histogram_add(&histogram, bound_ms);
		histogram_add(&histogram, i > 0 ? before_ms + 1 : 0);
		assert_int_equal(histogram.counts[i], 2);
		assert_int_equal(histogram_count(&histogram), 2);
	}
}

static void test_sums(void **state)
{
	struct histogram histogram = {0};

	(void)state;
	histogram_add(&histogram, 0);
	histogram_add(&histogram, 7);
	histogram_add(&histogram, 7);
	histogram_add(&histogram, 100000);
	assert_int_equal(histogram.sum_ms, 100014);
	assert_int_equal(histogram_count_within(&histogram, 0), 1);
	assert_int_equal(histogram_count_within(&histogram, 2), 1);
	assert_int_equal(histogram_count_within(&histogram, 3), 3);
	assert_int_equal(histogram_count_within(&histogram, HISTOGRAM_BOUNDS - 1), 3);
	assert_int_equal(histogram_count_within(&histogram, HISTOGRAM_BOUNDS), 4);
}

static void test_percentiles(void **state)
{
	struct histogram histogram = {0};

	(void)state;
	assert_int_equal(histogram_percentile_ms(&histogram, 50), 0);
	for (int i = 0; i < 98; i++)
		histogram_add(&histogram, 4);
	histogram_add(&histogram, 400);
	histogram_add(&histogram, 100000);
	assert_int_equal(histogram_percentile_ms(&histogram, 1), 5);
	assert_int_equal(histogram_percentile_ms(&histogram, 50), 5);
	assert_int_equal(histogram_percentile_ms(&histogram, 98), 5);
	assert_int_equal(histogram_percentile_ms(&histogram, 99), 500);
	assert_true(histogram_percentile_ms(&histogram, 100) == HISTOGRAM_BEYOND);
}

static void test_percentiles_of_few_and_of_many(void **state)
{
	struct histogram histogram = {0};

	(void)state;
	histogram_add(&histogram, 15);
	assert_int_equal(histogram_percentile_ms(&histogram, 1), 20);
	assert_int_equal(histogram_percentile_ms(&histogram, 99), 20);
	histogram.counts[0] = UINT64_MAX / 2;
	histogram.counts[9] = UINT64_MAX / 2 - 1;
	assert_int_equal(histogram_percentile_ms(&histogram, 49), 1);
	assert_int_equal(histogram_percentile_ms(&histogram, 99), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds_grow),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_percentiles_of_few_and_of_many),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
