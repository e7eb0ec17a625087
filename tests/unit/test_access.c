#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/access.h"

static bool has_ipv4(const struct access *access, uint8_t first, uint8_t last)
{
	const uint8_t ipv4[] = {first, 0, 0, last};
	uint8_t address[NETWORK_ADDRESS_LEN];

	network_map_ipv4(ipv4, address);
	return access_has_address(access, address);
}

static void test_without_a_limit_all_may(void **state)
{
	struct access access;

	(void)state;
	access_init(&access);
	assert_false(access.is_limited);
	assert_true(has_ipv4(&access, 10, 1));
	assert_true(access_has_user(&access, 33));
	access_fini(&access);
}

static void test_networks(void **state)
{
	char first[] = "10.0.0.1", second[] = "192.0.0.0/8", all[] = "all";
	char *texts[] = {first, second, all};
	struct access access;

	(void)state;
	access_init(&access);
	assert_int_equal(access_limit_networks(&access, texts, 2), 0);
	assert_true(access.is_limited);
	assert_true(has_ipv4(&access, 10, 1));
	assert_true(has_ipv4(&access, 192, 9));
	assert_false(has_ipv4(&access, 10, 2));
	access_fini(&access);
	/* Nobody needs to be asked who they are then. */
	assert_int_equal(access_limit_networks(&access, texts, 3), 0);
	assert_false(access.is_limited);
	assert_true(has_ipv4(&access, 10, 2));
	access_fini(&access);
}

static void test_users(void **state)
{
	char first[] = "33", second[] = "1000";
	char *texts[] = {first, second};
	struct access access;

	(void)state;
	access_init(&access);
	assert_int_equal(access_limit_users(&access, texts, 2), 0);
	assert_true(access_has_user(&access, 33));
	assert_true(access_has_user(&access, 1000));
	assert_true(access_has_user(&access, 0));
	assert_false(access_has_user(&access, 34));
	assert_false(access_has_user(&access, UINT32_MAX));
	access_fini(&access);
}

static void test_a_list_of_nothing_lets_nobody_in(void **state)
{
	struct access access;

	(void)state;
	access_init(&access);
	assert_int_equal(access_limit_networks(&access, NULL, 0), 0);
	assert_false(has_ipv4(&access, 10, 1));
	access_fini(&access);
}

static void test_what_is_not_understood_lets_nobody_in(void **state)
{
	char name[] = "www-data", block[] = "10.0.0.0/99";
	char *names[] = {name}, *blocks[] = {block};
	struct access access;

	(void)state;
	access_init(&access);
	assert_int_equal(access_limit_users(&access, names, 1), -EINVAL);
	assert_false(access_has_user(&access, 33));
	access_fini(&access);
	assert_int_equal(access_limit_networks(&access, blocks, 1), -EINVAL);
	assert_false(has_ipv4(&access, 10, 1));
	access_fini(&access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_limit_all_may),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_a_list_of_nothing_lets_nobody_in),
		cmocka_unit_test(test_what_is_not_understood_lets_nobody_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
