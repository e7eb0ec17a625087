#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"

static void test_order(void **state)
{
	static const uint8_t bytes[] = {0xFE, 0xDC, 0xBA, 0x98};
	uint8_t out[4];

	(void)state;
	assert_int_equal(get_be16(bytes), 0xFEDC);
	assert_true(get_be32(bytes) == 0xFEDCBA98U);
	put_be16(out, 0xFEDC);
	assert_memory_equal(out, bytes, 2);
	put_be32(out, 0xFEDCBA98U);
	assert_memory_equal(out, bytes, 4);
}

static void test_all_16_bits_come_back(void **state)
{
	uint8_t out[2];

	(void)state;
	for (unsigned number = 0; number <= UINT16_MAX; number++) {
		put_be16(out, (uint16_t)number);
		assert_int_equal(get_be16(out), number);
	}
}

static void test_each_of_32_bits_comes_back(void **state)
{
	uint8_t out[4];
	uint32_t number = 1;

	(void)state;
	for (int bit = 0; bit < 32; bit++, number *= 2) {
		put_be32(out, number);
		assert_true(get_be32(out) == number);
		put_be32(out, ~number);
		assert_true(get_be32(out) == ~number);
	}
}

static void test_any_address(void **state)
{
	uint8_t bytes[12];

	(void)state;
	for (size_t at = 1; at <= 6; at++) {
		memset(bytes, 0x55, sizeof(bytes));
		put_be32(bytes + at, 0x01020304);
		assert_int_equal(get_be32(bytes + at), 0x01020304);
		assert_int_equal(bytes[at - 1], 0x55);
		assert_int_equal(bytes[at + 4], 0x55);
		put_be16(bytes + at, 0xABCD);
		assert_int_equal(get_be16(bytes + at), 0xABCD);
		assert_int_equal(bytes[at - 1], 0x55);
		assert_int_equal(bytes[at + 2], 0x03);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_all_16_bits_come_back),
		cmocka_unit_test(test_each_of_32_bits_comes_back),
		cmocka_unit_test(test_any_address),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
