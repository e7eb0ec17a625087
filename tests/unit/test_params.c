#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fcgi/params.h"
#include "guarded.h"

enum { PAIRS = 9, ENCODED_SIZE = 200 * 1024, LONGEST = 70000 };

/* Lengths of names and values around those at which the form changes. */
static const size_t lens[PAIRS][2] = {{0, 0},	{1, 0},	    {0, 1},   {127, 127},   {127, 128},
				      {128, 3}, {128, 128}, {3, 255}, {14, LONGEST}};

static const char *text_of(size_t len)
{
	static char text[LONGEST];

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (i + len) % 26);
	return text;
}

static size_t encode_pair(uint8_t *out, size_t name_len, size_t value_len)
{
	char *name = strndup(text_of(name_len), name_len);
	struct param param = {.name_len = name_len, .value_len = value_len};
	uint8_t *end;

	assert_non_null(name);
	param.name = name;
	param.value = text_of(value_len);
	end = params_encode(out, &param);
	free(name);
	assert_int_equal(end - out, params_encoded_len(name_len, value_len));
	return (size_t)(end - out);
}

static size_t encode_all(uint8_t *out, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += encode_pair(out + len, lens[i][0], lens[i][1]);
	return len;
}

static void check_param(const struct param *param, size_t name_len, size_t value_len)
{
	assert_int_equal(param->name_len, name_len);
	assert_int_equal(param->value_len, value_len);
	assert_int_equal(memcmp(param->name, text_of(name_len), name_len), 0);
	assert_int_equal(memcmp(param->value, text_of(value_len), value_len), 0);
}

static void test_both_forms(void **state)
{
	static const uint8_t brief[] = {1, 2, 'n', 'v', 'w'};
	static const uint8_t head[] = {0x80, 0, 0, 0x80, 0x80, 1, 0x11, 0x70};
	uint8_t *out = malloc(ENCODED_SIZE);
	struct param param = {"n", 1, "vw", 2};

	(void)state;
	assert_non_null(out);
	assert_ptr_equal(params_encode(out, &param), out + sizeof(brief));
	assert_memory_equal(out, brief, sizeof(brief));
	encode_pair(out, 128, LONGEST);
	assert_memory_equal(out, head, sizeof(head));
	free(out);
}

static void test_pairs_come_back(void **state)
{
	uint8_t *bytes = malloc(ENCODED_SIZE);
	size_t len = encode_all(bytes, PAIRS);
	const uint8_t *at = bytes, *end = bytes + len;
	struct param param = {0};

	(void)state;
	for (size_t i = 0; i < PAIRS; i++) {
		assert_int_equal(params_next(&at, end, &param), PARAMS_PAIR);
		check_param(&param, lens[i][0], lens[i][1]);
	}
	assert_ptr_equal(at, end);
	assert_int_equal(params_next(&at, end, &param), PARAMS_MORE);
	assert_true(params_is_valid(bytes, len));
	free(bytes);
}

/* A short form may be written long. */
static void test_long_form_of_short_lengths(void **state)
{
	static const uint8_t bytes[] = {0x80, 0, 0, 1, 0x80, 0, 0, 2, 'n', 'v', 'w'};
	const uint8_t *at = bytes;
	struct param param;

	(void)state;
	assert_int_equal(params_next(&at, bytes + sizeof(bytes), &param), PARAMS_PAIR);
	assert_int_equal(param.name_len, 1);
	assert_true(params_value_is(&param, "vw"));
	assert_ptr_equal(at, bytes + sizeof(bytes));
}

/* Whole pairs before the cut, then nothing, with at where the cut pair begins. */
static void check_cut(const uint8_t *bytes, size_t cut)
{
	const uint8_t *at = bytes, *end = bytes + cut;
	size_t count = 0, len = 0;
	struct param param;

	while (params_next(&at, end, &param) == PARAMS_PAIR) {
		check_param(&param, lens[count][0], lens[count][1]);
		len += params_encoded_len(lens[count][0], lens[count][1]);
		count++;
	}
	assert_int_equal(at - bytes, len);
	assert_true(len + params_encoded_len(lens[count][0], lens[count][1]) > cut);
	assert_int_equal(params_is_valid(bytes, cut), len == cut);
}

static void test_cut_at_each_byte(void **state)
{
	uint8_t *bytes = malloc(ENCODED_SIZE);
	size_t len = encode_all(bytes, PAIRS - 1);
	struct guarded guarded = guarded_new(len);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++)
		check_cut(guarded_place(&guarded, bytes, cut), cut);
	guarded_free(&guarded);
	free(bytes);
}

/* Lengths whose sum does not fit 31 or 32 bits, or an address. */
static void test_lengths_beyond_all_bytes(void **state)
{
	static const uint8_t cases[][10] = {
		{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 'a', 'b'},
		{0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 2, 'a', 'b'},
		{0x80, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 'a', 'b'},
		{0x80, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFE, 'a', 'b'},
		{0xC0, 0, 0, 0, 0xC0, 0, 0, 0, 'a', 'b'},
		{0x80, 0, 0, 1, 0x80, 0, 0, 2, 'a', 'b'},
		{3, 0, 'a', 'b', 0, 0, 0, 0, 0, 0xFF},
	};
	struct guarded guarded = guarded_new(sizeof(cases[0]));
	struct param param;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *bytes = guarded_place(&guarded, cases[i], sizeof(cases[i]));
		const uint8_t *at = bytes;

		while (params_next(&at, bytes + sizeof(cases[i]), &param) == PARAMS_PAIR)
			;
		assert_true(at < bytes + sizeof(cases[i]));
		assert_false(params_is_valid(bytes, sizeof(cases[i])));
		assert_false(params_find(bytes, sizeof(cases[i]), "a", &param));
	}
	guarded_free(&guarded);
}

static void test_length(void **state)
{
	static const uint8_t bytes[] = {0x7F, 0x80, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF};
	const uint8_t *at = bytes;
	size_t len = 99;

	(void)state;
	assert_false(params_next_len(&at, bytes, &len));
	assert_true(params_next_len(&at, bytes + 1, &len));
	assert_int_equal(len, 127);
	for (size_t cut = 1; cut < 5; cut++)
		assert_false(params_next_len(&at, bytes + cut, &len));
	assert_ptr_equal(at, bytes + 1);
	assert_true(params_next_len(&at, bytes + 5, &len));
	assert_int_equal(len, 127);
	assert_true(params_next_len(&at, bytes + sizeof(bytes), &len));
	assert_int_equal(len, 0x7FFFFFFF);
	assert_ptr_equal(at, bytes + sizeof(bytes));
}

static uint8_t *put(uint8_t *out, const char *name, const char *value)
{
	struct param param = {name, strlen(name), value, strlen(value)};

	return params_encode(out, &param);
}

static void test_find(void **state)
{
	uint8_t bytes[256];
	uint8_t *end = put(bytes, "SCRIPT_NAME", "/a.php");
	struct param param;
	size_t len;

	(void)state;
	end = put(end, "EMPTY", "");
	end = put(end, "SCRIPT", "/b");
	end = put(end, "script_name", "/c");
	end = put(end, "SCRIPT_NAME", "/d.php");
	len = (size_t)(end - bytes);
	assert_true(params_find(bytes, len, "SCRIPT_NAME", &param));
	assert_true(params_value_is(&param, "/d.php"));
	assert_false(params_value_is(&param, "/d"));
	assert_false(params_value_is(&param, "/d.php5"));
	assert_true(params_find(bytes, len, "SCRIPT", &param));
	assert_true(params_value_is(&param, "/b"));
	assert_true(params_find(bytes, len, "EMPTY", &param));
	assert_true(params_value_is(&param, ""));
	assert_false(params_find(bytes, len, "SCRIPT_", &param));
	assert_false(params_find(bytes, 0, "SCRIPT_NAME", &param));
}

/* As an empty buffer has them. */
static void test_no_bytes_at_all(void **state)
{
	struct param param;

	(void)state;
	assert_true(params_is_valid(NULL, 0));
	assert_false(params_find(NULL, 0, "SCRIPT_NAME", &param));
}

static void test_have_compares_names_alone(void **state)
{
	static const uint8_t pairs[] = {1, 1, 'A', '1', 2, 0, 'B', 'C'};
	const struct param a = {"A", 1, "x", 1}, b = {"B", 1, "", 0}, bc = {"BC", 2, "", 0};

	(void)state;
	assert_true(params_have(pairs, sizeof(pairs), &a));
	assert_false(params_have(pairs, sizeof(pairs), &b));
	assert_true(params_have(pairs, sizeof(pairs), &bc));
	assert_false(params_have(pairs, 0, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_forms),
		cmocka_unit_test(test_pairs_come_back),
		cmocka_unit_test(test_long_form_of_short_lengths),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_lengths_beyond_all_bytes),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_no_bytes_at_all),
		cmocka_unit_test(test_have_compares_names_alone),
	};

	return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
