#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/address.h"
#include "os/listen.h"
#include "os/passed.h"

enum { PATH_SIZE = 100, OTHER_ID = 4321 };

/* A directory of the test's own, and a plan for a socket in it. */
struct place {
	char directory[PATH_SIZE];
	char path[2 * PATH_SIZE];
	struct listen_plan plan;
	struct listener listener;
};

static void set_path(struct place *place, const char *name)
{
	assert_int_equal(
		text_format(place->path, sizeof(place->path), "%s/%s", place->directory, name), 0);
	assert_null(address_set_path(&place->plan.address, place->path));
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	(void)text_format(place->directory, sizeof(place->directory), "/tmp/test_listen.XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	place->plan = (struct listen_plan){
		.owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0660, .backlog = 1};
	listener_init(&place->listener);
	set_path(place, "s");
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	listener_close(&place->listener);
	(void)unlink(place->path);
	(void)rmdir(place->path);
	(void)rmdir(place->directory);
	free(place);
	return 0;
}

static void open_well(struct place *place)
{
	char *error = listener_open(&place->listener, &place->plan);

	if (error)
		fail_msg("%s", error);
}

/* It is refused, and the sentence says so. */
static void open_badly(struct place *place, const char *word)
{
	struct listener listener;
	char *error = listener_open(&listener, &place->plan);

	assert_non_null(error);
	if (!strstr(error, word))
		fail_msg("\"%s\" does not say \"%s\"", error, word);
	assert_int_equal(listener.fd, -1);
	assert_int_equal(listener.directory, -1);
	free(error);
}

static int connect_there(const struct place *place)
{
	struct socket_address address;
	bool is_connecting;

	assert_null(socket_address_resolve(&place->plan.address, &address));
	return socket_connect(&address, &is_connecting);
}

static void test_a_mode_holds_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0777};
	struct place *place = *state;
	struct stat status;

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t before = umask(masks[i]);

		open_well(place);
		assert_int_equal(umask(before), masks[i]);
		assert_int_equal(stat(place->path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0660);
		listener_close(&place->listener);
		assert_int_equal(stat(place->path, &status), -1);
	}
}

static void test_owner_and_group(void **state)
{
	struct place *place = *state;
	struct stat status;

	if (geteuid() != 0)
		skip();
	place->plan.owner = OTHER_ID;
	place->plan.group = OTHER_ID + 1;
	open_well(place);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_uid, OTHER_ID);
	assert_int_equal(status.st_gid, OTHER_ID + 1);
}

static void test_descriptors_are_close_on_exec_and_do_not_block(void **state)
{
	struct place *place = *state;

	open_well(place);
	assert_true(fcntl(place->listener.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(place->listener.directory, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(place->listener.fd, F_GETFL) & O_NONBLOCK);
}

static void test_a_live_socket_is_refused(void **state)
{
	struct place *place = *state;
	int fds[2];

	open_well(place);
	open_badly(place, "already in use");
	/* Also when it is too busy to take one connection more. */
	fds[0] = connect_there(place);
	fds[1] = connect_there(place);
	assert_int_equal(connect_there(place), -EAGAIN);
	open_badly(place, "already in use");
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(access(place->path, F_OK), 0);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct place *place = *state;

	open_well(place);
	listener_release(&place->listener);
	assert_int_equal(access(place->path, F_OK), 0);
	assert_int_equal(connect_there(place), -ECONNREFUSED);
	open_well(place);
	close(connect_there(place));
}

static void test_what_is_no_socket_is_never_deleted(void **state)
{
	struct place *place = *state;
	struct stat status;
	int fd = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	open_badly(place, "no socket");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("/nowhere", place->path), 0);
	open_badly(place, "no socket");
	assert_int_equal(lstat(place->path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkdir(place->path, 0700), 0);
	open_badly(place, "no socket");
	assert_int_equal(rmdir(place->path), 0);
}

static void test_paths_that_lead_nowhere(void **state)
{
	struct place *place = *state;

	set_path(place, "missing/s");
	open_badly(place, "No such file or directory");
	set_path(place, "missing/");
	open_badly(place, "slash");
}

static void test_only_its_own_socket_is_removed(void **state)
{
	struct place *place = *state;
	struct listener other;
	char *error;

	open_well(place);
	assert_int_equal(unlink(place->path), 0);
	error = listener_open(&other, &place->plan);
	assert_null(error);
	listener_close(&place->listener);
	assert_int_equal(access(place->path, F_OK), 0);
	listener_close(&other);
	assert_int_equal(access(place->path, F_OK), -1);
}

/* directory/root is a chroot in which "run" leads to /out: that is directory/root/out. */
static void test_a_path_in_a_chroot_stays_inside(void **state)
{
	struct place *place = *state;
	char root[2 * PATH_SIZE], out[3 * PATH_SIZE], link[3 * PATH_SIZE], made[4 * PATH_SIZE];

	(void)text_format(root, sizeof(root), "%s/root", place->directory);
	(void)text_format(out, sizeof(out), "%s/out", root);
	(void)text_format(link, sizeof(link), "%s/run", root);
	(void)text_format(made, sizeof(made), "%s/s", out);
	assert_int_equal(mkdir(root, 0700), 0);
	assert_int_equal(mkdir(out, 0700), 0);
	assert_int_equal(symlink("/out", link), 0);
	place->plan.root = root;
	set_path(place, "root/run/s");
	open_well(place);
	assert_int_equal(access(made, F_OK), 0);
	listener_close(&place->listener);
	assert_int_equal(access(made, F_OK), -1);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(out), 0);
	assert_int_equal(rmdir(root), 0);
}

/* Of an IPv4 socket too: the port stands at the same place. */
static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address = {0};
	socklen_t len = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin6_port);
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	port = port_of(fd);
	close(fd);
	return port;
}

static void listen_on_host(struct place *place, const char *host)
{
	uint16_t port = free_port();
	int fd;

	assert_null(address_set_host(&place->plan.address, host, port));
	open_well(place);
	assert_int_equal(port_of(place->listener.fd), port);
	open_badly(place, "already in use");
	fd = connect_there(place);
	assert_true(fd >= 0);
	close(fd);
}

static void test_ipv4(void **state)
{
	listen_on_host(*state, "127.0.0.1");
}

static void test_ipv6(void **state)
{
	if (access("/proc/net/if_inet6", F_OK) < 0)
		skip();
	listen_on_host(*state, "::1");
}

static void set_passed(const char *count, int pid_offset)
{
	char pid[TEXT_UNIT_SIZE];

	(void)text_format(pid, sizeof(pid), "%d", (int)getpid() + pid_offset);
	assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
}

static void test_passed_sockets(void **state)
{
	struct place *place = *state;

	assert_int_equal(passed_take(), 0);
	set_passed("1", 1);
	assert_int_equal(passed_take(), 0);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	set_passed("many", 0);
	assert_int_equal(passed_take(), -EINVAL);
	/* 3 is whatever the runner of the tests left there, or nothing: no listening socket. */
	set_passed("1", 0);
	assert_int_equal(passed_take(), -EINVAL);
	open_well(place);
	if (place->listener.fd != PASSED_FIRST_FD)
		assert_int_equal(dup2(place->listener.fd, PASSED_FIRST_FD), PASSED_FIRST_FD);
	set_passed("1", 0);
	assert_int_equal(passed_take(), 1);
	assert_true(fcntl(PASSED_FIRST_FD, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(PASSED_FIRST_FD, F_GETFL) & O_NONBLOCK);
	if (place->listener.fd != PASSED_FIRST_FD)
		close(PASSED_FIRST_FD);
}

/* The open socket of the place becomes the one that was passed, and nothing else holds it. */
static void pass(struct place *place)
{
	int fd = place->listener.fd;

	place->listener.fd = -1;
	listener_release(&place->listener);
	if (fd != PASSED_FIRST_FD) {
		assert_int_equal(dup2(fd, PASSED_FIRST_FD), PASSED_FIRST_FD);
		close(fd);
	}
	set_passed("1", 0);
	assert_int_equal(passed_take(), 1);
}

static void forget_passed(void)
{
	close(PASSED_FIRST_FD);
	assert_int_equal(passed_take(), 0);
}

static void test_a_passed_socket_is_taken_as_it_is(void **state)
{
	struct place *place = *state;
	struct stat status;

	open_well(place);
	pass(place);
	place->plan.mode = 0600;
	open_well(place);
	assert_int_equal(place->listener.fd, PASSED_FIRST_FD);
	assert_null(passed_find_untaken());
	close(connect_there(place));
	listener_close(&place->listener);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	/* Once: its number may be anybody's by now. */
	open_well(place);
	assert_true(place->listener.directory >= 0);
	forget_passed();
}

static void test_a_passed_socket_is_found_by_any_path(void **state)
{
	struct place *place = *state;

	open_well(place);
	pass(place);
	set_path(place, "./s");
	open_well(place);
	assert_int_equal(place->listener.fd, PASSED_FIRST_FD);
	assert_int_equal(unlink(place->path), 0);
	forget_passed();
}

static void test_a_passed_port(void **state)
{
	struct place *place = *state;
	uint16_t port;

	listen_on_host(place, "127.0.0.1");
	port = place->plan.address.port;
	pass(place);
	assert_null(address_set_host(&place->plan.address, "localhost", port));
	open_well(place);
	assert_int_equal(place->listener.fd, PASSED_FIRST_FD);
	listener_close(&place->listener);
	assert_int_equal(passed_take(), 0);
}

static void check_untaken(const char *words)
{
	char *sentence = passed_find_untaken();

	assert_non_null(sentence);
	if (!strstr(sentence, words))
		fail_msg("\"%s\" does not say \"%s\"", sentence, words);
	free(sentence);
}

static void test_a_passed_socket_that_nobody_asked_for(void **state)
{
	struct place *place = *state;

	assert_null(passed_find_untaken());
	open_well(place);
	pass(place);
	check_untaken(place->path);
	assert_int_equal(unlink(place->path), 0);
	set_path(place, "other");
	open_well(place);
	assert_int_not_equal(place->listener.fd, PASSED_FIRST_FD);
	listener_close(&place->listener);
	set_path(place, "s");
	forget_passed();
	listen_on_host(place, "127.0.0.1");
	pass(place);
	check_untaken("127.0.0.1:");
	forget_passed();
}

static void test_a_private_directory(void **state)
{
	gid_t groups[] = {(gid_t)-1, getegid()};
	mode_t modes[] = {0700, 0710};
	struct stat status;

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *path = listen_directory_new(groups[i]);

		assert_non_null(path);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, modes[i]);
		assert_int_equal(rmdir(path), 0);
		free(path);
	}
}

static void test_a_private_directory_where_the_usual_place_is_closed(void **state)
{
	bool is_root = geteuid() == 0;
	char *path;

	(void)state;
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/nonexistent", 1), 0);
	if (is_root)
		assert_int_equal(seteuid(OTHER_ID), 0);
	path = listen_directory_new((gid_t)-1);
	assert_non_null(path);
	assert_int_equal(strncmp(path, "/tmp/", strlen("/tmp/")), 0);
	assert_int_equal(rmdir(path), 0);
	free(path);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	unsetenv("XDG_RUNTIME_DIR");
}

#define LISTEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTEN_TEST(test_a_mode_holds_whatever_the_umask),
		LISTEN_TEST(test_owner_and_group),
		LISTEN_TEST(test_descriptors_are_close_on_exec_and_do_not_block),
		LISTEN_TEST(test_a_live_socket_is_refused),
		LISTEN_TEST(test_a_stale_socket_is_replaced),
		LISTEN_TEST(test_what_is_no_socket_is_never_deleted),
		LISTEN_TEST(test_paths_that_lead_nowhere),
		LISTEN_TEST(test_only_its_own_socket_is_removed),
		LISTEN_TEST(test_a_path_in_a_chroot_stays_inside),
		LISTEN_TEST(test_ipv4),
		LISTEN_TEST(test_ipv6),
		LISTEN_TEST(test_passed_sockets),
		LISTEN_TEST(test_a_passed_socket_is_taken_as_it_is),
		LISTEN_TEST(test_a_passed_socket_is_found_by_any_path),
		LISTEN_TEST(test_a_passed_port),
		LISTEN_TEST(test_a_passed_socket_that_nobody_asked_for),
		cmocka_unit_test(test_a_private_directory),
		cmocka_unit_test(test_a_private_directory_where_the_usual_place_is_closed),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
