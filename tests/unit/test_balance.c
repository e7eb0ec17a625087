#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/balance.h"

enum { PROCS = 37, STEPS = 200000, UNIT = BALANCE_WEIGHT_UNIT };

static void add(struct balance *balance, struct balance_entry *entry, unsigned tier, uint32_t order,
		uint32_t capacity)
{
	balance_entry_init(entry, tier, order, capacity);
	assert_int_equal(balance_add(balance, entry), 0);
	balance_set_usable(balance, entry, true);
}

static void setup_entries(struct balance *balance, struct balance_entry *entries, unsigned count,
			  uint32_t capacity)
{
	*balance = (struct balance){0};
	for (unsigned i = 0; i < count; i++)
		add(balance, &entries[i], 0, i, capacity);
}

static struct balance_entry *choose(struct balance *balance, const struct balance_choice *choice)
{
	struct balance_group group = {.balances = &balance, .count = 1};

	return balance_group_least(&group, choice);
}

static struct balance_entry *least(struct balance *balance)
{
	return choose(balance, &(struct balance_choice){0});
}

static bool has_room(struct balance *balance, bool may_spill)
{
	struct balance_group group = {.balances = &balance, .count = 1};

	return balance_group_has_room(&group, may_spill);
}

static void test_nobody(void **state)
{
	struct balance balance = {0};

	(void)state;
	assert_null(least(&balance));
	assert_false(has_room(&balance, true));
	assert_null(choose(&balance, &(struct balance_choice){.takes_two = true}));
	balance_fini(&balance);
}

static void test_equal_loads_go_by_order(void **state)
{
	struct balance balance;
	struct balance_entry entries[4];

	(void)state;
	setup_entries(&balance, entries, 4, 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_ptr_equal(least(&balance), &entries[i]);
		balance_add_load(&balance, &entries[i]);
	}
	assert_null(least(&balance));
	balance_take_load(&balance, &entries[2]);
	balance_take_load(&balance, &entries[1]);
	assert_ptr_equal(least(&balance), &entries[1]);
	balance_fini(&balance);
}

static void test_a_full_one_hides_no_other(void **state)
{
	struct balance balance = {0};
	struct balance_entry small, large;

	(void)state;
	add(&balance, &small, 0, 0, 1);
	add(&balance, &large, 0, 1, 10);
	balance_add_load(&balance, &small);
	for (int i = 0; i < 9; i++)
		balance_add_load(&balance, &large);
	assert_ptr_equal(least(&balance), &large);
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
	assert_null(least(&balance));
	balance_take_load(&balance, &entries[0]);
	assert_null(least(&balance));
	balance_set_usable(&balance, &entries[0], true);
	assert_ptr_equal(least(&balance), &entries[0]);
	assert_int_equal(entries[0].load, 0);
	balance_fini(&balance);
}

static void test_those_that_pass_their_turn_are_used_in_turn(void **state)
{
	struct balance balance;
	struct balance_entry entries[3];

	(void)state;
	setup_entries(&balance, entries, 3, 9);
	for (unsigned i = 0; i < 9; i++) {
		assert_ptr_equal(least(&balance), &entries[i % 3]);
		balance_add_load(&balance, &entries[i % 3]);
		balance_pass_turn(&balance, &entries[i % 3]);
		if (i % 2 == 0)
			continue;
		/* Alike again. */
		balance_take_load(&balance, &entries[(i - 1) % 3]);
		balance_take_load(&balance, &entries[i % 3]);
	}
	balance_fini(&balance);
}

static void test_weights_share_the_load(void **state)
{
	struct balance balance;
	struct balance_entry entries[3];

	(void)state;
	setup_entries(&balance, entries, 3, 1000);
	balance_set_weight(&balance, &entries[1], 3 * UNIT);
	balance_set_weight(&balance, &entries[2], UNIT / 2);
	for (int i = 0; i < 450; i++)
		balance_add_load(&balance, least(&balance));
	assert_int_equal(entries[0].load, 100);
	assert_int_equal(entries[1].load, 300);
	assert_int_equal(entries[2].load, 50);
	balance_fini(&balance);
}

static void test_load_of_others_counts(void **state)
{
	struct balance balance;
	struct balance_entry entries[2];

	(void)state;
	setup_entries(&balance, entries, 2, 1000);
	balance_set_other(&balance, &entries[0], 50);
	for (int i = 0; i < 150; i++)
		balance_add_load(&balance, least(&balance));
	assert_int_equal(entries[0].load, 50);
	assert_int_equal(entries[1].load, 100);
	assert_int_equal(balance_other_of(70, 30), 10);
	assert_int_equal(balance_other_of(30, 70), 0);
	/* What the other side says may be anything, and is no reason to refuse. */
	balance_set_other(&balance, &entries[0], UINT32_MAX);
	balance_set_other(&balance, &entries[1], UINT32_MAX);
	balance_set_weight(&balance, &entries[0], 256 * UNIT);
	balance_set_weight(&balance, &entries[1], 255 * UNIT);
	assert_ptr_equal(least(&balance), &entries[0]);
	balance_fini(&balance);
}

static void test_later_tiers_wait_until_all_before_are_gone(void **state)
{
	struct balance balance = {0};
	struct balance_entry first, second, backup;

	(void)state;
	add(&balance, &backup, BALANCE_TIERS - 1, 0, 9);
	add(&balance, &second, 2, 0, 1);
	add(&balance, &first, 1, 0, 1);
	assert_ptr_equal(least(&balance), &first);
	balance_add_load(&balance, &first);
	/* Full is not gone, and only tier 0 spills. */
	assert_false(has_room(&balance, true));
	assert_null(least(&balance));
	balance_set_usable(&balance, &first, false);
	assert_ptr_equal(least(&balance), &second);
	balance_set_usable(&balance, &second, false);
	assert_ptr_equal(least(&balance), &backup);
	balance_set_usable(&balance, &first, true);
	assert_null(least(&balance));
	balance_take_load(&balance, &first);
	assert_ptr_equal(least(&balance), &first);
	balance_fini(&balance);
}

static void test_a_full_first_tier_spills(void **state)
{
	const struct balance_choice spilling = {.may_spill = true};
	struct balance balance = {0};
	struct balance_entry child, server, backup;

	(void)state;
	add(&balance, &child, 0, 0, 1);
	add(&balance, &server, 1, 0, 1);
	add(&balance, &backup, 7, 0, 1);
	assert_ptr_equal(choose(&balance, &spilling), &child);
	balance_add_load(&balance, &child);
	assert_false(has_room(&balance, false));
	assert_true(has_room(&balance, true));
	assert_null(least(&balance));
	assert_ptr_equal(choose(&balance, &spilling), &server);
	balance_add_load(&balance, &server);
	assert_false(has_room(&balance, true));
	assert_null(choose(&balance, &spilling));
	balance_set_usable(&balance, &server, false);
	assert_ptr_equal(choose(&balance, &spilling), &backup);
	balance_fini(&balance);
}

static void test_one_that_is_removed_keeps_its_load(void **state)
{
	struct balance balance;
	struct balance_entry entries[9];

	(void)state;
	setup_entries(&balance, entries, 9, 2);
	balance_add_load(&balance, &entries[0]);
	balance_remove(&balance, &entries[0]);
	balance_remove(&balance, &entries[0]);
	assert_false(entries[0].usable);
	balance_take_load(&balance, &entries[0]);
	assert_ptr_equal(least(&balance), &entries[1]);
	for (unsigned i = 1; i < 9; i++)
		balance_remove(&balance, &entries[i]);
	assert_null(least(&balance));
	assert_int_equal(balance.usable_tiers, 0);
	add(&balance, &entries[3], 5, 0, 1);
	assert_ptr_equal(least(&balance), &entries[3]);
	balance_fini(&balance);
}

static void count_choices(struct balance *balance, const struct balance_entry *entries,
			  const struct balance_entry *failed, unsigned *counts)
{
	srand(1);
	for (int i = 0; i < 10000; i++) {
		const struct balance_choice choice = {
			.failed = failed,
			.takes_two = true,
			.random = (uint32_t)rand() << 16 ^ (uint32_t)rand(),
		};

		counts[choose(balance, &choice) - entries]++;
	}
}

static void test_the_better_of_two_at_random(void **state)
{
	struct balance balance;
	struct balance_entry entries[4];
	unsigned counts[4] = {0}, others[4] = {0};

	(void)state;
	setup_entries(&balance, entries, 4, 9);
	balance_add_load(&balance, &entries[2]);
	/* It is never better than the other one; those that are alike are chosen alike. */
	count_choices(&balance, entries, NULL, counts);
	assert_int_equal(counts[2], 0);
	for (int i = 0; i < 4; i++)
		assert_in_range(counts[i] + (i == 2 ? 3333 : 0), 3100, 3600);
	count_choices(&balance, entries, &entries[0], others);
	assert_int_equal(others[0], 0);
	assert_in_range(others[2], 1, 3000);
	balance_remove(&balance, &entries[1]);
	balance_remove(&balance, &entries[2]);
	balance_remove(&balance, &entries[3]);
	assert_ptr_equal(choose(&balance, &(struct balance_choice){.takes_two = true}), entries);
	assert_null(
		choose(&balance, &(struct balance_choice){.takes_two = true, .failed = entries}));
	balance_fini(&balance);
}

static double load_of(const struct balance_entry *entry)
{
	return ((double)entry->load + entry->other + 1) / entry->weight;
}

static bool naive_is_before(const struct balance_entry *a, const struct balance_entry *b)
{
	if (load_of(a) != load_of(b))
		return load_of(a) < load_of(b);
	return a->order < b->order;
}

static const struct balance_entry *naive_least_in(const struct balance_entry *entries, int tier,
						  const struct balance_entry *but)
{
	const struct balance_entry *best = NULL;

	for (unsigned i = 0; i < PROCS; i++) {
		const struct balance_entry *entry = &entries[i];

		if (entry == but || !entry->usable || entry->load >= entry->capacity ||
		    entry->tier != tier)
			continue;
		if (!best || naive_is_before(entry, best))
			best = entry;
	}
	return best;
}

static int naive_tier(const struct balance_entry *entries, int above)
{
	int tier = BALANCE_TIERS;

	for (unsigned i = 0; i < PROCS; i++)
		if (entries[i].usable && entries[i].tier > above && entries[i].tier < tier)
			tier = entries[i].tier;
	return tier;
}

static const struct balance_entry *naive_least(const struct balance_entry *entries,
					       const struct balance_entry *but, bool may_spill)
{
	int tier = naive_tier(entries, -1);
	const struct balance_entry *best = naive_least_in(entries, tier, but);

	if (!best && tier == 0 && may_spill)
		best = naive_least_in(entries, naive_tier(entries, 0), but);
	return best;
}

static void come_or_go(struct balance *balance, struct balance_entry *entry)
{
	if (entry->is_member)
		balance_remove(balance, entry);
	else
		assert_int_equal(balance_add(balance, entry), 0);
}

static void random_step(struct balance *balance, struct balance_entry *entry)
{
	switch (rand() % 8) {
	case 0:
		balance_set_usable(balance, entry, entry->is_member && rand() % 3 > 0);
		break;
	case 1:
	case 2:
		if (entry->load > 0)
			balance_take_load(balance, entry);
		break;
	case 3:
		balance_set_other(balance, entry, (uint32_t)rand() % 4);
		break;
	case 4: /* powers of two: compared exactly by the naive way too */
		balance_set_weight(balance, entry, 64U << rand() % 4);
		break;
	case 5:
		if (rand() % 4 == 0)
			come_or_go(balance, entry);
		else if (entry->is_member)
			balance_pass_turn(balance, entry);
		break;
	default:
		if (entry->load < entry->capacity)
			balance_add_load(balance, entry);
	}
}

static void test_agrees_with_a_look_at_all(void **state)
{
	struct balance balance = {0};
	struct balance_entry entries[PROCS];

	(void)state;
	srand(42);
	for (unsigned i = 0; i < PROCS; i++)
		add(&balance, &entries[i], i % 16 == 0 ? 0 : 1 + i % 3, (7 * i) % PROCS, 3);
	for (int i = 0; i < STEPS; i++) {
		struct balance_entry *entry = &entries[rand() % PROCS];
		bool may_spill = rand() % 2;
		const struct balance_choice but = {.failed = entry, .may_spill = may_spill};
		const struct balance_choice any = {.may_spill = may_spill};

		random_step(&balance, entry);
		assert_ptr_equal(choose(&balance, &any), naive_least(entries, NULL, may_spill));
		assert_ptr_equal(choose(&balance, &but), naive_least(entries, entry, may_spill));
		assert_int_equal(has_room(&balance, may_spill),
				 naive_least(entries, NULL, may_spill) != NULL);
	}
	balance_fini(&balance);
}

static void test_group_takes_turns_among_equals(void **state)
{
	struct balance first, second;
	struct balance_entry a[2], b[2];
	struct balance *both[] = {&first, &second};
	struct balance_group group = {.balances = both, .count = 2};
	const struct balance_choice any = {0};

	(void)state;
	setup_entries(&first, a, 2, 9);
	setup_entries(&second, b, 2, 9);
	assert_ptr_equal(balance_group_least(&group, &any), &a[0]);
	assert_ptr_equal(balance_group_least(&group, &any), &b[0]);
	assert_ptr_equal(balance_group_least(&group, &any), &a[0]);
	/* The least load for its weight goes before the turn, and what failed is left out. */
	balance_add_load(&second, &b[0]);
	balance_add_load(&second, &b[1]);
	assert_ptr_equal(balance_group_least(&group, &any), &a[0]);
	assert_ptr_equal(balance_group_least(&group, &(struct balance_choice){.failed = &a[0]}),
			 &a[1]);
	balance_set_weight(&second, &b[1], 3 * UNIT);
	assert_ptr_equal(balance_group_least(&group, &any), &b[1]);
	balance_set_usable(&first, &a[0], false);
	balance_set_usable(&first, &a[1], false);
	balance_set_usable(&second, &b[1], false);
	assert_ptr_equal(balance_group_least(&group, &any), &b[0]);
	balance_set_usable(&second, &b[0], false);
	assert_null(balance_group_least(&group, &any));
	balance_fini(&first);
	balance_fini(&second);
}

static void test_group_has_one_order_of_tiers(void **state)
{
	struct balance first = {0}, second = {0};
	struct balance_entry a[2], b[2];
	struct balance *both[] = {&first, &second};
	struct balance_group group = {.balances = both, .count = 2};
	struct balance_choice choice = {.takes_two = true};

	(void)state;
	add(&first, &a[0], 1, 0, 1);
	add(&first, &a[1], 7, 0, 1);
	add(&second, &b[0], 1, 0, 1);
	add(&second, &b[1], 7, 0, 1);
	balance_set_usable(&first, &a[0], false);
	assert_ptr_equal(balance_group_least(&group, &choice), &b[0]);
	balance_add_load(&second, &b[0]);
	assert_false(balance_group_has_room(&group, true));
	balance_set_usable(&second, &b[0], false);
	for (unsigned i = 0; i < 100; i++) {
		choice.random = i * 0x9e3779b9U;
		assert_int_equal(balance_group_least(&group, &choice)->tier, 7);
	}
	balance_fini(&first);
	balance_fini(&second);
}

static void test_group_of_none_has_nobody(void **state)
{
	struct balance_group group = {0};
	const struct balance_choice any = {0};

	(void)state;
	assert_null(balance_group_least(&group, &any));
	assert_false(balance_group_has_room(&group, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_equal_loads_go_by_order),
		cmocka_unit_test(test_a_full_one_hides_no_other),
		cmocka_unit_test(test_load_of_one_that_is_not_usable_is_kept),
		cmocka_unit_test(test_those_that_pass_their_turn_are_used_in_turn),
		cmocka_unit_test(test_weights_share_the_load),
		cmocka_unit_test(test_load_of_others_counts),
		cmocka_unit_test(test_later_tiers_wait_until_all_before_are_gone),
		cmocka_unit_test(test_a_full_first_tier_spills),
		cmocka_unit_test(test_one_that_is_removed_keeps_its_load),
		cmocka_unit_test(test_the_better_of_two_at_random),
		cmocka_unit_test(test_agrees_with_a_look_at_all),
		cmocka_unit_test(test_group_takes_turns_among_equals),
		cmocka_unit_test(test_group_has_one_order_of_tiers),
		cmocka_unit_test(test_group_of_none_has_nobody),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
