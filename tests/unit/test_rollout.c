#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/rollout.h"

static void test_steps(void **state)
{
	static const struct {
		struct rollout_facts facts;
		enum rollout_step step;
	} cases[] = {
		{{0, 0, 0}, ROLLOUT_DONE},    {{4, 0, 0}, ROLLOUT_REPLACE},
		{{3, 1, 0}, ROLLOUT_WAIT},    {{0, 1, 0}, ROLLOUT_WAIT},
		{{3, 0, 1}, ROLLOUT_HALT},    {{3, 2, 1}, ROLLOUT_HALT},
		{{1, 0, 0}, ROLLOUT_REPLACE}, {{0, 0, 1}, ROLLOUT_DONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (rollout_next(&cases[i].facts) != cases[i].step)
			fail_msg("case %zu", i);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests_name("rollout", tests, NULL, NULL);
}
