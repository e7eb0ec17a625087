#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "herd/output.h"

/* What a child writes comes out as lines of the log, however it comes in. */

static char log_path[] = "/tmp/test_output.XXXXXX";
static struct outputs outputs;
static struct output *output;
static int end; /* the child's, of the pipe */

static void start(bool has_levels)
{
	assert_int_equal(truncate(log_path, 0), 0);
	end = outputs_open(&outputs, &output, "app.0", has_levels);
	assert_true(end >= 0);
	output->pid = 42;
}

static void put(const char *text, size_t len)
{
	assert_int_equal(write(end, text, len), len);
	output->io.on_ready(&output->io, LOOP_READ);
}

static void finish(void)
{
	close(end);
	output->io.on_ready(&output->io, LOOP_READ);
	outputs_free_done(&outputs);
	assert_true(list_is_empty(&outputs.open));
	assert_true(list_is_empty(&outputs.done));
}

/* Of all lines in the log, what follows "app.0[42]: ", each ended by "|". To be freed. */
static char *logged(void)
{
	static const char head[] = "app.0[42]: ";
	char *text = calloc(1, 1 << 20), *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *log = fopen(log_path, "r");

	assert_non_null(log);
	assert_non_null(text);
	while ((len = getline(&line, &size, log)) > 0) {
		const char *at = strstr(line, head);

		assert_non_null(at);
		line[len - 1] = '|';
		strncat(text, at + strlen(head), (1 << 20) - strlen(text) - 1);
	}
	fclose(log);
	free(line);
	return text;
}

static void assert_logged(const char *expected)
{
	char *text = logged();

	assert_string_equal(text, expected);
	free(text);
}

static void test_every_cut(void **state)
{
	static const char text[] = "first\n\nsecond line\nlast";
	size_t len = strlen(text);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		start(false);
		if (cut > 0)
			put(text, cut);
		if (cut < len)
			put(text + cut, len - cut);
		finish();
		assert_logged("first||second line|last|");
	}
}

static void test_byte_by_byte(void **state)
{
	static const char text[] = "a\nbc\n\nd\n";

	(void)state;
	start(false);
	for (size_t i = 0; i < strlen(text); i++)
		put(text + i, 1);
	finish();
	assert_logged("a|bc||d|");
}

/* As fcgi-mux writes them; a level that is not wanted is left out. */
static void test_levels(void **state)
{
	static const char text[] = "<4>careful\n<6>by the way\n<7>details\n<8>what\nplain\n";

	(void)state;
	start(true);
	put(text, strlen(text));
	finish();
	assert_logged("warning: careful|by the way|<8>what|plain|");
	start(false);
	put(text, strlen(text));
	finish();
	assert_logged("<4>careful|<6>by the way|<7>details|<8>what|plain|");
}

static void test_too_long_a_line_is_passed_on_in_pieces(void **state)
{
	char piece[1000];
	char *text;
	size_t found = 0;

	(void)state;
	memset(piece, 'y', sizeof(piece));
	start(false);
	for (int i = 0; i < 200; i++) {
		put(piece, sizeof(piece));
		assert_true(output->line.len <= OUTPUT_LINE_MAX);
	}
	finish();
	text = logged();
	for (const char *at = text; *at; at++)
		found += *at == 'y';
	assert_int_equal(found, 200 * sizeof(piece));
	free(text);
}

static void test_the_end_takes_what_is_in_the_pipe(void **state)
{
	(void)state;
	start(false);
	assert_int_equal(write(end, "one\ntwo", 7), 7);
	outputs_fini(&outputs);
	close(end);
	assert_logged("one|two|");
}

static int init(void **state)
{
	int fd = mkstemp(log_path);

	(void)state;
	if (fd < 0 || !loop_init() || log_open(log_path) < 0)
		return -1;
	close(fd);
	outputs_init(&outputs);
	return 0;
}

static int fini(void **state)
{
	(void)state;
	assert_int_equal(log_open("stderr"), 0);
	return unlink(log_path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_too_long_a_line_is_passed_on_in_pieces),
		cmocka_unit_test(test_the_end_takes_what_is_in_the_pipe),
	};

	return cmocka_run_group_tests_name("output", tests, init, fini);
}
