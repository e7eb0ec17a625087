#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/scale.h"

static void test_missing(void **state)
{
	static const struct {
		const char *what;
		struct scale_rules rules;
		struct scale_facts facts;
		size_t missing;
	} cases[] = {
		{"none is needed", {0, 8, 0}, {0, 0, 0, 0}, 0},
		{"the first request", {0, 8, 0}, {0, 0, 0, 1}, 1},
		{"it is on its way", {0, 8, 0}, {1, 1, 0, 1}, 0},
		{"at least min", {2, 8, 0}, {0, 0, 0, 0}, 2},
		{"one of min is gone", {4, 4, 0}, {3, 0, 0, 0}, 1},
		{"all busy and nobody waits", {1, 8, 0}, {3, 0, 0, 3}, 0},
		{"one waits", {1, 8, 0}, {3, 0, 0, 4}, 1},
		{"many wait", {1, 8, 0}, {3, 0, 0, 100}, 5},
		{"no more than max", {1, 8, 0}, {8, 0, 0, 100}, 0},
		{"more than max are there", {1, 8, 0}, {9, 0, 0, 100}, 0},
		{"a long queue", {0, 64, 0}, {0, 0, 0, 200}, 8},
		{"some of them are up", {0, 64, 0}, {8, 3, 0, 200}, 5},
		{"none of them is up", {0, 64, 0}, {8, 8, 0, 200}, 0},
		{"more are starting at the start", {0, 64, 0}, {12, 12, 0, 200}, 0},
		{"what starts is room to come", {1, 64, 0}, {6, 4, 0, 7}, 1},
		{"one fails", {1, 8, 0}, {2, 0, 1, 8}, 0},
		{"no child at all", {0, 0, 0}, {0, 0, 0, 5}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t missing = scale_missing(&cases[i].rules, &cases[i].facts);

		if (missing != cases[i].missing)
			fail_msg("%s: %zu", cases[i].what, missing);
	}
}

static void test_surplus(void **state)
{
	static const struct {
		const char *what;
		struct scale_rules rules;
		struct scale_facts facts;
		uint64_t unneeded_ms;
		bool has;
	} cases[] = {
		{"not for long enough", {2, 8, 1000}, {3, 0, 0, 0}, 999, false},
		{"for long enough", {2, 8, 1000}, {3, 0, 0, 0}, 1000, true},
		{"the others are needed", {0, 8, 1000}, {3, 0, 0, 2}, 1000, true},
		{"no more than min", {2, 8, 1000}, {2, 0, 0, 0}, UINT64_MAX, false},
		{"less than min", {2, 8, 1000}, {0, 0, 0, 0}, UINT64_MAX, false},
		{"the last of all", {0, 8, 1000}, {1, 0, 0, 0}, 1000, true},
		{"at once", {0, 8, 0}, {1, 0, 0, 0}, 0, true},
		{"needed now", {0, 8, 0}, {1, 0, 0, 1}, 0, false},
		{"needed although it fails", {0, 8, 0}, {1, 1, 1, 1}, 0, false},
		{"none", {0, 8, 0}, {0, 0, 0, 0}, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (scale_has_surplus(&cases[i].rules, &cases[i].facts, cases[i].unneeded_ms) !=
		    cases[i].has)
			fail_msg("%s", cases[i].what);
}

static void test_spread(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint32_t pid = 1; pid <= 1000; pid++) {
		uint64_t spread = scale_spread(500, pid);

		assert_in_range(spread, 450, 550);
		least = spread < least ? spread : least;
		most = spread > most ? spread : most;
	}
	assert_true(least < 455 && most > 545);
	assert_int_not_equal(scale_spread(1000, 100), scale_spread(1000, 101));
	assert_int_equal(scale_spread(1, 12345), 1);
	assert_int_equal(scale_spread(0, 12345), 1);
	assert_true(scale_spread(UINT64_MAX / 2, UINT32_MAX) > UINT64_MAX / 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_surplus),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
