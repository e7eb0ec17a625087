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
#include "fcgi/record_reader.h"
#include "mux/question.h"
#include "os/address.h"

enum { PATIENCE_MS = 10000, READ_LEN = 64 * 1024, STATUS_BAD = 400 };

/* One that is under way. The first thing that fails is its fault, and all that follows false. */
struct getting {
	const char *address; /* as it was given */
	struct question *question;
	int fd; /* owned; -1: none */
	uint64_t deadline_ms;
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
	getting->fault = text_new("%s: %s", getting->address, what);
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
	getting->fault = text_new("%s: cannot connect: %s", getting->address, strerror(error));
	return false;
}

static bool connect_to(struct getting *getting)
{
	struct address address;
	struct socket_address resolved;
	const char *fault = address_parse(getting->address, &address);
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

static bool fail_with(struct getting *getting, int error)
{
	if (error == -ENAMETOOLONG)
		return fail(getting, "the path is too long");
	return fail(getting, error == -EPROTO ? getting->question->fault : strerror(-error));
}

static bool send_question(struct getting *getting)
{
	struct buffer out = {0};
	int error = question_encode(getting->question, &out);
	bool is_sent = error < 0 ? fail_with(getting, error) : send_all(getting, &out);

	buffer_fini(&out);
	return is_sent;
}

static bool receive_answer(struct getting *getting)
{
	static uint8_t scratch[RECORD_HEADROOM + READ_LEN];
	uint8_t *bytes = scratch + RECORD_HEADROOM;

	while (!getting->question->is_over) {
		ssize_t len;
		int error = 0;

		if (!wait_for(getting, POLLIN))
			return false;
		len = recv(getting->fd, bytes, READ_LEN, 0);
		if (len == 0)
			return fail(getting, "the connection was closed before the answer's end");
		if (len < 0 && errno != EAGAIN)
			return fail(getting, strerror(errno));
		if (len > 0)
			error = question_take(getting->question, bytes, (size_t)len);
		if (error < 0)
			return fail_with(getting, error);
	}
	return true;
}

/* NULL, and the question has its answer; or a malloced sentence. */
static char *put_question(const char *address, struct question *question)
{
	struct getting getting = {
		.address = address,
		.question = question,
		.fd = -1,
		.deadline_ms = now_ms() + PATIENCE_MS,
	};
	bool is_answered =
		connect_to(&getting) && send_question(&getting) && receive_answer(&getting);

	if (!is_answered && !getting.fault)
		getting.fault = strdup("out of memory");
	if (getting.fd >= 0)
		close(getting.fd);
	question_fini(question);
	return getting.fault;
}

char *get_answer(const struct get *get, unsigned *status)
{
	struct question question;
	char *fault;

	question_init(&question, get->path);
	question.on_body = get->on_body;
	question.on_error = get->on_error;
	question.owner = get->owner;
	fault = put_question(get->address, &question);
	*status = question.head.status;
	return fault;
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

static void check_address(const char *address)
{
	struct address parsed;
	const char *fault = address_parse(address, &parsed);

	if (fault)
		fatalx(EX_USAGE, "%s: %s", address, fault);
}

int get_run(const char *address, const char *path)
{
	const struct get get = {
		.address = address, .path = path, .on_body = print, .on_error = print_error};
	unsigned status = 0;
	char *sentence;

	check_address(address);
	sentence = get_answer(&get, &status);
	if (fflush(stdout) != 0)
		fatal(EX_IOERR, "cannot write the answer");
	if (sentence)
		fatalx(EXIT_FAILURE, "%s", sentence);
	if (status == 0 || status >= STATUS_BAD)
		fatalx(EXIT_FAILURE, "%s: status %u", address, status);
	return EXIT_SUCCESS;
}

/* Who takes none at all does not answer: 0 is what has not been told. */
static void print_values(const struct values *values)
{
	if (values->max_conns > 0)
		printf("FCGI_MAX_CONNS=%u\n", values->max_conns);
	if (values->max_reqs > 0)
		printf("FCGI_MAX_REQS=%u\n", values->max_reqs);
	printf("FCGI_MPXS_CONNS=%u\n", values->mpxs_conns);
	if (!values->knows_load)
		return;
	printf("HERD_CAPACITY=%u\n", values->capacity);
	printf("HERD_BUSY=%u\n", values->busy);
	printf("HERD_QUEUED=%u\n", values->queued);
}

int get_values_run(const char *address)
{
	struct question question;
	char *sentence;

	check_address(address);
	question_init(&question, NULL);
	sentence = put_question(address, &question);
	if (sentence)
		fatalx(EXIT_FAILURE, "%s", sentence);
	if (!question.has_values)
		fatalx(EXIT_FAILURE, "%s: knows no values", address);
	print_values(&question.values);
	if (fflush(stdout) != 0)
		fatal(EX_IOERR, "cannot write the values");
	if (question.values.knows_load && question.values.capacity == 0)
		fatalx(EXIT_FAILURE, "%s: none of its processes takes requests", address);
	return EXIT_SUCCESS;
}
