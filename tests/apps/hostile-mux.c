/*
 * hostile-mux --control FD: stands in for an fcgi-mux that was taken over. It says that it is
 * ready, and then sends the supervisor what makes no sense: types, sections, processes and pids of
 * all kinds, packets of other lengths and with descriptors, all of it again and again for two
 * seconds. Pids of others to name come in TZ, a variable that the supervisor passes on. At last it
 * prints "done" and waits to be stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "os/control.h"

enum { FLOOD_S = 2, PIDS_MAX = 256, NEAR_PIDS = 100, DESCRIPTORS = 100 };

static int control = -1;

static pid_t pids[PIDS_MAX];
static size_t pid_count;

static void add_pid(pid_t pid)
{
	if (pid_count < PIDS_MAX)
		pids[pid_count++] = pid;
}

static void put(const void *bytes, size_t len)
{
	while (send(control, bytes, len, MSG_NOSIGNAL) < 0) {
		struct pollfd polled = {.fd = control, .events = POLLOUT};

		if (errno != EAGAIN || poll(&polled, 1, 1000) < 0)
			exit(1);
	}
}

static void put_message(uint32_t type, uint32_t backend, uint32_t proc, pid_t pid)
{
	const struct control_message message = {
		.type = type,
		.backend = backend,
		.proc = proc,
		.pid = pid,
		.busy = UINT32_MAX,
		.queued = UINT32_MAX,
	};

	put(&message, sizeof(message));
}

/* Ours, and where it may believe them, of its children. */
static void collect_pids(void)
{
	static const pid_t special[] = {0, 1, -1, INT_MAX, INT_MIN, 2};
	const char *text = getenv("TZ");

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		add_pid(special[i]);
	while (text && *text) {
		char *end;

		add_pid((pid_t)strtol(text, &end, 10));
		text = *end ? end + 1 : end;
	}
	add_pid(getpid());
	add_pid(-getpid());
	add_pid(-getppid());
	for (int i = 0; i < NEAR_PIDS; i++)
		add_pid(getppid() + i);
}

static void put_nonsense(void)
{
	static const uint32_t types[] = {0,
					 1,
					 2,
					 3,
					 4,
					 CONTROL_CHILD_READY,
					 CONTROL_CHILD_STUCK,
					 CONTROL_CHILD_SPENT,
					 CONTROL_LOAD,
					 CONTROL_CHILD_DRAINED,
					 CONTROL_CHILD_FREE,
					 100,
					 UINT32_MAX};
	static const uint32_t numbers[] = {0, 1, 2, 3, 4096, UINT32_MAX};

	for (size_t type = 0; type < sizeof(types) / sizeof(types[0]); type++)
		for (size_t i = 0; i < 6; i++)
			for (size_t j = 0; j < 6; j++)
				for (size_t k = 0; k < pid_count; k++)
					put_message(types[type], numbers[i], numbers[j], pids[k]);
}

static void put_other_lengths(void)
{
	static const char bytes[4096];
	static const size_t lengths[] = {1, sizeof(struct control_message) - 1,
					 sizeof(struct control_message) + 1, sizeof(bytes)};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		put(bytes, lengths[i]);
}

static void put_descriptors(void)
{
	const struct control_message message = {.type = CONTROL_ACCESS_LOG};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < DESCRIPTORS && fd >= 0; i++)
		if (control_send_fd(control, &message, fd) < 0)
			break; /* it is full: enough of them are there */
	close(fd);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + FLOOD_S;

	if (argc < 2 || strcmp(argv[argc - 2], "--control") != 0)
		return 2;
	control = (int)strtol(argv[argc - 1], NULL, 10);
	put_message(CONTROL_READY, 0, 0, 0);
	collect_pids();
	do {
		put_nonsense();
		put_other_lengths();
		put_descriptors();
	} while (time(NULL) <= end);
	puts("done");
	fflush(stdout);
	for (;;)
		pause();
}
