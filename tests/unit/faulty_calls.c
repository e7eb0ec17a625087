#include "faulty_calls.h"

#include <cap-ng.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct fault *fault;

static bool fails(const char *call)
{
	if (!fault || !fault->call || strcmp(fault->call, call) != 0 || --fault->left > 0)
		return false;
	fault->call = NULL;
	fault->has_failed = true;
	errno = fault->error;
	return true;
}

#define WRAP(type, name, failure, parameters, arguments)                                           \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails(#name) ? (failure) : __real_##name arguments;                         \
	}

/* Of one that takes more arguments, or none: they are passed on, whatever they are. */
#define WRAP_OPEN(type, name, failure, parameters, first, last)                                    \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		long more[4];                                                                      \
		va_list rest;                                                                      \
                                                                                                   \
		va_start(rest, last);                                                              \
		for (int i = 0; i < 4; i++)                                                        \
			more[i] = va_arg(rest, long);                                              \
		va_end(rest);                                                                      \
		return fails(#name) ? (failure)                                                    \
				    : __real_##name(first, more[0], more[1], more[2], more[3]);    \
	}
#define UNPACK(...) __VA_ARGS__

WRAP_OPEN(int, open, -1, (const char *path, int flags, ...), UNPACK(path, flags), flags)
WRAP_OPEN(int, openat, -1, (int directory, const char *path, int flags, ...),
	  UNPACK(directory, path, flags), flags)
WRAP_OPEN(int, fcntl, -1, (int fd, int command, ...), UNPACK(fd, command), command)
WRAP_OPEN(int, prctl, -1, (int option, ...), option, option)
WRAP_OPEN(long, syscall, -1, (long number, ...), number, number)
WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, bind, -1, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))
WRAP(int, connect, -1, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, fstat, -1, (int fd, struct stat *status), (fd, status))
WRAP(int, fstatat, -1, (int fd, const char *path, struct stat *status, int flags),
     (fd, path, status, flags))
WRAP(int, fchownat, -1, (int fd, const char *path, uid_t uid, gid_t gid, int flags),
     (fd, path, uid, gid, flags))
WRAP(int, unlinkat, -1, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(uid_t, geteuid, 4321, (void), ())
WRAP(char *, mkdtemp, NULL, (char *path), (path))
WRAP(int, chown, -1, (const char *path, uid_t uid, gid_t gid), (path, uid, gid))
WRAP(int, chmod, -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, pipe2, -1, (int ends[2], int flags), (ends, flags))
WRAP(pid_t, fork, -1, (void), ())
WRAP(int, dup2, -1, (int fd, int number), (fd, number))
WRAP(int, dup3, -1, (int fd, int number, int flags), (fd, number, flags))
WRAP(int, close_range, -1, (unsigned first, unsigned last, int flags), (first, last, flags))
WRAP(int, getsockopt, -1, (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len))
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len))
WRAP(int, chdir, -1, (const char *path), (path))
WRAP(int, chroot, -1, (const char *path), (path))
WRAP(int, setgroups, -1, (size_t count, const gid_t *groups), (count, groups))
WRAP(int, setresgid, -1, (gid_t real, gid_t effective, gid_t saved), (real, effective, saved))
WRAP(int, setresuid, -1, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))
/* These two succeed where they must not. */
WRAP(int, setuid, 0, (uid_t uid), (uid))
WRAP(int, setgid, 0, (gid_t gid), (gid))
WRAP(int, capng_get_caps_process, -1, (void), ())
WRAP(int, capng_apply, -1, (capng_select_t sets), (sets))
WRAP(int, execve, -1, (const char *path, char *const *argv, char *const *env), (path, argv, env))
WRAP(ssize_t, read, -1, (int fd, void *bytes, size_t len), (fd, bytes, len))
WRAP(ssize_t, write, -1, (int fd, const void *bytes, size_t len), (fd, bytes, len))
WRAP(pid_t, waitpid, -1, (pid_t pid, int *status, int options), (pid, status, options))
WRAP(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
WRAP(off_t, lseek, -1, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP(int, setenv, -1, (const char *name, const char *value, int over), (name, value, over))
WRAP(int, socketpair, -1, (int domain, int type, int protocol, int pair[2]),
     (domain, type, protocol, pair))
WRAP(ssize_t, send, -1, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags))
WRAP(ssize_t, sendto, -1,
     (int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t size),
     (fd, bytes, len, flags, to, size))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), (fd, message, flags))
WRAP(int, poll, 0, (struct pollfd * polled, nfds_t count, int ms), (polled, count, ms))
WRAP(void *, calloc, NULL, (size_t count, size_t len), (count, len))
WRAP(char *, strdup, NULL, (const char *text), (text))
WRAP(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
WRAP(int, close, (__real_close(fd), errno = fault->error, -1), (int fd), (fd))
WRAP(int, rename, -1, (const char *from, const char *to), (from, to))
WRAP(FILE *, fdopen, NULL, (int fd, const char *mode), (fd, mode))
WRAP(int, fclose, (__real_fclose(file), errno = fault->error, EOF), (FILE * file), (file))
WRAP(FILE *, open_memstream, NULL, (char **text, size_t *len), (text, len))
WRAP(void *, reallocarray, NULL, (void *old, size_t count, size_t len), (old, count, len))

static size_t count_entries(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

void check_row(const struct row *row, const char *directory)
{
	int said = row->said == GOES_ON ? 0 : row->said == ANY_ERROR ? -row->error : row->said;
	size_t open_count = count_entries("/proc/self/fd");

	for (unsigned number = 1; row->max == 0 || number <= row->max; number++) {
		int result;

		*fault = (struct fault){.call = row->call, .left = number, .error = row->error};
		result = row->work();
		fault->call = NULL;
		if (!fault->has_failed && number > 1)
			return;
		if (!fault->has_failed)
			fail_msg("%s: there is no %s", row->name, row->call);
		if (result != said)
			fail_msg("%s: %s %u failed with %d, and it says %d", row->name, row->call,
				 number, row->error, result);
		if (count_entries("/proc/self/fd") != open_count)
			fail_msg("%s: %s %u failed, and a descriptor is left", row->name, row->call,
				 number);
		if (count_entries(directory) != 2)
			fail_msg("%s: %s %u failed, and a file is left", row->name, row->call,
				 number);
	}
}

void fault_init(void)
{
	fault = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_true(fault != MAP_FAILED);
}
