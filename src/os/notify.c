#include "os/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { MESSAGE_SIZE = 512, US_PER_MS = 1000, SEND_SECONDS = 1 };

static const char *const words[] = {
	[NOTIFY_READY] = "READY=1\n",
	[NOTIFY_RELOADING] = "RELOADING=1\n",
	[NOTIFY_STOPPING] = "STOPPING=1\n",
	[NOTIFY_ALIVE] = "WATCHDOG=1\n",
	[NOTIFY_STATUS] = "",
};

void notify_init(struct notify *notify)
{
	*notify = (struct notify){.socket = -1, .ready_fd = -1};
}

/* An abstract name counts all its bytes and has no NUL at its end, unix(7). */
static int set_address(struct notify *notify, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 ||
	    len >= sizeof(notify->address.sun_path))
		return -EINVAL;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, len);
	notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (name[0] == '@')
		notify->address.sun_path[0] = '\0';
	else
		notify->address_len++;
	return 0;
}

/*
 * Not connected, so that a service manager that was started anew is reached again. A readiness that
 * is lost would have us killed, so this one socket blocks, for a while.
 */
static int open_socket(struct notify *notify)
{
	const struct timeval limit = {.tv_sec = SEND_SECONDS};
	const char *name = getenv("NOTIFY_SOCKET");
	int error;

	if (!name)
		return 0;
	error = set_address(notify, name);
	if (error < 0)
		return error;
	notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->socket < 0 ||
	    setsockopt(notify->socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return 0;
}

static int open_ready_fd(struct notify *notify)
{
	const char *text = getenv("NOTIFY_FD");
	uint64_t number;

	if (!text)
		return 0;
	if (text_parse_number(text, STDERR_FILENO + 1, INT_MAX, &number) < 0 ||
	    fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
		return -EINVAL;
	notify->ready_fd = (int)number;
	return 0;
}

static int read_watchdog(struct notify *notify)
{
	const char *period_text = getenv("WATCHDOG_USEC");
	const char *pid_text = getenv("WATCHDOG_PID");
	uint64_t period_us, pid = (uint64_t)notify->pid;

	if (!period_text)
		return 0;
	if (text_parse_number(period_text, 1, UINT64_MAX, &period_us) < 0 ||
	    (pid_text && text_parse_number(pid_text, 1, INT_MAX, &pid) < 0))
		return -EINVAL;
	if (pid != (uint64_t)notify->pid)
		return 0;
	notify->watchdog_ms = period_us / US_PER_MS / 2;
	if (notify->watchdog_ms == 0)
		notify->watchdog_ms = 1;
	return 0;
}

int notify_open(struct notify *notify)
{
	int error;

	notify_init(notify);
	notify->pid = getpid();
	error = open_socket(notify);
	if (error == 0)
		error = open_ready_fd(notify);
	if (error == 0)
		error = read_watchdog(notify);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("NOTIFY_FD");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (error < 0)
		notify_close(notify);
	return error;
}

/* What belongs to the event besides its word. Type=notify-reload waits for the time. */
static const char *format_more(char *out, size_t size, const struct notify *notify,
			       enum notify_event event)
{
	struct timespec now;

	out[0] = '\0';
	if (event == NOTIFY_RELOADING && clock_gettime(CLOCK_MONOTONIC, &now) == 0)
		(void)text_format(out, size, "MONOTONIC_USEC=%" PRId64 "\n",
				  (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	if (event == NOTIFY_READY && getpid() != notify->pid)
		(void)text_format(out, size, "MAINPID=%d\n", (int)getpid());
	return out;
}

static int send_datagram(const struct notify *notify, enum notify_event event, const char *status)
{
	char text[MESSAGE_SIZE], more[64];
	ssize_t sent;

	if (notify->socket < 0)
		return 0;
	(void)text_format(text, sizeof(text), "%s%s%s%s", words[event],
			  format_more(more, sizeof(more), notify, event), status ? "STATUS=" : "",
			  status ? status : "");
	do
		sent = sendto(notify->socket, text, strlen(text), MSG_NOSIGNAL,
			      (const struct sockaddr *)&notify->address, notify->address_len);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Once; the reader takes what comes after the newline for a mistake. */
static int write_newline(struct notify *notify)
{
	int error = 0;

	if (notify->ready_fd < 0)
		return 0;
	if (write(notify->ready_fd, "\n", 1) < 0)
		error = -errno;
	close(notify->ready_fd);
	notify->ready_fd = -1;
	return error;
}

int notify_send(struct notify *notify, enum notify_event event, const char *status)
{
	int error = send_datagram(notify, event, status);
	int ready_error = event == NOTIFY_READY ? write_newline(notify) : 0;

	return error < 0 ? error : ready_error;
}

static void export_socket(const struct notify *notify)
{
	char name[sizeof(notify->address.sun_path) + 1] = "";
	size_t len = notify->address_len - offsetof(struct sockaddr_un, sun_path);

	memcpy(name, notify->address.sun_path, len);
	if (name[0] == '\0')
		name[0] = '@';
	(void)setenv("NOTIFY_SOCKET", name, 1);
}

void notify_export(const struct notify *notify)
{
	char period[32];

	if (notify->socket >= 0)
		export_socket(notify);
	if (notify->watchdog_ms > 0 && text_format(period, sizeof(period), "%" PRIu64,
						   notify->watchdog_ms * 2 * US_PER_MS) == 0)
		(void)setenv("WATCHDOG_USEC", period, 1);
}

void notify_close(struct notify *notify)
{
	if (notify->socket >= 0)
		close(notify->socket);
	if (notify->ready_fd >= 0)
		close(notify->ready_fd);
	notify_init(notify);
}
