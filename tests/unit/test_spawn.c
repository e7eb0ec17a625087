#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/privileges.h"
#include "os/spawn.h"

/* What a child is, it tells itself: a shell prints it. */

enum { SOME_UID = 54321, SOME_GID = 54322, DEADLINE_MS = 10000 };

static char shell[] = "/bin/sh", flag[] = "-c";
static char output[16384]; /* of the latest child */

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* All that comes until the last writer has gone. */
static void read_output(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0) {
		assert_true(poll(&ready, 1, DEADLINE_MS) == 1);
		got = read(fd, output + len, sizeof(output) - 1 - len);
		assert_true(got >= 0);
		len += (size_t)got;
	}
	output[len] = '\0';
	close(fd);
}

static void assert_ended_with(pid_t pid, int status)
{
	int actual;

	assert_int_equal(waitpid(pid, &actual, 0), pid);
	assert_int_equal(actual, status);
}

/* For a plan of a case to begin with; the caller's user, whatever that is. */
static struct spawn_plan plan_of(char *const *argv)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char *const environment[] = {path, NULL};

	return (struct spawn_plan){
		.argv = argv,
		.environment = environment,
		.fd0 = STDIN_FILENO,
		.fd1 = -1,
		.fd2 = -1,
		.privileges = {.keep_root = geteuid() == 0},
		.umask = 022,
		.death_signal = SIGKILL,
	};
}

/* Runs the plan to its end, with a good one; what it wrote is in output. */
static pid_t run(struct spawn_plan plan)
{
	struct spawn_result result;
	int out[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	plan.fd1 = out[1];
	result = spawn_run(&plan);
	close(out[1]);
	assert_int_equal(result.error, 0);
	assert_int_equal(result.stage, SPAWN_DONE);
	assert_true(result.pid > 0);
	read_output(out[0]);
	assert_ended_with(result.pid, 0);
	return result.pid;
}

/* Runs a script, with the rest as planned. */
static pid_t run_script(const struct spawn_plan *plan, char *script)
{
	char *const argv[] = {shell, flag, script, NULL};
	struct spawn_plan with_script = *plan;

	with_script.argv = argv;
	return run(with_script);
}

static void assert_fails(const struct spawn_plan *plan, enum spawn_stage stage, int error)
{
	struct spawn_result result = spawn_run(plan);

	assert_int_equal(result.stage, stage);
	assert_int_equal(result.error, error);
	assert_int_equal(result.pid, -1);
	/* Nothing of it is left to be waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_child_has_the_environment_and_no_more(void **state)
{
	static char env[] = "/usr/bin/env", one[] = "ONE=1", two[] = "TWO=a b=c";
	static char *const argv[] = {env, NULL}, *const environment[] = {one, two, NULL};
	struct spawn_plan plan = plan_of(argv);

	(void)state;
	plan.environment = environment;
	run(plan);
	assert_string_equal(output, "ONE=1\nTWO=a b=c\n");
}

static void test_child_has_its_descriptors_and_no_more(void **state)
{
	static char ls[] = "/bin/ls", folder[] = "/proc/self/fd";
	static char *const argv[] = {ls, folder, NULL};
	struct spawn_plan plan = plan_of(argv);
	int stray = dup(STDIN_FILENO), high = fcntl(stray, F_DUPFD, 200);
	const int passed[] = {stray, stray};

	(void)state;
	run(plan);
	assert_string_equal(output, "0\n1\n2\n3\n"); /* the last is the folder */
	plan.passed = passed;
	plan.passed_count = 2;
	run(plan);
	assert_string_equal(output, "0\n1\n2\n3\n4\n5\n");
	close(stray);
	close(high);
}

static void test_descriptors_change_places(void **state)
{
	static char script[] = "readlink /proc/$$/fd/0 /proc/$$/fd/2 /proc/$$/fd/3 /proc/$$/fd/4"
			       " /proc/$$/fd/5";
	struct spawn_plan plan = plan_of(NULL);
	int a = memfd_create("a", MFD_CLOEXEC), b = memfd_create("b", MFD_CLOEXEC);
	int c = memfd_create("c", MFD_CLOEXEC);
	/* The first free numbers are the ones that passed descriptors get, in another order. */
	const int passed[] = {c, a, b};

	(void)state;
	plan.fd0 = b;
	plan.fd2 = a;
	plan.passed = passed;
	plan.passed_count = 3;
	run_script(&plan, script);
	assert_string_equal(output, "/memfd:b (deleted)\n/memfd:a (deleted)\n/memfd:c (deleted)\n"
				    "/memfd:a (deleted)\n/memfd:b (deleted)\n");
	close(a);
	close(b);
	close(c);
}

static void test_as_many_as_can_be_are_passed(void **state)
{
	static char script[] = "ls /proc/$$/fd | wc -l";
	struct spawn_plan plan = plan_of(NULL);
	int passed[SPAWN_PASSED_MAX];

	(void)state;
	for (size_t i = 0; i < SPAWN_PASSED_MAX; i++)
		passed[i] = STDIN_FILENO;
	plan.passed = passed;
	plan.passed_count = SPAWN_PASSED_MAX;
	run_script(&plan, script);
	assert_true(strtol(output, NULL, 10) >= 3 + SPAWN_PASSED_MAX);
}

static int open_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const struct sockaddr address = {.sa_family = AF_UNIX}; /* the kernel finds a name */

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &address, sizeof(address.sa_family)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_listening_socket_waits_only_as_descriptor_0(void **state)
{
	static char script[] = "true";
	struct spawn_plan plan = plan_of(NULL);
	int first = open_listener(), passed = open_listener(), pipe_ends[2];

	(void)state;
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
	plan.fd0 = first;
	plan.passed = &passed;
	plan.passed_count = 1;
	run_script(&plan, script);
	assert_false(fcntl(first, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(passed, F_GETFL) & O_NONBLOCK);
	plan.fd0 = pipe_ends[0];
	run_script(&plan, script);
	assert_true(fcntl(pipe_ends[0], F_GETFL) & O_NONBLOCK);
	close(first);
	close(passed);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void test_child_is_told_its_pid(void **state)
{
	static char room[] = SPAWN_LISTEN_PID, count[] = "LISTEN_FDS=0";
	static char script[] = "test $LISTEN_PID = $$ && printf '<%s>' \"$LISTEN_PID\"";
	static char *const environment[] = {count, room, NULL};
	struct spawn_plan plan = plan_of(NULL);
	char expected[32];

	(void)state;
	plan.environment = environment;
	plan.announce_passed = true;
	for (int i = 0; i < 2; i++) {
		snprintf(expected, sizeof(expected), "<%d>", (int)run_script(&plan, script));
		assert_string_equal(output, expected);
	}
	assert_string_equal(room, SPAWN_LISTEN_PID);
}

static void test_signals_are_as_at_the_beginning(void **state)
{
	/* Not by a shell, which blocks signals while it starts something. */
	static char grep[] = "/bin/grep", pattern[] = "^Sig[BI]", file[] = "/proc/self/status";
	static char *const argv[] = {grep, pattern, file, NULL};
	struct spawn_plan plan = plan_of(argv);
	sigset_t some, before, after;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigprocmask(SIG_BLOCK, &some, &before);
	run(plan);
	sigprocmask(SIG_SETMASK, &before, &after);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	assert_string_equal(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	assert_true(sigismember(&after, SIGUSR1)); /* ours are as they were */
	assert_false(sigismember(&after, SIGUSR2));
}

static struct spawn_result start_sleep(const struct spawn_plan *plan)
{
	static char name[] = "/bin/sleep", duration[] = "1000";
	static char *const argv[] = {name, duration, NULL};
	struct spawn_plan with_sleep = *plan;

	with_sleep.argv = argv;
	return spawn_run(&with_sleep);
}

static void test_child_leads_a_process_group(void **state)
{
	struct spawn_plan plan = plan_of(NULL);
	struct spawn_result result = start_sleep(&plan);

	(void)state;
	assert_int_equal(result.stage, SPAWN_DONE);
	assert_int_equal(getpgid(result.pid), result.pid);
	assert_int_equal(kill(-result.pid, SIGTERM), 0);
	assert_ended_with(result.pid, SIGTERM);
}

/* A supervisor of its own, with one child that holds on to out; says there when it runs. */
static pid_t fork_supervisor(const struct spawn_plan *plan, int out)
{
	struct spawn_plan with_out = *plan;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	with_out.fd1 = out;
	if (start_sleep(&with_out).stage == SPAWN_DONE && write(out, "+", 1) == 1)
		pause();
	_exit(EXIT_FAILURE);
}

static void assert_child_dies_with_supervisor(const struct spawn_plan *plan)
{
	int out[2];
	char byte;
	pid_t supervisor;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	supervisor = fork_supervisor(plan, out[1]);
	close(out[1]);
	assert_int_equal(read(out[0], &byte, 1), 1);
	kill(supervisor, SIGKILL);
	assert_ended_with(supervisor, SIGKILL);
	read_output(out[0]); /* ends when the last holder has gone */
	assert_string_equal(output, "");
}

static void test_child_dies_with_the_supervisor(void **state)
{
	struct spawn_plan plan = plan_of(NULL);

	(void)state;
	assert_child_dies_with_supervisor(&plan);
	plan.privileges = (struct privileges_plan){.change = false};
	assert_child_dies_with_supervisor(&plan);
}

static const gid_t some_groups[] = {54322, 54323};

static struct privileges_plan some_user(void)
{
	return (struct privileges_plan){
		.change = true,
		.uid = SOME_UID,
		.gid = SOME_GID,
		.groups = some_groups,
		.group_count = 2,
	};
}

static void test_child_of_another_user_dies_with_the_supervisor(void **state)
{
	struct spawn_plan plan = plan_of(NULL);

	(void)state;
	need_root();
	plan.privileges = some_user();
	assert_child_dies_with_supervisor(&plan);
}

static char privileges_script[] =
	"pwd; grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):'"
	" /proc/$$/status";

static const char without_privileges[] = "/\n"
					 "Uid:\t54321\t54321\t54321\t54321\n"
					 "Gid:\t54322\t54322\t54322\t54322\n"
					 "Groups:\t54322 54323 \n"
					 "CapInh:\t0000000000000000\n"
					 "CapPrm:\t0000000000000000\n"
					 "CapEff:\t0000000000000000\n"
					 "CapBnd:\t0000000000000000\n"
					 "CapAmb:\t0000000000000000\n"
					 "NoNewPrivs:\t1\n";

static void test_child_has_no_privileges(void **state)
{
	struct spawn_plan plan = plan_of(NULL);

	(void)state;
	need_root();
	plan.privileges = some_user();
	plan.directory = "/";
	run_script(&plan, privileges_script);
	assert_string_equal(output, without_privileges);
}

/* In a process that can be narrowed. What the child says goes to out. */
static void __attribute__((noreturn)) narrow_and_run(int out)
{
	static char *const argv[] = {shell, flag, privileges_script, NULL};
	struct spawn_plan plan = plan_of(argv);
	struct spawn_result result;

	if (privileges_narrow(true) < 0)
		_exit(EXIT_FAILURE);
	plan.fd1 = out;
	plan.privileges = some_user();
	plan.privileges.chroot = "/"; /* needs the right as any other, and has the shell */
	result = spawn_run(&plan);
	if (result.stage != SPAWN_DONE)
		_exit((int)result.stage);
	_exit(waitpid(result.pid, NULL, 0) == result.pid ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void test_narrowed_supervisor_starts_children_as_others(void **state)
{
	int out[2];
	pid_t pid;

	(void)state;
	need_root();
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		narrow_and_run(out[1]);
	close(out[1]);
	read_output(out[0]);
	assert_ended_with(pid, 0);
	assert_string_equal(output, without_privileges);
}

static void test_directory_and_umask_are_set(void **state)
{
	static char script[] = "pwd; umask";
	struct spawn_plan plan = plan_of(NULL);

	(void)state;
	plan.directory = "/usr/bin";
	plan.umask = 0137;
	run_script(&plan, script);
	assert_string_equal(output, "/usr/bin\n0137\n");
}

static void test_failure_names_stage_and_error(void **state)
{
	static char nothing[] = "/nowhere/program", folder[] = "/";
	static char *const missing[] = {nothing, NULL}, *const no_program[] = {folder, NULL};
	struct spawn_plan plan = plan_of(missing);
	const int closed = 1000;

	(void)state;
	assert_fails(&plan, SPAWN_EXEC, ENOENT);
	plan.argv = no_program;
	assert_fails(&plan, SPAWN_EXEC, EACCES);
	plan.directory = "/nowhere";
	assert_fails(&plan, SPAWN_DIRECTORY, ENOENT);
	plan.privileges.chroot = "/nowhere";
	assert_fails(&plan, SPAWN_CHROOT, ENOENT);
	plan.passed = &closed;
	plan.passed_count = 1;
	assert_fails(&plan, SPAWN_DESCRIPTORS, EBADF);
}

static void test_failure_of_privileges_names_its_stage(void **state)
{
	static char nothing[] = "/nowhere/program", home[] = "/proc";
	static char *const missing[] = {nothing, NULL}, *const in_chroot[] = {shell, NULL};
	struct spawn_plan plan = plan_of(missing);

	(void)state;
	plan.privileges = some_user();
	if (geteuid() != 0) {
		assert_fails(&plan, SPAWN_GROUPS, EPERM);
		return;
	}
	plan.privileges.uid = 0;
	assert_fails(&plan, SPAWN_IDS, EPERM);
	plan.privileges.uid = SOME_UID;
	assert_fails(&plan, SPAWN_EXEC, ENOENT);
	/* There is a shell, but not in there. */
	plan.argv = in_chroot;
	plan.privileges.chroot = home;
	assert_fails(&plan, SPAWN_EXEC, ENOENT);
}

static void test_every_stage_has_a_name(void **state)
{
	(void)state;
	for (int stage = SPAWN_DONE; stage <= SPAWN_EXEC; stage++)
		assert_true(strlen(spawn_stage_name((enum spawn_stage)stage)) > 0);
	assert_string_equal(spawn_stage_name(SPAWN_EXEC), "execute the program");
}

/* Each with a newline, in output. */
static void assert_environment(char **environment, const char *expected)
{
	size_t len = 0;

	assert_non_null(environment);
	output[0] = '\0';
	for (char **entry = environment; *entry; entry++)
		len += (size_t)snprintf(output + len, sizeof(output) - len, "%s\n", *entry);
	spawn_environment_free(environment);
	assert_string_equal(output, expected);
}

static void test_environment_is_copied_cleaned_and_set(void **state)
{
	char path[] = "PATH=/bin", secret[] = "SECRET=x=y", home[] = "PATHS=no",
	     fds[] = "LISTEN_FDS=1", pid[] = "LISTEN_PID=1", names[] = "LISTEN_FDNAMES=a",
	     notify[] = "NOTIFY_SOCKET=/n", longer[] = "LISTEN_FDS_MORE=1";
	char *source[] = {path, secret, fds, home, pid, names, notify, longer, NULL};
	char name[] = "PATH", absent[] = "ABSENT", ours[] = "LISTEN_FDS";
	char *copy[] = {name, absent, ours, NULL}, *nothing[] = {NULL};
	char other[] = "PATH=/usr/bin", first[] = "A=1", second[] = "A=2",
	     set_fds[] = "LISTEN_FDS=3";
	char *set[] = {other, first, second, set_fds, NULL};

	(void)state;
	assert_environment(spawn_environment(source, NULL, NULL),
			   "PATH=/bin\nSECRET=x=y\nPATHS=no\nLISTEN_FDS_MORE=1\n");
	assert_environment(spawn_environment(source, copy, nothing), "PATH=/bin\n");
	assert_environment(spawn_environment(source, nothing, NULL), "");
	assert_environment(spawn_environment(source, copy, set),
			   "PATH=/usr/bin\nA=2\nLISTEN_FDS=3\n");
	assert_environment(spawn_environment(source, NULL, set),
			   "SECRET=x=y\nPATHS=no\nLISTEN_FDS_MORE=1\n"
			   "PATH=/usr/bin\nA=2\nLISTEN_FDS=3\n");
	assert_environment(spawn_environment(nothing, NULL, NULL), "");
	spawn_environment_free(NULL);
}

/*
 * Goes into the background, says "+" to `out`, waits until `go` is closed, and then says what it is
 * to `out`; and how it went, with status, where that is not negative.
 */
static void __attribute__((noreturn)) be_in_background(int go, int out, int status)
{
	char byte;
	int fd = spawn_background();

	if (fd < 0 || write(out, "+", 1) != 1 || read(go, &byte, 1) != 0)
		_exit(EXIT_FAILURE);
	if (status >= 0)
		spawn_background_done(fd, status);
	dprintf(out, "%s\n", getsid(0) == getpid() ? "leads" : "follows");
	_exit(EXIT_SUCCESS);
}

struct background {
	pid_t pid; /* of the one that waits */
	int go;
	int out;
};

static struct background start_background(int status)
{
	struct background background;
	int go[2], out[2];
	char byte;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	background.pid = fork();
	assert_true(background.pid >= 0);
	if (background.pid == 0) {
		close(go[1]);
		be_in_background(go[0], out[1], status);
	}
	close(go[0]);
	close(out[1]);
	background.go = go[1];
	background.out = out[0];
	assert_int_equal(read(background.out, &byte, 1), 1);
	return background;
}

static void assert_waiter_ends_with(int status, int expected)
{
	struct background background = start_background(status);

	assert_int_equal(waitpid(background.pid, NULL, WNOHANG), 0);
	close(background.go);
	assert_ended_with(background.pid, expected << 8);
	read_output(background.out);
	assert_string_equal(output, "leads\n");
}

static void test_background_reports_its_outcome(void **state)
{
	(void)state;
	assert_waiter_ends_with(0, 0);
	assert_waiter_ends_with(7, 7);
	assert_waiter_ends_with(-1, 255);
}

static void test_background_goes_on_when_nobody_waits(void **state)
{
	struct background background = start_background(0);

	(void)state;
	kill(background.pid, SIGKILL);
	assert_ended_with(background.pid, SIGKILL);
	close(background.go);
	read_output(background.out);
	assert_string_equal(output, "leads\n");
}

/* As a process that others are not confused by. */
static int adopt(void)
{
	static char script[] = "sleep 1000 >/dev/null 2>&1 & echo $!";
	struct spawn_plan plan = plan_of(NULL);
	struct spawn_result own;
	pid_t orphan, known[2];

	if (spawn_become_subreaper() < 0)
		return 1;
	own = start_sleep(&plan);
	known[0] = own.pid;
	run_script(&plan, script);
	orphan = (pid_t)strtol(output, NULL, 10);
	known[1] = orphan;
	if (spawn_signal_adopted(known, 2, SIGKILL) != 0)
		return 2;
	if (spawn_signal_adopted(known, 1, SIGTERM) != 1)
		return 3;
	if (waitpid(orphan, NULL, 0) != orphan)
		return 4;
	if (spawn_signal_adopted(NULL, 0, SIGKILL) != 1 || waitpid(-1, NULL, 0) != own.pid)
		return 5;
	return spawn_signal_adopted(NULL, 0, SIGKILL) == 0 ? 0 : 6;
}

static void test_adopted_processes_are_found(void **state)
{
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(adopt());
	assert_ended_with(pid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child_has_the_environment_and_no_more),
		cmocka_unit_test(test_child_has_its_descriptors_and_no_more),
		cmocka_unit_test(test_descriptors_change_places),
		cmocka_unit_test(test_as_many_as_can_be_are_passed),
		cmocka_unit_test(test_listening_socket_waits_only_as_descriptor_0),
		cmocka_unit_test(test_child_is_told_its_pid),
		cmocka_unit_test(test_signals_are_as_at_the_beginning),
		cmocka_unit_test(test_child_leads_a_process_group),
		cmocka_unit_test(test_child_dies_with_the_supervisor),
		cmocka_unit_test(test_child_of_another_user_dies_with_the_supervisor),
		cmocka_unit_test(test_child_has_no_privileges),
		cmocka_unit_test(test_narrowed_supervisor_starts_children_as_others),
		cmocka_unit_test(test_directory_and_umask_are_set),
		cmocka_unit_test(test_failure_names_stage_and_error),
		cmocka_unit_test(test_failure_of_privileges_names_its_stage),
		cmocka_unit_test(test_every_stage_has_a_name),
		cmocka_unit_test(test_environment_is_copied_cleaned_and_set),
		cmocka_unit_test(test_background_reports_its_outcome),
		cmocka_unit_test(test_background_goes_on_when_nobody_waits),
		cmocka_unit_test(test_adopted_processes_are_found),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
