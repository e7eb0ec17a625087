#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { ROUNDS = 20000, LEN_MAX = 5000, HELD_MAX = 64 * 1024, SEED = 5 };

static void test_empty_holds_no_memory(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer);
	assert_null(buffer.bytes);
	assert_null(buffer_data(&buffer));
	assert_int_equal(buffer_append(&buffer, "", 0), 0);
	assert_null(buffer.bytes);
	assert_int_equal(buffer_append(&buffer, "ab", 2), 0);
	buffer_consume(&buffer, 1);
	assert_int_equal(buffer.len, 1);
	buffer_consume(&buffer, 1);
	assert_null(buffer.bytes);
	assert_int_equal(buffer.capacity, 0);
	buffer_consume(&buffer, 0);
	buffer_fini(&buffer);
}

static void test_all_zero_is_empty(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	assert_memory_equal(buffer_data(&buffer), "abc", 3);
	buffer_fini(&buffer);
	assert_int_equal(buffer_append(&buffer, "d", 1), 0);
	assert_int_equal(buffer.len, 1);
	buffer_fini(&buffer);
}

static void test_room_is_taken_as_filled(void **state)
{
	struct buffer buffer = {0};
	uint8_t *room = buffer_room(&buffer, 100);

	(void)state;
	assert_non_null(room);
	assert_int_equal(buffer.len, 0);
	memset(room, 'x', 100);
	buffer_grow(&buffer, 40);
	assert_int_equal(buffer.len, 40);
	assert_ptr_equal(buffer_room(&buffer, 1), buffer_data(&buffer) + 40);
	buffer_grow(&buffer, 0);
	assert_int_equal(buffer.len, 40);
	buffer_fini(&buffer);
}

/* A queue that never runs empty finds its room where bytes were consumed. */
static void test_memory_does_not_grow_with_what_went_through(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "0123456789", 10), 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(buffer_append(&buffer, "abcdefghij", 10), 0);
		buffer_consume(&buffer, 10);
	}
	assert_int_equal(buffer.len, 10);
	assert_memory_equal(buffer_data(&buffer), "abcdefghij", 10);
	assert_true(buffer.capacity <= 4096);
	buffer_fini(&buffer);
}

/* With ASan too, malloc is to return NULL for what cannot be had. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void test_no_memory_leaves_it_as_it_was(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	assert_null(buffer_room(&buffer, SIZE_MAX));
	assert_null(buffer_room(&buffer, SIZE_MAX - 3));
	assert_int_equal(buffer_append(&buffer, "x", SIZE_MAX / 2), -ENOMEM);
	assert_int_equal(buffer.len, 3);
	assert_memory_equal(buffer_data(&buffer), "abc", 3);
	buffer_fini(&buffer);
}

static void append_counted(struct buffer *buffer, size_t len, uint8_t *next)
{
	uint8_t bytes[LEN_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (*next)++;
	assert_int_equal(buffer_append(buffer, bytes, len), 0);
}

static void consume_counted(struct buffer *buffer, size_t len, uint8_t *next)
{
	const uint8_t *bytes = buffer_data(buffer);

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != (*next)++)
			fail_msg("byte %zu of %zu is another", i, len);
	buffer_consume(buffer, len);
}

static void test_bytes_come_out_in_order(void **state)
{
	struct buffer buffer = {0};
	uint8_t in = 0, out = 0;

	(void)state;
	srand(SEED);
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = (size_t)rand() % LEN_MAX;

		if (rand() % 2 && buffer.len + len <= HELD_MAX)
			append_counted(&buffer, len, &in);
		else
			consume_counted(&buffer, len < buffer.len ? len : buffer.len, &out);
		assert_true(buffer.start + buffer.len <= buffer.capacity);
		assert_int_equal(buffer.bytes == NULL, buffer.len == 0);
	}
	consume_counted(&buffer, buffer.len, &out);
	assert_int_equal(in, out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_holds_no_memory),
		cmocka_unit_test(test_all_zero_is_empty),
		cmocka_unit_test(test_room_is_taken_as_filled),
		cmocka_unit_test(test_memory_does_not_grow_with_what_went_through),
		cmocka_unit_test(test_no_memory_leaves_it_as_it_was),
		cmocka_unit_test(test_bytes_come_out_in_order),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
