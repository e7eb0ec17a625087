#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/stream.h"

enum { SENT_LEN = 3 * 1024 * 1024, PIECE_MAX = 200000, SMALL = 4096, SEED = 7 };

/* Both ends of a connection: ours in a stream, the peer's as a bare descriptor. */
struct ends {
	struct stream stream;
	int peer;
};

static void on_ready(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
}

static int setup(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	int size = SMALL;
	int pair[2];

	if (!ends || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
		return -1;
	stream_init(&ends->stream, pair[0], on_ready);
	ends->peer = pair[1];
	*state = ends;
	return 0;
}

static int teardown(void **state)
{
	struct ends *ends = *state;

	stream_close(&ends->stream);
	if (ends->peer >= 0)
		close(ends->peer);
	free(ends);
	return 0;
}

static void test_nothing_is_watched_without_need(void **state)
{
	struct stream *stream = &((struct ends *)*state)->stream;

	assert_int_equal(loop_io_events(&stream->io), 0);
	assert_int_equal(stream_write(stream, (const uint8_t *)"hello", 5), 0);
	assert_int_equal(loop_io_events(&stream->io), 0);
	stream_set_reading(stream, true);
	assert_int_equal(loop_io_events(&stream->io), LOOP_READ);
	stream_set_reading(stream, false);
	assert_int_equal(loop_io_events(&stream->io), 0);
}

/* Reads what there is, at most so much, and compares it with what was sent. */
static size_t read_and_compare(int peer, const uint8_t *expected, size_t most)
{
	static uint8_t bytes[PIECE_MAX];
	ssize_t len = read(peer, bytes, most < sizeof(bytes) ? most : sizeof(bytes));

	if (len < 0) {
		assert_int_equal(errno, EAGAIN);
		return 0;
	}
	assert_memory_equal(bytes, expected, (size_t)len);
	return (size_t)len;
}

static void test_what_the_peer_does_not_take_waits_in_order(void **state)
{
	struct ends *ends = *state;
	uint8_t *bytes = malloc(SENT_LEN);
	size_t written = 0, taken = 0;

	assert_non_null(bytes);
	srand(SEED);
	for (size_t i = 0; i < SENT_LEN; i++)
		bytes[i] = (uint8_t)rand();
	while (taken < SENT_LEN) {
		size_t len = (size_t)rand() % PIECE_MAX;

		if (len > SENT_LEN - written)
			len = SENT_LEN - written;
		assert_int_equal(stream_write(&ends->stream, bytes + written, len), 0);
		written += len;
		assert_int_equal(loop_io_events(&ends->stream.io),
				 stream_waiting(&ends->stream) > 0 ? LOOP_WRITE : 0);
		taken += read_and_compare(ends->peer, bytes + taken, (size_t)rand() % PIECE_MAX);
		assert_int_equal(stream_on_writable(&ends->stream), 0);
	}
	assert_int_equal(stream_waiting(&ends->stream), 0);
	assert_int_equal(ends->stream.out.capacity, 0);
	assert_int_equal(loop_io_events(&ends->stream.io), 0);
	free(bytes);
}

static void test_a_broken_connection_is_an_error_and_no_signal(void **state)
{
	struct ends *ends = *state;

	close(ends->peer);
	ends->peer = -1;
	assert_int_equal(stream_write(&ends->stream, (const uint8_t *)"x", 1), -EPIPE);
	assert_int_equal(stream_peek(&ends->stream), 0);
}

static void test_receiving(void **state)
{
	struct ends *ends = *state;
	uint8_t room[8];

	assert_int_equal(stream_receive(&ends->stream, room, sizeof(room)), -EAGAIN);
	assert_int_equal(stream_peek(&ends->stream), -EAGAIN);
	assert_int_equal(write(ends->peer, "abc", 3), 3);
	assert_int_equal(stream_peek(&ends->stream), 1);
	assert_int_equal(stream_receive(&ends->stream, room, sizeof(room)), 3);
	assert_memory_equal(room, "abc", 3);
	stream_shut(&ends->stream);
	assert_int_equal(read(ends->peer, room, sizeof(room)), 0);
	close(ends->peer);
	ends->peer = -1;
	assert_int_equal(stream_receive(&ends->stream, room, sizeof(room)), 0);
}

static void test_nothing_is_sent_while_connecting(void **state)
{
	struct ends *ends = *state;
	uint8_t room[8];

	stream_set_connecting(&ends->stream);
	stream_set_reading(&ends->stream, true);
	assert_int_equal(loop_io_events(&ends->stream.io), LOOP_WRITE);
	assert_int_equal(stream_write(&ends->stream, (const uint8_t *)"abc", 3), 0);
	assert_int_equal(stream_waiting(&ends->stream), 3);
	assert_int_equal(stream_on_writable(&ends->stream), 0);
	assert_false(ends->stream.connecting);
	assert_int_equal(loop_io_events(&ends->stream.io), LOOP_READ);
	assert_int_equal(read(ends->peer, room, sizeof(room)), 3);
}

static void test_closing_twice(void **state)
{
	struct ends *ends = *state;

	assert_true(stream_is_open(&ends->stream));
	stream_set_reading(&ends->stream, true);
	stream_close(&ends->stream);
	assert_false(stream_is_open(&ends->stream));
	stream_close(&ends->stream);
}

enum { FILE_LEN = 300000, FILE_OFFSET = 4097 };

/* A file of random bytes, which are left in bytes too. */
static int new_file(uint8_t *bytes, size_t len)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	assert_true(fd >= 0);
	srand(SEED);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)rand();
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

static void put(struct stream *stream, int fd, uint64_t offset, size_t len)
{
	struct stream_file file = {.fd = fd, .offset = offset, .len = len};

	assert_int_equal(stream_put_file(stream, (const uint8_t *)"head", 4, &file), 0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_a_file_goes_out_between_what_was_written_before_and_after(void **state)
{
	static uint8_t sent[4 + FILE_LEN + 4];
	struct ends *ends = *state;
	size_t taken = 0, len = FILE_LEN - FILE_OFFSET;
	int fd = new_file(sent + 4, FILE_LEN);

	put(&ends->stream, fd, FILE_OFFSET, len);
	memmove(sent + 4, sent + 4 + FILE_OFFSET, len);
	memcpy(sent, "head", 4);
	assert_int_equal(stream_write(&ends->stream, (const uint8_t *)"tail", 4), 0);
	memcpy(sent + 4 + len, "tail", 4);
	assert_int_equal(stream_waiting(&ends->stream), 4 + len + 4);
	assert_int_equal(read_and_compare(ends->peer, sent, PIECE_MAX), 0);
	while (taken < 4 + len + 4) {
		assert_int_equal(loop_io_events(&ends->stream.io), LOOP_WRITE);
		assert_int_equal(stream_on_writable(&ends->stream), 0);
		taken += read_and_compare(ends->peer, sent + taken, (size_t)rand() % PIECE_MAX);
		assert_true(stream_waiting(&ends->stream) <= 4 + len + 4 - taken);
		if (stream_waiting(&ends->stream) == 0)
			taken += read_and_compare(ends->peer, sent + taken, PIECE_MAX);
	}
	assert_int_equal(stream_waiting(&ends->stream), 0);
	assert_false(stream_has_file(&ends->stream));
	assert_int_equal(ends->stream.out.capacity, 0);
	assert_int_equal(loop_io_events(&ends->stream.io), 0);
	assert_true(is_open(fd));
	close(fd);
}

static void test_a_file_goes_out_behind_what_waits(void **state)
{
	static uint8_t bytes[PIECE_MAX], content[SMALL], room[SMALL];
	struct ends *ends = *state;
	size_t taken = 0;
	int fd = new_file(content, sizeof(content));

	assert_int_equal(stream_write(&ends->stream, bytes, sizeof(bytes)), 0);
	assert_true(stream_waiting(&ends->stream) > 0);
	put(&ends->stream, fd, 0, 10);
	while (taken < sizeof(bytes)) {
		taken += read_and_compare(ends->peer, bytes, sizeof(bytes) - taken);
		assert_int_equal(stream_on_writable(&ends->stream), 0);
	}
	assert_int_equal(read(ends->peer, room, sizeof(room)), 4 + 10);
	assert_memory_equal(room, "head", 4);
	assert_memory_equal(room + 4, content, 10);
	close(fd);
}

static void test_a_file_that_becomes_shorter_is_an_error(void **state)
{
	static uint8_t content[SMALL];
	struct ends *ends = *state;
	int fd = new_file(content, sizeof(content));

	put(&ends->stream, fd, 0, sizeof(content));
	assert_int_equal(ftruncate(fd, 1), 0);
	assert_int_equal(stream_on_writable(&ends->stream), 0);
	assert_int_equal(stream_on_writable(&ends->stream), -ENODATA);
	assert_true(stream_has_file(&ends->stream));
	close(fd);
}

static void test_a_file_that_its_owner_is_done_with(void **state)
{
	static uint8_t content[SMALL];
	struct ends *ends = *state;
	int fd = new_file(content, sizeof(content));

	assert_false(stream_take_over(&ends->stream, fd));
	put(&ends->stream, fd, 0, 10);
	assert_false(stream_take_over(&ends->stream, ends->peer));
	assert_true(stream_take_over(&ends->stream, fd));
	assert_true(is_open(fd));
	assert_int_equal(stream_on_writable(&ends->stream), 0);
	assert_false(is_open(fd));
	fd = new_file(content, sizeof(content));
	put(&ends->stream, fd, 0, 10);
	assert_true(stream_take_over(&ends->stream, fd));
	stream_close(&ends->stream);
	assert_false(is_open(fd));
	assert_false(stream_has_file(&ends->stream));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_watched_without_need, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_the_peer_does_not_take_waits_in_order,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_broken_connection_is_an_error_and_no_signal,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_receiving, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_sent_while_connecting, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_closing_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_file_goes_out_between_what_was_written_before_and_after, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_a_file_goes_out_behind_what_waits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_becomes_shorter_is_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_its_owner_is_done_with, setup,
						teardown),
	};

	if (!loop_init())
		return 1;
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
