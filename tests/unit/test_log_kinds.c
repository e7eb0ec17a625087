#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_kinds.h"
#include "log_fixture.h"

enum { MANY = 3 * LOG_KINDS, LINE_LEN = 24, TURNS_MAX = 10000 };

/* What stands for formats: only their addresses count, and these are as far apart. */
static char formats[MANY][LINE_LEN];

/* How many of so many lines of one kind are to be written. */
static unsigned count_written(struct log_kinds *kinds, const char *format, unsigned lines,
			      uint64_t now_ms)
{
	unsigned written = 0;

	while (lines-- > 0)
		written += !log_kinds_count(kinds, format, LOG_LEVEL_WARNING, now_ms);
	return written;
}

/* How many lines are told of. */
static uint64_t tell(struct log_kinds *kinds, uint64_t now_ms)
{
	struct log_kind *kind;
	uint64_t held = 0;

	while ((kind = log_kinds_find_due(kinds, now_ms))) {
		assert_true(kind->held > 0);
		held += kind->held;
		kind->held = 0;
	}
	return held;
}

static void test_a_burst_a_second(void **state)
{
	struct log_kinds kinds = {0};

	(void)state;
	/* Also at a time of 0. */
	for (uint64_t now_ms = 0; now_ms < 10 * LOG_SECOND_MS; now_ms += LOG_SECOND_MS) {
		assert_int_equal(tell(&kinds, now_ms), now_ms == 0 ? 0 : 30);
		assert_int_equal(count_written(&kinds, formats[0], LOG_BURST + 10, now_ms),
				 LOG_BURST);
		assert_int_equal(count_written(&kinds, formats[0], 20, now_ms + LOG_SECOND_MS - 1),
				 0);
		assert_int_equal(tell(&kinds, now_ms + LOG_SECOND_MS - 1), 0);
		assert_true(log_kinds_has_held(&kinds));
	}
	assert_int_equal(tell(&kinds, UINT64_MAX), 30);
	assert_false(log_kinds_has_held(&kinds));
}

static void test_nothing_is_told_of_what_was_written(void **state)
{
	struct log_kinds kinds = {0};

	(void)state;
	for (size_t i = 0; i < LOG_KINDS; i++)
		assert_int_equal(count_written(&kinds, formats[i], LOG_BURST, 5), LOG_BURST);
	assert_false(log_kinds_has_held(&kinds));
	assert_int_equal(tell(&kinds, UINT64_MAX), 0);
}

/* The second of one is over before that of another, whichever began to hold back first. */
static void test_each_kind_has_a_second_of_its_own(void **state)
{
	struct log_kinds kinds = {0};

	(void)state;
	assert_int_equal(count_written(&kinds, formats[0], 1, 100), 1);
	assert_int_equal(count_written(&kinds, formats[1], LOG_BURST + 2, 400), LOG_BURST);
	assert_int_equal(count_written(&kinds, formats[0], LOG_BURST, 500), LOG_BURST - 1);
	assert_int_equal(tell(&kinds, 1099), 0);
	assert_int_equal(tell(&kinds, 1100), 1);
	assert_int_equal(tell(&kinds, 1399), 0);
	assert_int_equal(tell(&kinds, 1400), 2);
	assert_false(log_kinds_has_held(&kinds));
}

static void test_levels_are_apart(void **state)
{
	struct log_kinds kinds = {0};
	struct log_kind *kind;

	(void)state;
	assert_int_equal(count_written(&kinds, formats[0], LOG_BURST + 1, 0), LOG_BURST);
	assert_null(log_kinds_count(&kinds, formats[0], LOG_LEVEL_INFO, 0));
	kind = log_kinds_find_due(&kinds, LOG_SECOND_MS);
	assert_non_null(kind);
	assert_ptr_equal(kind->format, formats[0]);
	assert_int_equal(kind->level, LOG_LEVEL_WARNING);
}

/* All of them together stay within what the table can count, and none is lost. */
static void test_more_kinds_than_room_are_bounded(void **state)
{
	struct log_kinds kinds = {0};
	unsigned written = 0;

	(void)state;
	for (unsigned line = 0; line < 2 * LOG_BURST; line++)
		for (size_t i = 0; i < MANY; i++)
			written += count_written(&kinds, formats[i], 1, 0);
	assert_int_equal(written, LOG_KINDS * LOG_BURST);
	assert_int_equal(tell(&kinds, LOG_SECOND_MS), 2 * LOG_BURST * MANY - written);
}

static void test_kinds_that_rest_make_room(void **state)
{
	struct log_kinds kinds = {0};

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		uint64_t now_ms = i / LOG_KINDS * LOG_SECOND_MS;

		tell(&kinds, now_ms);
		assert_int_equal(count_written(&kinds, formats[i], LOG_BURST + 1, now_ms),
				 LOG_BURST);
	}
	/* Beside one that goes on, also where that stands in their way. */
	for (size_t i = 1; i < MANY; i++) {
		uint64_t now_ms = (10 + i) * LOG_SECOND_MS;

		tell(&kinds, now_ms);
		assert_int_equal(count_written(&kinds, formats[0], LOG_BURST + 1, now_ms),
				 LOG_BURST);
		assert_int_equal(count_written(&kinds, formats[i], LOG_BURST + 1, now_ms),
				 LOG_BURST);
	}
}

/* Lines of one kind: the same call. */
static void complain(unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		log_warnx("complaint %u", i);
}

static void assert_lines(struct fixture *fixture, size_t count)
{
	logged(fixture);
	assert_int_equal(count_logged(fixture, '\n'), count);
}

/* That the log ends with this. */
static void assert_last(struct fixture *fixture, const char *end)
{
	const char *text = logged(fixture);

	assert_true(strlen(text) >= strlen(end));
	assert_string_equal(text + strlen(text) - strlen(end), end);
}

static void test_what_repeats_is_counted(void **state)
{
	struct fixture *fixture = *state;

	complain(1, 40);
	test_ms += 999;
	complain(41, 87);
	assert_lines(fixture, LOG_BURST);
	assert_last(fixture, ": complaint 50\n");
	assert_true(log_flush());
	assert_lines(fixture, LOG_BURST);
	test_ms++;
	assert_false(log_flush());
	assert_lines(fixture, LOG_BURST + 1);
	assert_last(fixture, "]: warning: 37 more like this: complaint 87\n");
	assert_false(log_flush());
	assert_lines(fixture, LOG_BURST + 1);
}

static void test_a_new_second_starts_anew(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned second = 0; second < 3; second++) {
		complain(1, LOG_BURST);
		assert_lines(fixture, LOG_BURST);
		assert_false(log_flush());
		assert_int_equal(truncate(fixture->path, 0), 0);
		test_ms += 1000;
	}
}

/* Whatever the line is: ours, one that is never counted, or another process's. */
static void test_the_next_line_tells_what_was_held_back(void **state)
{
	static const char told[] = ": warning: 1 more like this: complaint 51\n";
	struct fixture *fixture = *state;

	for (unsigned way = 0; way < 4; way++) {
		complain(1, LOG_BURST + 1);
		test_ms += 1000;
		assert_int_equal(truncate(fixture->path, 0), 0);
		if (way == 0)
			complain(1, 1);
		else if (way == 1)
			log_info("other");
		else if (way == 2)
			log_debug("other");
		else
			log_foreign(LOG_LEVEL_INFO, "php-0", 42, "other", 5);
		assert_lines(fixture, 2);
		assert_non_null(strstr(logged(fixture), told));
		assert_null(strstr(strstr(logged(fixture), told) + strlen(told), told));
		assert_last(fixture, way == 0 ? ": complaint 1\n" : ": other\n");
		test_ms += 1000;
	}
}

static void test_kinds_are_counted_apart(void **state)
{
	static const char format[] = "%u";
	struct fixture *fixture = *state;

	for (unsigned i = 1; i <= LOG_BURST + 3; i++)
		log_info(format, i);
	complain(1, LOG_BURST + 2);
	for (unsigned i = 1; i <= LOG_BURST + 1; i++)
		log_warnx(format, i);
	assert_lines(fixture, 3 * LOG_BURST);
	test_ms += 1000;
	assert_false(log_flush());
	assert_lines(fixture, 3 * LOG_BURST + 3);
	assert_non_null(strstr(logged(fixture), "]: 3 more like this: 53\n"));
	assert_non_null(strstr(logged(fixture), ": warning: 2 more like this: complaint 52\n"));
	assert_non_null(strstr(logged(fixture), ": warning: 1 more like this: 51\n"));
}

static void test_some_lines_are_never_only_counted(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < 4 * LOG_BURST; i++) {
		log_debug("seen");
		log_every(LOG_LEVEL_WARNING, "line %u", i);
		log_foreign(LOG_LEVEL_INFO, "php-0", 42, "hello", 5);
	}
	assert_lines(fixture, 12 * LOG_BURST);
	assert_false(log_flush());
	log_set_level(LOG_LEVEL_ERROR);
	log_every(LOG_LEVEL_WARNING, "line");
	assert_lines(fixture, 12 * LOG_BURST);
}

static void test_what_is_held_back_keeps_errno_and_its_text(void **state)
{
	struct fixture *fixture = *state;
	char *text = many('x', LONG_LEN);

	for (unsigned i = 0; i <= LOG_BURST; i++) {
		errno = ENOENT;
		log_warn("cannot open %s", "a\nb");
		assert_int_equal(errno, ENOENT);
	}
	for (unsigned i = 0; i <= LOG_BURST; i++)
		log_info("%.*s", i < LOG_BURST ? 1 : LONG_LEN, text);
	free(text);
	test_ms += 1000;
	assert_int_equal(truncate(fixture->path, 0), 0);
	errno = EPERM;
	assert_false(log_flush());
	assert_int_equal(errno, EPERM);
	assert_lines(fixture, 2);
	assert_non_null(strstr(logged(fixture), ": 1 more like this: cannot open a\\x0ab: No such "
						"file or directory\n"));
	assert_int_equal(count_logged(fixture, 'x'), LOG_LAST_SIZE - sizeof(" [cut]") + 1);
	assert_non_null(strstr(logged(fixture), "xxx [cut]\n"));
	complain(1, LOG_BURST + 1);
	test_ms += 1000;
	assert_int_equal(log_open("/dev/full"), 0);
	errno = EPERM;
	assert_false(log_flush());
	assert_int_equal(errno, EPERM);
	assert_int_equal(log_open(fixture->path), 0);
	log_info("other");
	assert_non_null(strstr(logged(fixture), " are lost: No space left on device; lost=1\n"));
}

static void test_the_end_tells_what_was_held_back(void **state)
{
	struct fixture *fixture = *state;
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		complain(1, LOG_BURST + 7);
		exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_lines(fixture, LOG_BURST + 1);
	assert_last(fixture, ": warning: 7 more like this: complaint 57\n");
}

/* Without a clock of ours: the bound holds, and time goes on. */
static void test_seconds_are_those_of_the_system(void **state)
{
	struct fixture *fixture = *state;
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		log_set_clock(NULL);
		complain(1, LOG_BURST + 7);
		for (int turn = 0; log_flush() && turn < TURNS_MAX; turn++)
			poll(NULL, 0, 1);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_last(fixture, " more like this: complaint 57\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_a_second),
		cmocka_unit_test(test_nothing_is_told_of_what_was_written),
		cmocka_unit_test(test_each_kind_has_a_second_of_its_own),
		cmocka_unit_test(test_levels_are_apart),
		cmocka_unit_test(test_more_kinds_than_room_are_bounded),
		cmocka_unit_test(test_kinds_that_rest_make_room),
		LOG_TEST(test_what_repeats_is_counted),
		LOG_TEST(test_a_new_second_starts_anew),
		LOG_TEST(test_the_next_line_tells_what_was_held_back),
		LOG_TEST(test_kinds_are_counted_apart),
		LOG_TEST(test_some_lines_are_never_only_counted),
		LOG_TEST(test_what_is_held_back_keeps_errno_and_its_text),
		LOG_TEST(test_the_end_tells_what_was_held_back),
		LOG_TEST(test_seconds_are_those_of_the_system),
	};

	return cmocka_run_group_tests_name("log_kinds", tests, NULL, NULL);
}
