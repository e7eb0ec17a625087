#include "mux/question.h"

#include <errno.h>
#include <string.h>

#include "fcgi/params.h"
#include "fcgi/record.h"

enum { HEAD_MAX = 64 * 1024, REQUEST_ID = 1 };

void question_init(struct question *question, const char *path)
{
	*question = (struct question){.path = path};
	head_init(&question->head, HEAD_MAX);
}

void question_fini(struct question *question)
{
	buffer_fini(&question->held);
}

static int append(struct buffer *out, const void *bytes, size_t len)
{
	return len == 0 ? 0 : buffer_append(out, bytes, len);
}

/* libfcgi answers when the header of the next record is there: an empty question is one. */
static int encode_values(struct buffer *out)
{
	uint8_t query[VALUES_ENCODED_MAX + RECORD_HEADER_LEN];
	uint8_t *end = values_query_encode(query);

	end = record_header_encode(end, RECORD_GET_VALUES, 0, 0);
	return append(out, query, (size_t)(end - query));
}

static int append_param(struct buffer *out, const char *name, const char *value, size_t value_len)
{
	const struct param param = {name, strlen(name), value, value_len};
	size_t len = params_encoded_len(param.name_len, value_len);
	uint8_t *room = buffer_room(out, len);

	if (!room)
		return -ENOMEM;
	params_encode(room, &param);
	buffer_grow(out, len);
	return 0;
}

/* DOCUMENT_ROOT, where there is one, and SCRIPT_FILENAME below it. */
static int append_file_name(struct buffer *out, const char *docroot, const char *path,
			    size_t script_len)
{
	static const char name[] = "SCRIPT_FILENAME";
	size_t docroot_len = docroot ? strlen(docroot) : 0;
	size_t value_len = docroot_len + script_len;
	uint8_t *room = buffer_room(out, params_encoded_len(sizeof(name) - 1, value_len));
	uint8_t *value;

	if (!room)
		return -ENOMEM;
	value = params_encode_name(room, name, sizeof(name) - 1, value_len);
	if (docroot_len > 0)
		memcpy(value, docroot, docroot_len);
	memcpy(value + docroot_len, path, script_len);
	buffer_grow(out, (size_t)(value - room) + value_len);
	return docroot ? append_param(out, "DOCUMENT_ROOT", docroot, docroot_len) : 0;
}

/* What RFC 3875 wants there to be, and what web servers add. */
static int encode_params(struct buffer *out, const struct question *question)
{
	static const char *const fixed[][2] = {
		{"GATEWAY_INTERFACE", "CGI/1.1"}, {"REQUEST_METHOD", "GET"},
		{"SERVER_PROTOCOL", "HTTP/1.1"},  {"SERVER_SOFTWARE", "fcgi-mux/" VERSION},
		{"SERVER_NAME", "localhost"},	  {"SERVER_PORT", "80"},
		{"REMOTE_ADDR", "127.0.0.1"},
	};
	const char *path = question->path;
	size_t script_len = strcspn(path, "?");
	const char *query = path + script_len + (path[script_len] == '?');
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(fixed) / sizeof(*fixed); i++)
		error = append_param(out, fixed[i][0], fixed[i][1], strlen(fixed[i][1]));
	if (error == 0)
		error = append_param(out, "SCRIPT_NAME", path, script_len);
	if (error == 0)
		error = append_file_name(out, question->docroot, path, script_len);
	if (error == 0)
		error = append_param(out, "REQUEST_URI", path, strlen(path));
	return error == 0 ? append_param(out, "QUERY_STRING", query, strlen(query)) : error;
}

/* The request around its parameters. */
static int encode_records(struct buffer *out, const struct buffer *params)
{
	uint8_t begin[RECORD_BEGIN_LEN + RECORD_HEADER_LEN], end[2 * RECORD_HEADER_LEN];
	uint16_t len = (uint16_t)params->len;
	int error;

	record_header_encode(record_begin_encode(begin, REQUEST_ID, RECORD_RESPONDER, 0),
			     RECORD_PARAMS, REQUEST_ID, len);
	record_header_encode(record_header_encode(end, RECORD_PARAMS, REQUEST_ID, 0), RECORD_STDIN,
			     REQUEST_ID, 0);
	error = append(out, begin, sizeof(begin));
	if (error == 0)
		error = append(out, buffer_data(params), params->len);
	return error == 0 ? append(out, end, sizeof(end)) : error;
}

static int encode_page(struct buffer *out, const struct question *question)
{
	struct buffer params = {0};
	int error = encode_params(&params, question);

	if (error == 0 && params.len > RECORD_CONTENT_MAX)
		error = -ENAMETOOLONG;
	if (error == 0)
		error = encode_records(out, &params);
	buffer_fini(&params);
	return error;
}

int question_encode(const struct question *question, struct buffer *out)
{
	return question->path ? encode_page(out, question) : encode_values(out);
}

static int fail(struct question *question, const char *fault)
{
	question->fault = fault;
	return -EPROTO;
}

static void pass(const struct question *question,
		 void (*on_bytes)(void *owner, const void *bytes, size_t len), const void *bytes,
		 size_t len)
{
	if (on_bytes && len > 0)
		on_bytes(question->owner, bytes, len);
}

static int take_head(struct question *question, const struct record_piece *piece)
{
	struct buffer *held = &question->held;
	struct head *head = &question->head;

	if (append(held, piece->content, piece->content_len) < 0)
		return -ENOMEM;
	switch (head_read(head, buffer_data(held), held->len)) {
	case HEAD_MORE:
		return 0;
	case HEAD_COMPLETE:
		question->has_head = true;
		pass(question, question->on_body, buffer_data(held) + head->len,
		     held->len - head->len);
		buffer_fini(held);
		return 0;
	case HEAD_TOO_LONG:
	case HEAD_MALFORMED:
		break;
	}
	return fail(question, "the head of its answer is malformed or too long");
}

static int take_end(struct question *question, const struct record_piece *piece)
{
	if (record_end_decode(piece->record).status != RECORD_REQUEST_COMPLETE)
		return fail(question, "refused the request");
	if (!question->has_head)
		return fail(question, "the answer ended before its head did");
	question->is_over = true;
	return 0;
}

static int take_of_page(struct question *question, const struct record_piece *piece)
{
	if (piece->id != REQUEST_ID)
		return 0;
	if (piece->type == RECORD_END_REQUEST)
		return take_end(question, piece);
	if (piece->type == RECORD_STDERR)
		pass(question, question->on_error, piece->content, piece->content_len);
	else if (piece->type == RECORD_STDOUT && question->has_head)
		pass(question, question->on_body, piece->content, piece->content_len);
	else if (piece->type == RECORD_STDOUT && piece->content_len > 0)
		return take_head(question, piece);
	return 0;
}

static int take_result(struct question *question, const struct record_piece *piece)
{
	struct buffer *held = &question->held;

	if (append(held, piece->content, piece->content_len) < 0)
		return -ENOMEM;
	if (!piece->last)
		return 0;
	if (!values_result_decode(buffer_data(held), held->len, &question->values))
		return fail(question, "told values that are none");
	question->has_values = held->len > 0;
	question->is_over = true;
	return 0;
}

static int take_of_values(struct question *question, const struct record_piece *piece)
{
	if (piece->id != 0)
		return fail(question, "answered without being asked");
	if (piece->type == RECORD_GET_VALUES_RESULT)
		return take_result(question, piece);
	/* It lives, and does not know the question. */
	question->is_over = piece->type == RECORD_UNKNOWN_TYPE && piece->last;
	return 0;
}

static int take(struct question *question, const struct record_piece *piece)
{
	return question->path ? take_of_page(question, piece) : take_of_values(question, piece);
}

int question_take(struct question *question, uint8_t *bytes, size_t len)
{
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;
	int error = 0;

	record_reader_begin(&cursor, &question->reader, bytes, len);
	while (error == 0 && !question->is_over &&
	       (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
		error = take(question, &piece);
	if (result == RECORD_BAD)
		return fail(question, "answered something that is no FastCGI 1.0");
	return error;
}
