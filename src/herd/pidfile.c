#include "herd/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* The first line of a small file without its end; false: there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, line, size - 1);
	close(fd);
	if (len <= 0)
		return false;
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* 0: the file names none. */
static int read_pid(const char *path)
{
	char line[32];
	uint64_t pid;

	if (!read_line(path, line, sizeof(line)) || text_parse_number(line, 1, INT_MAX, &pid) < 0)
		return 0;
	return (int)pid;
}

/* Of /proc/PID/NAME; false: it is empty, or there is no such process. */
static bool read_process(int pid, const char *name, char *line, size_t size)
{
	char path[64];

	return text_format(path, sizeof(path), "/proc/%d/%s", pid, name) == 0 &&
	       read_line(path, line, size);
}

/*
 * Whether this pid runs our program: the number may have gone to another one since. One that died
 * and was not waited for has no command line any more.
 */
static bool is_alive(int pid)
{
	char ours[64], theirs[64], command[64];

	return pid != 0 && pid != getpid() && read_process(getpid(), "comm", ours, sizeof(ours)) &&
	       read_process(pid, "comm", theirs, sizeof(theirs)) && strcmp(ours, theirs) == 0 &&
	       read_process(pid, "cmdline", command, sizeof(command));
}

static int write_pid(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0644) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		error = -errno;
	if (close(fd) < 0 && error == 0)
		error = -errno;
	return error;
}

static int replace(const char *path)
{
	char *fresh = text_new("%s.%d", path, (int)getpid());
	int error;

	if (!fresh)
		return -ENOMEM;
	error = write_pid(fresh);
	if (error == 0 && rename(fresh, path) < 0)
		error = -errno;
	if (error < 0 && error != -EEXIST)
		unlink(fresh);
	free(fresh);
	return error;
}

char *pidfile_open(struct pidfile *pidfile, const char *path)
{
	struct stat status;
	int pid, error;

	pidfile->path = NULL;
	if (!path)
		return NULL;
	if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
		return text_new("cannot write pid file %s: something else is there, no file", path);
	pid = read_pid(path);
	if (is_alive(pid))
		return text_new("pid file %s: fcgi-herd runs already, as process %d", path, pid);
	error = replace(path);
	if (error < 0)
		return text_new("cannot write pid file %s: %s", path, strerror(-error));
	pidfile->path = strdup(path);
	return NULL;
}

void pidfile_close(struct pidfile *pidfile)
{
	if (pidfile->path && read_pid(pidfile->path) == (int)getpid())
		unlink(pidfile->path);
	free(pidfile->path);
	pidfile->path = NULL;
}
