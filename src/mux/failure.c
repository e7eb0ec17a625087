#include "mux/failure.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/backend.h"
#include "mux/front_connection.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "os/loop.h"

enum { REASON_SIZE = 256 };

/* With 503: a queue that is full now will have moved on by then. */
#define RETRY_AFTER "Retry-After: 5\r\n"

static uint8_t *append_stream(uint8_t *out, uint8_t type, uint16_t id, const char *text)
{
	size_t len = strlen(text);

	out = record_header_encode(out, type, id, (uint16_t)len);
	memcpy(out, text, len);
	return out + len;
}

static void send_error(struct request *request, const char *status, const char *reason)
{
	enum { TEXT_SIZE = 256 };
	char complaint[TEXT_SIZE], page[TEXT_SIZE];
	uint8_t records[2 * TEXT_SIZE + 3 * RECORD_HEADER_LEN + RECORD_BEGIN_LEN];
	uint8_t *out = records;

	(void)text_format(complaint, sizeof(complaint), "fcgi-mux: %s", reason);
	(void)text_format(page, sizeof(page),
			  "Status: %s\r\n%sContent-Type: text/plain\r\n\r\n%s\n", status,
			  strncmp(status, "503", 3) == 0 ? RETRY_AFTER : "", status);
	out = append_stream(out, RECORD_STDERR, request->id, complaint);
	out = append_stream(out, RECORD_STDOUT, request->id, page);
	out = record_header_encode(out, RECORD_STDOUT, request->id, 0);
	out = record_end_encode(out, request->id, 0, RECORD_REQUEST_COMPLETE);
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

void failure_answer(struct request *request, const char *status, const char *reason)
{
	struct param name = request_name(request);

	log_warnx("request %.*s: %s: %s", (int)name.value_len, name.value,
		  request->is_answered ? "answer broken off" : status, reason);
	if (request->is_answered)
		break_off(request);
	else
		send_error(request, status, reason);
	/* The client may have broken the connection, and all its requests have ended with it. */
	if (request->state != REQUEST_DONE)
		request_end(request);
}

void failure_time_out(struct request *request)
{
	struct proc_connection *connection = request->proc;
	struct proc *proc = connection->proc;
	char text[REASON_SIZE];

	(void)text_format(text, sizeof(text), "%s: no answer after %llu ms", proc->name,
			  (unsigned long long)(loop_now_ms() - request->running_since_ms));
	proc_on_stuck(proc);
	proc_connection_release(connection, false);
	failure_answer(request, "504 Gateway Timeout", text);
}

void failure_retry(struct request *request, const struct proc *proc, struct retry_case failure,
		   const char *reason)
{
	struct param name = request_name(request);
	char text[REASON_SIZE];

	failure.method_is_safe = request->is_safe;
	failure.retries = request->retries;
	if (retry_is_allowed(&failure)) {
		log_info("%s: %s: request %.*s is sent again", proc->name, reason,
			 (int)name.value_len, name.value);
		request->retries += failure.is_unaccepted ? 0 : 1;
		backend_submit_again(proc->backend, request, proc);
		return;
	}
	(void)text_format(text, sizeof(text), "%s: %s", proc->name, reason);
	failure_answer(request, "502 Bad Gateway", text);
}
