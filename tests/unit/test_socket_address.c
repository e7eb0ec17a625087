#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "os/address.h"

enum { PATIENCE_MS = 10000, LISTENER_BACKLOG = 0 };

static void test_a_path(void **state)
{
	char longest[ADDRESS_PATH_MAX + 1];
	struct socket_address found;
	struct address address;
	const struct sockaddr_un *path = (struct sockaddr_un *)&found.storage;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_null(address_set_path(&address, longest));
	assert_null(socket_address_resolve(&address, &found));
	assert_int_equal(path->sun_family, AF_UNIX);
	assert_string_equal(path->sun_path, longest);
	assert_int_equal(found.len, sizeof(*path));
}

static void test_literals(void **state)
{
	struct socket_address found;
	struct address address;
	const struct sockaddr_in *v4 = (struct sockaddr_in *)&found.storage;
	const struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&found.storage;

	(void)state;
	assert_null(address_set_host(&address, "192.0.2.7", 9000));
	assert_null(socket_address_resolve(&address, &found));
	assert_int_equal(v4->sin_family, AF_INET);
	assert_int_equal(v4->sin_addr.s_addr, inet_addr("192.0.2.7"));
	assert_int_equal(ntohs(v4->sin_port), 9000);
	assert_int_equal(found.len, sizeof(*v4));
	assert_null(address_set_host(&address, "::1", 65535));
	assert_null(socket_address_resolve(&address, &found));
	assert_int_equal(v6->sin6_family, AF_INET6);
	assert_memory_equal(&v6->sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback));
	assert_int_equal(ntohs(v6->sin6_port), 65535);
}

static void test_a_name_that_nobody_has(void **state)
{
	struct socket_address found;
	struct address address;
	const char *complaint;

	(void)state;
	/* A label may have 63 bytes: no resolver is asked for this one. */
	assert_null(address_set_host(
		&address, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		1));
	complaint = socket_address_resolve(&address, &found);
	assert_non_null(complaint);
	assert_true(strlen(complaint) > 0);
}

/* A listening TCP socket on a port that the kernel chose, and its address. */
static int listen_tcp(struct socket_address *there)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&there->storage;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*there = (struct socket_address){.len = sizeof(*v4)};
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)v4, there->len), 0);
	assert_int_equal(listen(fd, SOMAXCONN), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)v4, &there->len), 0);
	return fd;
}

static int error_when_connected(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int error = -1;
	socklen_t len = sizeof(error);

	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	return error;
}

static void test_tcp(void **state)
{
	struct socket_address there;
	int listener = listen_tcp(&there);
	int no_delay = 0;
	socklen_t len = sizeof(no_delay);
	bool is_connecting;
	int fd;

	(void)state;
	fd = socket_connect(&there, &is_connecting);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &len), 0);
	assert_true(no_delay);
	assert_int_equal(error_when_connected(fd), 0);
	close(fd);
	close(listener);
	/* Refused: at once or later. */
	fd = socket_connect(&there, &is_connecting);
	if (fd >= 0) {
		assert_true(is_connecting);
		assert_int_equal(error_when_connected(fd), ECONNREFUSED);
		close(fd);
	} else {
		assert_int_equal(fd, -ECONNREFUSED);
	}
}

static int read_number(int fd, int level, int option)
{
	int number = -1;
	socklen_t len = sizeof(number);

	assert_int_equal(getsockopt(fd, level, option, &number, &len), 0);
	return number;
}

struct limits {
	uint64_t silent_ms;
	int idle, step, count; /* as they are to be */
};

static void check_limits(const struct limits *limits)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	socket_set_limits(fd, limits->silent_ms);
	assert_true(read_number(fd, SOL_SOCKET, SO_KEEPALIVE));
	assert_int_equal(read_number(fd, IPPROTO_TCP, TCP_KEEPIDLE), limits->idle);
	assert_int_equal(read_number(fd, IPPROTO_TCP, TCP_KEEPINTVL), limits->step);
	assert_int_equal(read_number(fd, IPPROTO_TCP, TCP_KEEPCNT), limits->count);
	close(fd);
}

static void test_limits(void **state)
{
	static const struct limits cases[] = {
		{1, 1, 1, 1},
		{2000, 1, 1, 1},
		{4500, 2, 1, 2},
		{10000, 5, 1, 5},
		{60000, 30, 6, 5},
		{86400000, 32767, 6553, 5},
		{UINT64_MAX, 32767, 6553, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_limits(&cases[i]);
}

/* A peer that does not read is there all the same: its kernel has its say. */
static void test_a_peer_that_is_slow_is_not_silent(void **state)
{
	static const uint8_t bytes[65536];
	struct socket_address there;
	int listener = listen_tcp(&there);
	struct timespec while_ms = {.tv_nsec = 300 * 1000000};
	bool is_connecting;
	int fd = socket_connect(&there, &is_connecting);

	(void)state;
	assert_int_equal(error_when_connected(fd), 0);
	assert_false(socket_is_silent(fd, 0));
	while (send(fd, bytes, sizeof(bytes), 0) > 0)
		;
	nanosleep(&while_ms, NULL);
	assert_false(socket_is_silent(fd, 1));
	assert_false(socket_is_silent(-1, 1));
	close(fd);
	close(listener);
}

static void test_no_limits(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int idle = read_number(fd, IPPROTO_TCP, TCP_KEEPIDLE);

	(void)state;
	socket_set_limits(fd, 0);
	assert_false(read_number(fd, SOL_SOCKET, SO_KEEPALIVE));
	assert_int_equal(read_number(fd, IPPROTO_TCP, TCP_KEEPIDLE), idle);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socket_set_limits(fd, 10000);
	assert_false(read_number(fd, SOL_SOCKET, SO_KEEPALIVE));
	close(fd);
}

/* A Unix socket of the kernel's choice, which needs no file. */
static int listen_unix(struct socket_address *there)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&there->storage;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*there = (struct socket_address){.len = sizeof(*path)};
	path->sun_family = AF_UNIX;
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)path, sizeof(path->sun_family)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)path, &there->len), 0);
	return fd;
}

static void test_unix(void **state)
{
	struct socket_address there;
	int listener = listen_unix(&there);
	bool is_connecting = true;
	int fd;

	(void)state;
	assert_int_equal(socket_connect(&there, &is_connecting), -ECONNREFUSED);
	assert_false(is_connecting);
	assert_int_equal(listen(listener, LISTENER_BACKLOG), 0);
	fd = socket_connect(&there, &is_connecting);
	assert_true(fd >= 0);
	assert_false(is_connecting);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	/* The backlog holds one more than its number: it is full now, and this one is not on its
	 * way. */
	assert_int_equal(socket_connect(&there, &is_connecting), -EAGAIN);
	assert_false(is_connecting);
	close(fd);
	close(listener);
}

static void test_a_path_that_is_not_there(void **state)
{
	struct socket_address found;
	struct address address;
	bool is_connecting;

	(void)state;
	assert_null(address_set_path(&address, "/nonexistent/socket"));
	assert_null(socket_address_resolve(&address, &found));
	assert_int_equal(socket_connect(&found, &is_connecting), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_a_name_that_nobody_has),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_limits),
		cmocka_unit_test(test_a_peer_that_is_slow_is_not_silent),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_a_path_that_is_not_there),
	};

	return cmocka_run_group_tests_name("socket_address", tests, NULL, NULL);
}
