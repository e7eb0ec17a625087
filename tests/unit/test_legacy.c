#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "herd/legacy.h"
#include "herd/takeover.h"
#include "os/passed.h"

static bool reads(struct takeover *takeover, const char *text)
{
	*takeover = (struct takeover){.control = -1};
	return legacy_read(takeover, text);
}

static void test_what_is_written_is_read(void **state)
{
	struct takeover takeover;

	(void)state;
	assert_true(reads(&takeover, "begun 17\n"
				     "directory /run/fcgi herd.x\n"
				     "process 12 0 99 3 0 php.0\n"
				     "process 13 1 100 3 1 php.1\n"
				     "output 7 12 0 php.0\n"
				     "output 8 14 1 mux\n"));
	assert_int_equal(takeover.begun_ms, 17);
	assert_string_equal(takeover.directory, "/run/fcgi herd.x");
	assert_int_equal(takeover.process_count, 2);
	assert_string_equal(takeover.processes[0].name, "php.0");
	assert_int_equal(takeover.processes[0].pid, 12);
	assert_false(takeover.processes[0].is_ending);
	assert_int_equal(takeover.processes[1].started_ms, 100);
	assert_int_equal(takeover.processes[1].backend, 3);
	assert_int_equal(takeover.processes[1].number, 1);
	assert_true(takeover.processes[1].is_ending);
	assert_int_equal(takeover.output_count, 2);
	assert_int_equal(takeover.outputs[0].fd, 7);
	assert_int_equal(takeover.outputs[1].pid, 14);
	assert_true(takeover.outputs[1].has_levels);
	assert_string_equal(takeover.outputs[1].name, "mux");
	takeover_fini(&takeover);
}

static void test_nothing_is_something(void **state)
{
	struct takeover takeover;

	(void)state;
	assert_true(reads(&takeover, ""));
	assert_int_equal(takeover.process_count, 0);
	assert_null(takeover.directory);
	assert_int_equal(takeover.control, -1);
	takeover_fini(&takeover);
}

static void test_what_we_did_not_write_is_refused(void **state)
{
	static const char *const texts[] = {
		"x",
		"begun",
		"begun x",
		"directory",
		"control",
		"control x",
		"control 99999",
		"socket 3 4",
		"socket 3 4 x",
		"socket 99999 4 5",
		"process 1 2 3",
		"process 1 2 3 php.0",
		"process 1 2 3 4 x php.0",
		"process -1 2 3 4 5 php.0",
		"output 1 2 3",
		"output 1 x 3 php.0",
		"begun 1\nprocess 1 0 3 4 5 php.0\noutput",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct takeover takeover;

		if (reads(&takeover, texts[i]))
			fail_msg("\"%s\" is taken for good", texts[i]);
		takeover_fini(&takeover);
	}
}

/* A listening socket that another descriptor than the one of the text keeps. */
static int listening_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr address = {.sa_family = AF_UNIX};

	assert_true(fd >= 0);
	/* The kernel chooses a name. */
	assert_int_equal(bind(fd, &address, sizeof(address.sa_family)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_descriptors_are_ours_alone(void **state)
{
	char text[64];
	struct takeover takeover;
	int pair[2], fd = listening_socket();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(text_format(text, sizeof(text), "control %d\nsocket %d 0 0", pair[0], fd),
			 0);
	assert_true(reads(&takeover, text));
	assert_int_equal(takeover.control, pair[0]);
	assert_true(fcntl(pair[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(passed_next(NULL)->fd, fd);
	passed_close_untaken();
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	takeover_fini(&takeover);
	assert_int_equal(fcntl(pair[0], F_GETFD), -1);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_nothing_is_something),
		cmocka_unit_test(test_what_we_did_not_write_is_refused),
		cmocka_unit_test(test_descriptors_are_ours_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
