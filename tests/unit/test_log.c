#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "log_fixture.h"

enum { STATUS = 78, TURNS_MAX = 10000 };

static void test_full_form(void **state)
{
	struct fixture *fixture = *state;
	char pid[32];

	log_info("a %s of %d words", "line", 5);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: a line of 5 words");
	log_warnx("careful");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: warning: careful");
	log_debug("seen");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: debug: seen");
	log_info("here");
	assert_int_equal(text_format(pid, sizeof(pid), " herd[%d]: ", (int)getpid()), 0);
	assert_non_null(strstr(logged(fixture), pid));
}

static void test_tagged_form(void **state)
{
	struct fixture *fixture = *state;

	log_init("herd", LOG_FORM_TAGGED);
	log_warnx("careful");
	assert_line(fixture, "^<4>careful");
	log_info("here");
	assert_line(fixture, "^<6>here");
	log_debug("seen");
	assert_line(fixture, "^<7>seen");
	log_foreign(LOG_LEVEL_INFO, "php-0", 7, "hello", 5);
	assert_line(fixture, "^<6>php-0\\[7\\]: hello");
}

/* The next line is told of those that were lost before it; empties the log. */
static void assert_lost(struct fixture *fixture, int error, int count)
{
	char sentence[256];

	(void)text_format(sentence, sizeof(sentence),
			  ": warning: lines before this one are lost: %s; lost=%d\n",
			  strerror(error), count);
	log_info("here");
	assert_non_null(strstr(logged(fixture), sentence));
	assert_int_equal(truncate(fixture->path, 0), 0);
	log_info("here");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: here");
}

static void test_errno_is_told_and_kept(void **state)
{
	struct fixture *fixture = *state;

	errno = ENOENT;
	log_warn("cannot open %s", "x");
	assert_int_equal(errno, ENOENT);
	assert_line(fixture,
		    TIME "herd\\[[0-9]+\\]: warning: cannot open x: No such file or dir.*");
	assert_int_equal(log_open("/dev/full"), 0);
	errno = EPERM;
	log_warnx("x");
	log_info("x");
	log_debug("x");
	log_foreign(LOG_LEVEL_INFO, "php", 1, "x", 1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(log_open(fixture->path), 0);
	assert_lost(fixture, ENOSPC, 4);
}

static void test_levels(void **state)
{
	struct fixture *fixture = *state;

	log_set_level(LOG_LEVEL_WARNING);
	log_info("x");
	log_debug("x");
	log_foreign(LOG_LEVEL_INFO, "php", 1, "x", 1);
	assert_string_equal(logged(fixture), "");
	log_foreign(LOG_LEVEL_WARNING, "php", 1, "y", 1);
	assert_line(fixture, TIME "php\\[1\\]: warning: y");
	log_set_level(LOG_LEVEL_ERROR);
	log_warnx("x");
	errno = EPERM;
	log_warn("x");
	assert_int_equal(errno, EPERM);
	assert_string_equal(logged(fixture), "");
	assert_string_equal(log_level_name(LOG_LEVEL_ERROR), "error");
	assert_string_equal(log_level_name(LOG_LEVEL_WARNING), "warning");
	assert_string_equal(log_level_name(LOG_LEVEL_INFO), "info");
	assert_string_equal(log_level_name(LOG_LEVEL_DEBUG), "debug");
}

static void test_nobody_can_forge_a_line(void **state)
{
	static const char bytes[] = "a\nb\r\t\x1b[1m\x7f\0c";
	struct fixture *fixture = *state;

	log_info("%s", "one\n2026-01-01T00:00:00.000Z herd[1]: two\n");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: one\\\\x0a2026.*: two\\\\x0a");
	log_foreign(LOG_LEVEL_INFO, "php-0", 42, bytes, sizeof(bytes) - 1);
	assert_line(fixture,
		    TIME "php-0\\[42\\]: a\\\\x0ab\\\\x0d\\\\x09\\\\x1b\\[1m\\\\x7f\\\\x00c");
	log_info("%s", "gr\xc3\xbc\xc3\x9f");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: gr\xc3\xbc\xc3\x9f");
}

static void test_foreign_lines_need_no_end(void **state)
{
	struct fixture *fixture = *state;

	log_foreign(LOG_LEVEL_INFO, "php-0", 42, "12345", 3);
	assert_line(fixture, TIME "php-0\\[42\\]: 123");
	log_foreign(LOG_LEVEL_INFO, "php-0", 42, "", 0);
	assert_line(fixture, TIME "php-0\\[42\\]: ");
	log_foreign(LOG_LEVEL_INFO, "php-0", 42, "x", -1);
	assert_string_equal(logged(fixture), "");
}

static void test_long_lines_of_our_own_are_cut(void **state)
{
	struct fixture *fixture = *state;
	char *text = many('x', LONG_LEN);

	log_info("%s", text);
	assert_true(count_logged(fixture, 'x') > 8000 && count_logged(fixture, 'x') <= 8192);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: x+ \\[cut\\]");
	errno = ENOENT;
	log_warn("%s", text);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: warning: x+ \\[cut\\]");
	/* Long by its escapes alone: nothing is cut. */
	memset(text, '\x01', 8000);
	text[8000] = '\0';
	log_info("%s", text);
	assert_int_equal(count_logged(fixture, '\\'), 8000);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: .*\\\\x01");
	free(text);
}

static void test_cut_exactly_where_it_is_full(void **state)
{
	struct fixture *fixture = *state;

	for (size_t len = 8170; len < 8200; len++) {
		char *text = many('x', len);

		log_info("%s", text);
		if (strstr(logged(fixture), "[cut]"))
			assert_true(len >= 8192);
		else
			assert_int_equal(count_logged(fixture, 'x'), len);
		errno = ENOENT;
		log_warn("%s", text);
		assert_non_null(
			strstr(logged(fixture), len + strlen(": No such file or directory") < 8192
							? "directory\n"
							: "[cut]\n"));
		assert_int_equal(truncate(fixture->path, 0), 0);
		free(text);
	}
}

static void test_long_foreign_lines_are_whole(void **state)
{
	struct fixture *fixture = *state;
	char *text = many('x', LONG_LEN);

	log_foreign(LOG_LEVEL_INFO, "php-0", 42, text, LONG_LEN);
	assert_int_equal(count_logged(fixture, 'x'), LONG_LEN);
	assert_line(fixture, TIME "php-0\\[42\\]: x+");
	memset(text, '\n', LONG_LEN);
	log_foreign(LOG_LEVEL_INFO, "php-0", 42, text, LONG_LEN);
	assert_int_equal(count_logged(fixture, 'x'), LONG_LEN);
	assert_int_equal(count_logged(fixture, '\n'), 1);
	free(text);
}

/* A packet socket as stderr shows what one write brought. */
static void test_a_line_is_one_write(void **state)
{
	char line[256], expected[] = "<4>one\n";
	int ends[2], kept = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(log_open("stderr"), 0);
	log_init("herd", LOG_FORM_TAGGED);
	dup2(ends[0], STDERR_FILENO);
	log_warnx("one");
	log_info("two");
	dup2(kept, STDERR_FILENO);
	close(kept);
	assert_int_equal(recv(ends[1], line, sizeof(line), MSG_DONTWAIT), sizeof(expected) - 1);
	assert_memory_equal(line, expected, sizeof(expected) - 1);
	assert_int_equal(recv(ends[1], line, sizeof(line), MSG_DONTWAIT), 7);
	assert_memory_equal(line, "<6>two\n", 7);
	close(ends[0]);
	close(ends[1]);
}

static void on_signal(int number)
{
	(void)number;
}

/* Logs a long line to a pipe that is full long before its end; does not return. */
static void log_into(int fd, const char *text)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	dup2(fd, STDERR_FILENO);
	close(fd);
	if (log_open("stderr") < 0)
		_exit(1);
	log_init("herd", LOG_FORM_TAGGED);
	log_foreign(LOG_LEVEL_INFO, "php-0", 42, text, LONG_LEN);
	_exit(0);
}

/* Waits until a pipe takes no more. */
static void await_full(int fd)
{
	int capacity = fcntl(fd, F_GETPIPE_SZ), held = 0;

	for (int turn = 0; held < capacity && turn < TURNS_MAX; turn++) {
		poll(NULL, 0, 1);
		assert_int_equal(ioctl(fd, FIONREAD, &held), 0);
	}
	assert_int_equal(held, capacity);
}

static size_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t here;

	while ((here = read(fd, out + len, size - len)) > 0)
		len += (size_t)here;
	return len;
}

/* A write that a signal ends early goes on where it was. */
static void test_a_signal_tears_no_line(void **state)
{
	static const char head[] = "<6>php-0[42]: ";
	struct fixture *fixture = *state;
	char *text = many('x', LONG_LEN);
	size_t head_len = strlen(head);
	int ends[2], status = -1;
	pid_t pid;

	/* Bytes out of their place show: 23 divides no size of a pipe. */
	for (size_t i = 0; i < LONG_LEN; i++)
		text[i] = (char)('a' + i % 23);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		log_into(ends[1], text);
	close(ends[1]);
	await_full(ends[0]);
	assert_int_equal(kill(pid, SIGUSR1), 0);
	assert_int_equal(read_all(ends[0], fixture->logged, LOGGED_SIZE), head_len + LONG_LEN + 1);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(fixture->logged, head, head_len);
	assert_memory_equal(fixture->logged + head_len, text, LONG_LEN);
	assert_int_equal(fixture->logged[head_len + LONG_LEN], '\n');
	free(text);
}

static void test_a_log_that_takes_nothing_stops_nobody(void **state)
{
	struct fixture *fixture = *state;
	int ends[2], kept = dup(STDERR_FILENO);

	assert_int_equal(log_open("/dev/full"), 0);
	log_info("lost");
	assert_int_equal(log_open("stderr"), 0);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_info("lost");
	close(STDERR_FILENO);
	log_info("lost");
	dup2(kept, STDERR_FILENO);
	close(kept);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(log_open(fixture->path), 0);
	assert_lost(fixture, EBADF, 3);
}

/* The limit of a file's size in place of a disk that is full. */
static void test_what_follows_a_torn_line_has_a_line_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, full;
	const char *line;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = before;
	full.rlim_cur = 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	log_info("x");
	log_info("y");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	log_info("z");
	line = logged(fixture);
	assert_int_equal(strcspn(line, "\n"), 10);
	assert_non_null(strstr(line + 10,
			       ": warning: lines before this one are lost: File too large; "
			       "lost=2\n"));
	assert_non_null(strstr(line + 10, ": z\n"));
	assert_null(strstr(line, ": y"));
}

/* The descriptor that the log has for its file. */
static int find_descriptor(const struct fixture *fixture)
{
	char link[64], path[256];
	ssize_t len;

	for (int fd = STDERR_FILENO + 1; fd < 64; fd++) {
		(void)text_format(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, path, sizeof(path) - 1);
		path[len < 0 ? 0 : len] = '\0';
		if (strcmp(path, fixture->path) == 0)
			return fd;
	}
	return -1;
}

static void test_file_is_appended_to_and_not_inherited(void **state)
{
	struct fixture *fixture = *state;
	int fd = find_descriptor(fixture);
	struct stat file;
	mode_t mask;

	assert_true(fd > STDERR_FILENO);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_APPEND);
	unlink(fixture->path);
	mask = umask(0);
	assert_int_equal(log_reopen(), 0);
	umask(mask);
	assert_int_equal(stat(fixture->path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0640);
	assert_int_equal(file.st_size, 0);
}

static void test_reopen_after_a_move(void **state)
{
	struct fixture *fixture = *state;
	char moved[256];

	assert_int_equal(text_format(moved, sizeof(moved), "%s.1", fixture->path), 0);
	log_info("first");
	assert_int_equal(rename(fixture->path, moved), 0);
	log_info("second");
	assert_int_equal(log_reopen(), 0);
	log_info("third");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: third");
	assert_non_null(strstr(read_file(fixture, moved), ": first\n"));
	assert_non_null(strstr(read_file(fixture, moved), ": second\n"));
	unlink(moved);
}

static void test_a_target_that_cannot_be_opened_changes_nothing(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(log_open("/nonexistent/log"), -ENOENT);
	log_info("still here");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: still here");
	assert_int_equal(log_open("/"), -EISDIR);
	log_info("still here");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: still here");
}

static void test_syslog_is_no_file(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(log_open("syslog"), 0);
	assert_int_equal(log_reopen(), 0);
	assert_int_equal(log_open(fixture->path), 0);
	log_info("back");
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: back");
}

static void test_stdout_is_no_file(void **state)
{
	struct fixture *fixture = *state;
	int kept = dup(STDOUT_FILENO), file = open(fixture->path, O_WRONLY | O_CLOEXEC);

	dup2(file, STDOUT_FILENO);
	assert_int_equal(log_open("stdout"), 0);
	log_info("here");
	assert_int_equal(log_reopen(), 0);
	assert_int_equal(log_open(fixture->path), 0);
	/* Still open. */
	assert_int_equal(write(STDOUT_FILENO, "", 0), 0);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(file);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: here");
}

/* The status of a child that ends with fatal or fatalx. */
static int fatal_status(int error)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		log_set_level(LOG_LEVEL_ERROR);
		errno = error;
		if (error)
			fatal(STATUS, "no %s", "more");
		fatalx(STATUS, "no %s", "more");
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_fatal_says_why_and_exits(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fatal_status(0), STATUS);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: error: no more");
	assert_int_equal(fatal_status(EACCES), STATUS);
	assert_line(fixture, TIME "herd\\[[0-9]+\\]: error: no more: Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_full_form),
		LOG_TEST(test_tagged_form),
		LOG_TEST(test_errno_is_told_and_kept),
		LOG_TEST(test_levels),
		LOG_TEST(test_nobody_can_forge_a_line),
		LOG_TEST(test_foreign_lines_need_no_end),
		LOG_TEST(test_long_lines_of_our_own_are_cut),
		LOG_TEST(test_cut_exactly_where_it_is_full),
		LOG_TEST(test_long_foreign_lines_are_whole),
		LOG_TEST(test_a_line_is_one_write),
		LOG_TEST(test_a_signal_tears_no_line),
		LOG_TEST(test_a_log_that_takes_nothing_stops_nobody),
		LOG_TEST(test_what_follows_a_torn_line_has_a_line_of_its_own),
		LOG_TEST(test_file_is_appended_to_and_not_inherited),
		LOG_TEST(test_reopen_after_a_move),
		LOG_TEST(test_a_target_that_cannot_be_opened_changes_nothing),
		LOG_TEST(test_syslog_is_no_file),
		LOG_TEST(test_stdout_is_no_file),
		LOG_TEST(test_fatal_says_why_and_exits),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
