#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mux/access_line.h"

#define TIME "2026-11-22T12:00:00.123Z"

static struct param param(const char *text)
{
	return (struct param){.value = text, .value_len = strlen(text)};
}

static struct access_line full_line(void)
{
	return (struct access_line){
		.time = TIME,
		.front = "/run/php.sock",
		.backend = "php",
		.proc = 3,
		.pid = 4711,
		.method = param("GET"),
		.uri = param("/shop?id=7"),
		.script = param("/srv/shop.php"),
		.status = 200,
		.body_len = 0,
		.sent_len = UINT64_MAX - 1,
		.waited_ms = 0,
		.first_ms = 12,
		.total_ms = 61005,
		.retries = 1,
		.end = "ok",
	};
}

static struct access_line empty_line(void)
{
	return (struct access_line){
		.time = TIME,
		.front = "/run/php.sock",
		.proc = ACCESS_NONE,
		.pid = 0,
		.status = ACCESS_NONE,
		.waited_ms = ACCESS_NONE,
		.first_ms = ACCESS_NONE,
		.total_ms = 1,
		.end = "aborted",
	};
}

static void assert_line(const struct access_line *line, const char *plain, const char *json)
{
	char *out = malloc(ACCESS_LINE_SIZE);
	size_t len;

	assert_non_null(out);
	len = access_line_plain(out, line);
	assert_int_equal(len, strlen(plain));
	assert_memory_equal(out, plain, len);
	len = access_line_json(out, line);
	assert_int_equal(len, strlen(json));
	assert_memory_equal(out, json, len);
	free(out);
}

static void test_all_fields(void **state)
{
	const struct access_line line = full_line();

	(void)state;
	assert_line(&line,
		    TIME
		    " front=/run/php.sock backend=php proc=3 pid=4711 method=\"GET\" "
		    "uri=\"/shop?id=7\" script=\"/srv/shop.php\" status=200 body=0 "
		    "sent=18446744073709551614 waited=0.000 first=0.012 total=61.005 retries=1 "
		    "end=ok\n",
		    "{\"time\":\"" TIME "\",\"front\":\"/run/php.sock\",\"backend\":\"php\","
		    "\"proc\":3,\"pid\":4711,\"method\":\"GET\",\"uri\":\"/shop?id=7\","
		    "\"script\":\"/srv/shop.php\",\"status\":200,\"body\":0,"
		    "\"sent\":18446744073709551614,\"waited\":0.000,\"first\":0.012,"
		    "\"total\":61.005,\"retries\":1,\"end\":\"ok\"}\n");
}

static void test_what_there_is_not(void **state)
{
	const struct access_line line = empty_line();

	(void)state;
	assert_line(&line,
		    TIME " front=/run/php.sock backend=- proc=- pid=- method=- uri=- script=- "
			 "status=- body=0 sent=0 waited=- first=- total=0.001 retries=0 "
			 "end=aborted\n",
		    "{\"time\":\"" TIME "\",\"front\":\"/run/php.sock\",\"backend\":null,"
		    "\"proc\":null,\"pid\":null,\"method\":null,\"uri\":null,\"script\":null,"
		    "\"status\":null,\"body\":0,\"sent\":0,\"waited\":null,\"first\":null,"
		    "\"total\":0.001,\"retries\":0,\"end\":\"aborted\"}\n");
}

/* A line stays a line, and a value inside its quotes. */
static void test_values_are_escaped(void **state)
{
	struct access_line line = empty_line();

	(void)state;
	line.method = param("A\" end=\"ok");
	line.uri = param("/\\x\n\x7f\xc3\xa9");
	assert_line(&line,
		    TIME " front=/run/php.sock backend=- proc=- pid=- "
			 "method=\"A\\x22 end=\\x22ok\" uri=\"/\\x5cx\\x0a\\x7f\xc3\xa9\" "
			 "script=- status=- body=0 sent=0 waited=- first=- total=0.001 retries=0 "
			 "end=aborted\n",
		    "{\"time\":\"" TIME "\",\"front\":\"/run/php.sock\",\"backend\":null,"
		    "\"proc\":null,\"pid\":null,\"method\":\"A\\\" end=\\\"ok\","
		    "\"uri\":\"/\\\\x\\u000a\\u007f\xc3\xa9\",\"script\":null,"
		    "\"status\":null,\"body\":0,\"sent\":0,\"waited\":null,\"first\":null,"
		    "\"total\":0.001,\"retries\":0,\"end\":\"aborted\"}\n");
}

/* In memory of the exact size, so that a sanitizer sees a byte too many. */
static void test_the_longest_has_room(void **state)
{
	enum { LEN = 70000, VALUES = 3 };
	char *out = malloc(ACCESS_LINE_SIZE), *text = malloc(LEN);
	struct access_line line = full_line();

	(void)state;
	assert_non_null(out);
	assert_non_null(text);
	memset(text, 1, LEN);
	line.method = line.uri = line.script = (struct param){.value = text, .value_len = LEN};
	line.proc = line.pid = line.status = line.body_len = line.retries = ACCESS_NONE - 1;
	line.waited_ms = line.first_ms = line.total_ms = ACCESS_NONE - 1;
	assert_in_range(access_line_plain(out, &line), VALUES * ACCESS_VALUE_LEN_MAX * 4,
			ACCESS_LINE_SIZE);
	assert_in_range(access_line_json(out, &line), VALUES * ACCESS_VALUE_LEN_MAX * 6,
			ACCESS_LINE_SIZE);
	free(text);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_what_there_is_not),
		cmocka_unit_test(test_values_are_escaped),
		cmocka_unit_test(test_the_longest_has_room),
	};

	return cmocka_run_group_tests_name("access_line", tests, NULL, NULL);
}
