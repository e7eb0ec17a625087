#include "mux/request_records.h"

#include <string.h>

#include "base/text.h"
#include "mux/request.h"
#include "mux/route.h"
#include "os/loop.h"

/* Of the longest number of milliseconds that is told: 115 days. */
enum { WAIT_DIGITS = 10 };

static bool find_param(const struct request *request, const char *name, struct param *param)
{
	if (!request->has_params || request->records.len < REQUEST_PARAMS_AT + request->params_len)
		return false;
	return params_find(buffer_data(&request->records) + REQUEST_PARAMS_AT, request->params_len,
			   name, param);
}

static struct param find_first(const struct request *request, const char *const *names)
{
	struct param param = {.value = "-", .value_len = 1};

	while (*names && !find_param(request, *names, &param))
		names++;
	return param;
}

struct param request_name(const struct request *request)
{
	static const char *const names[] = {"REQUEST_URI", "SCRIPT_NAME", "SCRIPT_FILENAME", NULL};

	return find_first(request, names);
}

struct param request_script(const struct request *request)
{
	static const char *const names[] = {"SCRIPT_FILENAME", "SCRIPT_NAME", NULL};

	return find_first(request, names);
}

struct param request_param(const struct request *request, const char *name)
{
	const char *const names[] = {name, NULL};

	return find_first(request, names);
}

/* The record of the variable that tells how long it waited, or 0 bytes. */
static size_t wait_record_len(const struct request *request)
{
	const char *name = request->route->settings->queue_time_variable;

	return name ? RECORD_HEADER_LEN + 2 + strlen(name) + WAIT_DIGITS : 0;
}

/* Behind the parameters: the place of the variable that is filled in later, and their end. */
bool request_close_params(struct request *request)
{
	size_t wait_len = wait_record_len(request);
	uint8_t *records = buffer_data(&request->records);
	uint8_t *room;

	record_header_encode(records + RECORD_BEGIN_LEN, RECORD_PARAMS, request->proc_id,
			     (uint16_t)request->params_len);
	/* No parameters at all: this header is their end already. */
	if (request->params_len > 0) {
		room = buffer_room(&request->records, wait_len + RECORD_HEADER_LEN);
		if (!room)
			return false;
		record_header_encode(room + wait_len, RECORD_PARAMS, request->proc_id, 0);
		buffer_grow(&request->records, wait_len + RECORD_HEADER_LEN);
	}
	request->head_len = request->records.len;
	return true;
}

const uint8_t *request_params(const struct request *request)
{
	return buffer_data(&request->records) + REQUEST_PARAMS_AT;
}

size_t request_buffered_len(const struct request *request)
{
	return request->records.len - request->head_len;
}

bool request_replace_params(struct request *request, const uint8_t *params, size_t len)
{
	struct buffer old = request->records;
	size_t body_len = request_buffered_len(request);
	const uint8_t *body = buffer_data(&old) + request->head_len;
	uint8_t *room;

	buffer_init(&request->records);
	room = buffer_room(&request->records, REQUEST_PARAMS_AT + len);
	if (room) {
		if (len > 0)
			memcpy(room + REQUEST_PARAMS_AT, params, len);
		buffer_grow(&request->records, REQUEST_PARAMS_AT + len);
		request->params_len = len;
		request->trace.has_values = false;
	}
	if (!room || !request_close_params(request) ||
	    (body_len > 0 && buffer_append(&request->records, body, body_len) < 0)) {
		buffer_fini(&request->records);
		request->records = old;
		return false;
	}
	buffer_fini(&old);
	return true;
}

/*
 * The value is as long as it is, and the padding makes up for it: the record keeps its length and
 * is written anew whenever the request is given to a proc.
 */
static void write_wait(struct request *request, uint8_t *record)
{
	const char *name = request->route->settings->queue_time_variable;
	uint64_t waited_ms = loop_now_ms() - request->ticket.since_ms;
	char value[WAIT_DIGITS + 1];
	struct param param = {
		.name = name, .name_len = strlen(name), .value = value, .value_len = WAIT_DIGITS};
	uint8_t *content;

	if (text_format(value, sizeof(value), "%llu", (unsigned long long)waited_ms) == 0)
		param.value_len = strlen(value);
	content = record_header_encode(record, RECORD_PARAMS, request->proc_id,
				       (uint16_t)(2 + param.name_len + param.value_len));
	record[RECORD_AT_PADDING_LEN] = (uint8_t)(WAIT_DIGITS - param.value_len);
	memset(params_encode(content, &param), 0, WAIT_DIGITS - param.value_len);
}

static void set_ids(struct request *request, uint16_t id)
{
	uint8_t *at = buffer_data(&request->records) + RECORD_BEGIN_LEN;
	uint8_t *end = buffer_data(&request->records) + request->records.len;

	request->proc_id = id;
	for (; at < end; at += record_len(at))
		record_set_id(at, id);
}

void request_address(struct request *request, uint16_t id, bool keep)
{
	uint8_t *records = buffer_data(&request->records);

	record_begin_encode(records, id, request->role, keep ? RECORD_FLAG_KEEP_CONN : 0);
	if (request->params_len > 0 && wait_record_len(request) > 0)
		write_wait(request, records + REQUEST_PARAMS_AT + request->params_len);
	if (id != request->proc_id)
		set_ids(request, id);
}
