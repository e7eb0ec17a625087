#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { PATH_SIZE = 32, LINE_SIZE = 128 };

/* Reads the beginning of a file of the process into a text. */
static int read_file(pid_t pid, const char *name, char text[LINE_SIZE])
{
	char path[PATH_SIZE];
	ssize_t len;
	int fd, error;

	if (text_format(path, sizeof(path), "/proc/%d/%s", (int)pid, name) < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, LINE_SIZE - 1);
	error = errno;
	close(fd);
	if (len < 0)
		return -error;
	text[len] = '\0';
	return 0;
}

int process_memory(pid_t pid, uint64_t *len)
{
	char text[LINE_SIZE];
	const char *resident;
	char *end;
	int error = read_file(pid, "statm", text);

	*len = 0;
	if (error < 0)
		return error;
	/* The second number: "size resident shared ...". */
	resident = text + strcspn(text, " ");
	*len = strtoull(resident, &end, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
	return end == resident ? -ESRCH : 0;
}
