#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/balance.h"

enum { PROCS = 37, STEPS = 200000 };

static void setup_entries(struct balance *balance, struct balance_entry *entries, unsigned count,
			  unsigned capacity)
{
	assert_int_equal(balance_init(balance, count), 0);
	for (unsigned i = 0; i < count; i++) {
		balance_entry_init(&entries[i], i, capacity);
		balance_set_usable(balance, &entries[i], true);
	}
}

static void test_nobody(void **state)
{
	struct balance balance;

	(void)state;
	assert_int_equal(balance_init(&balance, 0), 0);
	assert_null(balance_least(&balance));
	balance_fini(&balance);
}

static void test_equal_loads_go_to_the_lowest_number(void **state)
{
	struct balance balance;
	struct balance_entry entries[4];

	(void)state;
	setup_entries(&balance, entries, 4, 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_ptr_equal(balance_least(&balance), &entries[i]);
		balance_add_load(&balance, &entries[i]);
	}
	assert_null(balance_least(&balance));
	balance_take_load(&balance, &entries[2]);
	balance_take_load(&balance, &entries[1]);
	assert_ptr_equal(balance_least(&balance), &entries[1]);
	balance_fini(&balance);
}

static void test_a_full_one_hides_no_other(void **state)
{
	struct balance balance;
	struct balance_entry small, large;

	(void)state;
	assert_int_equal(balance_init(&balance, 2), 0);
	balance_entry_init(&small, 0, 1);
	balance_entry_init(&large, 1, 10);
	balance_set_usable(&balance, &small, true);
	balance_set_usable(&balance, &large, true);
	balance_add_load(&balance, &small);
	for (int i = 0; i < 9; i++)
		balance_add_load(&balance, &large);
	assert_ptr_equal(balance_least(&balance), &large);
	balance_fini(&balance);
}

static void test_load_of_one_that_is_not_usable_is_kept(void **state)
{
	struct balance balance;
	struct balance_entry entries[1];

	(void)state;
	setup_entries(&balance, entries, 1, 2);
	balance_add_load(&balance, &entries[0]);
	balance_set_usable(&balance, &entries[0], false);
	assert_null(balance_least(&balance));
	balance_take_load(&balance, &entries[0]);
	assert_null(balance_least(&balance));
	balance_set_usable(&balance, &entries[0], true);
	assert_ptr_equal(balance_least(&balance), &entries[0]);
	assert_int_equal(entries[0].load, 0);
	balance_fini(&balance);
}

static const struct balance_entry *naive_least(const struct balance_entry *entries,
					       const struct balance_entry *but)
{
	const struct balance_entry *best = NULL;

	for (unsigned i = 0; i < PROCS; i++) {
		const struct balance_entry *entry = &entries[i];

		if (entry == but || !entry->usable || entry->load >= entry->capacity)
			continue;
		if (!best || entry->load < best->load)
			best = entry;
	}
	return best;
}

static void random_step(struct balance *balance, struct balance_entry *entry)
{
	switch (rand() % 4) {
	case 0:
		balance_set_usable(balance, entry, rand() % 3 > 0);
		break;
	case 1:
		if (entry->load > 0)
			balance_take_load(balance, entry);
		break;
	default:
		if (entry->load < entry->capacity)
			balance_add_load(balance, entry);
	}
}

static void test_agrees_with_a_look_at_all(void **state)
{
	struct balance balance;
	struct balance_entry entries[PROCS];
	unsigned seed = 42;

	(void)state;
	srand(seed);
	setup_entries(&balance, entries, PROCS, 3);
	for (int i = 0; i < STEPS; i++) {
		struct balance_entry *entry = &entries[rand() % PROCS];

		random_step(&balance, entry);
		assert_ptr_equal(balance_least(&balance), naive_least(entries, NULL));
		assert_ptr_equal(balance_least_but(&balance, entry), naive_least(entries, entry));
	}
	balance_fini(&balance);
}

static void test_group_takes_turns_among_equals(void **state)
{
	struct balance first, second;
	struct balance_entry a[2], b[2];
	struct balance *both[] = {&first, &second};
	struct balance_group group = {.balances = both, .count = 2};

	(void)state;
	setup_entries(&first, a, 2, 9);
	setup_entries(&second, b, 2, 9);
	assert_ptr_equal(balance_group_least(&group, NULL), &a[0]);
	assert_ptr_equal(balance_group_least(&group, NULL), &b[0]);
	assert_ptr_equal(balance_group_least(&group, NULL), &a[0]);
	/* The least load goes before the turn, and what failed is left out. */
	balance_add_load(&second, &b[0]);
	balance_add_load(&second, &b[1]);
	assert_ptr_equal(balance_group_least(&group, NULL), &a[0]);
	assert_ptr_equal(balance_group_least(&group, &a[0]), &a[1]);
	balance_set_usable(&first, &a[0], false);
	balance_set_usable(&first, &a[1], false);
	assert_ptr_equal(balance_group_least(&group, NULL), &b[0]);
	balance_set_usable(&second, &b[0], false);
	assert_null(balance_group_least(&group, &b[1]));
	balance_fini(&first);
	balance_fini(&second);
}

static void test_group_of_none_has_nobody(void **state)
{
	struct balance_group group = {0};

	(void)state;
	assert_null(balance_group_least(&group, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_equal_loads_go_to_the_lowest_number),
		cmocka_unit_test(test_a_full_one_hides_no_other),
		cmocka_unit_test(test_load_of_one_that_is_not_usable_is_kept),
		cmocka_unit_test(test_agrees_with_a_look_at_all),
		cmocka_unit_test(test_group_takes_turns_among_equals),
		cmocka_unit_test(test_group_of_none_has_nobody),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
