#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/retry.h"

/* The default of what may be sent again, and a method that is among that, or is not. */
#define GET .methods = RETRY_SAFE_METHODS, .method = RETRY_SAFE_METHODS
#define POST .methods = RETRY_SAFE_METHODS, .method = RETRY_ALL_METHODS

struct row {
	struct retry_case failure;
	bool is_allowed;
};

static void test_rules(void **state)
{
	static const struct row rows[] = {
		{{GET, .is_whole = true}, true},
		{{POST, .connection_was_reused = true, .is_whole = true}, true},
		{{POST, .is_unsent = true, .is_whole = true}, true},
		{{POST, .is_whole = true}, false},
		{{GET}, false},
		{{POST, .connection_was_reused = true}, false},
		{{GET, .is_answered = true, .is_whole = true}, false},
		{{POST, .is_answered = true, .connection_was_reused = true, .is_whole = true},
		 false},
		{{GET, .is_whole = true, .retries = RETRY_MAX - 1}, true},
		{{GET, .is_whole = true, .retries = RETRY_MAX}, false},
		{{POST, .is_unsent = true, .is_whole = true, .retries = RETRY_MAX}, false},
		{{POST, .is_unaccepted = true, .is_whole = true}, false},
		{{GET, .is_unaccepted = true, .is_whole = true, .retries = RETRY_MAX}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (retry_is_allowed(&rows[i].failure) != rows[i].is_allowed)
			fail_msg("row %zu", i);
}

static void test_none_means_what_was_never_begun(void **state)
{
	struct retry_case failure = {
		.method = RETRY_SAFE_METHODS, .is_whole = true, .connection_was_reused = true};

	(void)state;
	assert_false(retry_is_allowed(&failure));
	failure.is_unaccepted = true;
	assert_false(retry_is_allowed(&failure));
	failure.is_unsent = true;
	assert_true(retry_is_allowed(&failure));
}

static void test_methods(void **state)
{
	static const struct {
		const char *method;
		enum retry_methods class;
	} rows[] = {
		{"GET", RETRY_SAFE_METHODS},	   {"HEAD", RETRY_SAFE_METHODS},
		{"OPTIONS", RETRY_SAFE_METHODS},   {"TRACE", RETRY_SAFE_METHODS},
		{"PUT", RETRY_IDEMPOTENT_METHODS}, {"DELETE", RETRY_IDEMPOTENT_METHODS},
		{"POST", RETRY_ALL_METHODS},	   {"get", RETRY_ALL_METHODS},
		{"GETS", RETRY_ALL_METHODS},	   {"GE", RETRY_ALL_METHODS},
		{"", RETRY_ALL_METHODS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (retry_class(rows[i].method, strlen(rows[i].method)) != rows[i].class)
			fail_msg("%s", rows[i].method);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_none_means_what_was_never_begun),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
