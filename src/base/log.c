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

#include "base/log_escape.h"
#include "base/log_kinds.h"
#include "base/text.h"

enum { LINE_SIZE = 8192, DATE_SIZE = 32, LOG_FILE_MODE = 0640 };
/* A head has room for a name of which each byte is escaped. */
enum { NAME_MAX_LEN = 100, HEAD_SIZE = 1024 };

/* The coarse clock costs next to nothing, and is good to a few milliseconds. */
static uint64_t read_clock(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct {
	const char *program;
	enum log_form form;
	enum log_level level;
	int fd;	    /* stdout's, stderr's, or that of the file */
	char *path; /* of the file, or NULL */
	bool is_syslog;
	uint64_t (*now_ms)(void);
	struct log_kinds kinds;
	bool tells_at_exit; /* what is held back then */
	uint64_t lost;	    /* lines that could not be written, all or their end */
	int lost_error;
	bool is_torn; /* the last that was written has no end */
} log_state = {
	.program = "fcgi-herd",
	.level = LOG_LEVEL_INFO,
	.fd = STDERR_FILENO,
	.now_ms = read_clock,
};

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
	log_state.is_torn = false;
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
	bool is_stdout = strcmp(target, "stdout") == 0;

	if (!is_stdout && strcmp(target, "stderr") != 0 && strcmp(target, "syslog") != 0)
		return open_path(target);
	close_target();
	log_state.fd = is_stdout ? STDOUT_FILENO : STDERR_FILENO;
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
	log_state.is_torn = false;
	return 0;
}

void log_set_clock(uint64_t (*now_ms)(void))
{
	log_state.now_ms = now_ms ? now_ms : read_clock;
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

static size_t escape(char *out, const char *text, size_t len)
{
	if (log_state.form == LOG_FORM_JSON)
		return log_escape_json(out, text, len);
	return log_escape_plain(out, text, len);
}

/* "2026-11-22T12:00:00.123Z". */
static void write_date(char out[DATE_SIZE])
{
	struct timespec now;
	struct tm utc;
	char seconds[DATE_SIZE] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc))
		(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
	(void)text_format(out, DATE_SIZE, "%.24s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

/* "2026-11-22T12:00:00.123Z fcgi-herd[123]: warning: ". */
static void write_full_head(char out[HEAD_SIZE], enum log_level level, const char *name, int pid)
{
	bool is_plain = level == LOG_LEVEL_INFO;
	char date[DATE_SIZE];

	write_date(date);
	(void)text_format(out, HEAD_SIZE, "%s %.*s[%d]: %s%s", date, NAME_MAX_LEN, name, pid,
			  is_plain ? "" : levels[level].name, is_plain ? "" : ": ");
}

/* An object, up to the text of its message. */
static void write_json_head(char out[HEAD_SIZE], enum log_level level, const char *name, int pid)
{
	char date[DATE_SIZE], program[NAME_MAX_LEN * LOG_ESCAPED_LEN + 1];

	write_date(date);
	log_escape_json(program, name, strnlen(name, NAME_MAX_LEN));
	(void)text_format(out, HEAD_SIZE,
			  "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,"
			  "\"message\":\"",
			  date, levels[level].name, program, pid);
}

/* Syslog or a supervisor adds the rest; name is NULL for a line of our own. */
static void write_short_head(char out[HEAD_SIZE], enum log_level level, const char *name, int pid)
{
	char tag[8] = "", origin[NAME_MAX_LEN + 32] = "";

	if (!log_state.is_syslog)
		(void)text_format(tag, sizeof(tag), "<%d>", levels[level].priority);
	if (name)
		(void)text_format(origin, sizeof(origin), "%.*s[%d]: ", NAME_MAX_LEN, name, pid);
	(void)text_format(out, HEAD_SIZE, "%s%s", tag, origin);
}

/* What stands before the text; name is NULL for a line of our own. */
static void write_head(char out[HEAD_SIZE], enum log_level level, const char *name, int pid)
{
	const char *author = name ? name : log_state.program;
	int author_pid = name ? pid : (int)getpid();

	if (log_state.form == LOG_FORM_JSON)
		write_json_head(out, level, author, author_pid);
	else if (log_state.form == LOG_FORM_FULL && !log_state.is_syslog)
		write_full_head(out, level, author, author_pid);
	else
		write_short_head(out, level, name, pid);
}

/* 0 or -errno. A signal in the midst of a long write makes it more. */
static int write_all(struct iovec *parts, int count)
{
	while (count > 0) {
		ssize_t written = writev(log_state.fd, parts, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		log_state.is_torn = true;
		for (; count > 0 && (size_t)written >= parts->iov_len; parts++, count--)
			written -= (ssize_t)parts->iov_len;
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + written;
			parts->iov_len -= (size_t)written;
		}
	}
	log_state.is_torn = false;
	return 0;
}

/* One write for a whole line. Where the log cannot take it the program goes on all the same. */
static void write_parts(struct iovec *parts, int count)
{
	char end[] = "\n";
	struct iovec missing = {.iov_base = end, .iov_len = 1};
	int error = log_state.is_torn ? write_all(&missing, 1) : 0;

	if (error == 0)
		error = write_all(parts, count);
	if (error < 0) {
		log_state.lost++;
		log_state.lost_error = -error;
	}
}

/* An escaped line; name and pid of the process it came from, NULL for our own. */
static void put_line(enum log_level level, const char *name, int pid, char *line)
{
	char head[HEAD_SIZE], plain_end[] = "\n", json_end[] = "\"}\n";
	/* Syslog gets it without the newline. */
	char *end = log_state.form == LOG_FORM_JSON ? json_end : plain_end;
	struct iovec parts[] = {
		{.iov_base = head},
		{.iov_base = line, .iov_len = strlen(line)},
		{.iov_base = end, .iov_len = strlen(end)},
	};

	write_head(head, level, name, pid);
	parts[0].iov_len = strlen(head);
	if (log_state.is_syslog)
		syslog(levels[level].priority, "%s%s%.*s", head, line, (int)strlen(end) - 1, end);
	else
		write_parts(parts, sizeof(parts) / sizeof(parts[0]));
}

/* Returns the length of what fits; a line that was cut says so at its end. */
static __attribute__((format(printf, 3, 0))) size_t
format_text(char *text, size_t size, const char *format, va_list arguments, int error)
{
	static const char mark[] = " [cut]";
	int len = vsnprintf(text, size, format, arguments);
	size_t used = len < 0 ? 0 : (size_t)len;

	if (error != 0 && used < size)
		used += (size_t)snprintf(text + used, size - used, ": %s", strerror(error));
	if (used < size)
		return used;
	memcpy(text + size - sizeof(mark), mark, sizeof(mark));
	return size - 1;
}

/* On the stack: what has to be said may be that there is no memory. */
static void write_own(enum log_level level, const char *text, size_t len)
{
	char line[LINE_SIZE * LOG_ESCAPED_LEN];

	escape(line, text, len);
	put_line(level, NULL, 0, line);
}

/* As soon as the log takes lines again. */
static void tell_lost(void)
{
	uint64_t lost = log_state.lost;
	char text[128];

	if (lost == 0)
		return;
	(void)text_format(text, sizeof(text), "lines before this one are lost: %s; lost=%llu",
			  strerror(log_state.lost_error), (unsigned long long)lost);
	write_own(LOG_LEVEL_WARNING, text, strlen(text));
	log_state.lost = log_state.lost == lost ? 0 : lost;
}

static void tell_held(uint64_t now_ms)
{
	char text[LOG_LAST_SIZE + 64];
	struct log_kind *kind;

	while ((kind = log_kinds_find_due(&log_state.kinds, now_ms))) {
		(void)text_format(text, sizeof(text), "%llu more like this: %s",
				  (unsigned long long)kind->held, kind->last);
		kind->held = 0;
		write_own((enum log_level)kind->level, text, strlen(text));
	}
}

static void tell_all_held(void)
{
	tell_held(UINT64_MAX);
}

static __attribute__((format(printf, 2, 0))) void
hold_back(struct log_kind *kind, const char *format, va_list arguments, int error)
{
	format_text(kind->last, sizeof(kind->last), format, arguments, error);
	if (!log_state.tells_at_exit)
		log_state.tells_at_exit = atexit(tell_all_held) == 0;
}

static __attribute__((format(printf, 3, 0))) void
log_own(enum log_level level, bool is_bounded, const char *format, va_list arguments, int error)
{
	uint64_t now_ms = log_state.now_ms();
	struct log_kind *held = NULL;
	char text[LINE_SIZE];

	tell_lost();
	tell_held(now_ms);
	if (is_bounded)
		held = log_kinds_count(&log_state.kinds, format, (int)level, now_ms);
	if (held)
		hold_back(held, format, arguments, error);
	else
		write_own(level, text, format_text(text, sizeof(text), format, arguments, error));
}

/* What all of them share: errno stays as it was, for the caller. */
#define LOG_AT(at_level, is_bounded, error)                                                        \
	do {                                                                                       \
		int kept = errno;                                                                  \
		va_list arguments;                                                                 \
		if (log_state.level < (at_level))                                                  \
			break;                                                                     \
		va_start(arguments, format);                                                       \
		log_own(at_level, is_bounded, format, arguments, error);                           \
		va_end(arguments);                                                                 \
		errno = kept;                                                                      \
	} while (0)

void log_warn(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING, true, errno);
}

void log_warnx(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING, true, 0);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO, true, 0);
}

void log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG, false, 0);
}

void fatal(int status, const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR, false, errno);
	exit(status);
}

void fatalx(int status, const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR, false, 0);
	exit(status);
}

void log_every(enum log_level level, const char *format, ...)
{
	LOG_AT(level, false, 0);
}

void log_foreign(enum log_level level, const char *name, int pid, const char *line, int len)
{
	int kept = errno;
	char *escaped;

	if (log_state.level < level || len < 0)
		return;
	tell_lost();
	tell_held(log_state.now_ms());
	escaped = malloc((size_t)len * LOG_ESCAPED_LEN + 1);
	if (escaped) {
		escape(escaped, line, (size_t)len);
		put_line(level, name, pid, escaped);
	}
	free(escaped);
	errno = kept;
}

bool log_flush(void)
{
	int kept = errno;

	tell_held(log_state.now_ms());
	errno = kept;
	return log_kinds_has_held(&log_state.kinds);
}
