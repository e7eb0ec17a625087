#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/health.h"

static void probe(struct health *health, enum health_sign sign)
{
	health_begin_probe(health);
	health_take(health, sign);
}

static void test_one_good_probe_brings_it_in(void **state)
{
	struct health health;

	(void)state;
	health_init(&health, true);
	assert_false(health.is_out);
	probe(&health, HEALTH_SIGN_CLOSED);
	assert_true(health.is_out);
	probe(&health, HEALTH_SIGN_BAD);
	assert_true(health.is_out);
	probe(&health, HEALTH_SIGN_GOOD);
	assert_false(health.is_out);
}

static void test_three_failures_in_a_row_take_it_out(void **state)
{
	struct health health;

	(void)state;
	health_init(&health, true);
	probe(&health, HEALTH_SIGN_BAD);
	probe(&health, HEALTH_SIGN_BAD);
	probe(&health, HEALTH_SIGN_GOOD);
	probe(&health, HEALTH_SIGN_BAD);
	probe(&health, HEALTH_SIGN_BAD);
	assert_false(health.is_out);
	probe(&health, HEALTH_SIGN_BAD);
	assert_true(health.is_out);
}

static void test_one_that_is_heard_of_is_well(void **state)
{
	struct health health;

	(void)state;
	health_init(&health, true);
	for (int i = 0; i < 10; i++) {
		health_begin_probe(&health);
		health_note_life(&health);
		health_take(&health, HEALTH_SIGN_BAD);
	}
	assert_false(health.is_out);
	/* What was heard before the probe began says nothing. */
	for (int i = 0; i < HEALTH_FAILURES_MAX; i++) {
		health_note_life(&health);
		probe(&health, HEALTH_SIGN_BAD);
	}
	assert_true(health.is_out);
	/* Nor does it bring one in that is out. */
	health_note_life(&health);
	assert_true(health.is_out);
}

static void test_one_that_listens_no_more_is_out_whatever_it_still_answers(void **state)
{
	struct health health;

	(void)state;
	health_init(&health, false);
	health_begin_probe(&health);
	health_note_life(&health);
	health_take(&health, HEALTH_SIGN_CLOSED);
	assert_true(health.is_out);
}

static void test_one_that_never_answered_need_not(void **state)
{
	struct health health;

	(void)state;
	health_init(&health, false);
	for (int i = 0; i < 10; i++)
		probe(&health, HEALTH_SIGN_BAD);
	assert_false(health.is_out);
	probe(&health, HEALTH_SIGN_GOOD);
	for (int i = 0; i < HEALTH_FAILURES_MAX; i++)
		probe(&health, HEALTH_SIGN_BAD);
	assert_true(health.is_out);
}

static void test_fronts_do_not_ask_in_step(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t next_ms = health_next_ms(2000, i * 0x9e3779b9U);

		least = next_ms < least ? next_ms : least;
		most = next_ms > most ? next_ms : most;
	}
	assert_int_equal(least, 1800);
	assert_int_equal(most, 2200);
	assert_int_equal(health_next_ms(1, 77), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_good_probe_brings_it_in),
		cmocka_unit_test(test_three_failures_in_a_row_take_it_out),
		cmocka_unit_test(test_one_that_is_heard_of_is_well),
		cmocka_unit_test(test_one_that_listens_no_more_is_out_whatever_it_still_answers),
		cmocka_unit_test(test_one_that_never_answered_need_not),
		cmocka_unit_test(test_fronts_do_not_ask_in_step),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
