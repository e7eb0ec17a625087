#include "mux/authorizer.h"

#include <stdlib.h>

#include "fcgi/head.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/intake.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/response.h"
#include "mux/route.h"
#include "mux/routing.h"

/* The longest head of an answer that is read. */
enum { HEAD_LEN_MAX = 64 * 1024 };

/* OPEN: its head is not all there. REFUSED: the rest goes to the client. */
enum verdict { VERDICT_OPEN, VERDICT_ALLOWED, VERDICT_REFUSED, VERDICT_NONSENSE };

struct authorization {
	struct request *question; /* borrowed */
	struct head head;
	struct buffer held;	 /* of the answer, until its head is whole */
	struct buffer variables; /* that the request gets, encoded */
	enum verdict verdict;
};

static void authorization_free(struct authorization *authorization)
{
	buffer_fini(&authorization->held);
	buffer_fini(&authorization->variables);
	free(authorization);
}

static struct authorization *authorization_new(struct request *request, struct route *route)
{
	struct authorization *authorization = calloc(1, sizeof(*authorization));

	if (!authorization)
		return NULL;
	head_init(&authorization->head, HEAD_LEN_MAX);
	authorization->question = request_new_question(request, route);
	if (authorization->question)
		return authorization;
	free(authorization);
	return NULL;
}

void authorizer_ask(struct request *request, struct route *route, const struct buffer *params)
{
	struct authorization *authorization = authorization_new(request, route);

	if (!authorization) {
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
		return;
	}
	request->authorization = authorization;
	request_set_state(request, REQUEST_AUTHORIZING);
	if (request_replace_params(authorization->question, buffer_data(params), params->len))
		route_submit(route, authorization->question);
	else
		failure_answer(authorization->question, FAILURE_NO_ROOM, "out of memory");
}

struct request *authorizer_part(struct request *question)
{
	struct request *request = question->asker;
	struct proc_connection *proc = question->proc;

	authorization_free(request->authorization);
	request->authorization = NULL;
	question->asker = NULL;
	if (proc)
		proc_connection_abandon(question);
	request_set_state(question, question->proc ? REQUEST_ABANDONED : REQUEST_DONE);
	if (question->proc)
		proc_connection_update(proc);
	return request;
}

void authorizer_drop(struct request *request)
{
	if (request->authorization)
		(void)authorizer_part(request->authorization->question);
}

void authorizer_update(const struct request *request)
{
	if (request->authorization && request->authorization->question->proc)
		proc_connection_update(request->authorization->question->proc);
}

/* To the client, as if the request's own application had said it. */
static void forward(struct request *request, const struct record_piece *piece)
{
	if (piece->type == RECORD_STDOUT) {
		request->is_answered = true;
		request_trace_sent(&request->trace, piece->content_len);
	}
	record_set_id(piece->record, request->id);
	front_connection_send(request->connection, piece->record, piece->record_len);
}

/* How long the body is, which is on its way already, is not for an authorizer to say. */
static bool is_free(const uint8_t *variable, size_t len)
{
	struct param param;

	return params_next(&variable, variable + len, &param) == PARAMS_PAIR &&
	       !params_name_is(&param, "CONTENT_LENGTH");
}

static bool take_variable(struct buffer *variables, const struct head_field *field)
{
	uint8_t *room = buffer_room(variables, head_variable_len(field) + 1);
	size_t len;

	if (!room)
		return false;
	len = (size_t)(head_variable_encode(room, field) - room);
	if (is_free(room, len))
		buffer_grow(variables, len);
	return true;
}

static bool take_variables(struct authorization *authorization)
{
	const uint8_t *held = buffer_data(&authorization->held);
	struct head_field field;
	size_t at = 0;
	bool is_good = true;

	while (is_good && head_next(&authorization->head, held, &at, &field))
		if (field.kind == HEAD_VARIABLE)
			is_good = take_variable(&authorization->variables, &field);
	return is_good;
}

static enum verdict judge(struct authorization *authorization)
{
	const struct buffer *held = &authorization->held;

	switch (head_read(&authorization->head, buffer_data(held), held->len)) {
	case HEAD_MORE:
		return VERDICT_OPEN;
	case HEAD_COMPLETE:
		if (authorization->head.status != 200)
			return VERDICT_REFUSED;
		/* lighttpd takes an empty head for a yes. */
		if (authorization->head.count == 0)
			return VERDICT_NONSENSE;
		return take_variables(authorization) ? VERDICT_ALLOWED : VERDICT_NONSENSE;
	case HEAD_TOO_LONG:
	case HEAD_MALFORMED:
		break;
	}
	return VERDICT_NONSENSE;
}

/* The answer so far as the client gets it: what is for us is left out of its head. */
static bool copy_refusal(const struct authorization *authorization, struct buffer *out)
{
	const struct head *head = &authorization->head;
	const uint8_t *held = buffer_data(&authorization->held);
	unsigned ours = HEAD_SENDFILES | HEAD_SET(HEAD_VARIABLE);
	size_t body_len = authorization->held.len - head->len;

	return head_copy(head, held, ours, out) == 0 && head_end(out) == 0 &&
	       (body_len == 0 || buffer_append(out, held + head->len, body_len) == 0);
}

static void take_head(struct request *request, const struct record_piece *piece)
{
	struct authorization *authorization = request->authorization;
	struct buffer refusal = {0};

	authorization->verdict = VERDICT_NONSENSE;
	if (buffer_append(&authorization->held, piece->content, piece->content_len) == 0)
		authorization->verdict = judge(authorization);
	if (authorization->verdict != VERDICT_REFUSED)
		return;
	request->trace.status = (uint16_t)authorization->head.status;
	/* A client that is gone takes the authorization with it. */
	if (copy_refusal(authorization, &refusal))
		response_send(request, buffer_data(&refusal), refusal.len);
	else
		authorization->verdict = VERDICT_NONSENSE;
	buffer_fini(&refusal);
}

void authorizer_take(struct request *question, const struct record_piece *piece)
{
	struct request *request = question->asker;
	struct authorization *authorization = request->authorization;

	if (piece->type == RECORD_END_REQUEST) {
		if (record_end_decode(piece->record).status != RECORD_REQUEST_COMPLETE &&
		    authorization->verdict == VERDICT_ALLOWED)
			authorization->verdict = VERDICT_NONSENSE;
	} else if (piece->type == RECORD_STDERR || authorization->verdict == VERDICT_REFUSED) {
		question->answer_len += piece->record_len;
		forward(request, piece);
	} else if (authorization->verdict == VERDICT_OPEN && piece->content_len > 0) {
		take_head(request, piece);
	}
}

static void end_refused(struct request *request)
{
	uint8_t record[RECORD_BEGIN_LEN];

	record_end_encode(record, request->id, 0, RECORD_REQUEST_COMPLETE);
	front_connection_send(request->connection, record, sizeof(record));
	/* The client may have broken the connection, and all its requests have ended with it. */
	if (request_is_awaited(request))
		request_end(request);
}

static void go_on(struct request *request, const struct routing_pass *pass)
{
	request_set_state(request, REQUEST_RECEIVING);
	routing_apply_authorized(request, pass);
	intake_go_on(request);
}

void authorizer_finish(struct request *question)
{
	struct authorization *authorization = question->asker->authorization;
	enum verdict verdict = authorization->verdict;
	struct routing_pass pass = {.variables = authorization->variables,
				    .docroot = question->route->settings->docroot};
	struct request *request;

	buffer_init(&authorization->variables);
	request = authorizer_part(question);
	if (verdict == VERDICT_ALLOWED)
		go_on(request, &pass);
	else if (verdict == VERDICT_REFUSED)
		end_refused(request);
	else
		failure_answer(request, FAILURE_BAD_PROC, "the authorizer gave no proper answer");
	buffer_fini(&pass.variables);
}
