#include "os/spawn.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define LISTEN_PID "LISTEN_PID="

/* What a child that cannot be what was planned says of it, through a pipe that an exec closes. */
struct report {
	enum spawn_stage stage;
	int error;
};

static const char *const stage_names[] = {
	[SPAWN_DONE] = "start",
	[SPAWN_FORK] = "fork",
	[SPAWN_DESCRIPTORS] = "set up its descriptors",
	[SPAWN_GROUPS] = "set the supplementary groups",
	[SPAWN_CHROOT] = "enter the chroot",
	[SPAWN_IDS] = "change to the user",
	[SPAWN_CAPABILITIES] = "drop capabilities",
	[SPAWN_NO_NEW_PRIVS] = "set no_new_privs",
	[SPAWN_DIRECTORY] = "enter the directory",
	[SPAWN_EXEC] = "execute the program",
};

const char *spawn_stage_name(enum spawn_stage stage)
{
	return stage_names[stage];
}

/* A handler of the supervisor must never run in the child: the two share the loop's descriptors. */
static void block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

/* Ignored ones would stay ignored through exec, and so would the mask. */
static void reset_signals(void)
{
	/* The kernel's struct sigaction, all zero: SIG_DFL, no flags. */
	static const uint64_t standard[8];
	sigset_t none;

	/*
	 * sigaction(3) refuses 32 and 33, which the C library keeps to itself; but its
	 * posix_spawn(3) leaves them ignored, as under make(1). SIGKILL and SIGSTOP refuse, and
	 * need no reset.
	 */
	for (int number = 1; number < NSIG; number++)
		syscall(SYS_rt_sigaction, number, standard, NULL, (size_t)(NSIG / 8));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static char *find_listen_pid(char *const *environment)
{
	for (; *environment; environment++) {
		if (strncmp(*environment, LISTEN_PID, strlen(LISTEN_PID)) == 0)
			return *environment;
	}
	return NULL;
}

/* Only the child knows its pid, and writes into its own copy of the memory. */
static void announce(char *const *environment)
{
	char *value = find_listen_pid(environment) + strlen(LISTEN_PID);

	text_format(value, sizeof(SPAWN_LISTEN_PID) - strlen(LISTEN_PID), "%d", (int)getpid());
}

/* -1: what has this number stays. */
static int source_of(const struct spawn_plan *plan, int number)
{
	switch (number) {
	case STDIN_FILENO:
		return plan->fd0;
	case STDOUT_FILENO:
		return plan->fd1;
	case STDERR_FILENO:
		return plan->fd2;
	default:
		return plan->passed[number - 3];
	}
}

/*
 * A number that is to be filled may be that of a descriptor that goes elsewhere. So all go above
 * the numbers to fill first, and the report with them.
 */
static int place_descriptors(const struct spawn_plan *plan, int *report)
{
	int above[3 + SPAWN_PASSED_MAX];
	int count = 3 + (int)plan->passed_count, moved;

	moved = fcntl(*report, F_DUPFD_CLOEXEC, count);
	if (moved < 0)
		return -errno;
	*report = moved;
	for (int number = 0; number < count; number++) {
		int source = source_of(plan, number);

		above[number] = source < 0 ? -1 : fcntl(source, F_DUPFD_CLOEXEC, count);
		if (source >= 0 && above[number] < 0)
			return -errno;
	}
	for (int number = 0; number < count; number++) {
		if (above[number] >= 0 && dup2(above[number], number) < 0)
			return -errno;
	}
	return 0;
}

/* Whatever was inherited from whoever started us, too. The report stays, and goes with the exec. */
static int close_others(const struct spawn_plan *plan, int *report)
{
	int first = 3 + (int)plan->passed_count;

	if (*report != first && dup3(*report, first, O_CLOEXEC) < 0)
		return -errno;
	*report = first;
	return close_range((unsigned)first + 1, ~0U, 0) < 0 ? -errno : 0;
}

/*
 * Programs expect an accept() that waits. The flag belongs to the socket as we hold it, too, and
 * may be cleared: the supervisor only holds sockets of children and never accepts.
 */
static int make_blocking(int fd)
{
	int listens = 0, flags;
	socklen_t len = sizeof(listens);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens)
		return 0;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static enum spawn_stage drop_privileges(const struct privileges_plan *plan)
{
	switch (privileges_drop(plan)) {
	case PRIVILEGES_DONE:
		return SPAWN_DONE;
	case PRIVILEGES_GROUPS:
		return SPAWN_GROUPS;
	case PRIVILEGES_CHROOT:
		return SPAWN_CHROOT;
	case PRIVILEGES_IDS:
		return SPAWN_IDS;
	case PRIVILEGES_CAPABILITIES:
		return SPAWN_CAPABILITIES;
	case PRIVILEGES_NO_NEW_PRIVS:
		return SPAWN_NO_NEW_PRIVS;
	}
	return SPAWN_CAPABILITIES;
}

/*
 * After the last change of ids and capabilities, each of which makes the kernel forget the signal.
 * A supervisor that died before this sends none.
 */
static void die_with(pid_t supervisor, int signal_number)
{
	prctl(PR_SET_PDEATHSIG, signal_number);
	if (getppid() != supervisor)
		_exit(EXIT_FAILURE);
}

/* Returns, with errno set, only where it failed. */
static enum spawn_stage become(const struct spawn_plan *plan, pid_t supervisor, int *report)
{
	enum spawn_stage stage;

	setpgid(0, 0);
	reset_signals();
	if (plan->announce_passed)
		announce(plan->environment);
	if (place_descriptors(plan, report) < 0 || close_others(plan, report) < 0 ||
	    make_blocking(STDIN_FILENO) < 0)
		return SPAWN_DESCRIPTORS;
	stage = drop_privileges(&plan->privileges);
	if (stage != SPAWN_DONE)
		return stage;
	die_with(supervisor, plan->death_signal);
	if (plan->directory && chdir(plan->directory) < 0)
		return SPAWN_DIRECTORY;
	umask(plan->umask);
	execve(plan->argv[0], plan->argv, plan->environment);
	return SPAWN_EXEC;
}

static void __attribute__((noreturn))
run_child(const struct spawn_plan *plan, pid_t supervisor, int report_fd)
{
	struct report report;
	ssize_t written;

	report.stage = become(plan, supervisor, &report_fd);
	report.error = errno;
	/* It fits into the pipe whole; should it fail, our status is all that is left to say it. */
	written = write(report_fd, &report, sizeof(report));
	_exit(written == sizeof(report) ? EXIT_FAILURE : 255);
}

static struct spawn_result failed(enum spawn_stage stage, int error)
{
	return (struct spawn_result){.pid = -1, .stage = stage, .error = error};
}

/* It is gone before anybody knows its pid, and its SIGCHLD later finds nothing to wait for. */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static struct spawn_result await_exec(pid_t pid, int report_fd)
{
	struct report report;
	ssize_t len;

	do
		len = read(report_fd, &report, sizeof(report));
	while (len < 0 && errno == EINTR);
	close(report_fd);
	if (len == sizeof(report)) {
		reap(pid);
		return failed(report.stage, report.error);
	}
	/* Closed by the exec; or by a signal that killed it before, which its end will tell. */
	return (struct spawn_result){.pid = pid, .stage = SPAWN_DONE};
}

static void check_plan(const struct spawn_plan *plan)
{
	assert(plan->fd0 >= 0);
	assert(plan->passed_count <= SPAWN_PASSED_MAX);
	assert(plan->death_signal >= 0 && plan->death_signal < NSIG);
	if (plan->announce_passed) {
		const char *room = find_listen_pid(plan->environment);

		assert(room && strlen(room) >= strlen(SPAWN_LISTEN_PID));
		(void)room;
	}
}

struct spawn_result spawn_run(const struct spawn_plan *plan)
{
	int report[2], error;
	pid_t supervisor = getpid(), pid;
	sigset_t before;

	check_plan(plan);
	if (pipe2(report, O_CLOEXEC) < 0)
		return failed(SPAWN_DESCRIPTORS, errno);
	block_signals(&before);
	pid = fork();
	if (pid == 0)
		run_child(plan, supervisor, report[1]);
	error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return failed(SPAWN_FORK, error);
	}
	/* Both do it, so that the group is there whoever runs first; too late here is no error. */
	setpgid(pid, pid);
	return await_exec(pid, report[0]);
}

/* Whether the names before "=" (or the end) are the same. */
static bool has_name_of(const char *entry, const char *other)
{
	size_t len = strcspn(entry, "=");

	return len == strcspn(other, "=") && strncmp(entry, other, len) == 0;
}

static bool is_named(const char *entry, char *const *names)
{
	for (; *names; names++) {
		if (has_name_of(entry, *names))
			return true;
	}
	return false;
}

/* Meant for the process that they were given to, and wrong for any other. */
static bool is_ours(const char *entry)
{
	static char pid[] = "LISTEN_PID", fds[] = "LISTEN_FDS", names[] = "LISTEN_FDNAMES",
		    notify[] = "NOTIFY_SOCKET", clients[] = "FCGI_WEB_SERVER_ADDRS";
	static char *const ours[] = {pid, fds, names, notify, clients, NULL};

	return is_named(entry, ours);
}

static size_t count_of(char *const *entries)
{
	size_t count = 0;

	while (entries[count])
		count++;
	return count;
}

/* The array has room, and ends with NULL after each call. */
static bool add(char **environment, const char *entry)
{
	size_t count = count_of(environment);

	environment[count] = strdup(entry);
	return environment[count] != NULL;
}

char **spawn_environment(char *const *source, char *const *copy, char *const *set)
{
	static char *const nothing[] = {NULL};
	bool good = true;
	char **made;

	set = set ? set : nothing;
	made = calloc(count_of(source) + count_of(set) + 1, sizeof(*made));
	if (!made)
		return NULL;
	for (; *source && good; source++) {
		if (!is_ours(*source) && (!copy || is_named(*source, copy)) &&
		    !is_named(*source, set))
			good = add(made, *source);
	}
	/* Set twice: the later one wins. */
	for (; *set && good; set++) {
		if (!is_named(*set, set + 1))
			good = add(made, *set);
	}
	if (good)
		return made;
	spawn_environment_free(made);
	return NULL;
}

void spawn_environment_free(char **environment)
{
	for (char **entry = environment; entry && *entry; entry++)
		free(*entry);
	free(environment);
}

/* The process that was started: its caller waits for its status. */
static void __attribute__((noreturn)) wait_in_foreground(int fd)
{
	unsigned char status;
	ssize_t len;

	do
		len = read(fd, &status, sizeof(status));
	while (len < 0 && errno == EINTR);
	_exit(len == sizeof(status) ? status : 255);
}

int spawn_background(void)
{
	int pair[2], error;
	pid_t pid;

	/* Not a pipe: who waits may be gone, and a socket can be written to without SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* What is still buffered would be written by both, or by neither. */
	fflush(NULL);
	pid = fork();
	if (pid > 0) {
		close(pair[1]);
		wait_in_foreground(pair[0]);
	}
	error = -errno;
	close(pair[0]);
	if (pid == 0) {
		if (setsid() >= 0)
			return pair[1];
		error = -errno;
	}
	close(pair[1]);
	return error;
}

void spawn_background_done(int fd, int status)
{
	unsigned char byte = (unsigned char)status;

	/* Nobody waits any more: then nobody has to be told. */
	while (send(fd, &byte, sizeof(byte), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
	close(fd);
}

int spawn_become_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* A walk over our children, and what it does to those that are not known. */
struct walk {
	const pid_t *known;
	size_t known_count;
	int number;
	size_t count;
};

/* There is no race for the pid: it is not free before we have waited for it. */
static void signal_unknown(struct walk *walk, pid_t pid)
{
	for (size_t i = 0; i < walk->known_count; i++) {
		if (walk->known[i] == pid)
			return;
	}
	if (kill(pid, walk->number) == 0)
		walk->count++;
}

/* The kernel's own list, of the one thread that there is. False: this kernel has none. */
static bool walk_list(struct walk *walk)
{
	FILE *list = fopen("/proc/thread-self/children", "re");
	char *word = NULL;
	size_t room = 0;
	ssize_t len;
	uint64_t pid;

	if (!list)
		return false;
	while ((len = getdelim(&word, &room, ' ', list)) > 0) {
		word[len - 1] = '\0';
		if (text_parse_number(word, 1, INT32_MAX, &pid) == 0)
			signal_unknown(walk, (pid_t)pid);
	}
	free(word);
	fclose(list);
	return true;
}

/* The next entry of a folder of /proc that is a number; 0: no more. */
static pid_t next_number(DIR *folder)
{
	const struct dirent *entry;
	uint64_t number;

	while ((entry = readdir(folder)) != NULL) {
		if (text_parse_number(entry->d_name, 1, INT32_MAX, &number) == 0)
			return (pid_t)number;
	}
	return 0;
}

/* "pid (name) state parent ...": the name may hold anything, so look from its end. 0: gone. */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[256] = "", *parent;
	uint64_t number = 0;
	FILE *stat;

	text_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (!stat)
		return 0;
	parent = fgets(line, sizeof(line), stat) ? strrchr(line, ')') : NULL;
	fclose(stat);
	if (!parent || strlen(parent) <= strlen(") S "))
		return 0;
	parent += strlen(") S ");
	parent[strcspn(parent, " ")] = '\0';
	return text_parse_number(parent, 1, INT32_MAX, &number) == 0 ? (pid_t)number : 0;
}

/* Finds all of them only where /proc is not mounted with hidepid; so it comes second. */
static void walk_processes(struct walk *walk)
{
	DIR *processes = opendir("/proc");
	pid_t self = getpid(), pid;

	while (processes && (pid = next_number(processes)) != 0) {
		if (parent_of(pid) == self)
			signal_unknown(walk, pid);
	}
	if (processes)
		closedir(processes);
}

size_t spawn_signal_adopted(const pid_t *known, size_t known_count, int number)
{
	struct walk walk = {.known = known, .known_count = known_count, .number = number};

	if (!walk_list(&walk))
		walk_processes(&walk);
	return walk.count;
}
