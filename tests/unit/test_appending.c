#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/appending.h"

enum { TRIES_MAX = 100000, TEXT_SIZE = 1024 };

struct fixture {
	char directory[64];
	char path[128]; /* of a file in it that is not there yet */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	*state = fixture;
	(void)text_format(fixture->directory, sizeof(fixture->directory), "/tmp/appending.XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	return text_format(fixture->path, sizeof(fixture->path), "%s/file", fixture->directory);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	if (rmdir(fixture->directory) < 0)
		return -1;
	free(fixture);
	return 0;
}

static void assert_content(const char *path, const char *expected)
{
	char content[TEXT_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, content, sizeof(content));

	close(fd);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(content, expected, len);
}

/* Until it takes no more; so many bytes. */
static size_t fill(int fd)
{
	static const char bytes[64 * 1024] = {0};
	size_t sum = 0;

	for (int i = 0; i < TRIES_MAX; i++) {
		ssize_t len = appending_write(fd, bytes, sizeof(bytes));

		if (len < 0) {
			assert_int_equal(len, -EAGAIN);
			return sum;
		}
		sum += (size_t)len;
	}
	fail();
	return 0;
}

static void test_a_file_is_appended_to(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;

	for (int i = 0; i < 2; i++) {
		int fd = appending_open(fixture->path);

		assert_true(fd > STDERR_FILENO);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(appending_write(fd, "line\n", 5), 5);
		close(fd);
	}
	assert_content(fixture->path, "line\nline\n");
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 07137, 0);
	assert_int_equal(appending_open("/nowhere/file"), -ENOENT);
	assert_int_equal(appending_open("/"), -EISDIR);
}

static void test_a_full_disk_is_an_error(void **state)
{
	int fd = appending_open("/dev/full");

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(appending_write(fd, "line\n", 5), -ENOSPC);
	close(fd);
}

/* One that nobody reads takes what it has room for, and never blocks. */
static void test_a_fifo(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	fd = appending_open(fixture->path);
	assert_true(fd >= 0);
	assert_true(fill(fd) >= 4096);
	close(fd);
}

/* Others have this end too: it stays as it is, and still nothing blocks. */
static void test_a_shared_pipe(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_true(fill(pair[1]) >= 4096);
	assert_false(fcntl(pair[1], F_GETFL) & O_NONBLOCK);
	close(pair[0]);
	assert_int_equal(appending_write(pair[1], "line\n", 5), -EPIPE);
	close(pair[1]);
}

static void test_a_shared_socket(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_true(fill(pair[1]) >= 4096);
	close(pair[0]);
	assert_int_equal(appending_write(pair[1], "line\n", 5), -EPIPE);
	close(pair[1]);
}

/* fd in the place of standard output, until the end of body. */
#define WITH_STDOUT(fd, body)                                                                      \
	do {                                                                                       \
		int kept = dup(STDOUT_FILENO);                                                     \
		dup2(fd, STDOUT_FILENO);                                                           \
		body;                                                                              \
		dup2(kept, STDOUT_FILENO);                                                         \
		close(kept);                                                                       \
	} while (0)

static void test_standard_output_that_is_a_pipe(void **state)
{
	char content[TEXT_SIZE];
	int pair[2], fd = -1;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	WITH_STDOUT(pair[1], fd = appending_open("stdout"));
	assert_true(fd > STDERR_FILENO);
	assert_int_equal(appending_write(fd, "line\n", 5), 5);
	assert_int_equal(read(pair[0], content, sizeof(content)), 5);
	/* What all have of it blocks as before. */
	assert_false(fcntl(pair[1], F_GETFL) & O_NONBLOCK);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* Both ends go on where the other has stopped. */
static void test_standard_output_that_is_a_file(void **state)
{
	struct fixture *fixture = *state;
	int file = open(fixture->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), fd = -1;

	WITH_STDOUT(file, fd = appending_open("stdout"));
	assert_int_equal(write(file, "one\n", 4), 4);
	assert_int_equal(appending_write(fd, "two\n", 4), 4);
	assert_int_equal(write(file, "three\n", 6), 6);
	assert_content(fixture->path, "one\ntwo\nthree\n");
	close(fd);
	close(file);
}

static void test_standard_output_that_is_a_socket(void **state)
{
	int pair[2], fd = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	WITH_STDOUT(pair[1], fd = appending_open("stdout"));
	assert_true(fd > STDERR_FILENO);
	assert_int_equal(appending_write(fd, "line\n", 5), 5);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_a_file_is_appended_to),
		cmocka_unit_test(test_a_full_disk_is_an_error),
		WITH_PLACE(test_a_fifo),
		cmocka_unit_test(test_a_shared_pipe),
		cmocka_unit_test(test_a_shared_socket),
		cmocka_unit_test(test_standard_output_that_is_a_pipe),
		WITH_PLACE(test_standard_output_that_is_a_file),
		cmocka_unit_test(test_standard_output_that_is_a_socket),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("appending", tests, NULL, NULL);
}
