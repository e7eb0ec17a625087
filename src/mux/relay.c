#include "mux/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"
#include "fcgi/values.h"
#include "mux/authorizer.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/front_values.h"
#include "mux/intake.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_capacity.h"
#include "mux/proc_child.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/request_time.h"
#include "mux/response.h"

/* Records that follow each other in the scratch buffer and go to the same peer. */
struct run {
	uint8_t *start;
	size_t len;
};

static bool run_extend(struct run *run, const struct record_piece *piece)
{
	if (run->len > 0 && piece->record != run->start + run->len)
		return false;
	if (run->len == 0)
		run->start = piece->record;
	run->len += piece->record_len;
	return true;
}

/* A pass over what came from a web server. */
struct input {
	struct front_connection *connection;
	struct request *request; /* whose body the run is */
	struct run run;
	const uint8_t *end; /* of what was read */
};

static void input_flush(struct input *input)
{
	struct run run = input->run;

	input->run.len = 0;
	if (run.len > 0 && input->request->state == REQUEST_RUNNING)
		proc_connection_send(input->request->proc, run.start, run.len);
}

static struct request *find_request(const struct front_connection *connection, uint16_t id)
{
	list_for_each (link, after, &connection->requests) {
		struct request *request = container_of(link, struct request, link);

		if (request->id == id)
			return request;
	}
	return NULL;
}

static void send_end(struct front_connection *connection, uint16_t id, enum record_status status)
{
	uint8_t record[RECORD_BEGIN_LEN];

	record_end_encode(record, id, 0, (uint8_t)status);
	front_connection_send(connection, record, sizeof(record));
}

static void input_begin(struct input *input, const struct record_piece *piece)
{
	struct front_connection *connection = input->connection;
	struct record_begin begin = record_begin_decode(piece->record);

	if (piece->id == 0 || find_request(connection, piece->id)) {
		front_connection_refuse(connection, "began a request with an id in use");
		return;
	}
	if (begin.role < RECORD_RESPONDER || begin.role > RECORD_FILTER) {
		send_end(connection, piece->id, RECORD_UNKNOWN_ROLE);
		return;
	}
	if (connection->is_refusing || connection->request_count >= FRONT_REQUESTS_MAX ||
	    !request_new(connection, piece->id, &begin))
		send_end(connection, piece->id, RECORD_OVERLOADED);
}

static void input_body(struct input *input, const struct record_piece *piece)
{
	struct request *request = find_request(input->connection, piece->id);

	/* Of a request that is done or nearly so, or never was: ignored (section 3.3). */
	if (!request || request->state == REQUEST_SENDING)
		return;
	if (piece->type != RECORD_PARAMS)
		intake_hurry(request, (size_t)(input->end - piece->record));
	/* Where no proc could be reached, it was answered in its hurry. */
	if (!request_is_awaited(request))
		return;
	if (request->state != REQUEST_RUNNING || piece->type == RECORD_PARAMS) {
		intake_receive(request, piece);
		return;
	}
	if (!intake_pass(request, piece))
		return;
	if (input->request != request || !run_extend(&input->run, piece)) {
		input_flush(input);
		input->request = request;
		run_extend(&input->run, piece);
	}
}

static void input_abort(struct input *input, const struct record_piece *piece)
{
	struct request *request = find_request(input->connection, piece->id);

	if (!request)
		return;
	send_end(input->connection, piece->id, RECORD_REQUEST_COMPLETE);
	if (request_is_awaited(request))
		request_abort(request, "aborted by the web server");
}

/* Section 4.1. */
static void input_query(struct input *input, const struct record_piece *piece)
{
	struct front_connection *connection = input->connection;
	uint8_t result[VALUES_ENCODED_MAX];
	struct values values;
	uint8_t *end;

	if (!connection->query)
		connection->query = calloc(1, sizeof(*connection->query));
	if (!connection->query ||
	    !values_query_feed(connection->query, piece->content, piece->content_len)) {
		front_connection_refuse(connection, "asked for values in no known form");
		return;
	}
	if (!piece->last)
		return;
	connection->is_of_mux |= values_query_is_of_mux(connection->query);
	values = front_values(connection->front);
	end = values_result_encode(result, connection->query, &values);
	front_connection_send(connection, result, (size_t)(end - result));
	free(connection->query);
	connection->query = NULL;
}

static void input_unknown(struct input *input, const struct record_piece *piece)
{
	uint8_t record[RECORD_BEGIN_LEN];

	/* Only management records have a right to an answer (section 4.2). */
	if (piece->id != 0 || !piece->last)
		return;
	record_unknown_type_encode(record, piece->type);
	front_connection_send(input->connection, record, sizeof(record));
}

/* Whether it may go on with the run: nothing else is done for it that could end the request. */
static bool input_continues(const struct input *input, const struct record_piece *piece)
{
	return input->run.len > 0 && piece->id == input->request->id &&
	       (piece->type == RECORD_STDIN || piece->type == RECORD_DATA);
}

static void input_take(struct input *input, const struct record_piece *piece)
{
	/* A proc that got all of a body but what waits here would wait for it for ever. */
	if (!input_continues(input, piece))
		input_flush(input);
	switch (piece->type) {
	case RECORD_BEGIN_REQUEST:
		input_begin(input, piece);
		break;
	case RECORD_PARAMS:
	case RECORD_STDIN:
	case RECORD_DATA:
		input_body(input, piece);
		break;
	case RECORD_ABORT_REQUEST:
		input_abort(input, piece);
		break;
	case RECORD_GET_VALUES:
		input_query(input, piece);
		break;
	default:
		input_unknown(input, piece);
	}
}

static const char *ending(ssize_t len)
{
	return len == 0 ? "the connection was closed" : strerror((int)-len);
}

static enum record_result take_input(struct front_connection *connection, uint8_t *bytes,
				     size_t len)
{
	struct input input = {.connection = connection, .end = bytes + len};
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;

	record_reader_begin(&cursor, &connection->reader, bytes, len);
	connection->is_being_read = true;
	while (connection->state < FRONT_ENDING &&
	       (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
		input_take(&input, &piece);
	input_flush(&input);
	connection->is_being_read = false;
	return result;
}

void relay_from_front(struct front_connection *connection)
{
	struct mux *mux = connection->front->mux;
	uint8_t *scratch = mux_take_scratch(mux);
	enum record_result result = RECORD_MORE;
	ssize_t len = -ENOMEM;

	if (scratch)
		len = stream_receive(&connection->stream, scratch, MUX_SCRATCH_LEN);
	if (len > 0 && connection->state != FRONT_ENDING)
		result = take_input(connection, scratch, (size_t)len);
	mux_give_scratch(mux, scratch);
	if (len == 0 || (len < 0 && len != -EAGAIN)) {
		front_connection_close(connection, ending(len));
		return;
	}
	if (result == RECORD_BAD)
		front_connection_refuse(connection, "sent something that is no FastCGI 1.0");
	front_connection_update(connection);
}

/* A pass over what came from a proc. */
struct answer {
	struct proc_connection *connection;
	struct request *request; /* whose answer the run is */
	struct run run;
	struct list ended;    /* requests whose end has come; their carried links are here, then */
	struct list released; /* here: their proc has room for others */
	struct list refused;  /* here: their proc has not begun with them, and will not */
	const char *fault;    /* what the proc did wrong, or NULL */
};

static void answer_flush(struct answer *answer)
{
	struct run run = answer->run;

	answer->run.len = 0;
	if (run.len == 0 || !request_is_awaited(answer->request))
		return;
	answer->request->answer_len += run.len;
	front_connection_send(answer->request->connection, run.start, run.len);
	if (answer->request->connection && answer->request->connection->is_throttling)
		proc_connection_update(answer->connection);
}

static void answer_pass(struct answer *answer, struct request *request,
			const struct record_piece *piece)
{
	if (!request_is_awaited(request))
		return;
	if (request->asker) {
		authorizer_take(request, piece);
		return;
	}
	if (!request->is_answered && piece->type != RECORD_STDERR && !response_take(request, piece))
		return;
	if (piece->type == RECORD_STDOUT && piece->content_len > 0)
		request_trace_sent(&request->trace, piece->content_len);
	record_set_id(piece->record, request->id);
	if (answer->request != request || !run_extend(&answer->run, piece)) {
		answer_flush(answer);
		answer->request = request;
		run_extend(&answer->run, piece);
	}
}

static const char *fault_without_request(const struct answer *answer)
{
	if (!list_is_empty(&answer->ended))
		return "went on after the end of its answer";
	if (answer->connection->carried_count == 0)
		return "answered without being asked";
	return "answered with the id of another request";
}

static void answer_end(struct answer *answer, struct request *request,
		       const struct record_piece *piece)
{
	if (record_end_decode(piece->record).status == RECORD_OVERLOADED)
		answer->connection->proc->counts.overloaded++;
	list_detach(&request->carried);
	list_append(&answer->ended, &request->carried);
	answer_pass(answer, request, piece);
}

/* Whatever another fcgi-mux has said, or a program that is full: nothing has been done for it. */
static bool is_refusal(const struct request *request, const struct record_piece *piece)
{
	return piece->type == RECORD_END_REQUEST && !request->has_spoken &&
	       record_end_decode(piece->record).status == RECORD_OVERLOADED;
}

static void answer_refuse(struct answer *answer, struct request *request)
{
	list_detach(&request->carried);
	list_append(&answer->refused, &request->carried);
}

static void answer_take(struct answer *answer, const struct record_piece *piece)
{
	struct request *request;

	/* A management record belongs to no request. */
	if (piece->type == RECORD_GET_VALUES_RESULT)
		probe_take(answer->connection, piece);
	if (piece->type >= RECORD_GET_VALUES)
		return;
	request = proc_connection_find(answer->connection, piece->id);
	if (!request) {
		answer->fault = fault_without_request(answer);
		return;
	}
	if (is_refusal(request, piece)) {
		answer_refuse(answer, request);
		return;
	}
	request->has_spoken = true;
	switch (piece->type) {
	case RECORD_END_REQUEST:
		answer_end(answer, request, piece);
		break;
	case RECORD_STDOUT:
	case RECORD_STDERR:
		answer_pass(answer, request, piece);
		break;
	default:
		answer->fault = "answered with a record of the wrong type";
	}
}

static bool can_be_kept(const struct answer *answer, const struct request *request)
{
	const struct proc_connection *connection = answer->connection;

	return !answer->fault && record_reader_is_between(&connection->reader) &&
	       stream_waiting(&connection->stream) == 0 && request->has_input;
}

static void answer_release(struct answer *answer)
{
	struct list *link;

	while ((link = list_first(&answer->ended))) {
		struct request *request = container_of(link, struct request, carried);

		request_count_answer(request);
		proc_on_answer(answer->connection->proc);
		proc_connection_release(request, can_be_kept(answer, request));
		list_append(&answer->released, link);
	}
}

static void repeat_refused(struct answer *answer)
{
	struct proc_connection *connection = answer->connection;
	struct list *link;

	while ((link = list_first(&answer->refused))) {
		struct request *request = container_of(link, struct request, carried);
		const struct retry_case failure = {.is_unsent = true,
						   .is_whole = !request->is_partial};

		proc_connection_release(request, true);
		/* One that is about to end has said so before. */
		if (!connection->is_last)
			proc_on_full(connection->proc, false);
		if (request_is_awaited(request))
			failure_retry(request, connection->proc, failure,
				      connection->is_last ? "it is about to end" : "it is full");
		else
			request_set_state(request, REQUEST_DONE);
	}
}

static void end_released(struct answer *answer)
{
	struct list *link;

	while ((link = list_first(&answer->released))) {
		struct request *request = container_of(link, struct request, carried);

		list_detach(link);
		if (request_is_awaited(request) && request->asker)
			authorizer_finish(request);
		else if (request_is_awaited(request) && request->response)
			response_finish(request);
		else if (request_is_awaited(request))
			request_end(request);
		else if (request->state == REQUEST_ABANDONED)
			request_set_state(request, REQUEST_DONE);
	}
}

/* The first word of an answer that nobody waits for ends a connection that is of no use else. */
static void drop_abandoned(const struct proc_connection *connection)
{
	struct list *first = list_first(&connection->carried);
	struct request *request;

	if (!first || connection->is_shared)
		return;
	request = container_of(first, struct request, carried);
	if (request->state == REQUEST_ABANDONED && request->has_spoken)
		proc_connection_give_up(request);
}

/* The proc gets its next request before the web server its answer: it need not wait for that. */
static void answer_deliver(struct answer *answer)
{
	struct proc_connection *connection = answer->connection;
	bool has_ended = !list_is_empty(&answer->ended);

	answer_release(answer);
	repeat_refused(answer);
	if (answer->fault)
		proc_complain(connection->proc, answer->fault);
	if (answer->fault && stream_is_open(&connection->stream)) {
		/* It was not closed for its age: what it carries may have begun. */
		connection->is_reused = false;
		proc_connection_fail(connection, answer->fault);
	}
	drop_abandoned(connection);
	if (has_ended)
		backend_serve(connection->proc->backend);
	answer_flush(answer);
	end_released(answer);
}

/* Also the beginning of a record, and what is none, are bytes of an answer; of one, where several
 * are due, which has not been told yet. */
static void note_rest(const struct proc_connection *connection)
{
	struct list *first = list_first(&connection->carried);

	if (connection->carried_count == 1 && first)
		container_of(first, struct request, carried)->has_spoken = true;
}

static void take_answer(struct proc_connection *connection, uint8_t *bytes, size_t len)
{
	struct answer answer = {.connection = connection};
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;

	list_init(&answer.ended);
	list_init(&answer.released);
	list_init(&answer.refused);
	record_reader_begin(&cursor, &connection->reader, bytes, len);
	while (!answer.fault && stream_is_open(&connection->stream) &&
	       (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
		answer_take(&answer, &piece);
	if (result == RECORD_BAD || !record_reader_is_between(&connection->reader))
		note_rest(connection);
	if (!answer.fault && result == RECORD_BAD)
		answer.fault = "answered something that is no FastCGI 1.0";
	answer_deliver(&answer);
}

void relay_from_proc(struct proc_connection *connection)
{
	struct mux *mux = connection->proc->backend->mux;
	uint8_t *scratch = mux_take_scratch(mux);
	ssize_t len = -ENOMEM;

	if (scratch)
		len = stream_receive(&connection->stream, scratch, MUX_SCRATCH_LEN);
	if (len > 0)
		take_answer(connection, scratch, (size_t)len);
	mux_give_scratch(mux, scratch);
	if (len <= 0 && len != -EAGAIN)
		proc_connection_fail(connection, ending(len));
}
