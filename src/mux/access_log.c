#include "mux/access_log.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "fcgi/params.h"
#include "mux/access_line.h"
#include "mux/backend.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/route.h"
#include "os/appending.h"
#include "os/loop.h"

/* Some hundred lines, and the longest always has room in an empty one. */
enum { BUFFER_SIZE = 64 * 1024 };

/* A pipe has room again soon; what is broken costs a try a second. */
enum { PAUSE_MS = 10, FAILURE_PAUSE_MS = 1000 };

/* "2026-11-22T12:00:00.123Z" */
enum { DATE_SIZE = 25, DATE_MS_END = 22, MS_DIGITS = 3 };

enum { STATUS_OK = 200 };

struct access_log {
	struct mux *mux; /* borrowed */
	int fd;		 /* owned; -1: none yet */
	size_t (*format)(char out[ACCESS_LINE_SIZE], const struct access_line *line);
	uint64_t retry_ms; /* it took nothing: not tried again before then */
	bool has_failed;   /* lines are lost, or may be, and the log says so */
	uint64_t lost;	   /* lines since then */
	time_t second;	   /* that is in date */
	char date[DATE_SIZE];
	size_t len;
	char bytes[BUFFER_SIZE + ACCESS_LINE_SIZE]; /* what is formatted last may not stay */
};

struct access_log *access_log_new(struct mux *mux, int fd)
{
	struct access_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->mux = mux;
	log->fd = fd;
	log->format = (enum log_form)mux->settings->log_format == LOG_FORM_JSON ? access_line_json
										: access_line_plain;
	return log;
}

static void say_failed(struct access_log *log, int error)
{
	log->retry_ms = loop_now_ms() + (error == -EAGAIN ? PAUSE_MS : FAILURE_PAUSE_MS);
	/* Full for a moment is no trouble before lines are lost. */
	if (log->has_failed || error == -EAGAIN)
		return;
	log->has_failed = true;
	log_warnx("access log: cannot write: %s; tried again every second", strerror(-error));
}

static void say_works(struct access_log *log)
{
	if (log->has_failed)
		log_info("access log: goes on; lines lost=%llu", (unsigned long long)log->lost);
	log->has_failed = false;
	log->lost = 0;
}

static void flush(struct access_log *log)
{
	while (log->len > 0 && log->fd >= 0 && loop_now_ms() >= log->retry_ms) {
		ssize_t len = appending_write(log->fd, log->bytes, log->len);

		if (len < 0) {
			say_failed(log, (int)len);
			return;
		}
		log->len -= (size_t)len;
		memmove(log->bytes, log->bytes + len, log->len);
	}
	if (log->len == 0)
		say_works(log);
}

void access_log_free(struct access_log *log)
{
	if (!log)
		return;
	log->retry_ms = 0;
	flush(log);
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}

void access_log_set_fd(struct access_log *log, int fd)
{
	log->retry_ms = 0;
	flush(log);
	if (log->fd >= 0)
		close(log->fd);
	log->fd = fd;
	log->retry_ms = 0;
}

void access_log_reopen(struct access_log *log, const char *target)
{
	int fd;

	if (appending_is_standard(target))
		return;
	fd = appending_open(target);
	if (fd >= 0)
		access_log_set_fd(log, fd);
	else
		log_warnx("access log: cannot open %s again: %s; going on with the old one", target,
			  strerror(-fd));
}

/* All but the milliseconds is written once a second. */
static const char *date(struct access_log *log)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != log->second && gmtime_r(&now.tv_sec, &utc)) {
		(void)strftime(log->date, sizeof(log->date), "%Y-%m-%dT%H:%M:%S.000Z", &utc);
		log->second = now.tv_sec;
	}
	for (long unit = 1000000, at = 0; at < MS_DIGITS; at++, unit *= 10)
		log->date[DATE_MS_END - at] = (char)('0' + now.tv_nsec / unit % 10);
	return log->date;
}

static struct param value_at(const uint8_t *params, const struct request_value *value)
{
	return (struct param){.value = (const char *)params + value->at, .value_len = value->len};
}

/* The last of a name counts. */
static void scan_values(struct access_line *line, const struct request *request)
{
	struct param param, uri = {0}, file = {0}, name = {0};
	const uint8_t *at = request_params(request);
	const uint8_t *end = at + request->params_len;

	while (at < end && params_next(&at, end, &param) == PARAMS_PAIR) {
		if (params_name_is(&param, "REQUEST_METHOD"))
			line->method = param;
		else if (params_name_is(&param, "REQUEST_URI"))
			uri = param;
		else if (params_name_is(&param, "SCRIPT_FILENAME"))
			file = param;
		else if (params_name_is(&param, "SCRIPT_NAME"))
			name = param;
	}
	line->uri = uri.value ? uri : name;
	line->script = file.value ? file : name;
}

/* Most often intake has seen where they are. */
static void find_values(struct access_line *line, const struct request *request)
{
	const struct request_trace *trace = &request->trace;
	const uint8_t *params = request_params(request);

	if (!trace->has_values) {
		scan_values(line, request);
		return;
	}
	line->method = value_at(params, &trace->method);
	line->uri = value_at(params, &trace->uri);
	line->script = value_at(params, &trace->script);
}

/* Whose it was, and for how long it waited. */
static void find_proc(struct access_line *line, const struct request *request)
{
	const struct request_trace *trace = &request->trace;
	uint64_t until_ms = trace->proc ? request->running_since_ms : loop_now_ms();
	bool has_waited = trace->proc || request->state == REQUEST_QUEUED;

	line->proc = line->pid = line->waited_ms = ACCESS_NONE;
	if (has_waited) {
		line->backend = request->route->settings->name;
		line->waited_ms = until_ms - request->ticket.since_ms;
	}
	if (trace->proc) {
		line->backend = trace->proc->backend->settings->name;
		line->proc = trace->proc->number;
		line->pid = (uint64_t)trace->pid;
	}
}

static uint64_t status_of(const struct request_trace *trace)
{
	if (trace->sent_len == 0)
		return ACCESS_NONE;
	return trace->status > 0 ? trace->status : STATUS_OK;
}

static void describe(struct access_line *line, const struct request *request)
{
	static const char *const endings[] = {
		[REQUEST_ENDED_WELL] = "ok",
		[REQUEST_ENDED_ABORTED] = "aborted",
		[REQUEST_ENDED_BROKEN] = "broken",
		[REQUEST_ENDED_FAILED] = "failed",
	};
	const struct request_trace *trace = &request->trace;

	line->front = request->connection->front->name;
	line->status = status_of(trace);
	line->body_len = request->body_len;
	line->sent_len = trace->sent_len;
	line->first_ms = trace->sent_len > 0 ? trace->first_ms - trace->began_ms : ACCESS_NONE;
	line->total_ms = loop_now_ms() - trace->began_ms;
	line->retries = request->retries;
	line->end = endings[trace->ending];
}

static void lose(struct access_log *log)
{
	if (!log->has_failed)
		log_warnx("access log: it takes too little; lines are dropped");
	log->has_failed = true;
	log->lost++;
	log->mux->counts.access_lines_lost++;
}

void access_log_add(struct access_log *log, const struct request *request)
{
	struct access_line line = {0};
	size_t len;

	if (request->trace.is_untold)
		return;
	line.time = date(log);
	find_values(&line, request);
	find_proc(&line, request);
	describe(&line, request);
	len = log->format(log->bytes + log->len, &line);
	if (log->len + len > BUFFER_SIZE) {
		/* It is behind what waits, and is moved with it. */
		log->len += len;
		flush(log);
		if (log->len <= BUFFER_SIZE)
			return;
		log->len -= len;
		lose(log);
		return;
	}
	log->len += len;
}

void access_log_tick(struct access_log *log)
{
	flush(log);
}
