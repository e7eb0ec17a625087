#include "mux/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"
#include "fcgi/values.h"
#include "mux/backend.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "mux/request.h"

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
	if (run.len > 0 && input->request->proc)
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
		front_connection_close(connection, "began a request with an id in use");
		return;
	}
	if (begin.role < RECORD_RESPONDER || begin.role > RECORD_FILTER) {
		send_end(connection, piece->id, RECORD_UNKNOWN_ROLE);
		return;
	}
	if (!request_new(connection, piece->id, &begin))
		send_end(connection, piece->id, RECORD_OVERLOADED);
}

static void input_body(struct input *input, const struct record_piece *piece)
{
	struct request *request = find_request(input->connection, piece->id);

	/* Of a request that is done, or never was: ignored (section 3.3). */
	if (!request)
		return;
	if (piece->type != RECORD_PARAMS)
		request_hurry(request, (size_t)(input->end - piece->record));
	if (request->state != REQUEST_RUNNING || piece->type == RECORD_PARAMS) {
		request_receive(request, piece);
		return;
	}
	if (!request_pass(request, piece))
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
	if (request->state != REQUEST_DONE)
		request_abort(request, "aborted by the web server");
}

/* Section 4.1: the true values. As many requests as connections, however they are spread over them.
 */
static void input_query(struct input *input, const struct record_piece *piece)
{
	struct front_connection *connection = input->connection;
	uint32_t max = (uint32_t)connection->front->mux->connections_max;
	struct values values = {.max_conns = max, .max_reqs = max, .mpxs_conns = true};
	uint8_t result[VALUES_ENCODED_MAX];

	if (!connection->query)
		connection->query = calloc(1, sizeof(*connection->query));
	if (!connection->query ||
	    !values_query_feed(connection->query, piece->content, piece->content_len)) {
		front_connection_close(connection, "asked for values in no known form");
		return;
	}
	if (!piece->last)
		return;
	front_connection_send(
		connection, result,
		(size_t)(values_result_encode(result, connection->query, &values) - result));
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

static void input_take(struct input *input, const struct record_piece *piece)
{
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

void relay_from_front(struct front_connection *connection)
{
	struct mux *mux = connection->front->mux;
	uint8_t *scratch = mux_scratch(mux);
	ssize_t len = stream_receive(&connection->stream, scratch, MUX_SCRATCH_LEN);
	struct input input = {.connection = connection};
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;

	if (len == 0 || (len < 0 && len != -EAGAIN)) {
		front_connection_close(connection, ending(len));
		return;
	}
	if (len > 0 && connection->state != FRONT_ENDING) {
		input.end = scratch + len;
		record_reader_begin(&cursor, &connection->reader, scratch, (size_t)len);
		while (connection->state < FRONT_ENDING &&
		       (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
			input_take(&input, &piece);
		input_flush(&input);
	}
	if (result == RECORD_BAD)
		front_connection_close(connection, "sent something that is no FastCGI 1.0");
	front_connection_update(connection);
}

/* A pass over what came from a proc. */
struct answer {
	struct proc_connection *connection;
	struct request *request; /* NULL: nobody waits for it */
	struct run run;
	bool is_ended;
	const char *fault; /* what the proc did wrong, or NULL */
};

static void answer_flush(struct answer *answer)
{
	struct run run = answer->run;

	answer->run.len = 0;
	if (run.len == 0 || !answer->request || answer->request->state == REQUEST_DONE)
		return;
	answer->request->is_answered = true;
	front_connection_send(answer->request->connection, run.start, run.len);
}

static void answer_pass(struct answer *answer, const struct record_piece *piece)
{
	if (!answer->request)
		return;
	record_set_id(piece->record, answer->request->id);
	if (!run_extend(&answer->run, piece)) {
		answer_flush(answer);
		run_extend(&answer->run, piece);
	}
}

static const char *answer_fault(const struct answer *answer, const struct record_piece *piece)
{
	if (!answer->request && !answer->connection->is_abandoned)
		return "answered without being asked";
	if (answer->is_ended)
		return "went on after the end of its answer";
	if (piece->id != REQUEST_PROC_ID)
		return "answered with the id of another request";
	return NULL;
}

static void answer_take(struct answer *answer, const struct record_piece *piece)
{
	/* A management record belongs to no request. */
	if (piece->type == RECORD_GET_VALUES_RESULT)
		probe_take(answer->connection->proc, piece);
	if (piece->type >= RECORD_GET_VALUES)
		return;
	answer->connection->has_spoken = true;
	answer->fault = answer_fault(answer, piece);
	if (answer->fault)
		return;
	switch (piece->type) {
	case RECORD_END_REQUEST:
		answer->is_ended = true;
		answer_pass(answer, piece);
		break;
	case RECORD_STDOUT:
	case RECORD_STDERR:
		answer_pass(answer, piece);
		break;
	default:
		answer->fault = "answered with a record of the wrong type";
	}
}

static bool connection_can_be_kept(const struct answer *answer)
{
	const struct proc_connection *connection = answer->connection;

	return !answer->fault && record_reader_is_between(&connection->reader) &&
	       stream_waiting(&connection->stream) == 0 &&
	       (!answer->request || answer->request->has_input);
}

/* The proc gets its next request before the web server its answer: it need not wait for that. */
static void answer_end(struct answer *answer)
{
	struct backend *backend = answer->connection->proc->backend;

	proc_on_answer(answer->connection->proc);
	if (answer->fault)
		proc_complain(answer->connection->proc, answer->fault);
	proc_connection_release(answer->connection, connection_can_be_kept(answer));
	backend_serve(backend);
	answer_flush(answer);
	if (answer->request && answer->request->state != REQUEST_DONE)
		request_end(answer->request);
}

static void answer_deliver(struct answer *answer)
{
	struct proc_connection *connection = answer->connection;

	if (answer->is_ended) {
		answer_end(answer);
	} else if (answer->fault) {
		proc_complain(connection->proc, answer->fault);
		proc_connection_fail(connection, answer->fault);
	} else if (connection->is_abandoned) {
		struct backend *backend = connection->proc->backend;

		proc_connection_release(connection, false);
		backend_serve(backend);
	} else {
		answer_flush(answer);
	}
}

void relay_from_proc(struct proc_connection *connection)
{
	uint8_t *scratch = mux_scratch(connection->proc->backend->mux);
	ssize_t len = stream_receive(&connection->stream, scratch, MUX_SCRATCH_LEN);
	struct answer answer = {.connection = connection, .request = connection->request};
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;

	if (len == -EAGAIN)
		return;
	if (len <= 0) {
		proc_connection_fail(connection, ending(len));
		return;
	}
	record_reader_begin(&cursor, &connection->reader, scratch, (size_t)len);
	while (!answer.fault && (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
		answer_take(&answer, &piece);
	/* Also the beginning of a record, and what is none, are bytes of an answer. */
	if (result == RECORD_BAD || !record_reader_is_between(&connection->reader))
		connection->has_spoken = true;
	if (!answer.fault && result == RECORD_BAD)
		answer.fault = "answered something that is no FastCGI 1.0";
	answer_deliver(&answer);
}
