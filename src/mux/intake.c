#include "mux/intake.h"

#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/route.h"
#include "mux/status.h"

/* What the mux itself wants to know of the parameters. */
struct facts {
	struct param method;
	struct param content_length;
	struct param script_name;
};

/* Looks at all parameters once. False: they are no pairs. */
static bool scan_params(const struct request *request, struct facts *facts)
{
	const uint8_t *at = buffer_data(&request->records) + REQUEST_PARAMS_AT;
	const uint8_t *end = at + request->params_len;
	struct param param;

	while (at < end) {
		if (params_next(&at, end, &param) != PARAMS_PAIR)
			return false;
		if (params_name_is(&param, "REQUEST_METHOD"))
			facts->method = param;
		else if (params_name_is(&param, "CONTENT_LENGTH"))
			facts->content_length = param;
		else if (params_name_is(&param, "SCRIPT_NAME"))
			facts->script_name = param;
	}
	return true;
}

static bool is_over_limit(const struct request *request, uint64_t body_len)
{
	uint64_t limit = request->route->settings->max_request_size;

	return limit > 0 && body_len > limit;
}

static bool announces_too_much(const struct request *request, const struct param *content_length)
{
	uint64_t len = 0;

	for (size_t i = 0; i < content_length->value_len; i++) {
		char digit = content_length->value[i];

		if (digit < '0' || digit > '9' || is_over_limit(request, len))
			break;
		len = len * 10 + (uint64_t)(digit - '0');
	}
	return is_over_limit(request, len);
}

static void refuse_body(struct request *request)
{
	failure_answer(request, FAILURE_BODY_TOO_LARGE, "the body is larger than max-request-size");
}

static void end_params(struct request *request)
{
	struct facts facts = {0};

	request->has_params = true;
	request->route->mux->counts.requests++;
	if (!scan_params(request, &facts)) {
		failure_answer(request, FAILURE_BAD_REQUEST,
			       "the parameters are no name-value pairs");
		return;
	}
	request->has_input = request->role == RECORD_AUTHORIZER;
	request->method = (uint8_t)retry_class(facts.method.value, facts.method.value_len);
	if (status_is_asked(request->route->mux, &facts.script_name))
		status_answer(request);
	else if (announces_too_much(request, &facts.content_length))
		refuse_body(request);
	else if (!request_close_params(request))
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
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
		failure_answer(request, FAILURE_PARAMS_TOO_LARGE,
			       "the parameters take more than 65535 bytes");
		return;
	}
	if (buffer_append(&request->records, piece->content, piece->content_len) < 0) {
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
		return;
	}
	request->params_len += piece->content_len;
}

/* The stream whose end is the end of the request (sections 6.2 to 6.4). */
static uint8_t last_stream(const struct request *request)
{
	return request->role == RECORD_FILTER ? RECORD_DATA : RECORD_STDIN;
}

bool intake_pass(struct request *request, const struct record_piece *piece)
{
	if (request->has_input)
		return false;
	request->body_len += piece->content_len;
	if (is_over_limit(request, request->body_len)) {
		refuse_body(request);
		return false;
	}
	record_set_id(piece->record, request->proc_id);
	if (piece->type == last_stream(request) && piece->content_len == 0)
		request->has_input = true;
	return true;
}

static void receive_body(struct request *request, const struct record_piece *piece)
{
	if (!request->has_params) {
		failure_answer(request, FAILURE_BAD_REQUEST,
			       "a body came before the parameters' end");
		return;
	}
	if (!intake_pass(request, piece))
		return;
	if (buffer_append(&request->records, piece->record, piece->record_len) < 0)
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
}

static size_t buffered_len(const struct request *request)
{
	return request->records.len - request->head_len;
}

/* A worker is not held by a body that trickles in: it gets the whole, or a full buffer. */
static bool has_enough(const struct request *request)
{
	if (request->state != REQUEST_RECEIVING || !request->has_params)
		return false;
	return request->has_input ||
	       buffered_len(request) >= request->route->mux->settings->request_buffer;
}

void intake_receive(struct request *request, const struct record_piece *piece)
{
	if (piece->type == RECORD_PARAMS)
		receive_params(request, piece);
	else
		receive_body(request, piece);
	if (has_enough(request))
		route_submit(request->route, request);
}

static bool is_alone(const struct request *request)
{
	return request->link.next == request->link.prev;
}

void intake_hurry(struct request *request, size_t len)
{
	struct route *route = request->route;

	if (request->state != REQUEST_RECEIVING || !request->has_params || !is_alone(request))
		return;
	if (buffered_len(request) + len > request->route->mux->settings->request_buffer &&
	    balance_group_has_room(&route->group))
		route_submit(route, request);
}
