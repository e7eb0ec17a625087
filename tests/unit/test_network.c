#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/network.h"

static struct network parsed(const char *text)
{
	struct network network;
	const char *fault = network_parse(text, &network);

	if (fault)
		fail_msg("\"%s\": %s", text, fault);
	return network;
}

static bool has(const char *block, const char *address)
{
	struct network network = parsed(block), one = parsed(address);

	return network_has(&network, one.address);
}

static void test_what_is_in_a_block(void **state)
{
	static const struct {
		const char *block, *address;
		bool is_in;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"10.0.0.0/7", "11.255.255.255", true},
		{"10.0.0.0/7", "12.0.0.0", false},
		{"192.0.2.1/32", "192.0.2.0", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "2001:db9::1", false},
		{"::1", "::1", true},
		{"::1/128", "::2", false},
		{"::/0", "192.0.2.1", true},
		{"all", "192.0.2.1", true},
		{"all", "2001:db8::1", true},
		/* As a socket for both families shows an IPv4 client, and as some write it. */
		{"192.0.2.0/24", "::ffff:192.0.2.7", true},
		{"::ffff:192.0.2.0/120", "192.0.2.7", true},
		{"::ffff:192.0.2.0/120", "192.0.3.7", false},
		/* Not an IPv4 address: it has no ffff. */
		{"192.0.2.0/24", "::192.0.2.7", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (has(rows[i].block, rows[i].address) != rows[i].is_in)
			fail_msg("%s in %s", rows[i].address, rows[i].block);
}

static void test_what_is_no_block(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"localhost",
		"192.0.2",
		"192.0.2.256",
		"192.0.2.1.1",
		"192.0.2.01x",
		"192.0.2.1:80",
		"[::1]",
		"::1%lo",
		"192.0.2.1/",
		"192.0.2.1/33",
		"192.0.2.0/-1",
		"192.0.2.0/ 24",
		"192.0.2.0/255.255.255.0",
		"192.0.2.1/24",
		"2001:db8::/129",
		"2001:db8::1/32",
		"/24",
		"ALL",
		"all/0",
		"::ffff:192.0.2.1/96",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!network_parse(texts[i], &network))
			fail_msg("\"%s\" was taken", texts[i]);
}

static void test_addresses_as_text(void **state)
{
	static const char *const rows[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::1", "::1"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	char text[NETWORK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct network network = parsed(rows[i][0]);

		assert_string_equal(network_format(network.address, text), rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_in_a_block),
		cmocka_unit_test(test_what_is_no_block),
		cmocka_unit_test(test_addresses_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
