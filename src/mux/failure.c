#include "mux/failure.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/log_escape.h"
#include "base/text.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/authorizer.h"
#include "mux/backend.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/request_time.h"
#include "mux/route.h"
#include "os/loop.h"

enum { REASON_SIZE = 512 };

static_assert((int)RETRY_NONE == (int)RETRY_NO_METHODS && (int)RETRY_ALL == (int)RETRY_ALL_METHODS,
	      "what is configured is what policy/retry means");

/* With 503: a queue that is full now will have moved on by then. */
#define RETRY_AFTER "Retry-After: 5\r\n"

const char *failure_status(enum failure_kind kind)
{
	static const char *const statuses[FAILURE_KINDS] = {
		[FAILURE_BAD_REQUEST] = "400 Bad Request",
		[FAILURE_FORBIDDEN] = "403 Forbidden",
		[FAILURE_NOT_FOUND] = "404 Not Found",
		[FAILURE_NO_LENGTH] = "411 Length Required",
		[FAILURE_BODY_TOO_LARGE] = "413 Content Too Large",
		[FAILURE_PARAMS_TOO_LARGE] = "431 Request Header Fields Too Large",
		[FAILURE_BAD_PROC] = "502 Bad Gateway",
		[FAILURE_NO_ROOM] = "503 Service Unavailable",
		[FAILURE_TIME_OUT] = "504 Gateway Timeout",
	};

	return statuses[kind];
}

/* The answer is ours. */
static void trace_failure(struct request_trace *trace, enum failure_kind kind)
{
	const char *status = failure_status(kind);

	trace->ending = REQUEST_ENDED_FAILED;
	trace->status = 0;
	for (; *status >= '0' && *status <= '9'; status++)
		trace->status = (uint16_t)(trace->status * 10 + (*status - '0'));
}

static uint8_t *append_stream(uint8_t *out, uint8_t type, uint16_t id, const char *text)
{
	size_t len = strlen(text);

	out = record_header_encode(out, type, id, (uint16_t)len);
	memcpy(out, text, len);
	return out + len;
}

static void send_error(struct request *request, enum failure_kind kind, const char *reason)
{
	enum { TEXT_SIZE = REASON_SIZE, ESCAPED_SIZE = LOG_ESCAPED_LEN * TEXT_SIZE };
	char complaint[TEXT_SIZE], escaped[ESCAPED_SIZE], page[TEXT_SIZE];
	uint8_t records[ESCAPED_SIZE + TEXT_SIZE + 3 * RECORD_HEADER_LEN + RECORD_BEGIN_LEN];
	uint8_t *out = records;

	/* It may hold names from outside, and web servers write it into their logs as it is. */
	(void)text_format(complaint, sizeof(complaint), "fcgi-mux: %s", reason);
	(void)log_escape_plain(escaped, complaint, strlen(complaint));
	(void)text_format(page, sizeof(page),
			  "Status: %s\r\n%sContent-Type: text/plain\r\n\r\n%s\n",
			  failure_status(kind), kind == FAILURE_NO_ROOM ? RETRY_AFTER : "",
			  failure_status(kind));
	out = append_stream(out, RECORD_STDERR, request->id, escaped);
	out = append_stream(out, RECORD_STDOUT, request->id, page);
	out = record_header_encode(out, RECORD_STDOUT, request->id, 0);
	out = record_end_encode(out, request->id, 0, RECORD_REQUEST_COMPLETE);
	request_trace_sent(&request->trace, strlen(page));
	front_connection_send(request->connection, records, (size_t)(out - records));
}

/* An answer that breaks off must not look like one that ended well. */
static void break_off(struct request *request)
{
	struct front_connection *connection = request->connection;
	bool is_alone = request->link.next == &connection->requests &&
			request->link.prev == &connection->requests;
	uint8_t record[RECORD_BEGIN_LEN];

	if (is_alone) {
		request->keep = false;
		return;
	}
	record_end_encode(record, request->id, 1, RECORD_REQUEST_COMPLETE);
	front_connection_send(connection, record, sizeof(record));
}

void failure_answer(struct request *request, enum failure_kind kind, const char *reason)
{
	struct mux_counts *counts = &request->route->mux->counts;
	struct param name = request_name(request);

	if (request->asker) {
		failure_answer(authorizer_part(request), kind, reason);
		return;
	}
	log_warnx("request %.*s: %s: %s", (int)name.value_len, name.value,
		  request->is_answered ? "answer broken off" : failure_status(kind), reason);
	if (request->is_answered) {
		counts->broken_answers++;
		request->trace.ending = REQUEST_ENDED_BROKEN;
		break_off(request);
	} else {
		counts->failures[kind]++;
		trace_failure(&request->trace, kind);
		send_error(request, kind, reason);
	}
	/* The client may have broken the connection, and all its requests have ended with it. */
	if (request_is_awaited(request))
		request_end(request);
}

static void answer_time_out(struct request *request, const struct proc *proc)
{
	struct param script = request_script(request);
	char text[REASON_SIZE], name[PROC_NAME_SIZE];

	/* By now there may be another process in the place of the one that had it. */
	if (request->trace.pid > 0)
		(void)text_format(name, sizeof(name), "%s.%u[%d]", proc->backend->settings->name,
				  proc->number, (int)request->trace.pid);
	else
		(void)text_format(name, sizeof(name), "%s", proc->name);
	(void)text_format(text, sizeof(text), "%s: no answer after %llu ms; script=%.*s", name,
			  (unsigned long long)request_running_ms(request), (int)script.value_len,
			  script.value);
	failure_answer(request, FAILURE_TIME_OUT, text);
}

/* It may only have waited behind a request of others: the end of its process will show it. */
static bool may_be_unaccepted(const struct request *request)
{
	return request->timed_out_ms == 0 && proc_connection_is_repeatable(request->proc);
}

void failure_time_out(struct request *request)
{
	struct proc *proc = request->proc->proc;

	if (proc_on_stuck(proc) && may_be_unaccepted(request)) {
		request->timed_out_ms = loop_now_ms();
		return;
	}
	if (request_is_awaited(request))
		answer_time_out(request, proc);
	if (request->state == REQUEST_ABANDONED)
		proc_connection_give_up(request);
}

/* What no proc has begun on is no work to send again. */
static bool is_affordable(const struct proc *proc, const struct retry_case *failure)
{
	return failure->is_unsent || failure->is_unaccepted || backend_can_repeat(proc->backend);
}

void failure_retry(struct request *request, const struct proc *proc, struct retry_case failure,
		   const char *reason)
{
	struct param name = request_name(request);
	char text[REASON_SIZE];

	if (request->timed_out_ms > 0 && !failure.is_unaccepted) {
		answer_time_out(request, proc);
		return;
	}
	failure.methods = (enum retry_methods)proc->backend->settings->retry;
	failure.method = request->method;
	failure.retries = request->retries;
	if (retry_is_allowed(&failure) && is_affordable(proc, &failure)) {
		log_info("%s: %s: request %.*s is sent again", proc->name, reason,
			 (int)name.value_len, name.value);
		request->route->mux->counts.retries++;
		request->retries += failure.is_unaccepted ? 0 : 1;
		route_submit_again(request->route, request, proc);
		return;
	}
	(void)text_format(text, sizeof(text), "%s: %s", proc->name, reason);
	failure_answer(request, FAILURE_BAD_PROC, text);
}
