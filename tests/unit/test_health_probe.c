#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "fcgi/record.h"
#include "mux/health.h"

/*
 * Probes of a server in this same loop, which answers what the test says, once it has been asked.
 */

enum { PATIENCE_MS = 10000, SILENCE_MS = 50, CONTENT_LEN = 32 * 1024, PORT_NOBODY_HAS = 1 };

static struct server {
	struct socket_address address;
	struct loop_io listening;
	struct loop_io connection;
	struct loop_timer pause; /* between two pieces of the answer */
	struct buffer asked;	 /* what has come */
	struct buffer answer;	 /* what is still to be sent */
	size_t piece_len;	 /* of it at a time; 0: all */
	bool closes;		 /* when all is sent */
	unsigned connections;
} server;

static struct health_plan plan; /* of the next probe */
static struct health_probe *probe;
static struct health_answer seen; /* its result, with the reason in seen_reason */
static char seen_reason[100];
static unsigned result_count;
static bool is_cancelled_at_once; /* from within on_result */
static int first_free_fd;

static struct loop_timer patience;

static void on_patience_lost(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the result never came");
}

static void close_connection(void)
{
	int fd = server.connection.watcher.fd;

	if (fd < 0)
		return;
	loop_io_set(&server.connection, 0);
	close(fd);
	loop_io_init(&server.connection, -1, server.connection.on_ready);
}

/* The next piece; a client that has left is none of its business. */
static void send_piece(struct loop_timer *timer)
{
	size_t len = server.answer.len;
	ssize_t sent;

	(void)timer;
	if (server.piece_len > 0 && len > server.piece_len)
		len = server.piece_len;
	sent = send(server.connection.watcher.fd, buffer_data(&server.answer), len, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN) {
		close_connection();
		return;
	}
	buffer_consume(&server.answer, sent > 0 ? (size_t)sent : 0);
	if (server.answer.len > 0)
		loop_timer_start(&server.pause, 0);
	else if (server.closes)
		close_connection();
}

static size_t question_len(void)
{
	struct question question;
	struct buffer out = {0};
	size_t len;

	question_init(&question, plan.request);
	question.docroot = plan.docroot;
	assert_int_equal(question_encode(&question, &out), 0);
	len = out.len;
	buffer_fini(&out);
	return len;
}

static void on_asked(struct loop_io *io, int events)
{
	uint8_t bytes[4096];
	ssize_t len = recv(io->watcher.fd, bytes, sizeof(bytes), 0);

	(void)events;
	if (len <= 0) {
		loop_timer_stop(&server.pause);
		close_connection();
		return;
	}
	assert_int_equal(buffer_append(&server.asked, bytes, (size_t)len), 0);
	if (server.asked.len == question_len() && (server.answer.len > 0 || server.closes))
		send_piece(&server.pause);
}

static void on_connected(struct loop_io *io, int events)
{
	int fd = accept4(io->watcher.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	assert_true(fd >= 0);
	server.connections++;
	loop_io_init(&server.connection, fd, on_asked);
	loop_io_set(&server.connection, LOOP_READ);
}

static int listen_somewhere(int backlog)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&server.address.storage;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	server.address = (struct socket_address){.len = sizeof(*v4)};
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)v4, server.address.len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)v4, &server.address.len), 0);
	return fd;
}

static int look_for_a_free_fd(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

static int set_up(void **state)
{
	(void)state;
	first_free_fd = look_for_a_free_fd();
	server = (struct server){0};
	loop_io_init(&server.connection, -1, on_asked);
	loop_io_init(&server.listening, listen_somewhere(SOMAXCONN), on_connected);
	loop_io_set(&server.listening, LOOP_READ);
	loop_timer_init(&server.pause, send_piece);
	plan = (struct health_plan){.timeout_ms = PATIENCE_MS, .status = 200, .owner = &plan};
	seen = (struct health_answer){0};
	result_count = 0;
	is_cancelled_at_once = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	health_probe_cancel(probe);
	probe = NULL;
	loop_timer_stop(&server.pause);
	close_connection();
	loop_io_set(&server.listening, 0);
	close(server.listening.watcher.fd);
	buffer_fini(&server.asked);
	buffer_fini(&server.answer);
	assert_int_equal(look_for_a_free_fd(), first_free_fd);
	return 0;
}

static void on_result(struct health_probe *of, const struct health_answer *answer)
{
	assert_ptr_equal(of, probe);
	assert_ptr_equal(of->owner, &plan);
	result_count++;
	seen = *answer;
	assert_int_equal(answer->reason == NULL, answer->result == HEALTH_GOOD);
	(void)text_format(seen_reason, sizeof(seen_reason), "%s",
			  answer->reason ? answer->reason : "");
	if (is_cancelled_at_once) {
		health_probe_cancel(of);
		probe = NULL;
	}
	loop_stop();
}

static void start(void)
{
	probe = health_probe_start(&server.address, &plan, on_result);
	assert_non_null(probe);
	assert_int_equal(result_count, 0);
}

/* Until on_result, or the end of the test's own wait. */
static void run(void)
{
	loop_timer_init(&patience, on_patience_lost);
	loop_timer_start(&patience, PATIENCE_MS);
	loop_run();
	loop_timer_stop(&patience);
}

static void on_moment_over(struct loop_timer *timer)
{
	(void)timer;
	loop_stop();
}

static void run_for_a_moment(void)
{
	struct loop_timer moment;

	loop_timer_init(&moment, on_moment_over);
	loop_timer_start(&moment, SILENCE_MS);
	loop_run();
}

static void probe_and_expect(enum health_result result, const char *reason)
{
	start();
	run();
	assert_int_equal(result_count, 1);
	assert_int_equal(seen.result, result);
	assert_string_equal(seen_reason, reason);
}

/* For another probe in the same test. */
static void start_over(void)
{
	health_probe_cancel(probe);
	probe = NULL;
	result_count = 0;
	run_for_a_moment();
	buffer_fini(&server.asked);
	buffer_fini(&server.answer);
}

static void put_record(uint8_t type, uint16_t id, const void *content, size_t len)
{
	uint8_t header[RECORD_HEADER_LEN];

	record_header_encode(header, type, id, (uint16_t)len);
	assert_int_equal(buffer_append(&server.answer, header, sizeof(header)), 0);
	if (len > 0)
		assert_int_equal(buffer_append(&server.answer, content, len), 0);
}

static void put_text(uint8_t type, const char *text)
{
	put_record(type, 1, text, strlen(text));
}

static void put_end(uint8_t status)
{
	uint8_t record[RECORD_BEGIN_LEN];

	record_end_encode(record, 1, 0, status);
	assert_int_equal(buffer_append(&server.answer, record, sizeof(record)), 0);
}

/* As an fcgi-mux answers our question. */
static void put_values(void)
{
	const struct values values = {.max_conns = 7, .capacity = 9, .busy = 3, .queued = 1};
	const struct values_query all = {.asked = UINT8_MAX};
	uint8_t record[VALUES_ENCODED_MAX];
	uint8_t *end = values_result_encode(record, &all, &values);

	assert_int_equal(buffer_append(&server.answer, record, (size_t)(end - record)), 0);
	put_record(RECORD_GET_VALUES_RESULT, 0, NULL, 0);
}

static void put_page(void)
{
	put_text(RECORD_STDERR, "a word");
	put_text(RECORD_STDOUT, "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nwell");
	put_record(RECORD_STDOUT, 1, NULL, 0);
	put_end(RECORD_REQUEST_COMPLETE);
}

static void put_much(uint8_t type, size_t len)
{
	static uint8_t content[CONTENT_LEN];

	memset(content, 'x', sizeof(content));
	for (size_t put = 0; put < len; put += sizeof(content))
		put_record(type, 1, content, sizeof(content));
}

static void test_values(void **state)
{
	(void)state;
	put_values();
	probe_and_expect(HEALTH_GOOD, "");
	assert_true(seen.has_values);
	assert_true(seen.values.knows_load);
	assert_int_equal(seen.values.max_conns, 7);
	assert_int_equal(seen.values.capacity, 9);
	assert_int_equal(seen.values.busy, 3);
	assert_int_equal(seen.values.queued, 1);
}

static void test_a_program_that_knows_no_values_is_well(void **state)
{
	uint8_t record[RECORD_BEGIN_LEN];

	(void)state;
	record_unknown_type_encode(record, RECORD_GET_VALUES);
	assert_int_equal(buffer_append(&server.answer, record, sizeof(record)), 0);
	probe_and_expect(HEALTH_GOOD, "");
	assert_false(seen.has_values);
	start_over();
	put_record(RECORD_GET_VALUES_RESULT, 0, NULL, 0);
	probe_and_expect(HEALTH_GOOD, "");
	assert_false(seen.has_values);
}

static void test_a_page(void **state)
{
	(void)state;
	plan.request = "/ping.php?a=b";
	plan.docroot = "/srv/www";
	put_page();
	probe_and_expect(HEALTH_GOOD, "");
	assert_false(seen.has_values);
}

static void test_a_page_with_the_status_that_is_expected(void **state)
{
	(void)state;
	plan.request = "/";
	plan.status = 404;
	put_text(RECORD_STDOUT, "Status: 404 Gone\n\n");
	put_end(RECORD_REQUEST_COMPLETE);
	probe_and_expect(HEALTH_GOOD, "");
}

/* Its end is not waited for. */
static void test_a_page_with_another_status(void **state)
{
	(void)state;
	plan.request = "/";
	put_text(RECORD_STDOUT, "Status: 500 Oh\n\n");
	probe_and_expect(HEALTH_BAD, "answered with the status 500");
}

static void test_answers_in_pieces_of_a_byte(void **state)
{
	(void)state;
	server.piece_len = 1;
	put_values();
	probe_and_expect(HEALTH_GOOD, "");
	assert_true(seen.values.knows_load);
	start_over();
	plan.request = "/";
	put_page();
	probe_and_expect(HEALTH_GOOD, "");
}

static void test_a_huge_page_is_not_read_to_its_end(void **state)
{
	(void)state;
	plan.request = "/";
	put_text(RECORD_STDOUT, "\n");
	put_much(RECORD_STDOUT, 64 * CONTENT_LEN);
	probe_and_expect(HEALTH_GOOD, "");
	assert_true(probe->received < 3 * CONTENT_LEN);
}

static void test_much_without_an_answer(void **state)
{
	static const uint8_t types[] = {RECORD_STDERR, RECORD_STDOUT, RECORD_DATA};

	(void)state;
	plan.request = "/";
	for (size_t i = 0; i < sizeof(types); i++) {
		put_much(types[i], 64 * CONTENT_LEN);
		start();
		run();
		assert_int_equal(seen.result, HEALTH_BAD);
		start_over();
	}
}

static void test_no_answer(void **state)
{
	(void)state;
	plan.timeout_ms = SILENCE_MS;
	probe_and_expect(HEALTH_SILENT, "gave no answer within probe-timeout");
	assert_int_equal(server.connections, 1);
}

/* Its kernel takes the connection, and nobody there does. */
static void test_nobody_accepts(void **state)
{
	(void)state;
	plan.timeout_ms = SILENCE_MS;
	loop_io_set(&server.listening, 0);
	probe_and_expect(HEALTH_SILENT, "gave no answer within probe-timeout");
}

/* With a full backlog, this kernel drops what asks for a connection, as if the host were gone. */
static void test_a_host_that_does_not_connect(void **state)
{
	struct socket_address before = server.address;
	int listener = listen_somewhere(0);
	bool is_connecting;
	int fds[2];

	(void)state;
	for (size_t i = 0; i < 2; i++)
		fds[i] = socket_connect(&server.address, &is_connecting);
	plan.timeout_ms = SILENCE_MS;
	probe_and_expect(HEALTH_SILENT, "could not be connected to within probe-timeout");
	for (size_t i = 0; i < 2; i++)
		close(fds[i]);
	close(listener);
	server.address = before;
}

static void test_half_an_answer(void **state)
{
	(void)state;
	plan.timeout_ms = SILENCE_MS;
	put_values();
	server.answer.len = RECORD_HEADER_LEN + 9;
	probe_and_expect(HEALTH_SILENT, "did not end its answer within probe-timeout");
	start_over();
	plan.request = "/";
	put_text(RECORD_STDOUT, "Status: 200 OK\n\nand so on");
	probe_and_expect(HEALTH_SILENT, "did not end its answer within probe-timeout");
}

static void test_closed_too_early(void **state)
{
	(void)state;
	server.closes = true;
	probe_and_expect(HEALTH_BAD, "closed the connection before the end of its answer");
	start_over();
	plan.request = "/";
	put_text(RECORD_STDOUT, "Status: 200 OK\n\nand so on");
	probe_and_expect(HEALTH_BAD, "closed the connection before the end of its answer");
}

static void test_garbage(void **state)
{
	static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	(void)state;
	assert_int_equal(buffer_append(&server.answer, http, sizeof(http) - 1), 0);
	probe_and_expect(HEALTH_BAD, "answered something that is no FastCGI 1.0");
	start_over();
	put_text(RECORD_GET_VALUES_RESULT, "");
	put_text(RECORD_STDOUT, "what?");
	probe_and_expect(HEALTH_BAD, "answered without being asked");
}

static void test_a_request_that_is_refused(void **state)
{
	(void)state;
	plan.request = "/";
	put_end(RECORD_OVERLOADED);
	probe_and_expect(HEALTH_BAD, "refused the request");
}

static void test_connections_that_are_refused(void **state)
{
	struct socket_address there = server.address;
	struct sockaddr_un *path = (struct sockaddr_un *)&server.address.storage;

	(void)state;
	((struct sockaddr_in *)&server.address.storage)->sin_port = htons(PORT_NOBODY_HAS);
	probe_and_expect(HEALTH_REFUSED, strerror(ECONNREFUSED));
	start_over();
	server.address = (struct socket_address){.len = sizeof(*path)};
	path->sun_family = AF_UNIX;
	memcpy(path->sun_path, "/nonexistent/socket", sizeof("/nonexistent/socket"));
	probe_and_expect(HEALTH_REFUSED, strerror(ENOENT));
	server.address = there;
}

/* It says nothing of the host. */
static void test_a_shortage_of_descriptors(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_null(health_probe_start(&server.address, &plan, on_result));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	run_for_a_moment();
	assert_int_equal(result_count, 0);
}

static void cancel_and_wait(void)
{
	health_probe_cancel(probe);
	probe = NULL;
	run_for_a_moment();
	assert_int_equal(result_count, 0);
}

static void test_cancelled_before_it_is_connected(void **state)
{
	(void)state;
	put_values();
	start();
	cancel_and_wait();
	assert_int_equal(server.asked.len, 0);
}

static void test_cancelled_while_its_refusal_is_due(void **state)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&server.address.storage;

	(void)state;
	server.address = (struct socket_address){.len = sizeof(*path)};
	path->sun_family = AF_UNIX;
	memcpy(path->sun_path, "/nonexistent/socket", sizeof("/nonexistent/socket"));
	start();
	cancel_and_wait();
}

static void test_cancelled_when_it_has_asked(void **state)
{
	(void)state;
	start();
	run_for_a_moment();
	assert_int_equal(server.asked.len, question_len());
	cancel_and_wait();
	/* And the other side is told. */
	assert_int_equal(server.connection.watcher.fd, -1);
}

static void test_cancelled_in_the_middle_of_the_answer(void **state)
{
	(void)state;
	plan.request = "/";
	put_text(RECORD_STDOUT, "Status: 200 OK\nX: ");
	start();
	run_for_a_moment();
	assert_true(probe->received > 0);
	cancel_and_wait();
}

static void test_one_result_however_late_it_is_cancelled(void **state)
{
	(void)state;
	plan.timeout_ms = SILENCE_MS;
	put_values();
	probe_and_expect(HEALTH_GOOD, "");
	run_for_a_moment();
	run_for_a_moment();
	assert_int_equal(result_count, 1);
	assert_false(stream_is_open(&probe->stream));
}

static void test_cancelled_from_within_its_result(void **state)
{
	(void)state;
	is_cancelled_at_once = true;
	put_values();
	probe_and_expect(HEALTH_GOOD, "");
	assert_null(probe);
	start_over();
	plan.timeout_ms = SILENCE_MS;
	probe_and_expect(HEALTH_SILENT, "gave no answer within probe-timeout");
	run_for_a_moment();
	assert_int_equal(result_count, 1);
	health_probe_cancel(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_program_that_knows_no_values_is_well, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_page_with_the_status_that_is_expected,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_page_with_another_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_in_pieces_of_a_byte, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_huge_page_is_not_read_to_its_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_much_without_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_accepts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_host_that_does_not_connect, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_half_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed_too_early, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_request_that_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connections_that_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_shortage_of_descriptors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled_before_it_is_connected, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled_while_its_refusal_is_due, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled_when_it_has_asked, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled_in_the_middle_of_the_answer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_one_result_however_late_it_is_cancelled,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled_from_within_its_result, set_up,
						tear_down),
	};

	if (!loop_init())
		return EXIT_FAILURE;
	return cmocka_run_group_tests_name("health_probe", tests, NULL, NULL);
}
