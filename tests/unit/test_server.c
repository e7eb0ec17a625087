#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "config/server.h"

static void test_servers(void **state)
{
	static const struct {
		const char *text, *address;
		unsigned weight;
		bool is_backup, is_name;
	} cases[] = {
		{"192.0.2.1:9000", "192.0.2.1:9000", 1, false, false},
		{" [2001:db8::1]:9000\tweight=256 ", "[2001:db8::1]:9000", 256, false, false},
		{"/run/a.sock backup", "/run/a.sock", 1, true, false},
		{"php:9000 backup weight=3", "php:9000", 3, true, true},
		{"LocalHost:9000", "LocalHost:9000", 1, false, false},
		{"php.example.org:1", "php.example.org:1", 1, false, true},
	};
	char text[ADDRESS_TEXT_SIZE];
	struct server server;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(server_parse(cases[i].text, &server));
		assert_string_equal(address_format(&server.address, text), cases[i].address);
		assert_int_equal(server.weight, cases[i].weight);
		assert_int_equal(server.is_backup, cases[i].is_backup);
		assert_int_equal(server_is_name(&server), cases[i].is_name);
	}
}

static void test_bad_servers(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{"", "an address is /path, unix:/path, host:port or [v6]:port"},
		{"192.0.2.1", "an address is /path, unix:/path, host:port or [v6]:port"},
		{"a:1 weight=0", "weight is a number from 1 to 256"},
		{"a:1 weight=257", "weight is a number from 1 to 256"},
		{"a:1 weight=", "weight is a number from 1 to 256"},
		{"a:1 heavy", "behind an address stand weight=N, backup, both or nothing"},
		{"a:1 weight = 2", "behind an address stand weight=N, backup, both or nothing"},
	};
	struct server server;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(server_parse(cases[i].text, &server), cases[i].fault);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_string_equal(server_parse(text, &server), "it is too long");
}

static void test_name_servers(void **state)
{
	static const struct {
		const char *text, *address;
	} cases[] = {
		{"192.0.2.53", "192.0.2.53:53"},
		{"192.0.2.53:5353", "192.0.2.53:5353"},
		{"2001:db8::53", "[2001:db8::53]:53"},
		{"[2001:db8::53]:5353", "[2001:db8::53]:5353"},
	};
	char text[ADDRESS_TEXT_SIZE];
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(name_server_parse(cases[i].text, &address));
		assert_string_equal(address_format(&address, text), cases[i].address);
	}
	assert_non_null(name_server_parse("ns.example.org:53", &address));
	assert_non_null(name_server_parse("ns.example.org", &address));
	assert_non_null(name_server_parse("/run/ns", &address));
	assert_non_null(name_server_parse("192.0.2.53:0", &address));
}

static void test_names_of_services(void **state)
{
	static const char *const good[] = {"_php._tcp.example.org", "_php._tcp.example.org.", "a",
					   "a-b.c"};
	static const char *const bad[] = {"", ".", "a..b", ".a", "a b", "a/b", "a:1", "ä"};
	char text[260];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(service_name_fault(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(service_name_fault(bad[i]));
	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	assert_non_null(service_name_fault(text));
	text[63] = '\0';
	assert_null(service_name_fault(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_name_servers),
		cmocka_unit_test(test_names_of_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
