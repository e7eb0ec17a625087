#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "os/notify.h"

enum { TEXT_SIZE = 600 };

/* A service manager: its end of NOTIFY_SOCKET, at a path of the test's own or at "@" and it. */
struct manager {
	char directory[40];
	char name[60];
	int fd;
	struct notify notify;
};

static void manager_listen(struct manager *manager, const char *first)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len;

	(void)text_format(manager->name, sizeof(manager->name), "%s%s/n", first,
			  manager->directory);
	memcpy(address.sun_path, manager->name, strlen(manager->name));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(manager->name));
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(manager->fd >= 0);
	assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, len), 0);
	setenv("NOTIFY_SOCKET", manager->name, 1);
}

static int setup(void **state)
{
	struct manager *manager = calloc(1, sizeof(*manager));

	if (!manager)
		return -1;
	(void)text_format(manager->directory, sizeof(manager->directory), "/tmp/notify.XXXXXX");
	if (!mkdtemp(manager->directory))
		return -1;
	manager->fd = -1;
	notify_init(&manager->notify);
	*state = manager;
	return 0;
}

static int teardown(void **state)
{
	struct manager *manager = *state;

	notify_close(&manager->notify);
	if (manager->fd >= 0)
		close(manager->fd);
	(void)unlink(manager->name);
	(void)rmdir(manager->directory);
	free(manager);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("NOTIFY_FD");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static const char *receive(const struct manager *manager, char text[TEXT_SIZE])
{
	ssize_t len = recv(manager->fd, text, TEXT_SIZE - 1, 0);

	text[len < 0 ? 0 : len] = '\0';
	return text;
}

static void check_messages(struct manager *manager)
{
	struct notify *notify = &manager->notify;
	char text[TEXT_SIZE];

	assert_int_equal(notify_open(notify), 0);
	assert_int_equal(notify_send(notify, NOTIFY_STATUS, "4 processes"), 0);
	assert_string_equal(receive(manager, text), "STATUS=4 processes");
	assert_int_equal(notify_send(notify, NOTIFY_READY, NULL), 0);
	assert_string_equal(receive(manager, text), "READY=1\n");
	assert_int_equal(notify_send(notify, NOTIFY_ALIVE, NULL), 0);
	assert_string_equal(receive(manager, text), "WATCHDOG=1\n");
	assert_int_equal(notify_send(notify, NOTIFY_STOPPING, "bye"), 0);
	assert_string_equal(receive(manager, text), "STOPPING=1\nSTATUS=bye");
	assert_string_equal(receive(manager, text), "");
}

static void test_a_path(void **state)
{
	manager_listen(*state, "");
	check_messages(*state);
}

static void test_an_abstract_name(void **state)
{
	struct stat status;
	struct manager *manager = *state;

	manager_listen(manager, "@");
	assert_int_equal(stat(manager->name + 1, &status), -1);
	check_messages(manager);
}

static void test_a_reload_says_when(void **state)
{
	struct manager *manager = *state;
	static const char head[] = "RELOADING=1\nMONOTONIC_USEC=";
	char text[TEXT_SIZE], *rest;

	manager_listen(manager, "");
	assert_int_equal(notify_open(&manager->notify), 0);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_RELOADING, NULL), 0);
	receive(manager, text);
	assert_memory_equal(text, head, sizeof(head) - 1);
	assert_true(strtoull(text + sizeof(head) - 1, &rest, 10) > 0);
	assert_string_equal(rest, "\n");
}

static void test_the_variables_are_taken(void **state)
{
	struct manager *manager = *state;

	manager_listen(manager, "");
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_open(&manager->notify), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	assert_true(fcntl(manager->notify.socket, F_GETFD) & FD_CLOEXEC);
}

static void test_nobody_wants_to_know(void **state)
{
	struct manager *manager = *state;

	assert_int_equal(notify_open(&manager->notify), 0);
	assert_int_equal(manager->notify.watchdog_ms, 0);
	for (int event = NOTIFY_READY; event <= NOTIFY_STATUS; event++)
		assert_int_equal(notify_send(&manager->notify, (enum notify_event)event, "x"), 0);
}

static void test_a_manager_that_was_started_anew_is_told(void **state)
{
	struct manager *manager = *state;
	char text[TEXT_SIZE];

	manager_listen(manager, "");
	assert_int_equal(notify_open(&manager->notify), 0);
	close(manager->fd);
	manager->fd = -1;
	assert_int_equal(notify_send(&manager->notify, NOTIFY_ALIVE, NULL), -ECONNREFUSED);
	assert_int_equal(unlink(manager->name), 0);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_ALIVE, NULL), -ENOENT);
	manager_listen(manager, "");
	assert_int_equal(notify_send(&manager->notify, NOTIFY_ALIVE, NULL), 0);
	assert_string_equal(receive(manager, text), "WATCHDOG=1\n");
}

/* The queue of a Unix socket is short, unix(7) and net.unix.max_dgram_qlen. */
static void test_a_manager_that_does_not_read_is_no_trap(void **state)
{
	struct manager *manager = *state;
	int error = 0;

	manager_listen(manager, "");
	assert_int_equal(notify_open(&manager->notify), 0);
	for (int i = 0; i < 100000 && error == 0; i++)
		error = notify_send(&manager->notify, NOTIFY_ALIVE, NULL);
	assert_int_equal(error, -EAGAIN);
}

static void test_sockets_that_are_none(void **state)
{
	struct manager *manager = *state;
	char longest[sizeof(struct sockaddr_un) + 1];
	const char *const names[] = {"", "/", "@", "relative", "vsock:2:1234", longest};

	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		assert_int_equal(notify_open(&manager->notify), -EINVAL);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_int_equal(notify_send(&manager->notify, NOTIFY_READY, NULL), 0);
	}
}

/* The pid after a fork is another one than that the service manager knows. */
static void test_a_new_pid_is_told(void **state)
{
	struct manager *manager = *state;
	char text[TEXT_SIZE], expected[TEXT_SIZE];
	pid_t pid;

	manager_listen(manager, "");
	assert_int_equal(notify_open(&manager->notify), 0);
	pid = fork();
	if (pid == 0)
		_exit(notify_send(&manager->notify, NOTIFY_READY, "up") < 0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)text_format(expected, sizeof(expected), "READY=1\nMAINPID=%d\nSTATUS=up", (int)pid);
	assert_string_equal(receive(manager, text), expected);
}

static uint64_t watchdog(struct manager *manager, const char *period, const char *pid)
{
	setenv("WATCHDOG_USEC", period, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(&manager->notify), 0);
	return manager->notify.watchdog_ms;
}

static void test_the_watchdog_is_fed_in_time(void **state)
{
	struct manager *manager = *state;
	char pid[20];

	(void)text_format(pid, sizeof(pid), "%d", (int)getpid());
	assert_in_range(watchdog(manager, "30000000", NULL), 14000, 16000);
	assert_in_range(watchdog(manager, "30000000", pid), 14000, 16000);
	assert_in_range(watchdog(manager, "1", NULL), 1, 1);
	assert_int_equal(watchdog(manager, "30000000", "1"), 0);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_open(&manager->notify), -EINVAL);
	setenv("WATCHDOG_USEC", "0", 1);
	assert_int_equal(notify_open(&manager->notify), -EINVAL);
}

static void set_fd(int fd)
{
	char text[20];

	(void)text_format(text, sizeof(text), "%d", fd);
	setenv("NOTIFY_FD", text, 1);
}

static void test_a_descriptor_gets_one_newline_and_is_closed(void **state)
{
	struct manager *manager = *state;
	char text[8];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	set_fd(fds[1]);
	assert_int_equal(notify_open(&manager->notify), 0);
	assert_null(getenv("NOTIFY_FD"));
	assert_true(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_STATUS, "not yet"), 0);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_READY, NULL), 0);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_READY, NULL), 0);
	assert_int_equal(read(fds[0], text, sizeof(text)), 1);
	assert_int_equal(text[0], '\n');
	close(fds[0]);
}

static void test_a_descriptor_that_nobody_reads(void **state)
{
	struct manager *manager = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	set_fd(fds[1]);
	assert_int_equal(notify_open(&manager->notify), 0);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_READY, NULL), -EPIPE);
	assert_int_equal(notify_send(&manager->notify, NOTIFY_READY, NULL), 0);
}

static void test_descriptors_that_are_none(void **state)
{
	struct manager *manager = *state;
	const char *const texts[] = {"", "x", "-1", "0", "2", "1000000", "99999999999"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		setenv("NOTIFY_FD", texts[i], 1);
		assert_int_equal(notify_open(&manager->notify), -EINVAL);
		assert_null(getenv("NOTIFY_FD"));
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_path),
		TEST(test_an_abstract_name),
		TEST(test_a_reload_says_when),
		TEST(test_the_variables_are_taken),
		TEST(test_nobody_wants_to_know),
		TEST(test_a_manager_that_was_started_anew_is_told),
		TEST(test_a_manager_that_does_not_read_is_no_trap),
		TEST(test_sockets_that_are_none),
		TEST(test_a_new_pid_is_told),
		TEST(test_the_watchdog_is_fed_in_time),
		TEST(test_a_descriptor_gets_one_newline_and_is_closed),
		TEST(test_a_descriptor_that_nobody_reads),
		TEST(test_descriptors_that_are_none),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
