#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/sandbox.h"

/* A place with a directory for each right, and beside them one for none. */
static char place[] = "/tmp/test-sandbox.XXXXXX";

/* A listening socket of the loopback, and its port. */
static int listening = -1;
static uint16_t port;

enum { LANDLOCK_CREATE_RULESET = 444, CLONE3 = 435, PIDFD_OPEN = 434, IO_URING_SETUP = 425 };
enum { LANDLOCK_FIRST = 1, LANDLOCK_PORTS = 4, LANDLOCK_SCOPES = 6 };

/* The exit status of a process in which the sandbox could not be entered. */
enum { NOT_ENTERED = 250 };

#ifdef SANDBOX_OFF
static const bool is_in_force = false;
#else
static const bool is_in_force = true;
#endif

static bool has_landlock(int abi)
{
	return is_in_force && syscall(LANDLOCK_CREATE_RULESET, NULL, 0, 1) >= abi;
}

/* What somebody who has taken over a process in the sandbox might try: 0 or errno. */
typedef int (*attempt_fn)(void);

static int result_of(long result)
{
	return result < 0 ? errno : 0;
}

static const char *path_of(const char *name)
{
	static char path[100];

	(void)snprintf(path, sizeof(path), "%s/%s", place, name);
	return path;
}

/* What the plans of the tests differ in. */
enum { WRITES = 1, RESOLVES = 2, ANY_PORT = 4 };

static void enter(int wanted)
{
	char *readable = strdup(path_of("read")), *logs = strdup(path_of("log"));
	char *removable = strdup(path_of("remove"));
	char *absent = strdup(path_of("above/of/what/comes/later"));
	const struct sandbox_place places[] = {
		{readable, SANDBOX_READ},
		{absent, SANDBOX_READ},
		{removable, SANDBOX_REMOVE},
		{logs, SANDBOX_APPEND},
	};
	const struct sandbox_plan plan = {
		.places = places,
		.place_count = wanted & WRITES ? 4 : 2,
		.ports = &port,
		.port_count = 1,
		.has_any_port = wanted & ANY_PORT,
		.resolves = wanted & RESOLVES,
	};
	struct sandbox sandbox;

	sandbox_enter(&plan, &sandbox);
	if (sandbox.seccomp_error != 0 ||
	    (sandbox.landlock_error != 0 && has_landlock(LANDLOCK_FIRST)))
		_exit(NOT_ENTERED);
}

/* The status of waitpid(2) for a process that makes the attempt in the sandbox. */
static int status_of(attempt_fn attempt, int wanted)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		enter(wanted);
		_exit(attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool is_kill(int status, int signal)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static void check_result(const char *name, attempt_fn attempt, int error)
{
	int status = status_of(attempt, WRITES);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != error)
		fail_msg("%s: status %#x", name, (unsigned)status);
}

#define assert_gives(attempt, error) check_result(#attempt, attempt, error)

/* A system call with these arguments, and nothing behind its pointers. */
struct call {
	const char *name;
	long number;
	long arguments[4];
};

static const struct call *called;

static int make_call(void)
{
	const long *arguments = called->arguments;

	return result_of(syscall(called->number, arguments[0], arguments[1], arguments[2],
				 arguments[3], 0, 0));
}

static const struct call forbidden_calls[] = {
	/* No process */
	{"clone", SYS_clone, {SIGCHLD}},
	{"clone3", CLONE3, {0}},
	{"execve", SYS_execve, {0}},
	{"execveat", SYS_execveat, {AT_FDCWD}},
	/* Nothing to others */
	{"ptrace", SYS_ptrace, {PTRACE_ATTACH, 1}},
	{"process_vm_readv", SYS_process_vm_readv, {1}},
	{"process_vm_writev", SYS_process_vm_writev, {1}},
	{"kill", SYS_kill, {1, SIGUSR1}},
	{"kill everybody", SYS_kill, {-1, 0}},
	{"tkill", SYS_tkill, {1, SIGABRT}},
	{"tgkill", SYS_tgkill, {1, 1, SIGABRT}},
	{"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {1, SIGUSR1}},
	{"pidfd_open", PIDFD_OPEN, {1}},
	{"setpriority", SYS_setpriority, {0, 1, 0}},
	/* No other sockets */
	{"a netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW}},
	{"a packet socket", SYS_socket, {AF_PACKET, SOCK_RAW}},
	{"a raw socket", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_ICMP}},
	{"a UDP socket", SYS_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC}},
	{"a UDP socket of IPv6", SYS_socket, {AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC}},
	{"a vsock socket", SYS_socket, {AF_VSOCK, SOCK_STREAM}},
	{"an alg socket", SYS_socket, {AF_ALG, SOCK_SEQPACKET}},
	{"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM}},
	{"bind", SYS_bind, {0}},
	{"listen", SYS_listen, {0}},
	/* No code */
	{"mmap of executable memory", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE}},
	{"mprotect to executable", SYS_mprotect, {0, 4096, PROT_EXEC}},
	{"bpf", SYS_bpf, {0}},
	{"memfd_create", SYS_memfd_create, {0}},
	/* Nobody else, nowhere else */
	{"setuid", SYS_setuid, {0}},
	{"setresgid", SYS_setresgid, {0}},
	{"setgroups", SYS_setgroups, {0}},
	{"capset", SYS_capset, {0}},
	{"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"seccomp", SYS_seccomp, {0}},
	{"unshare", SYS_unshare, {CLONE_NEWUSER}},
	{"setns", SYS_setns, {0}},
	{"mount", SYS_mount, {0}},
	{"chroot", SYS_chroot, {0}},
	{"chdir", SYS_chdir, {0}},
	/* Nothing of the file system but what the plan says */
	{"renameat", SYS_renameat, {AT_FDCWD, 0, AT_FDCWD, 0}},
	{"linkat", SYS_linkat, {AT_FDCWD, 0, AT_FDCWD, 0}},
	{"symlinkat", SYS_symlinkat, {0, AT_FDCWD, 0}},
	{"mkdirat", SYS_mkdirat, {AT_FDCWD, 0, 0700}},
	{"mknodat", SYS_mknodat, {AT_FDCWD, 0, 0600}},
	{"fchmodat", SYS_fchmodat, {AT_FDCWD, 0, 0777}},
	{"fchownat", SYS_fchownat, {AT_FDCWD, 0, 0, 0}},
	{"truncate", SYS_truncate, {0}},
	{"getdents64", SYS_getdents64, {0}},
	{"inotify_init1", SYS_inotify_init1, {0}},
	/* And the rest */
	{"io_uring_setup", IO_URING_SETUP, {1}},
	{"ioctl TIOCSTI", SYS_ioctl, {STDERR_FILENO, TIOCSTI, 0}},
	{"fcntl F_SETOWN", SYS_fcntl, {STDERR_FILENO, F_SETOWN, 1}},
	{"add_key", SYS_add_key, {0}},
	{"prlimit64", SYS_prlimit64, {0}},
	{"perf_event_open", SYS_perf_event_open, {0}},
	{"userfaultfd", SYS_userfaultfd, {0}},
	{"what no kernel has yet", 1000, {0}},
};

static void test_other_system_calls_end_the_process(void **state)
{
	(void)state;
	if (!is_in_force)
		skip();
	for (size_t i = 0; i < sizeof(forbidden_calls) / sizeof(*forbidden_calls); i++) {
		int status;

		called = &forbidden_calls[i];
		status = status_of(make_call, WRITES);
		if (!is_kill(status, SIGSYS))
			fail_msg("%s: status %#x", called->name, (unsigned)status);
	}
}

static int try_open(const char *name, int flags)
{
	return result_of(open(path_of(name), flags, 0600));
}

static int read_in_place(void)
{
	return try_open("read/file", O_RDONLY);
}

static int read_beside(void)
{
	return try_open("other/file", O_RDONLY);
}

static int read_passwd(void)
{
	return result_of(open("/etc/passwd", O_RDONLY));
}

static int read_passwd_by_openat2(void)
{
	struct open_how how = {.flags = O_RDONLY};

	return result_of(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof(how)));
}

static int read_through_link(void)
{
	return try_open("read/link", O_RDONLY);
}

static int read_what_came_later(void)
{
	return try_open("above/file", O_RDONLY);
}

static int write_in_place(void)
{
	return try_open("read/file", O_WRONLY);
}

static int write_by_openat2(void)
{
	struct open_how how = {.flags = O_WRONLY};

	return result_of(syscall(SYS_openat2, AT_FDCWD, path_of("other/file"), &how, sizeof(how)));
}

static int append_to_log(void)
{
	return try_open("log/new", O_WRONLY | O_APPEND | O_CREAT);
}

static int create_beside(void)
{
	return try_open("other/new", O_WRONLY | O_CREAT);
}

static int list_beside(void)
{
	return try_open("other", O_RDONLY | O_DIRECTORY);
}

static int remove_socket(void)
{
	return result_of(unlinkat(AT_FDCWD, path_of("remove/file"), 0));
}

static int remove_beside(void)
{
	return result_of(unlinkat(AT_FDCWD, path_of("other/file"), 0));
}

static int connect_to(uint16_t number)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(number),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return result_of(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_to_port(void)
{
	return connect_to(port);
}

static int connect_elsewhere(void)
{
	return connect_to(1);
}

static int bind_socket(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	return result_of(bind(listening, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_to_abstract_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", place);
	return result_of(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static void test_files_outside_of_the_plan_are_out_of_reach(void **state)
{
	(void)state;
	if (!has_landlock(LANDLOCK_FIRST))
		skip();
	assert_gives(read_in_place, 0);
	assert_gives(read_what_came_later, 0);
	assert_gives(read_beside, EACCES);
	assert_gives(read_passwd, EACCES);
	assert_gives(read_passwd_by_openat2, EACCES);
	assert_gives(read_through_link, EACCES);
	assert_gives(list_beside, EACCES);
	assert_gives(write_in_place, EACCES);
	assert_gives(append_to_log, 0);
	assert_gives(create_beside, EACCES);
	assert_gives(remove_beside, EACCES);
	assert_gives(remove_socket, 0);
}

static void test_a_plan_without_writing_opens_for_reading_only(void **state)
{
	(void)state;
	if (!is_in_force)
		skip();
	assert_int_equal(status_of(read_in_place, 0), 0);
	assert_true(is_kill(status_of(write_in_place, 0), SIGSYS));
	assert_true(is_kill(status_of(append_to_log, 0), SIGSYS));
	assert_true(is_kill(status_of(remove_socket, 0), SIGSYS));
	if (has_landlock(LANDLOCK_FIRST))
		assert_int_equal(WEXITSTATUS(status_of(write_by_openat2, 0)), EACCES);
}

static void test_ports_outside_of_the_plan_are_out_of_reach(void **state)
{
	(void)state;
	if (!has_landlock(LANDLOCK_PORTS))
		skip();
	assert_gives(connect_to_port, 0);
	assert_gives(connect_elsewhere, EACCES);
}

static void test_a_plan_with_any_port_connects_to_all(void **state)
{
	(void)state;
	if (!has_landlock(LANDLOCK_PORTS))
		skip();
	assert_int_equal(status_of(connect_to_port, ANY_PORT), 0);
	assert_int_equal(WEXITSTATUS(status_of(connect_elsewhere, ANY_PORT)), ECONNREFUSED);
	assert_true(is_kill(status_of(bind_socket, ANY_PORT), SIGSYS));
}

/* What os/resolver does: here to nobody, at the port that only TCP listens at. */
static int ask_by_udp(int family, const void *address, socklen_t len)
{
	char room[16];
	struct iovec part = {room, sizeof(room)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, address, len) < 0 || sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		return errno;
	return result_of(recvfrom(fd, room, sizeof(room), 0, NULL, NULL));
}

static int ask_by_udp4(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};

	return ask_by_udp(AF_INET, &address, sizeof(address));
}

static int ask_by_udp6(void)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons(port),
	};

	return ask_by_udp(AF_INET6, &address, sizeof(address));
}

static int open_raw_socket(void)
{
	return result_of(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP));
}

static int open_netlink_socket(void)
{
	return result_of(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void test_a_plan_that_resolves_may_ask_by_udp(void **state)
{
	(void)state;
	if (!is_in_force)
		skip();
	assert_true(is_kill(status_of(ask_by_udp4, WRITES | ANY_PORT), SIGSYS));
	assert_int_equal(WEXITSTATUS(status_of(ask_by_udp4, RESOLVES)), ECONNREFUSED);
	assert_true(is_kill(status_of(ask_by_udp6, WRITES | ANY_PORT), SIGSYS));
	assert_false(is_kill(status_of(ask_by_udp6, RESOLVES), SIGSYS));
	/* And nothing more. */
	assert_true(is_kill(status_of(bind_socket, RESOLVES), SIGSYS));
	assert_true(is_kill(status_of(open_raw_socket, RESOLVES), SIGSYS));
	assert_true(is_kill(status_of(open_netlink_socket, RESOLVES), SIGSYS));
	assert_true(is_kill(status_of(write_in_place, RESOLVES), SIGSYS));
	if (has_landlock(LANDLOCK_PORTS))
		assert_int_equal(WEXITSTATUS(status_of(connect_elsewhere, RESOLVES)), EACCES);
}

static void test_abstract_sockets_are_out_of_reach(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	(void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", place);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	if (has_landlock(LANDLOCK_SCOPES))
		assert_gives(connect_to_abstract_socket, EPERM);
	close(fd);
}

static int use_memory(void)
{
	enum { COUNT = 64 };
	char *blocks[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = malloc(i * 10000 + 1);
		if (!blocks[i])
			return ENOMEM;
		memset(blocks[i], 1, i * 10000 + 1);
	}
	for (size_t i = 0; i < COUNT; i++)
		blocks[i] = realloc(blocks[i], 300000);
	for (size_t i = 0; i < COUNT; i++)
		free(blocks[i]);
	return 0;
}

static int tell_the_time(void)
{
	char text[32];
	time_t now = time(NULL);
	struct tm local;

	return localtime_r(&now, &local) && strftime(text, sizeof(text), "%T", &local) ? 0 : EINVAL;
}

static int fail_an_assertion(void)
{
	abort();
}

static void test_what_the_c_library_does_is_open(void **state)
{
	(void)state;
	if (!is_in_force)
		skip();
	assert_gives(use_memory, 0);
	assert_gives(tell_the_time, 0);
	assert_true(is_kill(status_of(fail_an_assertion, WRITES), SIGABRT));
}

static void test_a_build_without_it_says_so(void **state)
{
	const struct sandbox_plan plan = {0};
	struct sandbox sandbox;

	(void)state;
	if (is_in_force)
		skip();
	sandbox_enter(&plan, &sandbox);
	assert_int_equal(sandbox.seccomp_error, -ENOTSUP);
	assert_int_equal(sandbox.landlock_error, -ENOTSUP);
}

static void make_file(const char *directory)
{
	char file[32];

	(void)snprintf(file, sizeof(file), "%s/file", directory);
	assert_int_equal(mkdir(path_of(directory), 0700), 0);
	close(open(path_of(file), O_WRONLY | O_CREAT, 0600));
}

static int make_place(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	(void)state;
	assert_non_null(mkdtemp(place));
	make_file("read");
	make_file("log");
	make_file("remove");
	make_file("above");
	make_file("other");
	assert_int_equal(symlink("../other/file", path_of("read/link")), 0);
	listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listening, 4), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &len), 0);
	port = ntohs(address.sin_port);
	return 0;
}

static int remove_place(void **state)
{
	static const char *const names[] = {
		"read/file", "read/link",   "read",   "log/file",   "log/new", "log", "above/file",
		"above",     "remove/file", "remove", "other/file", "other",   ""};

	(void)state;
	close(listening);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)remove(path_of(names[i]));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_system_calls_end_the_process),
		cmocka_unit_test(test_files_outside_of_the_plan_are_out_of_reach),
		cmocka_unit_test(test_a_plan_without_writing_opens_for_reading_only),
		cmocka_unit_test(test_ports_outside_of_the_plan_are_out_of_reach),
		cmocka_unit_test(test_a_plan_with_any_port_connects_to_all),
		cmocka_unit_test(test_a_plan_that_resolves_may_ask_by_udp),
		cmocka_unit_test(test_abstract_sockets_are_out_of_reach),
		cmocka_unit_test(test_what_the_c_library_does_is_open),
		cmocka_unit_test(test_a_build_without_it_says_so),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
