#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { LINE_SIZE = 8192, HEAD_SIZE = 192, LOG_FILE_MODE = 0640 };
/* A control byte takes four: \xNN. */
enum { ESCAPED_LEN = 4 };

static struct {
	const char *program;
	enum log_form form;
	enum log_level level;
	int fd;	    /* stderr's, or that of the file */
	char *path; /* of the file, or NULL */
	bool is_syslog;
} log_state = {.program = "fcgi-herd", .level = LOG_LEVEL_INFO, .fd = STDERR_FILENO};

static const struct {
	const char *name;
	int priority; /* as in syslog(3) and sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_init(const char *program, enum log_form form)
{
	log_state.program = program;
	log_state.form = form;
}

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, LOG_FILE_MODE);

	return fd < 0 ? -errno : fd;
}

static void close_target(void)
{
	if (log_state.path)
		close(log_state.fd);
	if (log_state.is_syslog)
		closelog();
	free(log_state.path);
	log_state.path = NULL;
	log_state.fd = STDERR_FILENO;
	log_state.is_syslog = false;
}

static int open_path(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open_file(path) : -ENOMEM;

	if (fd < 0) {
		free(copy);
		return fd;
	}
	close_target();
	log_state.path = copy;
	log_state.fd = fd;
	return 0;
}

int log_open(const char *target)
{
	if (strcmp(target, "stderr") != 0 && strcmp(target, "syslog") != 0)
		return open_path(target);
	close_target();
	log_state.is_syslog = strcmp(target, "syslog") == 0;
	/* Opened now: a chroot or a lack of descriptors may come later. */
	if (log_state.is_syslog)
		openlog(log_state.program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	return 0;
}

int log_reopen(void)
{
	int fd;

	if (!log_state.path)
		return 0;
	fd = open_file(log_state.path);
	if (fd < 0)
		return fd;
	close(log_state.fd);
	log_state.fd = fd;
	return 0;
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

/*
 * Control bytes as \xNN, so that no text can look like a line of its own. The room is for
 * ESCAPED_LEN bytes each and a NUL. Returns the length.
 */
static size_t escape(char *out, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte >= ' ' && byte != 0x7f)
			out[used++] = (char)byte;
		else
			used += (size_t)snprintf(out + used, ESCAPED_LEN + 1, "\\x%02x", byte);
	}
	out[used] = '\0';
	return used;
}

/* "2026-11-22T12:00:00.123Z fcgi-herd[123]: warning: ". */
static void write_full_head(char out[HEAD_SIZE], enum log_level level, const char *name, int pid)
{
	bool is_plain = level == LOG_LEVEL_INFO;
	struct timespec now;
	struct tm utc;
	char date[32] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc))
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	(void)text_format(out, HEAD_SIZE, "%s.%03ldZ %.100s[%d]: %s%s", date, now.tv_nsec / 1000000,
			  name, pid, is_plain ? "" : levels[level].name, is_plain ? "" : ": ");
}

/* What stands before the text; name is NULL for a line of our own. */
static void write_head(char out[HEAD_SIZE], enum log_level level, const char *name, int pid)
{
	int priority = levels[level].priority;

	if (log_state.form == LOG_FORM_FULL && name)
		write_full_head(out, level, name, pid);
	else if (log_state.form == LOG_FORM_FULL)
		write_full_head(out, level, log_state.program, (int)getpid());
	else if (name)
		(void)text_format(out, HEAD_SIZE, "<%d>%.100s[%d]: ", priority, name, pid);
	else
		(void)text_format(out, HEAD_SIZE, "<%d>", priority);
}

/*
 * One write for a whole line; a signal in the midst of a long one makes it more. Where the log
 * cannot take it the program goes on all the same.
 */
static void write_parts(struct iovec *parts, int count)
{
	while (count > 0) {
		ssize_t written = writev(log_state.fd, parts, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		for (; count > 0 && (size_t)written >= parts->iov_len; parts++, count--)
			written -= (ssize_t)parts->iov_len;
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + written;
			parts->iov_len -= (size_t)written;
		}
	}
}

/* A line without control bytes; name and pid of the process it came from, NULL for our own. */
static void put_line(enum log_level level, const char *name, int pid, char *line)
{
	char head[HEAD_SIZE], newline[] = "\n";
	struct iovec parts[] = {
		{.iov_base = head},
		{.iov_base = line, .iov_len = strlen(line)},
		{.iov_base = newline, .iov_len = 1},
	};

	if (log_state.is_syslog && name) {
		syslog(levels[level].priority, "%s[%d]: %s", name, pid, line);
	} else if (log_state.is_syslog) {
		syslog(levels[level].priority, "%s", line);
	} else {
		write_head(head, level, name, pid);
		parts[0].iov_len = strlen(head);
		write_parts(parts, sizeof(parts) / sizeof(parts[0]));
	}
}

/* Returns the length of what fits; a line that was cut says so at its end. */
static __attribute__((format(printf, 2, 0))) size_t
format_text(char text[LINE_SIZE], const char *format, va_list arguments, int error)
{
	static const char mark[] = " [cut]";
	int len = vsnprintf(text, LINE_SIZE, format, arguments);
	size_t used = len < 0 ? 0 : (size_t)len;

	if (error != 0 && used < LINE_SIZE)
		used += (size_t)snprintf(text + used, LINE_SIZE - used, ": %s", strerror(error));
	if (used < LINE_SIZE)
		return used;
	memcpy(text + LINE_SIZE - sizeof(mark), mark, sizeof(mark));
	return LINE_SIZE - 1;
}

/* On the stack: what has to be said may be that there is no memory. */
static __attribute__((format(printf, 2, 0))) void log_own(enum log_level level, const char *format,
							  va_list arguments, int error)
{
	char text[LINE_SIZE], line[LINE_SIZE * ESCAPED_LEN];
	size_t len = format_text(text, format, arguments, error);

	escape(line, text, len);
	put_line(level, NULL, 0, line);
}

/* What all of them share: errno stays as it was, for the caller. */
#define LOG_AT(at_level, error)                                                                    \
	do {                                                                                       \
		int kept = errno;                                                                  \
		va_list arguments;                                                                 \
		if (log_state.level < (at_level))                                                  \
			break;                                                                     \
		va_start(arguments, format);                                                       \
		log_own(at_level, format, arguments, error);                                       \
		va_end(arguments);                                                                 \
		errno = kept;                                                                      \
	} while (0)

void log_warn(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING, errno);
}

void log_warnx(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING, 0);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO, 0);
}

void log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG, 0);
}

void fatal(int status, const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR, errno);
	exit(status);
}

void fatalx(int status, const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR, 0);
	exit(status);
}

void log_foreign(enum log_level level, const char *name, int pid, const char *line, int len)
{
	int kept = errno;
	char *escaped;

	if (log_state.level < level || len < 0)
		return;
	escaped = malloc((size_t)len * ESCAPED_LEN + 1);
	if (escaped) {
		escape(escaped, line, (size_t)len);
		put_line(level, name, pid, escaped);
	}
	free(escaped);
	errno = kept;
}
