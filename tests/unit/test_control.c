#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/control.h"

static const struct control_message up = {
	.type = CONTROL_CHILD_UP, .backend = 1, .proc = 2, .pid = 3};

static void test_a_message_arrives_whole(void **state)
{
	struct control_message message;
	int pair[2];

	(void)state;
	assert_int_equal(control_open_pair(pair), 0);
	assert_int_equal(control_receive(pair[1], &message), -EAGAIN);
	assert_int_equal(control_send(pair[0], &up), 0);
	assert_int_equal(control_send(pair[0], &up), 0);
	assert_int_equal(control_receive(pair[1], &message), 0);
	assert_memory_equal(&message, &up, sizeof(up));
	close(pair[0]);
	assert_int_equal(control_receive(pair[1], &message), 0);
	assert_int_equal(control_receive(pair[1], &message), -EPIPE);
	assert_int_equal(control_send(pair[1], &up), -EPIPE);
	close(pair[1]);
}

static void test_the_other_side_is_behind(void **state)
{
	struct control_message message;
	int error = 0;
	int pair[2];

	(void)state;
	assert_int_equal(control_open_pair(pair), 0);
	for (int i = 0; i < 100000 && error == 0; i++)
		error = control_send(pair[0], &up);
	assert_int_equal(error, -EAGAIN);
	assert_int_equal(control_receive(pair[1], &message), 0);
	close(pair[0]);
	close(pair[1]);
}

static void test_packets_of_another_length_are_told_apart(void **state)
{
	char longer[sizeof(up) + 1] = "";
	struct control_message message;
	int pair[2];

	(void)state;
	assert_int_equal(control_open_pair(pair), 0);
	assert_int_equal(send(pair[0], longer, sizeof(longer), 0), sizeof(longer));
	assert_int_equal(send(pair[0], longer, sizeof(up) - 1, 0), sizeof(up) - 1);
	assert_int_equal(control_send(pair[0], &up), 0);
	assert_int_equal(control_receive(pair[1], &message), -EBADMSG);
	assert_int_equal(control_receive(pair[1], &message), -EBADMSG);
	assert_int_equal(control_receive(pair[1], &message), 0);
	close(pair[0]);
	close(pair[1]);
}

/* The same file, under another number. */
static void assert_same_file(int fd, int other)
{
	struct stat status, expected;

	assert_int_not_equal(fd, other);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(fstat(other, &expected), 0);
	assert_int_equal(status.st_ino, expected.st_ino);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void test_a_descriptor_comes_along(void **state)
{
	struct control_message message;
	int pair[2], passed;

	(void)state;
	assert_int_equal(control_open_pair(pair), 0);
	assert_int_equal(control_receive_fd(pair[1], &message, &passed), -EAGAIN);
	assert_int_equal(control_send_fd(pair[0], &up, pair[0]), 0);
	assert_int_equal(control_send(pair[0], &up), 0);
	assert_int_equal(control_receive_fd(pair[1], &message, &passed), 0);
	assert_memory_equal(&message, &up, sizeof(up));
	assert_same_file(passed, pair[0]);
	close(passed);
	assert_int_equal(control_receive_fd(pair[1], &message, &passed), 0);
	assert_int_equal(passed, -1);
	close(pair[0]);
	assert_int_equal(control_receive_fd(pair[1], &message, &passed), -EPIPE);
	close(pair[1]);
}

/* Whoever wants none gets none, and nothing stays open. */
static void test_a_descriptor_that_nobody_wants(void **state)
{
	struct control_message message;
	int pair[2], next = dup(STDIN_FILENO);

	(void)state;
	close(next);
	assert_int_equal(control_open_pair(pair), 0);
	assert_int_equal(control_send_fd(pair[0], &up, pair[0]), 0);
	assert_int_equal(control_receive(pair[1], &message), 0);
	assert_memory_equal(&message, &up, sizeof(up));
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(dup(STDIN_FILENO), next);
	close(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_arrives_whole),
		cmocka_unit_test(test_the_other_side_is_behind),
		cmocka_unit_test(test_packets_of_another_length_are_told_apart),
		cmocka_unit_test(test_a_descriptor_comes_along),
		cmocka_unit_test(test_a_descriptor_that_nobody_wants),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
