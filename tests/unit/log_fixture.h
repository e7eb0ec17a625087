#ifndef UNIT_LOG_FIXTURE_H
#define UNIT_LOG_FIXTURE_H

/* What the tests of base/log share: a log file of its own for each test, and a clock to set. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

enum { LOGGED_SIZE = 512 * 1024, LONG_LEN = 64 * 1024, BETWEEN_TESTS_MS = 60 * 1000 };

#define TIME "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

static uint64_t test_ms;

static inline uint64_t read_test_clock(void)
{
	return test_ms;
}

/* A log file of its own for each test. */
struct fixture {
	char path[128];
	char logged[LOGGED_SIZE];
};

static inline int set_up(void **state)
{
	const char *directory = getenv("TMPDIR");
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fd;

	if (!fixture)
		return -1;
	if (text_format(fixture->path, sizeof(fixture->path), "%s/log.XXXXXX",
			directory ? directory : "/tmp") < 0)
		return -1;
	fd = mkstemp(fixture->path);
	if (fd < 0)
		return -1;
	close(fd);
	log_init("herd", LOG_FORM_FULL);
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_clock(read_test_clock);
	*state = fixture;
	return log_open(fixture->path);
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	/* What it held back is told in its own log. */
	test_ms += BETWEEN_TESTS_MS;
	if (log_flush())
		return -1;
	unlink(fixture->path);
	free(fixture);
	return log_open("stderr");
}

static inline const char *read_file(struct fixture *fixture, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(fixture->logged, 1, LOGGED_SIZE - 1, file);
	fixture->logged[len] = '\0';
	fclose(file);
	return fixture->logged;
}

static inline const char *logged(struct fixture *fixture)
{
	return read_file(fixture, fixture->path);
}

/* That the log is one line of this form; empties it. */
static inline void assert_line(struct fixture *fixture, const char *form)
{
	const char *line = logged(fixture);
	char pattern[512];
	regex_t regex;

	assert_int_equal(text_format(pattern, sizeof(pattern), "%s\n$", form), 0);
	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, line, 0, NULL, 0) != 0)
		fail_msg("\"%s\" is not of the form \"%s\"", line, pattern);
	regfree(&regex);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_int_equal(truncate(fixture->path, 0), 0);
}

static inline char *many(char byte, size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, byte, len);
	text[len] = '\0';
	return text;
}

/* Of the byte, in the log. */
static inline size_t count_logged(struct fixture *fixture, char byte)
{
	size_t count = 0;

	for (const char *at = logged(fixture); *at; at++)
		count += *at == byte;
	return count;
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
