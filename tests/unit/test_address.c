#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/address.h"

static struct address parsed(const char *text)
{
	struct address address;
	const char *complaint = address_parse(text, &address);

	if (complaint)
		fail_msg("\"%s\": %s", text, complaint);
	return address;
}

static void check_parse(const char *text, const char *name, int port)
{
	struct address address = parsed(text);

	assert_int_equal(address.kind, port ? ADDRESS_TCP : ADDRESS_UNIX);
	assert_string_equal(address.name, name);
	assert_int_equal(address.port, port);
}

static void test_forms(void **state)
{
	(void)state;
	check_parse("/run/php.sock", "/run/php.sock", 0);
	check_parse("unix:/run/php.sock", "/run/php.sock", 0);
	check_parse("unix:php.sock", "php.sock", 0);
	check_parse("/run/a:9000", "/run/a:9000", 0);
	check_parse("127.0.0.1:9000", "127.0.0.1", 9000);
	check_parse("localhost:1", "localhost", 1);
	check_parse("php-1.example.org:65535", "php-1.example.org", 65535);
	check_parse("[::1]:9000", "::1", 9000);
	check_parse("[2001:db8::10]:80", "2001:db8::10", 80);
}

static void test_what_is_no_address(void **state)
{
	static const struct {
		const char *text;
		const char *part; /* of the sentence */
	} cases[] = {
		{"", "an address is"},
		{"php.sock", "an address is"},
		{"unix:", "path is empty"},
		{":9000", "host is empty"},
		{"[]:9000", "brackets"},
		{"[localhost]:9000", "no IPv6 address"},
		{"[127.0.0.1]:9000", "no IPv6 address"},
		{"[::1:9000", "in brackets"},
		{"::1:9000", "in brackets"},
		{"[::1]", "in brackets"},
		{"[::1]9000", "in brackets"},
		{"a b:9000", "neither an address nor a name"},
		{"127.0.0.1:", "port"},
		{"127.0.0.1:0", "port"},
		{"127.0.0.1:65536", "port"},
		{"127.0.0.1:70000", "port"},
		{"127.0.0.1:80x", "port"},
		{"127.0.0.1:-1", "port"},
		{"[::1]:+80", "port"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address address;
		const char *complaint = address_parse(cases[i].text, &address);

		if (!complaint || !strstr(complaint, cases[i].part))
			fail_msg("\"%s\": %s", cases[i].text, complaint ? complaint : "taken");
	}
}

/* len bytes of 'a' with a slash before them. */
static const char *long_path(size_t len)
{
	static char path[1024];

	assert_true(len < sizeof(path));
	memset(path, 'a', len);
	path[0] = '/';
	path[len] = '\0';
	return path;
}

static void test_longest_path(void **state)
{
	struct address address;

	(void)state;
	assert_null(address_set_path(&address, long_path(107)));
	assert_int_equal(strlen(address.name), 107);
	assert_non_null(address_set_path(&address, long_path(108)));
	assert_non_null(address_parse(long_path(1000), &address));
}

static void test_longest_host(void **state)
{
	struct address address;
	char text[ADDRESS_TEXT_SIZE], host[ADDRESS_HOST_MAX + 2];

	(void)state;
	memset(host, 'h', sizeof(host));
	host[ADDRESS_HOST_MAX + 1] = '\0';
	assert_non_null(address_set_host(&address, host, 1));
	host[ADDRESS_HOST_MAX] = '\0';
	assert_null(address_set_host(&address, host, 65535));
	address_format(&address, text);
	assert_int_equal(strlen(text), ADDRESS_HOST_MAX + strlen(":65535"));
	assert_true(address_is_equal(&address, &(const struct address){0}) == false);
	assert_non_null(address_set_host(&address, "", 1));
	assert_non_null(address_set_host(&address, "a", 0));
	assert_non_null(address_set_host(&address, "[::1]", 1));
	assert_null(address_set_host(&address, "::1", 1));
}

static void test_format_is_read_back(void **state)
{
	static const char *const texts[] = {"/run/php.sock", "unix:relative", "127.0.0.1:9000",
					    "[::1]:9000", "php.example:80"};
	char out[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address address = parsed(texts[i]);

		assert_string_equal(address_format(&address, out), texts[i]);
	}
}

static void test_equal(void **state)
{
	struct address a = parsed("127.0.0.1:9000"), b = parsed("127.0.0.1:9000");
	struct address port = parsed("127.0.0.1:9001"), path = parsed("unix:127.0.0.1");

	(void)state;
	assert_true(address_is_equal(&a, &b));
	assert_false(address_is_equal(&a, &port));
	assert_false(address_is_equal(&a, &path));
}

static void check_numbered(const char *base, size_t number, const char *expected)
{
	struct address address = parsed(base), numbered;
	char out[ADDRESS_TEXT_SIZE];

	assert_null(address_numbered(&address, number, &numbered));
	assert_string_equal(address_format(&numbered, out), expected);
}

static void test_numbered(void **state)
{
	struct address address, numbered;

	(void)state;
	check_numbered("/run/php", 0, "/run/php-0");
	check_numbered("/run/php", 12, "/run/php-12");
	check_numbered("127.0.0.1:9000", 0, "127.0.0.1:9000");
	check_numbered("[::1]:9000", 35, "[::1]:9035");
	check_numbered("127.0.0.1:65530", 5, "127.0.0.1:65535");
	address = parsed("127.0.0.1:65530");
	assert_non_null(address_numbered(&address, 6, &numbered));
	assert_non_null(address_numbered(&address, SIZE_MAX, &numbered));
	assert_null(address_set_path(&address, long_path(105)));
	assert_null(address_numbered(&address, 9, &numbered));
	assert_non_null(address_numbered(&address, 10, &numbered));
	assert_null(address_numbered(&address, 1, &address));
	assert_int_equal(strlen(address.name), 107);
}

static void check_loopback(const char *text, bool expected)
{
	struct address address = parsed(text);

	if (address_is_loopback(&address) != expected)
		fail_msg("\"%s\" is taken for the contrary", text);
}

static void test_loopback(void **state)
{
	(void)state;
	check_loopback("/run/php.sock", true);
	check_loopback("127.0.0.1:1", true);
	check_loopback("127.255.0.9:1", true);
	check_loopback("localhost:1", true);
	check_loopback("LocalHost:1", true);
	check_loopback("[::1]:1", true);
	check_loopback("[0:0:0:0:0:0:0:1]:1", true);
	check_loopback("0.0.0.0:1", false);
	check_loopback("128.0.0.1:1", false);
	check_loopback("126.255.255.255:1", false);
	check_loopback("[::]:1", false);
	check_loopback("[::2]:1", false);
	check_loopback("localhost.example.org:1", false);
	check_loopback("127.example.org:1", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_what_is_no_address),
		cmocka_unit_test(test_longest_path),
		cmocka_unit_test(test_longest_host),
		cmocka_unit_test(test_format_is_read_back),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_numbered),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
