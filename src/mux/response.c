#include "mux/response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "fcgi/head.h"
#include "fcgi/record.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/sendfile.h"

/* The longest head that is held. */
enum { HEAD_LEN_MAX = 64 * 1024 };

enum { REASON_SIZE = 256, STATUS_FOUND = 302 };

/* How far the lines of a head have been looked at. */
struct scan {
	size_t line; /* the first that is not whole begins here */
	size_t at;   /* and has been looked at so far */
	bool has_ours;
	uint16_t status; /* 0: none is given so far */
};

/* HOLDING: its head is not all there. FILES: it names some. BAD: it might. */
enum stage { STAGE_HOLDING, STAGE_FILES, STAGE_BAD };

struct response {
	const struct proc *proc; /* that answers; borrowed */
	struct buffer held;	 /* of STDOUT: up to the end of the head at least */
	struct scan scan;
	struct head head; /* complete in FILES */
	enum stage stage;
};

static bool begins_with(const uint8_t *line, size_t len, const char *name)
{
	return len >= strlen(name) && strncasecmp((const char *)line, name, strlen(name)) == 0;
}

/* Also what only looks like one of them to some: "X-Sendfile :". */
static bool is_ours(const uint8_t *line, size_t len)
{
	return begins_with(line, len, "X-Sendfile") ||
	       begins_with(line, len, "X-LIGHTTPD-send-file");
}

static uint16_t read_status(const uint8_t *value, size_t len)
{
	uint16_t status = 0;
	size_t at = 0;

	while (at < len && (value[at] == ' ' || value[at] == '\t'))
		at++;
	for (; at < len && value[at] >= '0' && value[at] <= '9' && status < 100; at++)
		status = (uint16_t)(status * 10 + (value[at] - '0'));
	return status;
}

/* What a line says of the status (RFC 3875, sections 6.2.3 and 6.3.3). */
static void note_status(struct scan *scan, const uint8_t *line, size_t len)
{
	static const char status[] = "Status:", location[] = "Location:";

	if (begins_with(line, len, status))
		scan->status = read_status(line + strlen(status), len - strlen(status));
	else if (scan->status == 0 && begins_with(line, len, location))
		scan->status = STATUS_FOUND;
}

/* Nearly all lines are told by their first letter. */
static void note_line(struct scan *scan, const uint8_t *line, size_t len)
{
	switch (*line | 0x20) {
	case 'x':
		scan->has_ours |= is_ours(line, len);
		break;
	case 's':
	case 'l':
		note_status(scan, line, len);
		break;
	default:
		break;
	}
}

/* Looks at the lines that are whole by now. True: the empty one, the head's end, is among them. */
static bool scan_read(struct scan *scan, const uint8_t *bytes, size_t len)
{
	const uint8_t *lf;

	while ((lf = memchr(bytes + scan->at, '\n', len - scan->at))) {
		const uint8_t *line = bytes + scan->line;
		size_t line_len = (size_t)(lf - line);

		if (line_len == 0 || (line_len == 1 && *line == '\r'))
			return true;
		note_line(scan, line, line_len);
		scan->line = scan->at = (size_t)(lf + 1 - bytes);
	}
	scan->at = len;
	return false;
}

void response_free(struct response *response)
{
	if (!response)
		return;
	buffer_fini(&response->held);
	free(response);
}

void response_send(struct request *request, const uint8_t *bytes, size_t len)
{
	/* It may break at any write, and the request has none then. */
	struct front_connection *connection = request->connection;
	uint8_t header[RECORD_HEADER_LEN];

	request->is_answered = true;
	request_trace_sent(&request->trace, len);
	while (len > 0 && request_is_awaited(request)) {
		size_t part = len < RECORD_CONTENT_MAX ? len : RECORD_CONTENT_MAX;

		record_header_encode(header, RECORD_STDOUT, request->id, (uint16_t)part);
		front_connection_send(connection, header, sizeof(header));
		front_connection_send(connection, bytes, part);
		bytes += part;
		len -= part;
	}
}

void response_end(struct request *request)
{
	uint8_t records[RECORD_HEADER_LEN + RECORD_BEGIN_LEN];
	uint8_t *out = record_header_encode(records, RECORD_STDOUT, request->id, 0);

	record_end_encode(out, request->id, 0, RECORD_REQUEST_COMPLETE);
	front_connection_send(request->connection, records, sizeof(records));
	/* The client may have broken the connection, and all its requests have ended with it. */
	if (request_is_awaited(request))
		request_end(request);
}

/* The request keeps nothing of it: it may be over when these bytes are sent. */
static struct buffer take_held(struct request *request)
{
	struct buffer held = request->response->held;

	buffer_init(&request->response->held);
	response_free(request->response);
	request->response = NULL;
	return held;
}

static void pass_held(struct request *request)
{
	struct buffer held = take_held(request);

	response_send(request, buffer_data(&held), held.len);
	buffer_fini(&held);
}

static void fail_without_memory(struct request *request)
{
	failure_answer(request, FAILURE_NO_ROOM, "out of memory");
}

/* The head without the fields that are for us, and what is there of the body. */
static void pass_stripped(struct request *request)
{
	struct head head = request->response->head;
	struct buffer held = take_held(request);
	const uint8_t *bytes = buffer_data(&held);
	struct buffer out = {0};

	if (head_copy(&head, bytes, HEAD_SENDFILES, &out) < 0 || head_end(&out) < 0 ||
	    buffer_append(&out, bytes + head.len, held.len - head.len) < 0)
		fail_without_memory(request);
	else
		response_send(request, buffer_data(&out), out.len);
	buffer_fini(&out);
	buffer_fini(&held);
}

/* 204 and 304 have no body that a file could take the place of. */
static bool wants_files(const struct response *response)
{
	const struct head *head = &response->head;

	return response->proc->backend->settings->allow_x_send_file && head->status != 204 &&
	       head->status != 304 && sendfile_is_asked(head, buffer_data(&response->held));
}

/* The head is all there, or as much of it as is held. */
static void judge(struct request *request)
{
	struct response *response = request->response;

	request->trace.status = response->scan.status;
	if (!response->scan.has_ours) {
		pass_held(request);
		return;
	}
	head_init(&response->head, HEAD_LEN_MAX);
	if (head_read(&response->head, buffer_data(&response->held), response->held.len) !=
	    HEAD_COMPLETE)
		response->stage = STAGE_BAD;
	else if (wants_files(response))
		response->stage = STAGE_FILES;
	else
		pass_stripped(request);
}

static struct response *hold(struct request *request, const struct record_piece *piece)
{
	struct response *response = request->response;

	if (!response)
		response = request->response = calloc(1, sizeof(*response));
	if (!response || buffer_append(&response->held, piece->content, piece->content_len) < 0)
		return NULL;
	response->proc = request->proc->proc;
	return response;
}

static void take_content(struct request *request, const struct record_piece *piece)
{
	struct response *response;

	/* A body that a file takes the place of. */
	if (request->response && request->response->stage != STAGE_HOLDING)
		return;
	response = hold(request, piece);
	if (!response)
		fail_without_memory(request);
	else if (scan_read(&response->scan, buffer_data(&response->held), response->held.len) ||
		 response->held.len > HEAD_LEN_MAX)
		judge(request);
}

/* Whether the whole head is in this first piece, with nothing in it that is for us. */
static bool is_plain(struct request *request, const struct record_piece *piece)
{
	struct scan scan = {0};
	bool is_whole = scan_read(&scan, piece->content, piece->content_len);

	request->trace.status = scan.status;
	return is_whole && !scan.has_ours;
}

/* No more of STDOUT comes: what is held of a head without an end goes on, as far as it may. */
static bool take_end(struct request *request)
{
	struct response *response = request->response;

	if (response && response->stage == STAGE_HOLDING)
		judge(request);
	return !request->response;
}

bool response_take(struct request *request, const struct record_piece *piece)
{
	if (piece->type == RECORD_END_REQUEST || piece->content_len == 0)
		return take_end(request);
	if (!request->response && is_plain(request, piece)) {
		request->is_answered = true;
		return true;
	}
	take_content(request, piece);
	return false;
}

void response_finish(struct request *request)
{
	struct response *response = request->response;
	char reason[REASON_SIZE];

	request->response = NULL;
	if (response->stage == STAGE_FILES) {
		sendfile_start(request, response->proc, &response->head,
			       buffer_data(&response->held));
	} else {
		(void)text_format(reason, sizeof(reason),
				  "%s: the head of its answer has X-Sendfile and is %s",
				  response->proc->name, "malformed or too long");
		failure_answer(request, FAILURE_BAD_PROC, reason);
	}
	response_free(response);
}
