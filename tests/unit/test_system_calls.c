#include "faulty_calls.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/text.h"
#include "os/appending.h"
#include "os/control.h"
#include "os/document.h"
#include "os/listen.h"
#include "os/notify.h"
#include "os/process.h"
#include "os/reexec.h"
#include "os/spawn.h"

/*
 * Each system call of a piece of work fails once, the others not: the work says so, or goes on
 * where it can, and leaves neither a descriptor nor a file.
 */

enum { SOME_ID = 54321 };

/* The directory of the work, empty before and after it; the error is that of this turn. */
static char directory[] = "/tmp/test_system_calls.XXXXXX";
static char path[sizeof(directory) + 2];

/* -- Listening */

/* A sentence that names the error of the call as -error, another one as -EINVAL. */
static int error_of(char *sentence)
{
	int error = 0;

	if (sentence)
		error = strstr(sentence, strerror(fault->error)) ? -fault->error : -EINVAL;
	free(sentence);
	return error;
}

static struct listen_plan plan_socket(void)
{
	struct listen_plan plan = {
		.owner = geteuid() == 0 ? SOME_ID : geteuid(),
		.group = (gid_t)-1,
		.mode = 0600,
		.backlog = 1,
	};

	assert_null(address_set_path(&plan.address, path));
	return plan;
}

static int open_plan(const struct listen_plan *plan)
{
	struct listener listener;
	int error = error_of(listener_open(&listener, plan));

	assert_int_equal(listener.fd >= 0, error == 0);
	listener_close(&listener);
	return error;
}

static int listen_at_path(void)
{
	struct listen_plan plan = plan_socket();

	return open_plan(&plan);
}

static int listen_in_chroot(void)
{
	struct listen_plan plan = plan_socket();

	plan.root = directory;
	return open_plan(&plan);
}

static int listen_over_stale(void)
{
	const struct fault meant = *fault;
	struct listen_plan plan = plan_socket();
	struct listener stale;
	int error;

	fault->call = NULL;
	assert_null(listener_open(&stale, &plan));
	listener_release(&stale);
	*fault = meant;
	error = open_plan(&plan);
	fault->call = NULL;
	/* Where it could not be replaced it stays: it is not what this work made. */
	(void)unlink(path);
	return error;
}

static int listen_at_port(void)
{
	struct listen_plan plan = {.backlog = 1};

	assert_null(address_parse("127.0.0.1:1", &plan.address));
	plan.address.port = 0; /* any that is free */
	return open_plan(&plan);
}

static int make_directory(void)
{
	char *made;
	int error;

	/* Without it there is one place alone. */
	unsetenv("XDG_RUNTIME_DIR");
	made = listen_directory_new(getegid());
	error = made ? 0 : -errno;
	assert_int_equal(__real_setenv("XDG_RUNTIME_DIR", directory, 1), 0);
	if (made)
		(void)rmdir(made);
	free(made);
	return error;
}

/* The first place cannot be had: there is another one. */
static int make_user_directory(void)
{
	char *made = listen_directory_new((gid_t)-1);
	bool is_ours = made && strncmp(made, directory, strlen(directory)) == 0;

	if (made)
		assert_int_equal(rmdir(made), 0);
	free(made);
	return is_ours ? 0 : -ENOENT;
}

/* -- Processes */

static enum spawn_stage stage; /* in which it failed last */

static int run(const struct spawn_plan *plan)
{
	struct spawn_result result = spawn_run(plan);

	stage = result.stage;
	if (stage != SPAWN_DONE) {
		assert_int_equal(result.pid, -1);
		assert_int_equal(__real_waitpid(-1, NULL, WNOHANG), -1);
		return -result.error;
	}
	assert_int_equal(__real_waitpid(result.pid, NULL, 0), result.pid);
	return 0;
}

static int run_program(void)
{
	static char program[] = "/bin/true";
	static char *const argv[] = {program, NULL}, *const environment[] = {NULL};
	struct spawn_plan plan = {
		.argv = argv, .environment = environment, .directory = "/", .fd1 = -1, .fd2 = -1};
	int error;

	plan.fd0 = __real_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(__real_bind(plan.fd0, &(struct sockaddr){.sa_family = AF_UNIX},
				     sizeof(sa_family_t)),
			 0);
	assert_int_equal(__real_listen(plan.fd0, 1), 0);
	if (__real_geteuid() == 0)
		plan.privileges = (struct privileges_plan){
			.change = true, .uid = SOME_ID, .gid = SOME_ID, .chroot = "/"};
	error = run(&plan);
	close(plan.fd0);
	return error;
}

/* What has failed is waited for. */
static int run_nothing(void)
{
	static char program[] = "/nowhere";
	static char *const argv[] = {program, NULL}, *const environment[] = {NULL};
	struct spawn_plan plan = {.argv = argv, .environment = environment, .fd1 = -1, .fd2 = -1};

	return run(&plan);
}

static int make_environment(void)
{
	static char first[] = "A=1", second[] = "B=2";
	static char *const source[] = {first, NULL}, *const set[] = {second, NULL};
	char **made = spawn_environment(source, NULL, set);

	spawn_environment_free(made);
	return made ? 0 : -ENOMEM;
}

static int go_to_background(void)
{
	return spawn_background();
}

static struct reexec_plan plan_successor(void)
{
	static char name[] = "/nowhere";
	static char *const argv[] = {name, NULL};

	return (struct reexec_plan){.program = name, .argv = argv, .text = "text"};
}

static int succeed_ourselves(void)
{
	struct reexec_plan plan = plan_successor();
	int kept = dup(STDERR_FILENO);
	sigset_t blocked;
	int error;

	plan.kept = &kept;
	plan.kept_count = 1;
	error = reexec_run(&plan);
	/* All is as before. */
	assert_null(getenv("FCGI_HERD_TEXT"));
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_false(sigismember(&blocked, SIGTERM));
	close(kept);
	return error == -ENOENT ? 0 : error;
}

/* Its end as -status; it says nothing where it could not begin. */
static int try_successor(void)
{
	struct reexec_plan plan = plan_successor();
	int err = dup(STDERR_FILENO), status;
	pid_t pid = reexec_try(&plan, err);

	close(err);
	if (pid < 0)
		return pid;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static int take_text(void)
{
	const struct fault meant = *fault;
	char number[16], *text;
	bool is_trial;
	int fd;

	fault->call = NULL;
	fd = memfd_create("text", MFD_CLOEXEC);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(text_format(number, sizeof(number), "%d", fd), 0);
	assert_int_equal(setenv("FCGI_HERD_TEXT", number, 1), 0);
	*fault = meant;
	text = reexec_take(&is_trial);
	assert_null(getenv("FCGI_HERD_TEXT"));
	free(text);
	return text ? 0 : -fault->error;
}

static int read_memory(void)
{
	uint64_t len;
	int error = process_memory(getpid(), &len);

	assert_int_equal(len > 0, error == 0);
	return error;
}

/* -- Files and messages */

static int open_document(void)
{
	struct document_root root;
	struct document document = {.fd = -1};
	int error = document_root_open(&root, "/proc/self");

	if (error == 0 && document_open(&document, &root, "net/dev") != DOCUMENT_FOUND)
		error = -document.error;
	assert_int_equal(document.fd >= 0, error == 0);
	if (document.fd >= 0)
		close(document.fd);
	document_root_close(&root);
	return error;
}

static int append(void)
{
	int fd = appending_open(path), error = 0;
	ssize_t written;

	if (fd < 0)
		return fd;
	written = appending_write(fd, "line\n", 5);
	error = written < 0 ? (int)written : 0;
	close(fd);
	assert_int_equal(unlink(path), 0);
	return error;
}

static int append_to_pipe(void)
{
	const struct fault meant = *fault;
	ssize_t written;
	int ends[2];

	fault->call = NULL;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*fault = meant;
	written = appending_write(ends[1], "line\n", 5);
	close(ends[0]);
	close(ends[1]);
	return written < 0 ? (int)written : 0;
}

static int pass_messages(void)
{
	struct control_message message = {.pid = 7}, taken;
	int pair[2], passed = -1, error = control_open_pair(pair);

	if (error < 0)
		return error;
	error = control_send(pair[0], &message);
	error = error ? error : control_send_fd(pair[0], &message, pair[0]);
	error = error ? error : control_receive(pair[1], &taken);
	error = error ? error : control_receive_fd(pair[1], &taken, &passed);
	assert_int_equal(passed >= 0, error == 0);
	if (passed >= 0)
		close(passed);
	close(pair[0]);
	close(pair[1]);
	return error;
}

/* To a service manager, and over a descriptor of our own. */
static int tell(void)
{
	int ends[2], error, ready_error;
	struct notify notify;
	char number[16];

	assert_int_equal(__real_pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(text_format(number, sizeof(number), "%d", ends[1]), 0);
	assert_int_equal(__real_setenv("NOTIFY_FD", number, 1), 0);
	assert_int_equal(__real_setenv("NOTIFY_SOCKET", "@nobody listens here", 1), 0);
	error = notify_open(&notify);
	assert_null(getenv("NOTIFY_SOCKET"));
	if (error < 0)
		close(ends[1]); /* whose it was before, if it is ours still */
	ready_error = error ? 0 : notify_send(&notify, NOTIFY_READY, NULL);
	notify_close(&notify);
	close(ends[0]);
	return error ? error : ready_error == -ECONNREFUSED ? 0 : ready_error;
}

/* -- What fails, and what is said of it */

static const struct row rows[] = {
	{"path", listen_at_path, "open", EMFILE, ANY_ERROR, 0},
	{"path", listen_at_path, "fstatat", EIO, ANY_ERROR, 1},
	{"path", listen_at_path, "socket", ENFILE, ANY_ERROR, 0},
	{"path", listen_at_path, "bind", EROFS, ANY_ERROR, 0},
	{"path", listen_at_path, "openat", EMFILE, ANY_ERROR, 0},
	{"path", listen_at_path, "fstat", EIO, -EINVAL, 0},
	{"path", listen_at_path, "fchownat", EPERM, ANY_ERROR, 0},
	{"path", listen_at_path, "listen", ENOBUFS, ANY_ERROR, 0},
	{"chroot", listen_in_chroot, "open", EMFILE, ANY_ERROR, 0},
	{"chroot", listen_in_chroot, "syscall", ENOSYS, ANY_ERROR, 0},
	{"chroot", listen_in_chroot, "bind", EACCES, ANY_ERROR, 0},
	{"stale", listen_over_stale, "socket", EMFILE, ANY_ERROR, 0},
	{"stale", listen_over_stale, "connect", EACCES, ANY_ERROR, 0},
	{"stale", listen_over_stale, "connect", EAGAIN, -EINVAL, 0},
	{"stale", listen_over_stale, "unlinkat", EPERM, ANY_ERROR, 1},
	{"port", listen_at_port, "socket", EMFILE, ANY_ERROR, 0},
	{"port", listen_at_port, "setsockopt", EINVAL, GOES_ON, 0},
	{"port", listen_at_port, "bind", EACCES, ANY_ERROR, 0},
	{"port", listen_at_port, "bind", EADDRINUSE, -EINVAL, 0},
	{"port", listen_at_port, "listen", EADDRINUSE, -EINVAL, 0},
	{"directory", make_directory, "mkdtemp", EROFS, ANY_ERROR, 1},
	{"directory", make_directory, "chown", EPERM, ANY_ERROR, 0},
	{"directory", make_directory, "chmod", EPERM, ANY_ERROR, 0},
	{"user directory", make_user_directory, "geteuid", 0, GOES_ON, 1},

	{"program", run_program, "pipe2", EMFILE, ANY_ERROR, 0},
	{"program", run_program, "fork", EAGAIN, ANY_ERROR, 1},
	{"program", run_program, "fcntl", EMFILE, ANY_ERROR, 4},
	{"program", run_program, "dup2", EBUSY, ANY_ERROR, 1},
	{"program", run_program, "dup3", EBUSY, ANY_ERROR, 1},
	{"program", run_program, "close_range", ENOSYS, ANY_ERROR, 0},
	{"program", run_program, "getsockopt", ENOTSOCK, GOES_ON, 0},
	{"program", run_program, "chdir", EACCES, ANY_ERROR, 0},
	{"program", run_program, "execve", ENOEXEC, ANY_ERROR, 1},
	{"program", run_program, "read", EINTR, GOES_ON, 1},
	{"nothing", run_nothing, "waitpid", EINTR, -ENOENT, 1},
	{"environment", make_environment, "calloc", ENOMEM, ANY_ERROR, 0},
	{"environment", make_environment, "strdup", ENOMEM, ANY_ERROR, 0},
	{"background", go_to_background, "socketpair", EMFILE, ANY_ERROR, 1},
	{"background", go_to_background, "fork", EAGAIN, ANY_ERROR, 1},

	{"successor", succeed_ourselves, "memfd_create", EMFILE, ANY_ERROR, 0},
	{"successor", succeed_ourselves, "write", ENOSPC, -EIO, 1},
	{"successor", succeed_ourselves, "lseek", ESPIPE, -EIO, 1},
	{"successor", succeed_ourselves, "setenv", ENOMEM, ANY_ERROR, 0},
	{"successor", succeed_ourselves, "fcntl", EBADF, ANY_ERROR, 2},
	{"trial", try_successor, "memfd_create", EMFILE, ANY_ERROR, 0},
	{"trial", try_successor, "fork", EAGAIN, ANY_ERROR, 1},
	{"trial", try_successor, "dup2", EBUSY, -126, 2},
	{"trial", try_successor, "setenv", ENOMEM, -126, 2},
	{"text", take_text, "fstat", EIO, ANY_ERROR, 1},
	{"text", take_text, "calloc", ENOMEM, ANY_ERROR, 1},
	{"text", take_text, "read", EIO, ANY_ERROR, 1},
	{"memory", read_memory, "open", EMFILE, ANY_ERROR, 0},
	{"memory", read_memory, "read", ESRCH, ANY_ERROR, 0},

	{"document", open_document, "open", EMFILE, ANY_ERROR, 0},
	{"document", open_document, "syscall", EAGAIN, GOES_ON, 0},
	{"document", open_document, "syscall", ENOSYS, GOES_ON, 0},
	{"document", open_document, "syscall", ENODEV, ANY_ERROR, 0},
	{"document", open_document, "syscall", EACCES, ANY_ERROR, 0},
	{"document", open_document, "fstat", EIO, ANY_ERROR, 0},
	{"file", append, "open", EACCES, ANY_ERROR, 0},
	{"file", append, "open", ENXIO, GOES_ON, 1},
	{"file", append, "send", EIO, ANY_ERROR, 0},
	{"file", append, "write", ENOSPC, ANY_ERROR, 0},
	{"file", append, "fstat", EIO, GOES_ON, 0},
	{"pipe", append_to_pipe, "poll", 0, -EAGAIN, 0},
	{"messages", pass_messages, "socketpair", ENFILE, ANY_ERROR, 0},
	{"messages", pass_messages, "send", EINTR, GOES_ON, 0},
	{"messages", pass_messages, "send", EAGAIN, ANY_ERROR, 0},
	{"messages", pass_messages, "sendmsg", EINTR, GOES_ON, 0},
	{"messages", pass_messages, "sendmsg", ETOOMANYREFS, ANY_ERROR, 0},
	{"messages", pass_messages, "recvmsg", EINTR, GOES_ON, 0},
	{"messages", pass_messages, "recvmsg", ENOMEM, ANY_ERROR, 0},
	{"readiness", tell, "socket", EMFILE, ANY_ERROR, 0},
	{"readiness", tell, "setsockopt", EDOM, ANY_ERROR, 0},
	{"readiness", tell, "fcntl", EBADF, -EINVAL, 1},
	{"readiness", tell, "sendto", EINTR, GOES_ON, 1},
	{"readiness", tell, "sendto", ENOBUFS, ANY_ERROR, 1},
	{"readiness", tell, "write", EPIPE, GOES_ON, 1},
};

static void test_each_call_that_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], directory);
}

/* In which step a child says that it has failed. */
static const struct step {
	struct row row;
	enum spawn_stage stage;
} steps[] = {
	{{"child", run_program, "fork", EAGAIN, ANY_ERROR, 1}, SPAWN_FORK},
	{{"child", run_program, "dup2", EBUSY, ANY_ERROR, 1}, SPAWN_DESCRIPTORS},
	{{"child", run_program, "setgroups", EINVAL, ANY_ERROR, 1}, SPAWN_GROUPS},
	{{"child", run_program, "chroot", EIO, ANY_ERROR, 1}, SPAWN_CHROOT},
	{{"child", run_program, "setresgid", EINVAL, ANY_ERROR, 1}, SPAWN_IDS},
	{{"child", run_program, "setresuid", EAGAIN, ANY_ERROR, 1}, SPAWN_IDS},
	{{"child", run_program, "setuid", EPERM, ANY_ERROR, 1}, SPAWN_IDS},
	{{"child", run_program, "setgid", EPERM, ANY_ERROR, 1}, SPAWN_IDS},
	{{"child", run_program, "capng_get_caps_process", EPERM, ANY_ERROR, 3}, SPAWN_CAPABILITIES},
	{{"child", run_program, "capng_get_caps_process", 0, -EPERM, 3}, SPAWN_CAPABILITIES},
	{{"child", run_program, "capng_apply", EPERM, ANY_ERROR, 2}, SPAWN_CAPABILITIES},
	{{"child", run_program, "prctl", EINVAL, ANY_ERROR, 1}, SPAWN_NO_NEW_PRIVS},
	{{"child", run_program, "execve", ENOEXEC, ANY_ERROR, 1}, SPAWN_EXEC},
};

static void test_a_child_names_the_step_that_failed(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		check_row(&steps[i].row, directory);
		if (stage != steps[i].stage)
			fail_msg("%s: %s", steps[i].row.call, spawn_stage_name(stage));
	}
}

static int set_up(void **state)
{
	(void)state;
	fault_init();
	if (!mkdtemp(directory) || setenv("XDG_RUNTIME_DIR", directory, 1) < 0)
		return -1;
	return text_format(path, sizeof(path), "%s/s", directory);
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_that_fails),
		cmocka_unit_test(test_a_child_names_the_step_that_failed),
	};

	return cmocka_run_group_tests_name("system calls", tests, set_up, tear_down);
}
