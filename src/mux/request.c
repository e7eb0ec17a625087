#include "mux/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "policy/retry.h"

/* The records before the parameters' content: BEGIN_REQUEST, and the header of PARAMS. */
enum { PARAMS_AT = RECORD_BEGIN_LEN + RECORD_HEADER_LEN };

static struct mux *request_mux(const struct request *request)
{
	return request->connection->front->mux;
}

static struct backend *request_backend(const struct request *request)
{
	return request->connection->front->backend;
}

static bool is_blocked_now(const struct request *request)
{
	switch ((enum request_state)request->state) {
	case REQUEST_RECEIVING:
	case REQUEST_DONE:
		return false;
	case REQUEST_QUEUED:
		return !request->has_input;
	case REQUEST_RUNNING:
		return !request->has_input && request->proc &&
		       proc_connection_is_full(request->proc);
	}
	return false;
}

void request_update_blocked(struct request *request)
{
	struct front_connection *connection = request->connection;
	bool is_blocked = is_blocked_now(request);

	if (is_blocked == request->is_blocked)
		return;
	request->is_blocked = is_blocked;
	connection->blocked += is_blocked ? 1 : -1U;
	front_connection_update(connection);
}

void request_set_state(struct request *request, enum request_state state)
{
	struct backend *backend = request_backend(request);

	queue_remove(&backend->queue, &request->ticket);
	list_detach(&request->running);
	if (state == REQUEST_QUEUED && request->state == REQUEST_RECEIVING)
		queue_append(&backend->queue, &request->ticket, &request->connection->source,
			     loop_now_ms());
	else if (state == REQUEST_QUEUED)
		queue_return(&backend->queue, &request->ticket);
	if (state == REQUEST_RUNNING) {
		list_append(&backend->running, &request->running);
		request->running_since_ms = loop_now_ms();
	}
	if (state == REQUEST_DONE) {
		list_detach(&request->link);
		list_append(&request_mux(request)->ended_requests, &request->link);
		buffer_fini(&request->records);
	}
	request->state = (uint8_t)state;
	request_update_blocked(request);
}

void request_end(struct request *request)
{
	struct front_connection *connection = request->connection;

	if (!request->has_input)
		connection->is_lingering = true;
	if (!request->keep || request_mux(request)->is_draining)
		connection->is_over = true;
	request_set_state(request, REQUEST_DONE);
	front_connection_update(connection);
}

struct request *request_new(struct front_connection *connection, uint16_t id,
			    const struct record_begin *begin)
{
	struct request *request = calloc(1, sizeof(*request));
	uint8_t *room;

	if (!request)
		return NULL;
	room = buffer_room(&request->records, PARAMS_AT);
	if (!room) {
		free(request);
		return NULL;
	}
	/* The header of PARAMS follows when its length is known. */
	record_begin_encode(room, REQUEST_PROC_ID, begin->role, RECORD_FLAG_KEEP_CONN);
	buffer_grow(&request->records, PARAMS_AT);
	request->connection = connection;
	request->id = id;
	request->role = begin->role;
	request->keep = begin->flags & RECORD_FLAG_KEEP_CONN;
	queue_ticket_init(&request->ticket);
	list_init(&request->running);
	list_append(&connection->requests, &request->link);
	return request;
}

void request_free(struct request *request)
{
	assert(request->state == REQUEST_DONE);
	free(request);
}

static bool find_param(const struct request *request, const char *name, struct param *param)
{
	if (!request->has_params || request->records.len < PARAMS_AT + request->params_len)
		return false;
	return params_find(buffer_data(&request->records) + PARAMS_AT, request->params_len, name,
			   param);
}

struct param request_name(const struct request *request)
{
	static const char *const names[] = {"REQUEST_URI", "SCRIPT_NAME", "SCRIPT_FILENAME"};
	struct param param = {.value = "-", .value_len = 1};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (find_param(request, names[i], &param))
			break;
	return param;
}

/* Looks at all parameters once: are they pairs, and may the request be repeated? */
static bool scan_params(struct request *request)
{
	const uint8_t *at = buffer_data(&request->records) + PARAMS_AT;
	const uint8_t *end = at + request->params_len;
	struct param param;

	while (at < end) {
		if (params_next(&at, end, &param) != PARAMS_PAIR)
			return false;
		if (params_name_is(&param, "REQUEST_METHOD"))
			request->is_safe = retry_method_is_safe(param.value, param.value_len);
	}
	return true;
}

static void end_params(struct request *request)
{
	uint8_t *records = buffer_data(&request->records);
	uint8_t *room;

	request->has_params = true;
	record_header_encode(records + RECORD_BEGIN_LEN, RECORD_PARAMS, REQUEST_PROC_ID,
			     (uint16_t)request->params_len);
	if (!scan_params(request)) {
		failure_answer(request, "400 Bad Request",
			       "the parameters are no name-value pairs");
		return;
	}
	request->has_input = request->role == RECORD_AUTHORIZER;
	/* No parameters at all: the header of PARAMS is their end already. */
	if (request->params_len == 0)
		return;
	room = buffer_room(&request->records, RECORD_HEADER_LEN);
	if (!room) {
		failure_answer(request, "503 Service Unavailable", "out of memory");
		return;
	}
	record_header_encode(room, RECORD_PARAMS, REQUEST_PROC_ID, 0);
	buffer_grow(&request->records, RECORD_HEADER_LEN);
}

static void receive_params(struct request *request, const struct record_piece *piece)
{
	if (request->has_params)
		return;
	if (piece->content_len == 0) {
		end_params(request);
		return;
	}
	if (request->params_len + piece->content_len > RECORD_CONTENT_MAX) {
		failure_answer(request, "431 Request Header Fields Too Large",
			       "the parameters take more than 65535 bytes");
		return;
	}
	if (buffer_append(&request->records, piece->content, piece->content_len) < 0) {
		failure_answer(request, "503 Service Unavailable", "out of memory");
		return;
	}
	request->params_len += piece->content_len;
}

/* The stream whose end is the end of the request (sections 6.2 to 6.4). */
static uint8_t last_stream(const struct request *request)
{
	return request->role == RECORD_FILTER ? RECORD_DATA : RECORD_STDIN;
}

bool request_pass(struct request *request, const struct record_piece *piece)
{
	if (request->has_input)
		return false;
	record_set_id(piece->record, REQUEST_PROC_ID);
	if (piece->type == last_stream(request) && piece->content_len == 0)
		request->has_input = true;
	return true;
}

static void receive_body(struct request *request, const struct record_piece *piece)
{
	if (!request->has_params) {
		failure_answer(request, "400 Bad Request",
			       "a body came before the parameters' end");
		return;
	}
	if (!request_pass(request, piece))
		return;
	if (buffer_append(&request->records, piece->record, piece->record_len) < 0)
		failure_answer(request, "503 Service Unavailable", "out of memory");
}

static size_t body_len(const struct request *request)
{
	size_t params_end = PARAMS_AT + request->params_len;

	if (request->params_len > 0)
		params_end += RECORD_HEADER_LEN;
	return request->records.len - params_end;
}

/* A worker is not held by a body that trickles in: it gets the whole, or a full buffer. */
static bool has_enough(const struct request *request)
{
	if (request->state != REQUEST_RECEIVING || !request->has_params)
		return false;
	return request->has_input || body_len(request) >= request_mux(request)->request_buffer;
}

void request_receive(struct request *request, const struct record_piece *piece)
{
	if (piece->type == RECORD_PARAMS)
		receive_params(request, piece);
	else
		receive_body(request, piece);
	if (has_enough(request))
		backend_submit(request_backend(request), request);
}

static bool is_alone(const struct request *request)
{
	return request->link.next == request->link.prev;
}

void request_hurry(struct request *request, size_t len)
{
	struct backend *backend = request_backend(request);

	if (request->state != REQUEST_RECEIVING || !request->has_params || !is_alone(request))
		return;
	if (body_len(request) + len > request_mux(request)->request_buffer &&
	    balance_least(&backend->balance))
		backend_submit(backend, request);
}

void request_abort(struct request *request, const char *reason)
{
	struct param name = request_name(request);

	log_debug("request %.*s: dropped: %s", (int)name.value_len, name.value, reason);
	if (request->proc)
		proc_connection_abandon(request->proc);
	request_end(request);
}

void request_name_slow(struct request *request)
{
	struct param name = request_name(request);

	request->is_slow = true;
	log_warnx("request %.*s: slow: %s has not answered for %llu ms", (int)name.value_len,
		  name.value, request->proc->proc->name,
		  (unsigned long long)(loop_now_ms() - request->running_since_ms));
}
