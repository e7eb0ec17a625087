#include "mux/get.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/buffer.h"
#include "base/log.h"
#include "base/text.h"
#include "fcgi/head.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"
#include "os/address.h"

enum {
	PATIENCE_MS = 10000,
	READ_LEN = 64 * 1024,
	HEAD_MAX = 64 * 1024,
	REQUEST_ID = 1,
	STATUS_BAD = 400,
};

/* One that is under way. The first thing that fails is its fault, and all that follows false. */
struct getting {
	const struct get *get;
	int fd; /* owned; -1: none */
	uint64_t deadline_ms;
	struct head head;
	struct buffer held; /* of the answer, until its head is whole */
	bool has_head;
	bool is_over;
	char *fault; /* a sentence; NULL: all is well */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool fail(struct getting *getting, const char *what)
{
	getting->fault = text_new("%s: %s", getting->get->address, what);
	return false;
}

/* Until the socket is ready for it. */
static bool wait_for(struct getting *getting, short events)
{
	struct pollfd polled = {.fd = getting->fd, .events = events};
	uint64_t now = now_ms();
	int count = 0;

	if (now < getting->deadline_ms)
		count = poll(&polled, 1, (int)(getting->deadline_ms - now));
	if (count == 0)
		return fail(getting, "no answer within 10 s");
	return count > 0 ? true : fail(getting, strerror(errno));
}

static bool fail_to_connect(struct getting *getting, int error)
{
	getting->fault = text_new("%s: cannot connect: %s", getting->get->address, strerror(error));
	return false;
}

static bool connect_to(struct getting *getting)
{
	struct address address;
	struct socket_address resolved;
	const char *fault = address_parse(getting->get->address, &address);
	bool is_connecting;
	int error = 0;
	socklen_t len = sizeof(error);

	if (!fault)
		fault = socket_address_resolve(&address, &resolved);
	if (fault)
		return fail(getting, fault);
	getting->fd = socket_connect(&resolved, &is_connecting);
	if (getting->fd < 0)
		return fail_to_connect(getting, -getting->fd);
	if (is_connecting && !wait_for(getting, POLLOUT))
		return false;
	(void)getsockopt(getting->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error ? fail_to_connect(getting, error) : true;
}

static bool append(struct buffer *out, const void *bytes, size_t len)
{
	return len == 0 || buffer_append(out, bytes, len) == 0;
}

static bool append_param(struct buffer *out, const char *name, const char *value, size_t value_len)
{
	struct param param = {
		.name = name, .name_len = strlen(name), .value = value, .value_len = value_len};
	size_t len = params_encoded_len(param.name_len, value_len);
	uint8_t *room = buffer_room(out, len);

	if (!room)
		return false;
	params_encode(room, &param);
	buffer_grow(out, len);
	return true;
}

static bool encode_params(struct buffer *out, const char *path)
{
	size_t script_len = strcspn(path, "?");
	const char *query = path + script_len + (path[script_len] == '?');
	static const char *const fixed[][2] = {
		{"GATEWAY_INTERFACE", "CGI/1.1"},
		{"REQUEST_METHOD", "GET"},
		{"SERVER_PROTOCOL", "HTTP/1.1"},
		{"SERVER_SOFTWARE", "fcgi-mux/" VERSION},
	};
	bool is_good = true;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		is_good =
			is_good && append_param(out, fixed[i][0], fixed[i][1], strlen(fixed[i][1]));
	return is_good && append_param(out, "SCRIPT_NAME", path, script_len) &&
	       append_param(out, "SCRIPT_FILENAME", path, script_len) &&
	       append_param(out, "REQUEST_URI", path, strlen(path)) &&
	       append_param(out, "QUERY_STRING", query, strlen(query));
}

static bool append_header(struct buffer *out, uint8_t type, size_t len)
{
	uint8_t header[RECORD_HEADER_LEN];

	record_header_encode(header, type, REQUEST_ID, (uint16_t)len);
	return append(out, header, sizeof(header));
}

static bool encode_request(struct getting *getting, struct buffer *out, struct buffer *params)
{
	uint8_t begin[RECORD_BEGIN_LEN];

	record_begin_encode(begin, REQUEST_ID, RECORD_RESPONDER, 0);
	if (!encode_params(params, getting->get->path))
		return fail(getting, "out of memory");
	if (params->len > RECORD_CONTENT_MAX)
		return fail(getting, "the path is too long");
	if (append(out, begin, sizeof(begin)) && append_header(out, RECORD_PARAMS, params->len) &&
	    append(out, buffer_data(params), params->len) && append_header(out, RECORD_PARAMS, 0) &&
	    append_header(out, RECORD_STDIN, 0))
		return true;
	return fail(getting, "out of memory");
}

static bool send_all(struct getting *getting, struct buffer *out)
{
	while (out->len > 0) {
		ssize_t len;

		if (!wait_for(getting, POLLOUT))
			return false;
		len = send(getting->fd, buffer_data(out), out->len, MSG_NOSIGNAL);
		if (len < 0 && errno != EAGAIN)
			return fail(getting, strerror(errno));
		buffer_consume(out, len > 0 ? (size_t)len : 0);
	}
	return true;
}

static bool send_request(struct getting *getting)
{
	struct buffer out = {0}, params = {0};
	bool is_sent = encode_request(getting, &out, &params) && send_all(getting, &out);

	buffer_fini(&params);
	buffer_fini(&out);
	return is_sent;
}

static void take_body(const struct getting *getting, const void *bytes, size_t len)
{
	if (len > 0)
		getting->get->on_body(getting->get->owner, bytes, len);
}

static bool take_head(struct getting *getting, const struct record_piece *piece)
{
	struct buffer *held = &getting->held;

	if (!append(held, piece->content, piece->content_len))
		return fail(getting, "out of memory");
	switch (head_read(&getting->head, buffer_data(held), held->len)) {
	case HEAD_MORE:
		return true;
	case HEAD_COMPLETE:
		getting->has_head = true;
		take_body(getting, buffer_data(held) + getting->head.len,
			  held->len - getting->head.len);
		buffer_fini(held);
		return true;
	case HEAD_TOO_LONG:
	case HEAD_MALFORMED:
		break;
	}
	return fail(getting, "the head of its answer is malformed or too long");
}

static bool take_end(struct getting *getting, const struct record_piece *piece)
{
	if (record_end_decode(piece->record).status != RECORD_REQUEST_COMPLETE)
		return fail(getting, "refused the request");
	if (!getting->has_head)
		return fail(getting, "the answer ended before its head did");
	getting->is_over = true;
	return true;
}

static bool take(struct getting *getting, const struct record_piece *piece)
{
	const struct get *get = getting->get;

	if (piece->id != REQUEST_ID)
		return true;
	if (piece->type == RECORD_END_REQUEST)
		return take_end(getting, piece);
	if (piece->content_len == 0)
		return true;
	if (piece->type == RECORD_STDERR)
		get->on_error(get->owner, piece->content, piece->content_len);
	else if (piece->type == RECORD_STDOUT && getting->has_head)
		take_body(getting, piece->content, piece->content_len);
	else if (piece->type == RECORD_STDOUT)
		return take_head(getting, piece);
	return true;
}

/* What was read, at the place in scratch that records are read from. */
static bool take_all(struct getting *getting, struct record_reader *reader, uint8_t *bytes,
		     size_t len)
{
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;

	record_reader_begin(&cursor, reader, bytes, len);
	while (!getting->is_over && (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
		if (!take(getting, &piece))
			return false;
	if (result == RECORD_BAD)
		return fail(getting, "answered something that is no FastCGI 1.0");
	return true;
}

static bool receive_answer(struct getting *getting)
{
	static uint8_t scratch[RECORD_HEADROOM + READ_LEN];
	uint8_t *bytes = scratch + RECORD_HEADROOM;
	struct record_reader reader = {0};

	while (!getting->is_over) {
		ssize_t len;

		if (!wait_for(getting, POLLIN))
			return false;
		len = recv(getting->fd, bytes, READ_LEN, 0);
		if (len == 0)
			return fail(getting, "the connection was closed before the answer's end");
		if (len < 0 && errno != EAGAIN)
			return fail(getting, strerror(errno));
		if (len > 0 && !take_all(getting, &reader, bytes, (size_t)len))
			return false;
	}
	return true;
}

char *get_answer(const struct get *get, unsigned *status)
{
	struct getting getting = {.get = get, .fd = -1, .deadline_ms = now_ms() + PATIENCE_MS};

	head_init(&getting.head, HEAD_MAX);
	if (connect_to(&getting) && send_request(&getting) && receive_answer(&getting))
		*status = getting.head.status;
	else if (!getting.fault)
		getting.fault = strdup("out of memory");
	if (getting.fd >= 0)
		close(getting.fd);
	buffer_fini(&getting.held);
	return getting.fault;
}

/* A short write is found by fflush at the end. */
static void print(void *owner, const void *bytes, size_t len)
{
	(void)owner;
	(void)!fwrite(bytes, 1, len, stdout);
}

static void print_error(void *owner, const void *bytes, size_t len)
{
	(void)owner;
	(void)!fwrite(bytes, 1, len, stderr);
}

int get_run(const char *address, const char *path)
{
	const struct get get = {
		.address = address, .path = path, .on_body = print, .on_error = print_error};
	struct address parsed;
	const char *fault = address_parse(address, &parsed);
	unsigned status = 0;
	char *sentence;

	if (fault)
		fatalx(EX_USAGE, "%s: %s", address, fault);
	sentence = get_answer(&get, &status);
	if (fflush(stdout) != 0)
		fatal(EX_IOERR, "cannot write the answer");
	if (sentence)
		fatalx(EXIT_FAILURE, "%s", sentence);
	if (status == 0 || status >= STATUS_BAD)
		fatalx(EXIT_FAILURE, "%s: status %u", address, status);
	return EXIT_SUCCESS;
}
