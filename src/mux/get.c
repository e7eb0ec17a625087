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

#include "base/address.h"
#include "base/buffer.h"
#include "base/log.h"
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

struct get {
	const char *address; /* as it was given */
	int fd;
	uint64_t deadline_ms;
	struct head head;
	struct buffer held; /* of the answer, until its head is whole */
	bool has_head;
	bool is_over;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((noreturn)) static void fail(const struct get *get, const char *what)
{
	(void)fflush(stdout);
	fatalx(EXIT_FAILURE, "%s: %s", get->address, what);
}

/* Until the socket is ready for it. */
static void wait_for(const struct get *get, short events)
{
	struct pollfd polled = {.fd = get->fd, .events = events};
	uint64_t now = now_ms();
	int count = 0;

	if (now < get->deadline_ms)
		count = poll(&polled, 1, (int)(get->deadline_ms - now));
	if (count == 0)
		fail(get, "no answer within 10 s");
	if (count < 0)
		fail(get, strerror(errno));
}

static void connect_to(struct get *get)
{
	struct address address;
	struct socket_address resolved;
	const char *fault = address_parse(get->address, &address);
	bool is_connecting;
	int error = 0;
	socklen_t len = sizeof(error);

	if (fault)
		fatalx(EX_USAGE, "%s: %s", get->address, fault);
	fault = socket_address_resolve(&address, &resolved);
	if (fault)
		fail(get, fault);
	get->fd = socket_connect(&resolved, &is_connecting);
	if (get->fd >= 0 && is_connecting) {
		wait_for(get, POLLOUT);
		(void)getsockopt(get->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
	if (get->fd < 0 || error)
		fatalx(EXIT_FAILURE, "%s: cannot connect: %s", get->address,
		       strerror(error ? error : -get->fd));
}

static void append(const struct get *get, struct buffer *out, const void *bytes, size_t len)
{
	if (buffer_append(out, bytes, len) < 0)
		fail(get, "out of memory");
}

static void append_param(const struct get *get, struct buffer *out, const char *name,
			 const char *value, size_t value_len)
{
	struct param param = {
		.name = name, .name_len = strlen(name), .value = value, .value_len = value_len};
	size_t len = params_encoded_len(param.name_len, value_len);
	uint8_t *room = buffer_room(out, len);

	if (!room)
		fail(get, "out of memory");
	params_encode(room, &param);
	buffer_grow(out, len);
}

static void encode_params(const struct get *get, struct buffer *out, const char *path)
{
	size_t script_len = strcspn(path, "?");
	const char *query = path + script_len + (path[script_len] == '?');
	static const char *const fixed[][2] = {
		{"GATEWAY_INTERFACE", "CGI/1.1"},
		{"REQUEST_METHOD", "GET"},
		{"SERVER_PROTOCOL", "HTTP/1.1"},
		{"SERVER_SOFTWARE", "fcgi-mux/" VERSION},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		append_param(get, out, fixed[i][0], fixed[i][1], strlen(fixed[i][1]));
	append_param(get, out, "SCRIPT_NAME", path, script_len);
	append_param(get, out, "SCRIPT_FILENAME", path, script_len);
	append_param(get, out, "REQUEST_URI", path, strlen(path));
	append_param(get, out, "QUERY_STRING", query, strlen(query));
	if (out->len > RECORD_CONTENT_MAX)
		fatalx(EX_USAGE, "the path is too long");
}

static void encode_request(const struct get *get, struct buffer *out, const char *path)
{
	struct buffer params = {0};
	uint8_t header[RECORD_BEGIN_LEN];
	size_t begin_len =
		(size_t)(record_begin_encode(header, REQUEST_ID, RECORD_RESPONDER, 0) - header);

	encode_params(get, &params, path);
	append(get, out, header, begin_len);
	record_header_encode(header, RECORD_PARAMS, REQUEST_ID, (uint16_t)params.len);
	append(get, out, header, RECORD_HEADER_LEN);
	append(get, out, buffer_data(&params), params.len);
	record_header_encode(header, RECORD_PARAMS, REQUEST_ID, 0);
	append(get, out, header, RECORD_HEADER_LEN);
	record_header_encode(header, RECORD_STDIN, REQUEST_ID, 0);
	append(get, out, header, RECORD_HEADER_LEN);
	buffer_fini(&params);
}

static void send_request(const struct get *get, const char *path)
{
	struct buffer out = {0};
	ssize_t len;

	encode_request(get, &out, path);
	while (out.len > 0) {
		wait_for(get, POLLOUT);
		len = send(get->fd, buffer_data(&out), out.len, MSG_NOSIGNAL);
		if (len < 0 && errno != EAGAIN)
			fail(get, strerror(errno));
		buffer_consume(&out, len > 0 ? (size_t)len : 0);
	}
}

/* A short write is found by fflush at the end. */
static void print(FILE *out, const void *bytes, size_t len)
{
	if (len > 0)
		(void)!fwrite(bytes, 1, len, out);
}

static void take_head(struct get *get, const struct record_piece *piece)
{
	append(get, &get->held, piece->content, piece->content_len);
	switch (head_read(&get->head, buffer_data(&get->held), get->held.len)) {
	case HEAD_MORE:
		return;
	case HEAD_COMPLETE:
		get->has_head = true;
		print(stdout, buffer_data(&get->held) + get->head.len,
		      get->held.len - get->head.len);
		buffer_fini(&get->held);
		return;
	case HEAD_TOO_LONG:
	case HEAD_MALFORMED:
		fail(get, "the head of its answer is malformed or too long");
	}
}

static void take_end(struct get *get, const struct record_piece *piece)
{
	struct record_end end = record_end_decode(piece->record);

	if (end.status != RECORD_REQUEST_COMPLETE)
		fail(get, "refused the request");
	if (!get->has_head)
		fail(get, "the answer ended before its head did");
	get->is_over = true;
}

static void take(struct get *get, const struct record_piece *piece)
{
	if (piece->id != REQUEST_ID)
		return;
	if (piece->type == RECORD_STDERR)
		print(stderr, piece->content, piece->content_len);
	else if (piece->type == RECORD_STDOUT && get->has_head)
		print(stdout, piece->content, piece->content_len);
	else if (piece->type == RECORD_STDOUT && piece->content_len > 0)
		take_head(get, piece);
	else if (piece->type == RECORD_END_REQUEST)
		take_end(get, piece);
}

static void receive_answer(struct get *get)
{
	static uint8_t scratch[RECORD_HEADROOM + READ_LEN];
	struct record_reader reader = {0};
	enum record_result result = RECORD_MORE;
	struct record_cursor cursor;
	struct record_piece piece;
	ssize_t len;

	head_init(&get->head, HEAD_MAX);
	while (!get->is_over) {
		wait_for(get, POLLIN);
		len = recv(get->fd, scratch + RECORD_HEADROOM, READ_LEN, 0);
		if (len == 0)
			fail(get, "the connection was closed before the answer's end");
		if (len < 0 && errno != EAGAIN)
			fail(get, strerror(errno));
		record_reader_begin(&cursor, &reader, scratch + RECORD_HEADROOM,
				    len > 0 ? (size_t)len : 0);
		while (!get->is_over &&
		       (result = record_reader_next(&cursor, &piece)) == RECORD_PIECE)
			take(get, &piece);
		if (result == RECORD_BAD)
			fail(get, "answered something that is no FastCGI 1.0");
	}
}

int get_run(const char *address, const char *path)
{
	struct get get = {.address = address, .fd = -1, .deadline_ms = now_ms() + PATIENCE_MS};

	connect_to(&get);
	send_request(&get, path);
	receive_answer(&get);
	if (fflush(stdout) != 0)
		fatal(EX_IOERR, "cannot write the answer");
	if (get.head.status >= STATUS_BAD)
		fatalx(EXIT_FAILURE, "%s: status %u", address, get.head.status);
	return EXIT_SUCCESS;
}
