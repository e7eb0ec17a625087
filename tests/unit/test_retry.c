#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/retry.h"

struct row {
	struct retry_case failure;
	bool is_allowed;
};

static void test_rules(void **state)
{
	static const struct row rows[] = {
		{{.method_is_safe = true, .is_whole = true}, true},
		{{.connection_was_reused = true, .is_whole = true}, true},
		{{.is_unsent = true, .is_whole = true}, true},
		{{.is_whole = true}, false},
		{{.method_is_safe = true}, false},
		{{.connection_was_reused = true}, false},
		{{.is_answered = true, .method_is_safe = true, .is_whole = true}, false},
		{{.is_answered = true, .connection_was_reused = true, .is_whole = true}, false},
		{{.method_is_safe = true, .is_whole = true, .retries = RETRY_MAX - 1}, true},
		{{.method_is_safe = true, .is_whole = true, .retries = RETRY_MAX}, false},
		{{.is_unsent = true, .is_whole = true, .retries = RETRY_MAX}, false},
		{{.is_unaccepted = true, .is_whole = true}, false},
		{{.is_unaccepted = true,
		  .method_is_safe = true,
		  .is_whole = true,
		  .retries = RETRY_MAX},
		 true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (retry_is_allowed(&rows[i].failure) != rows[i].is_allowed)
			fail_msg("row %zu", i);
}

static bool is_safe(const char *method)
{
	return retry_method_is_safe(method, strlen(method));
}

static void test_methods(void **state)
{
	(void)state;
	assert_true(is_safe("GET"));
	assert_true(is_safe("HEAD"));
	assert_true(is_safe("OPTIONS"));
	assert_true(is_safe("TRACE"));
	assert_false(is_safe("POST"));
	assert_false(is_safe("PUT"));
	assert_false(is_safe("DELETE"));
	assert_false(is_safe("get"));
	assert_false(is_safe("GETS"));
	assert_false(is_safe("GE"));
	assert_false(is_safe(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
