#include "mux/intake.h"

#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/debug.h"
#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/route.h"
#include "mux/routing.h"
#include "mux/status.h"
#include "policy/retry.h"
#include "policy/rewrite.h"

/* What the mux itself wants to know of the parameters. */
struct facts {
	struct param method;
	struct param uri;
	struct param script_name, script_filename;
	uint64_t announced_len; /* of the body */
	bool has_bad_length;	/* what announces it is no number */
	bool has_denied;	/* there are such that no application gets */
};

/*
 * Caddy sends -1 for a body in chunks, and php-cgi would wait for more of it for ever. None at all
 * is good: there is no body.
 */
static void note_length(struct facts *facts, const struct param *content_length)
{
	uint64_t len = 0;

	for (size_t i = 0; i < content_length->value_len; i++) {
		char digit = content_length->value[i];

		facts->has_bad_length |= digit < '0' || digit > '9';
		if (len < UINT64_MAX / 100)
			len = len * 10 + (uint64_t)(digit - '0');
	}
	facts->announced_len = len;
}

static void note_param(struct facts *facts, const struct param *param)
{
	/* Nearly all others are told by their length. */
	switch (param->name_len) {
	case sizeof("REQUEST_URI") - 1:
		if (params_name_is(param, "REQUEST_URI"))
			facts->uri = *param;
		else if (params_name_is(param, "SCRIPT_NAME"))
			facts->script_name = *param;
		return;
	case sizeof("REQUEST_METHOD") - 1:
		if (params_name_is(param, "REQUEST_METHOD"))
			facts->method = *param;
		else if (params_name_is(param, "CONTENT_LENGTH"))
			note_length(facts, param);
		return;
	case sizeof("SCRIPT_FILENAME") - 1:
		if (params_name_is(param, "SCRIPT_FILENAME"))
			facts->script_filename = *param;
		return;
	default:
		return;
	}
}

static struct request_value place_of(const struct param *param, const uint8_t *params)
{
	if (!param->value)
		return (struct request_value){0};
	return (struct request_value){
		.at = (uint16_t)((const uint8_t *)param->value - params),
		.len = (uint16_t)param->value_len,
	};
}

/* For the access log, which would have to look for them. */
static void trace_values(struct request *request, const struct facts *facts)
{
	const uint8_t *params = request_params(request);
	const struct param *script_name = &facts->script_name;
	struct request_trace *trace = &request->trace;

	trace->method = place_of(&facts->method, params);
	trace->uri = place_of(facts->uri.value ? &facts->uri : script_name, params);
	trace->script = place_of(
		facts->script_filename.value ? &facts->script_filename : script_name, params);
	trace->has_values = true;
}

/* Looks at all parameters once. False: they are no pairs. */
static bool scan_params(const struct request *request, struct facts *facts)
{
	const struct text_list *denied = &request->route->settings->deny_params;
	const uint8_t *at = request_params(request);
	const uint8_t *end = at + request->params_len;
	struct param param;

	while (at < end) {
		if (params_next(&at, end, &param) != PARAMS_PAIR)
			return false;
		note_param(facts, &param);
		if (rewrite_is_denied(param.name, param.name_len, denied->items, denied->count))
			facts->has_denied = true;
	}
	return true;
}

/* While an authorizer is asked, it is not known whose limit holds. */
static bool is_over_limit(const struct request *request, uint64_t body_len)
{
	uint64_t limit = request->route->settings->max_request_size;

	return limit > 0 && body_len > limit && request->state != REQUEST_AUTHORIZING;
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
	if (request->route->mux->access_log)
		trace_values(request, &facts);
	debug_show_sent(request);
	if (status_answer(request, &facts.script_name))
		return;
	request->has_input = request->role == RECORD_AUTHORIZER;
	request->method = (uint8_t)retry_class(facts.method.value, facts.method.value_len);
	if (!request_close_params(request)) {
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
		return;
	}
	if (facts.has_bad_length) {
		failure_answer(request, FAILURE_NO_LENGTH, "CONTENT_LENGTH is no number");
		return;
	}
	routing_apply(request, facts.has_denied);
	if (request_is_awaited(request) && is_over_limit(request, facts.announced_len))
		refuse_body(request);
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

/* A worker is not held by a body that trickles in: it gets the whole, or a full buffer. */
static bool has_enough(const struct request *request)
{
	if (request->state != REQUEST_RECEIVING || !request->has_params)
		return false;
	return request->has_input ||
	       request_buffered_len(request) >= request->route->mux->settings->request_buffer;
}

void intake_receive(struct request *request, const struct record_piece *piece)
{
	if (piece->type == RECORD_PARAMS)
		receive_params(request, piece);
	else
		receive_body(request, piece);
	if (has_enough(request))
		route_submit(request->route, request);
	else if (request->state == REQUEST_AUTHORIZING || request->state == REQUEST_QUEUED)
		request_update_blocked(request);
}

void intake_go_on(struct request *request)
{
	if (request->state != REQUEST_RECEIVING)
		return;
	if (is_over_limit(request, request->body_len))
		refuse_body(request);
	else if (has_enough(request))
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
	if (request_buffered_len(request) + len > request->route->mux->settings->request_buffer &&
	    route_has_room_for_one_more(route))
		route_submit(route, request);
}
