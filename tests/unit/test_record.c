#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"
#include "fcgi/record.h"

enum { CANARY = 0xa5 };

static void test_encoders(void **state)
{
	static const uint8_t header[] = {1, 5, 0x12, 0x34, 0xFF, 0xFE, 0, 0};
	static const uint8_t begin[] = {1, 1, 1, 0, 0, 8, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0};
	static const uint8_t end[] = {1, 3, 0, 2, 0, 8, 0, 0, 0xFE, 0xDC, 0xBA, 0x98, 1, 0, 0, 0};
	static const uint8_t unknown[] = {1, 11, 0, 0, 0, 8, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0};
	uint8_t out[RECORD_BEGIN_LEN];

	(void)state;
	assert_ptr_equal(record_header_encode(out, RECORD_STDIN, 0x1234, 0xFFFE), out + 8);
	assert_memory_equal(out, header, sizeof(header));
	memset(out, CANARY, sizeof(out));
	assert_ptr_equal(record_begin_encode(out, 256, RECORD_FILTER, 1), out + 16);
	assert_memory_equal(out, begin, sizeof(begin));
	memset(out, CANARY, sizeof(out));
	assert_ptr_equal(record_end_encode(out, 2, 0xFEDCBA98, RECORD_CANT_MPX_CONN), out + 16);
	assert_memory_equal(out, end, sizeof(end));
	memset(out, CANARY, sizeof(out));
	assert_ptr_equal(record_unknown_type_encode(out, 99), out + 16);
	assert_memory_equal(out, unknown, sizeof(unknown));
}

static void test_bodies_come_back(void **state)
{
	uint8_t record[RECORD_BEGIN_LEN];
	struct record_begin begin;
	struct record_end end;

	(void)state;
	record_begin_encode(record, 1, RECORD_AUTHORIZER, RECORD_FLAG_KEEP_CONN);
	begin = record_begin_decode(record);
	assert_int_equal(begin.role, RECORD_AUTHORIZER);
	assert_int_equal(begin.flags, RECORD_FLAG_KEEP_CONN);
	record_end_encode(record, 1, 0x80000001, RECORD_OVERLOADED);
	end = record_end_decode(record);
	assert_true(end.app_status == 0x80000001);
	assert_int_equal(end.status, RECORD_OVERLOADED);
	record_set_id(record, 0xABCD);
	assert_int_equal(get_be16(record + 2), 0xABCD);
	assert_int_equal(record[1], RECORD_END_REQUEST);
	assert_int_equal(get_be16(record + 4), 8);
}

static void test_len_counts_header_and_padding(void **state)
{
	uint8_t record[RECORD_HEADER_LEN];

	(void)state;
	record_header_encode(record, RECORD_STDIN, 1, 300);
	assert_int_equal(record_len(record), RECORD_HEADER_LEN + 300);
	record[RECORD_AT_PADDING_LEN] = 255;
	assert_int_equal(record_len(record), RECORD_HEADER_LEN + 300 + 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoders),
		cmocka_unit_test(test_bodies_come_back),
		cmocka_unit_test(test_len_counts_header_and_padding),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
