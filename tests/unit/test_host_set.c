#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "os/host_set.h"

static struct host_item item_of(uint8_t last, uint16_t port, uint16_t priority, uint16_t weight)
{
	return (struct host_item){
		.literal = {192, 0, 2, last},
		.type = DNS_A,
		.port = port,
		.priority = priority,
		.weight = weight,
	};
}

static void add(struct host_set *set, struct host_item item)
{
	assert_int_equal(host_set_add(set, &item), 0);
}

static void assert_item(const struct host_set *set, size_t at, struct host_item expected)
{
	const struct host_item *item = &set->items[at];

	assert_true(at < set->count);
	assert_int_equal(item->type, expected.type);
	assert_memory_equal(item->literal, expected.literal, sizeof(item->literal));
	assert_int_equal(item->port, expected.port);
	assert_int_equal(item->priority, expected.priority);
	assert_int_equal(item->weight, expected.weight);
}

static void test_each_host_is_there_once_in_order(void **state)
{
	struct host_set set = {0};
	struct host_item v6 = {.type = DNS_AAAA, .port = 80};

	(void)state;
	add(&set, v6);
	add(&set, item_of(2, 80, 0, 1));
	add(&set, item_of(1, 81, 0, 1));
	add(&set, item_of(2, 80, 0, 1));
	add(&set, item_of(1, 80, 65535, 1));
	host_set_finish(&set, 100);
	assert_int_equal(set.count, 4);
	assert_item(&set, 0, item_of(1, 80, 65535, 1));
	assert_item(&set, 1, item_of(1, 81, 0, 1));
	assert_item(&set, 2, item_of(2, 80, 0, 1));
	assert_item(&set, 3, v6);
	assert_int_equal(set.left_out, 0);
	host_set_fini(&set);
}

static void test_the_best_record_of_a_host_counts(void **state)
{
	struct host_set set = {0};

	(void)state;
	add(&set, item_of(1, 80, 20, 65535));
	add(&set, item_of(1, 80, 10, 3));
	add(&set, item_of(1, 80, 10, 7));
	host_set_finish(&set, 100);
	assert_int_equal(set.count, 1);
	assert_item(&set, 0, item_of(1, 80, 10, 7));
	host_set_fini(&set);
}

static void test_the_last_ones_are_left_out(void **state)
{
	struct host_set set = {0};

	(void)state;
	for (uint8_t i = 100; i > 0; i--)
		add(&set, item_of(i, 80, 0, 1));
	host_set_finish(&set, 60);
	assert_int_equal(set.count, 60);
	assert_int_equal(set.left_out, 40);
	assert_item(&set, 0, item_of(1, 80, 0, 1));
	assert_item(&set, 59, item_of(60, 80, 0, 1));
	host_set_fini(&set);
}

static void test_memory_is_bounded(void **state)
{
	struct host_set set = {0};

	(void)state;
	for (unsigned i = 0; i < HOST_SET_MAX + 5; i++)
		add(&set, item_of((uint8_t)i, (uint16_t)(i >> 4), 0, 1));
	assert_int_equal(set.count, HOST_SET_MAX);
	assert_int_equal(set.left_out, 5);
	assert_true(set.size <= HOST_SET_MAX);
	host_set_fini(&set);
}

static void test_an_empty_set_is_finished_too(void **state)
{
	struct host_set set = {0};

	(void)state;
	host_set_finish(&set, 10);
	assert_int_equal(set.count, 0);
	host_set_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_host_is_there_once_in_order),
		cmocka_unit_test(test_the_best_record_of_a_host_counts),
		cmocka_unit_test(test_the_last_ones_are_left_out),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_an_empty_set_is_finished_too),
	};

	return cmocka_run_group_tests_name("host_set", tests, NULL, NULL);
}
