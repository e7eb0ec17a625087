#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/question.h"

enum { ANSWER_SIZE = 4096, TEXT_SIZE = 256 };

static struct question question;
static struct buffer out;

/* Of the page that was asked for. */
static char body[TEXT_SIZE], error_stream[TEXT_SIZE];

static uint8_t answer[RECORD_HEADROOM + ANSWER_SIZE];
static size_t answer_len;

static int tear_down(void **state)
{
	(void)state;
	question_fini(&question);
	buffer_fini(&out);
	answer_len = 0;
	return 0;
}

static void on_body(void *owner, const void *bytes, size_t len)
{
	assert_ptr_equal(owner, body);
	strncat(body, bytes, len);
}

static void on_error(void *owner, const void *bytes, size_t len)
{
	assert_ptr_equal(owner, body);
	strncat(error_stream, bytes, len);
}

static void ask(const char *path)
{
	question_fini(&question);
	question_init(&question, path);
	question.on_body = on_body;
	question.on_error = on_error;
	question.owner = body;
	body[0] = error_stream[0] = '\0';
}

/* The next record at *at, after a look at its header; moves *at behind it. */
static const uint8_t *next_record(size_t *at, uint8_t type, uint16_t id, size_t *len)
{
	const uint8_t *record = buffer_data(&out) + *at;

	assert_true(*at + RECORD_HEADER_LEN <= out.len);
	assert_int_equal(record[RECORD_AT_TYPE], type);
	assert_int_equal(get_be16(record + RECORD_AT_ID), id);
	*len = get_be16(record + RECORD_AT_CONTENT_LEN);
	*at += record_len(record);
	assert_true(*at <= out.len);
	return record + RECORD_HEADER_LEN;
}

static void test_the_values_are_asked_for_twice(void **state)
{
	size_t at = 0, len;

	(void)state;
	ask(NULL);
	assert_int_equal(question_encode(&question, &out), 0);
	next_record(&at, RECORD_GET_VALUES, 0, &len);
	assert_true(len > 0);
	next_record(&at, RECORD_GET_VALUES, 0, &len);
	assert_int_equal(len, 0);
	assert_int_equal(at, out.len);
}

static void assert_param(const uint8_t *params, size_t len, const char *name, const char *value)
{
	struct param param;

	assert_true(params_find(params, len, name, &param));
	assert_true(params_value_is(&param, value));
}

/* What a request for a page says: of these parameters, and of all the records around them. */
static void check_request(const char *const pairs[][2], size_t count)
{
	size_t at = 0, len, params_len;
	const uint8_t *params;

	assert_int_equal(question_encode(&question, &out), 0);
	assert_int_equal(get_be16(next_record(&at, RECORD_BEGIN_REQUEST, 1, &len)),
			 RECORD_RESPONDER);
	params = next_record(&at, RECORD_PARAMS, 1, &params_len);
	assert_true(params_is_valid(params, params_len));
	for (size_t i = 0; i < count; i++)
		assert_param(params, params_len, pairs[i][0], pairs[i][1]);
	next_record(&at, RECORD_PARAMS, 1, &len);
	assert_int_equal(len, 0);
	next_record(&at, RECORD_STDIN, 1, &len);
	assert_int_equal(len, 0);
	assert_int_equal(at, out.len);
	buffer_fini(&out);
}

static void test_a_page_is_asked_for(void **state)
{
	static const char *const plain[][2] = {
		{"REQUEST_METHOD", "GET"},    {"SCRIPT_NAME", "/a.php"},
		{"REQUEST_URI", "/a.php"},    {"SCRIPT_FILENAME", "/a.php"},
		{"QUERY_STRING", ""},	      {"GATEWAY_INTERFACE", "CGI/1.1"},
		{"REMOTE_ADDR", "127.0.0.1"},
	};
	static const char *const whole[][2] = {
		{"SCRIPT_NAME", "/a.php"},     {"REQUEST_URI", "/a.php?b=c?d"},
		{"DOCUMENT_ROOT", "/srv/www"}, {"SCRIPT_FILENAME", "/srv/www/a.php"},
		{"QUERY_STRING", "b=c?d"},
	};

	(void)state;
	ask("/a.php");
	check_request(plain, sizeof(plain) / sizeof(plain[0]));
	ask("/a.php?b=c?d");
	question.docroot = "/srv/www";
	check_request(whole, sizeof(whole) / sizeof(whole[0]));
}

static void test_a_path_that_no_record_holds(void **state)
{
	char *path = text_new("/%065536d", 0);

	(void)state;
	ask(path);
	assert_int_equal(question_encode(&question, &out), -ENAMETOOLONG);
	assert_int_equal(out.len, 0);
	free(path);
}

static void put(uint8_t type, uint16_t id, const void *content, size_t len)
{
	uint8_t *record = answer + RECORD_HEADROOM + answer_len;
	uint8_t *end = record_header_encode(record, type, id, (uint16_t)len);

	if (len > 0)
		memcpy(end, content, len);
	answer_len += RECORD_HEADER_LEN + len;
}

static void put_text(uint8_t type, const char *text)
{
	put(type, 1, text, strlen(text));
}

static void put_end(uint8_t status)
{
	record_end_encode(answer + RECORD_HEADROOM + answer_len, 1, 0, status);
	answer_len += RECORD_BEGIN_LEN;
}

/* The answer in two pieces, as the kernel may give it; the reader writes into what it is given. */
static int take_cut(size_t cut)
{
	static uint8_t copy[sizeof(answer)];
	uint8_t *bytes = copy + RECORD_HEADROOM;
	int error;

	memcpy(bytes, answer + RECORD_HEADROOM, cut);
	error = question_take(&question, bytes, cut);
	if (error < 0 || question.is_over)
		return error;
	memcpy(bytes, answer + RECORD_HEADROOM + cut, answer_len - cut);
	return question_take(&question, bytes, answer_len - cut);
}

static void test_a_page_at_every_cut(void **state)
{
	(void)state;
	put_text(RECORD_STDERR, "oh, ");
	put_text(RECORD_STDOUT, "Status: 203 Fine\r\nX: y\r\n\r");
	put_text(RECORD_STDOUT, "\nfirst ");
	put_text(RECORD_STDERR, "well");
	put_text(RECORD_STDOUT, "second");
	put(RECORD_STDOUT, 1, NULL, 0);
	put_end(RECORD_REQUEST_COMPLETE);
	put_text(RECORD_STDOUT, "behind its end");
	for (size_t cut = 0; cut <= answer_len; cut++) {
		ask("/");
		assert_int_equal(take_cut(cut), 0);
		assert_true(question.is_over);
		assert_int_equal(question.head.status, 203);
		assert_string_equal(body, "first second");
		assert_string_equal(error_stream, "oh, well");
	}
}

static void test_values_at_every_cut(void **state)
{
	static const char content[] = "\016\002FCGI_MAX_CONNS12\017\001FCGI_MPXS_CONNS1";

	(void)state;
	put(RECORD_GET_VALUES_RESULT, 0, content, sizeof(content) - 1);
	put(RECORD_GET_VALUES_RESULT, 0, NULL, 0);
	for (size_t cut = 0; cut <= answer_len; cut++) {
		ask(NULL);
		assert_int_equal(take_cut(cut), 0);
		assert_true(question.is_over && question.has_values);
		assert_int_equal(question.values.max_conns, 12);
		assert_true(question.values.mpxs_conns);
		assert_false(question.values.knows_load);
	}
}

static void test_an_answer_without_values(void **state)
{
	static const uint8_t unknown[8] = {RECORD_GET_VALUES};

	(void)state;
	put(RECORD_UNKNOWN_TYPE, 0, unknown, sizeof(unknown));
	for (size_t cut = 0; cut <= answer_len; cut++) {
		ask(NULL);
		assert_int_equal(take_cut(cut), 0);
		assert_true(question.is_over);
		assert_false(question.has_values);
	}
}

static void assert_fault(const char *path, const char *fault)
{
	for (size_t cut = 0; cut <= answer_len; cut++) {
		ask(path);
		assert_int_equal(take_cut(cut), -EPROTO);
		assert_string_equal(question.fault, fault);
		assert_false(question.is_over);
	}
	answer_len = 0;
}

static void test_what_is_no_answer(void **state)
{
	(void)state;
	put_text(RECORD_STDOUT, "no head\n\n");
	assert_fault("/", "the head of its answer is malformed or too long");
	put_text(RECORD_STDOUT, "Status: 200 OK\n");
	put_end(RECORD_REQUEST_COMPLETE);
	assert_fault("/", "the answer ended before its head did");
	put_text(RECORD_STDOUT, "\n");
	put_end(RECORD_UNKNOWN_ROLE);
	assert_fault("/", "refused the request");
	put(RECORD_GET_VALUES_RESULT, 0, "\016\001FCGI_MAX_CONNSx", 17);
	assert_fault(NULL, "told values that are none");
	put(RECORD_GET_VALUES_RESULT, 0, "\016", 1);
	assert_fault(NULL, "told values that are none");
	put_text(RECORD_STDOUT, "\n");
	assert_fault(NULL, "answered without being asked");
	put(RECORD_STDOUT, 1, NULL, 0);
	answer[RECORD_HEADROOM] = 2;
	assert_fault("/", "answered something that is no FastCGI 1.0");
}

/* Of a request that was never made: as if it had not been said (section 3.3). */
static void test_other_requests_are_passed_over(void **state)
{
	(void)state;
	ask("/");
	put(RECORD_STDOUT, 2, "Status: 500\n\n", 13);
	put_text(RECORD_STDOUT, "\nwell");
	put_end(RECORD_REQUEST_COMPLETE);
	assert_int_equal(take_cut(0), 0);
	assert_true(question.is_over);
	assert_int_equal(question.head.status, 200);
	assert_string_equal(body, "well");
}

/* A probe that only looks at the status wants nothing of the rest. */
static void test_nobody_listens(void **state)
{
	(void)state;
	ask("/");
	question.on_body = NULL;
	question.on_error = NULL;
	put_text(RECORD_STDERR, "oh");
	put_text(RECORD_STDOUT, "\nwell");
	put_text(RECORD_STDOUT, "and so on");
	put_end(RECORD_REQUEST_COMPLETE);
	assert_int_equal(take_cut(0), 0);
	assert_true(question.is_over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_the_values_are_asked_for_twice, tear_down),
		cmocka_unit_test_teardown(test_a_page_is_asked_for, tear_down),
		cmocka_unit_test_teardown(test_a_path_that_no_record_holds, tear_down),
		cmocka_unit_test_teardown(test_a_page_at_every_cut, tear_down),
		cmocka_unit_test_teardown(test_values_at_every_cut, tear_down),
		cmocka_unit_test_teardown(test_an_answer_without_values, tear_down),
		cmocka_unit_test_teardown(test_what_is_no_answer, tear_down),
		cmocka_unit_test_teardown(test_other_requests_are_passed_over, tear_down),
		cmocka_unit_test_teardown(test_nobody_listens, tear_down),
	};

	return cmocka_run_group_tests_name("question", tests, NULL, NULL);
}
