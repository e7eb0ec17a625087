#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/process.h"

static void test_memory_grows(void **state)
{
	enum { LEN = 16 << 20 };
	uint64_t before, after;
	char *bytes;

	(void)state;
	assert_int_equal(process_memory(getpid(), &before), 0);
	bytes = malloc(LEN);
	assert_non_null(bytes);
	memset(bytes, 1, LEN);
	assert_int_equal(process_memory(getpid(), &after), 0);
	assert_true(before > 0);
	assert_in_range(after - before, LEN * 3 / 4, LEN * 2);
	free(bytes);
}

static void test_memory_of_nobody(void **state)
{
	uint64_t len = 1;

	(void)state;
	assert_int_equal(process_memory(INT_MAX, &len), -ENOENT);
	assert_int_equal(len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_grows),
		cmocka_unit_test(test_memory_of_nobody),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
