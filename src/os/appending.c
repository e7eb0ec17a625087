#include "os/appending.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640 };

enum { OPEN_FLAGS = O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY };

static int open_path(const char *path)
{
	int fd = open(path, O_WRONLY | OPEN_FLAGS, FILE_MODE);

	/* So says a FIFO that nobody reads; one that we could read ourselves it takes. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, O_RDWR | OPEN_FLAGS, FILE_MODE);
	return fd < 0 ? -errno : fd;
}

static bool is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/*
 * Opened once more where it can be: O_NONBLOCK belongs to what was opened, and that is not ours
 * alone. A socket cannot, and a pipe of another user. A file is not to have two ends.
 */
static int open_standard(const char *path, int fd)
{
	int opened = -1;

	if (!is_file(fd))
		opened = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (opened < 0)
		opened = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return opened < 0 ? -errno : opened;
}

bool appending_is_standard(const char *target)
{
	return strcmp(target, "stdout") == 0 || strcmp(target, "stderr") == 0;
}

int appending_open(const char *target)
{
	if (strcmp(target, "stdout") == 0)
		return open_standard("/proc/self/fd/1", STDOUT_FILENO);
	if (strcmp(target, "stderr") == 0)
		return open_standard("/proc/self/fd/2", STDERR_FILENO);
	return open_path(target);
}

/* A file never makes us wait. A pipe that is ready takes PIPE_BUF, even if others have it too. */
static ssize_t write_ready(int fd, const void *bytes, size_t len)
{
	struct pollfd polled = {.fd = fd, .events = POLLOUT};

	if (is_file(fd))
		return write(fd, bytes, len);
	if (poll(&polled, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
}

ssize_t appending_write(int fd, const void *bytes, size_t len)
{
	ssize_t written = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (written < 0 && errno == ENOTSOCK)
		written = write_ready(fd, bytes, len);
	return written < 0 ? -errno : written;
}
