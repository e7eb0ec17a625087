/*
 * A library to be preloaded, with which system calls fail on demand while a program runs. The file
 * that FAULTS names is mapped: its first half is text, a fault on each line, and may change at any
 * time; behind it is the number of times that one was felt.
 *
 *     PROGRAM CALL FAULT EVERY
 *
 * Each so many calls in this program fail. The fault is the name of an error; SHORT, where a call
 * takes one byte alone; or, of clock_gettime, by how many seconds the wall clock is wrong. Lines of
 * no known form mean nothing, so that it does not matter when a change is seen half made.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_SIZE = 1024, ERRORS_MAX = 133 };

struct faults {
	char text[TEXT_SIZE];
	_Atomic uint64_t felt;
	_Atomic uint64_t calls;
};

/* FAULT_SHORT: one byte; others: -1 and that errno. */
enum { FAULT_NONE = 0, FAULT_SHORT = -1 };

static struct faults *faults;

__attribute__((constructor)) static void map_faults(void)
{
	const char *path = getenv("FAULTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	faults = mapped == MAP_FAILED ? NULL : mapped;
}

/* Whether the word at *text is this one; behind it then. */
static bool take_word(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0 || (*text)[len] != ' ')
		return false;
	*text += len + 1;
	return true;
}

/* Behind program and call of the line for this call, or NULL. */
static const char *find_line(const char *text, const char *call)
{
	while (*text) {
		const char *line = text;

		if (take_word(&line, program_invocation_short_name) && take_word(&line, call))
			return line;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

static int fault_of(const char **text)
{
	if (take_word(text, "SHORT"))
		return FAULT_SHORT;
	for (int error = 1; error < ERRORS_MAX; error++) {
		const char *name = strerrorname_np(error);

		if (name && take_word(text, name))
			return error;
	}
	return FAULT_NONE;
}

static bool is_turn(const char *every)
{
	unsigned long long number = strtoull(every, NULL, 10);

	return number > 0 && atomic_fetch_add(&faults->calls, 1) % number == number - 1;
}

/* What this call is to suffer, with errno set. */
static int fault(const char *call)
{
	const char *line;
	char text[TEXT_SIZE];
	int found;

	if (!faults || !faults->text[0])
		return FAULT_NONE;
	memcpy(text, faults->text, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	line = find_line(text, call);
	found = line ? fault_of(&line) : FAULT_NONE;
	if (found == FAULT_NONE || !is_turn(line))
		return FAULT_NONE;
	atomic_fetch_add(&faults->felt, 1);
	errno = found;
	return found;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* A call that can only fail. */
#define FAILING(type, name, parameters, arguments)                                                 \
	type name parameters                                                                       \
	{                                                                                          \
		static __typeof__(&(name)) real;                                                   \
		if (!real)                                                                         \
			real = REAL(name);                                                         \
		return fault(#name) > FAULT_NONE ? -1 : real arguments;                            \
	}

/* One that can take less than it was given, too. */
#define SHORTENED(name, parameters, arguments, short_arguments)                                    \
	ssize_t name parameters                                                                    \
	{                                                                                          \
		static __typeof__(&(name)) real;                                                   \
		int found = fault(#name);                                                          \
		if (!real)                                                                         \
			real = REAL(name);                                                         \
		if (found == FAULT_SHORT)                                                          \
			return real short_arguments;                                               \
		return found > FAULT_NONE ? -1 : real arguments;                                   \
	}

FAILING(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
FAILING(int, pipe2, (int ends[2], int flags), (ends, flags))
FAILING(int, socketpair, (int domain, int type, int protocol, int ends[2]),
	(domain, type, protocol, ends))
FAILING(int, memfd_create, (const char *name, unsigned flags), (name, flags))
FAILING(int, execv, (const char *path, char *const argv[]), (path, argv))
FAILING(int, accept4, (int fd, struct sockaddr *address, socklen_t *len, int flags),
	(fd, address, len, flags))
FAILING(int, connect, (int fd, const struct sockaddr *address, socklen_t len), (fd, address, len))
FAILING(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
	(fd, level, name, value, len))
FAILING(int, shutdown, (int fd, int how), (fd, how))
FAILING(int, epoll_wait, (int fd, struct epoll_event *events, int count, int timeout),
	(fd, events, count, timeout))
FAILING(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
FAILING(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
FAILING(ssize_t, getrandom, (void *bytes, size_t len, unsigned flags), (bytes, len, flags))
FAILING(pid_t, fork, (void), ())
FAILING(int, execve, (const char *path, char *const argv[], char *const environment[]),
	(path, argv, environment))
FAILING(int, setresuid, (uid_t real_id, uid_t effective, uid_t saved), (real_id, effective, saved))
FAILING(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
FAILING(int, kill, (pid_t pid, int number), (pid, number))

SHORTENED(read, (int fd, void *bytes, size_t len), (fd, bytes, len), (fd, bytes, 1))
SHORTENED(write, (int fd, const void *bytes, size_t len), (fd, bytes, len), (fd, bytes, 1))
SHORTENED(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count),
	  (fd, &(struct iovec){parts->iov_base, 1}, 1))
SHORTENED(recv, (int fd, void *bytes, size_t len, int flags), (fd, bytes, len, flags),
	  (fd, bytes, 1, flags))
SHORTENED(send, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags),
	  (fd, bytes, 1, flags))
SHORTENED(sendfile, (int out, int in, off_t *offset, size_t len), (out, in, offset, len),
	  (out, in, offset, 1))

/* Only what is watched anew needs memory. */
int epoll_ctl(int fd, int operation, int watched, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD && fault("epoll_ctl") > FAULT_NONE)
		return -1;
	return REAL(epoll_ctl)(fd, operation, watched, event);
}

static int fault_of_open(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY ? FAULT_NONE : fault("open");
}

/* For writing: of those that read, the program's own libraries are most. */
int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode = 0;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return fault_of_open(flags) > FAULT_NONE ? -1 : REAL(open)(path, flags, mode);
}

static bool is_wall_clock(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static __typeof__(&clock_gettime) real;
	const char *line;
	int status;

	if (!real)
		real = REAL(clock_gettime);
	status = real(clock, now);
	line = faults && is_wall_clock(clock) ? find_line(faults->text, "clock_gettime") : NULL;
	if (line && status == 0) {
		now->tv_sec += strtoll(line, NULL, 10);
		atomic_fetch_add(&faults->felt, 1);
	}
	return status;
}
