#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "fcgi/values.h"
#include "guarded.h"

enum { CONTENT_SIZE = 70000 };

static const struct values ours = {
	.max_conns = 4294967295U,
	.max_reqs = 12,
	.mpxs_conns = true,
	.capacity = 4294967295U,
	.busy = 17,
	.queued = 0,
};

/* What is in a result, by name; NULL: it must not be there. */
struct texts {
	const char *max_conns, *max_reqs, *mpxs_conns, *capacity, *busy, *queued;
};
static const struct texts all_texts = {"4294967295", "12", "1", "4294967295", "17", "0"};

static size_t put(uint8_t *out, const char *name, const char *value)
{
	struct param param = {name, strlen(name), value, strlen(value)};

	return (size_t)(params_encode(out, &param) - out);
}

/* A record's content, after a look at its header. */
static const uint8_t *content_of(const uint8_t *record, const uint8_t *end, uint8_t type)
{
	assert_int_equal(record[0], RECORD_VERSION);
	assert_int_equal(record[1], type);
	assert_int_equal(get_be16(record + 2), 0);
	assert_int_equal(record + RECORD_HEADER_LEN + get_be16(record + 4) + record[6] - end, 0);
	assert_true(end - record <= VALUES_ENCODED_MAX);
	return record + RECORD_HEADER_LEN;
}

static void check_answer(const struct values_query *query, const struct texts *texts)
{
	const char *const names[] = {"FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS",
				     "HERD_CAPACITY",  "HERD_BUSY",	"HERD_QUEUED"};
	const char *const values[] = {texts->max_conns, texts->max_reqs, texts->mpxs_conns,
				      texts->capacity,	texts->busy,	 texts->queued};
	uint8_t out[VALUES_ENCODED_MAX];
	uint8_t *end = values_result_encode(out, query, &ours);
	const uint8_t *content = content_of(out, end, RECORD_GET_VALUES_RESULT);
	struct param param;

	assert_true(params_is_valid(content, (size_t)(end - content)));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool is_there = params_find(content, (size_t)(end - content), names[i], &param);

		assert_int_equal(is_there, values[i] != NULL);
		if (is_there)
			assert_true(params_value_is(&param, values[i]));
	}
}

/* Whether a query is taken, wherever it is cut in two, and byte by byte; the last goes to query. */
static bool feed_all(struct values_query *query, const uint8_t *bytes, size_t len)
{
	struct guarded guarded = guarded_new(len);
	struct values_query first;
	bool is_good = true;

	*query = (struct values_query){0};
	for (size_t i = 0; is_good && i < len; i++)
		is_good = values_query_feed(query, bytes + i, 1);
	for (size_t cut = 0; cut <= len; cut++) {
		bool is_good_cut;

		first = (struct values_query){0};
		is_good_cut =
			values_query_feed(&first, guarded_place(&guarded, bytes, cut), cut) &&
			values_query_feed(&first, guarded_place(&guarded, bytes + cut, len - cut),
					  len - cut);
		assert_int_equal(is_good_cut, is_good);
		if (is_good)
			assert_int_equal(first.asked, query->asked);
	}
	guarded_free(&guarded);
	return is_good;
}

static void test_our_own_query(void **state)
{
	uint8_t out[VALUES_ENCODED_MAX];
	uint8_t *end = values_query_encode(out);
	const uint8_t *content = content_of(out, end, RECORD_GET_VALUES);
	struct values_query query;

	(void)state;
	assert_true(feed_all(&query, content, (size_t)(end - content)));
	check_answer(&query, &all_texts);
}

static void test_only_what_was_asked_for(void **state)
{
	uint8_t bytes[64];
	struct values_query query = {0};

	(void)state;
	check_answer(&query, &(struct texts){0});
	assert_true(feed_all(&query, bytes, put(bytes, "FCGI_MAX_REQS", "")));
	check_answer(&query, &(struct texts){.max_reqs = "12"});
	assert_true(feed_all(&query, bytes, put(bytes, "HERD_BUSY", "")));
	check_answer(&query, &(struct texts){.busy = "17"});
	assert_true(feed_all(&query, bytes, put(bytes, "FCGI_MPXS_CONNS", "1")));
	check_answer(&query, &(struct texts){.mpxs_conns = "1"});
}

static void test_names_in_the_long_form(void **state)
{
	uint8_t bytes[64] = {0x80, 0, 0, 15, 0x80, 0, 0, 0};
	struct values_query query;

	(void)state;
	memcpy(bytes + 8, "FCGI_MPXS_CONNS", 15);
	assert_true(feed_all(&query, bytes, 23));
	check_answer(&query, &(struct texts){.mpxs_conns = "1"});
}

static void test_unknown_and_long_names_are_passed_over(void **state)
{
	static char longest[300];
	uint8_t bytes[2048];
	struct values_query query;
	size_t len = put(bytes, "FCGI_MAX_CONN", "");

	(void)state;
	memset(longest, 'X', sizeof(longest) - 1);
	len += put(bytes + len, "", "");
	len += put(bytes + len, longest, "");
	len += put(bytes + len, "FCGI_MAX_CONNS", "");
	len += put(bytes + len, "A_NAME_THAT_IS_LONGER_THAN_OURS", "and its value");
	len += put(bytes + len, "fcgi_max_reqs", "");
	len += put(bytes + len, "A", longest);
	len += put(bytes + len, longest, longest);
	len += put(bytes + len, "FCGI_MPXS_CONNSX", "");
	assert_true(feed_all(&query, bytes, len));
	check_answer(&query, &(struct texts){.max_conns = "4294967295"});
	len += put(bytes + len, "FCGI_MPXS_CONNS", "");
	assert_true(feed_all(&query, bytes, len));
	check_answer(&query, &(struct texts){.max_conns = "4294967295", .mpxs_conns = "1"});
}

/* A name that fills all that a record can hold is only passed over. */
static void test_a_record_full_of_one_name(void **state)
{
	static uint8_t bytes[CONTENT_SIZE] = {0x80, 0, 0xFF, 0xFA, 0};
	struct values_query query = {0};

	(void)state;
	assert_true(values_query_feed(&query, bytes, RECORD_CONTENT_MAX));
	assert_int_equal(query.skip_len, 0);
	assert_int_equal(query.partial_len, 0);
}

static void test_lengths_beyond_a_record(void **state)
{
	static const uint8_t cases[][8] = {
		{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		{0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 1},
		{0x80, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF},
		{0x80, 1, 0, 0, 0x80, 0, 0, 0},
		{0x80, 0, 0xFF, 0xF8, 0x80, 0, 0, 0},
	};
	struct values_query query;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(feed_all(&query, cases[i], sizeof(cases[i])));
}

static void test_result_comes_back(void **state)
{
	uint8_t out[VALUES_ENCODED_MAX];
	uint8_t *end = values_query_encode(out);
	struct values_query query = {0};
	struct values values = {0};

	(void)state;
	assert_true(values_query_feed(&query, out + RECORD_HEADER_LEN,
				      (size_t)(end - out) - RECORD_HEADER_LEN));
	end = values_result_encode(out, &query, &ours);
	assert_true(values_result_decode(out + RECORD_HEADER_LEN,
					 (size_t)(end - out) - RECORD_HEADER_LEN, &values));
	assert_true(values.max_conns == ours.max_conns);
	assert_int_equal(values.max_reqs, ours.max_reqs);
	assert_true(values.mpxs_conns);
	assert_true(values.capacity == ours.capacity);
	assert_int_equal(values.busy, ours.busy);
	assert_int_equal(values.queued, ours.queued);
	assert_true(values.knows_load);
}

/* As of programs that are no fcgi-mux, or of one that knows only part of them. */
static void test_the_load_is_known_as_a_whole(void **state)
{
	static const char *const names[] = {"HERD_CAPACITY", "HERD_BUSY", "HERD_QUEUED"};
	uint8_t bytes[128];
	size_t len = put(bytes, "FCGI_MAX_CONNS", "3");
	struct values values = {.knows_load = true};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(values_result_decode(bytes, len, &values));
		assert_false(values.knows_load);
		len += put(bytes + len, names[i], "4");
	}
	assert_true(values_result_decode(bytes, len, &values));
	assert_true(values.knows_load);
	assert_int_equal(values.capacity, 4);
	assert_int_equal(values.max_conns, 3);
}

static void test_absent_values_stay(void **state)
{
	uint8_t bytes[64] = {0};
	struct values values = {.max_conns = 7, .max_reqs = 8, .mpxs_conns = true};

	(void)state;
	assert_true(values_result_decode(bytes, 0, &values));
	assert_true(values_result_decode(NULL, 0, &values));
	assert_true(values_result_decode(bytes, put(bytes, "FCGI_OTHER", "x"), &values));
	assert_int_equal(values.max_conns, 7);
	assert_int_equal(values.max_reqs, 8);
	assert_true(values.mpxs_conns);
	assert_true(values_result_decode(bytes, put(bytes, "FCGI_MPXS_CONNS", "0"), &values));
	assert_false(values.mpxs_conns);
	assert_int_equal(values.max_conns, 7);
}

static void test_values_that_are_no_numbers(void **state)
{
	static const char *const texts[] = {"",	  "x",	"-1",	      "+1",
					    " 1", "1 ", "4294967296", "99999999999999999999999999"};
	uint8_t bytes[128];
	struct values values = {.max_conns = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = put(bytes, "FCGI_MAX_CONNS", "3");

		len += put(bytes + len, "FCGI_MAX_REQS", texts[i]);
		assert_false(values_result_decode(bytes, len, &values));
		assert_int_equal(values.max_conns, 7);
	}
}

static void test_a_result_that_is_cut(void **state)
{
	uint8_t bytes[64];
	size_t len = put(bytes, "FCGI_MAX_CONNS", "33");
	struct guarded guarded = guarded_new(len);
	struct values values = {.max_conns = 7};

	(void)state;
	for (size_t cut = 1; cut < len; cut++) {
		assert_false(
			values_result_decode(guarded_place(&guarded, bytes, cut), cut, &values));
		assert_int_equal(values.max_conns, 7);
	}
	assert_true(values_result_decode(bytes, len, &values));
	assert_int_equal(values.max_conns, 33);
	guarded_free(&guarded);
}

static void test_an_end_is_told_apart_from_values(void **state)
{
	uint8_t bytes[VALUES_ENCODED_MAX];
	const uint8_t *content = bytes + RECORD_HEADER_LEN;
	uint8_t *end = values_draining_encode(bytes);
	size_t len = (size_t)(end - content);
	struct values values = {.max_conns = 7};

	(void)state;
	assert_int_equal(bytes[RECORD_AT_TYPE], RECORD_GET_VALUES_RESULT);
	assert_true(values_are_draining(content, len));
	assert_false(values_are_draining(content, len - 1));
	assert_false(values_are_draining(content, 0));
	/* An older one finds no value of its own in it. */
	assert_true(values_result_decode(content, len, &values));
	assert_int_equal(values.max_conns, 7);
	assert_false(values.knows_load);
	len = put(bytes, "HERD_BUSY", "3");
	assert_false(values_are_draining(bytes, len));
}

static void test_another_mux_is_known_by_its_question(void **state)
{
	struct values_query query = {0};
	uint8_t bytes[VALUES_ENCODED_MAX];
	size_t len = put(bytes, "FCGI_MAX_CONNS", "");

	(void)state;
	assert_true(values_query_feed(&query, bytes, len));
	assert_false(values_query_is_of_mux(&query));
	len = (size_t)(values_query_encode(bytes) - bytes) - RECORD_HEADER_LEN;
	assert_true(values_query_feed(&query, bytes + RECORD_HEADER_LEN, len));
	assert_true(values_query_is_of_mux(&query));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_our_own_query),
		cmocka_unit_test(test_only_what_was_asked_for),
		cmocka_unit_test(test_names_in_the_long_form),
		cmocka_unit_test(test_unknown_and_long_names_are_passed_over),
		cmocka_unit_test(test_a_record_full_of_one_name),
		cmocka_unit_test(test_lengths_beyond_a_record),
		cmocka_unit_test(test_result_comes_back),
		cmocka_unit_test(test_the_load_is_known_as_a_whole),
		cmocka_unit_test(test_absent_values_stay),
		cmocka_unit_test(test_values_that_are_no_numbers),
		cmocka_unit_test(test_a_result_that_is_cut),
		cmocka_unit_test(test_an_end_is_told_apart_from_values),
		cmocka_unit_test(test_another_mux_is_known_by_its_question),
	};

	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
