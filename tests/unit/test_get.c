#include "answerer.h"

#include <fcntl.h>
#include <sysexits.h>

#include "mux/get.h"

enum { TEXT_SIZE = 256 };

static char body[TEXT_SIZE], error_stream[TEXT_SIZE];

static void on_body(void *owner, const void *bytes, size_t len)
{
	assert_ptr_equal(owner, body);
	strncat(body, bytes, len);
}

static void on_error(void *owner, const void *bytes, size_t len)
{
	assert_ptr_equal(owner, body);
	strncat(error_stream, bytes, len);
}

static char *ask(const char *address, const char *path, unsigned *status)
{
	const struct get get = {.address = address,
				.path = path,
				.on_body = on_body,
				.on_error = on_error,
				.owner = body};

	body[0] = error_stream[0] = '\0';
	return get_answer(&get, status);
}

/* address NULL: that of somebody who gives this answer. */
static void assert_fault(const char *address, const struct answer *answer, const char *path,
			 const char *text)
{
	struct answerer answerer;
	unsigned status;
	char *sentence;

	answerer_init(&answerer, answer);
	sentence = ask(address ? address : answerer.path, path, &status);
	answerer_fini(&answerer);
	if (!sentence || !strstr(sentence, text))
		fail_msg("%s: %s", text, sentence ? sentence : "nothing is said");
	free(sentence);
}

static void test_an_answer(void **state)
{
	const struct answer answer = answer_of("Status: 404 No\r\n\r\nnot here", "a line\n");
	struct answerer answerer;
	unsigned status = 0;

	(void)state;
	answerer_init(&answerer, &answer);
	assert_null(ask(answerer.path, "/a?b", &status));
	answerer_fini(&answerer);
	assert_int_equal(status, 404);
	assert_string_equal(body, "not here");
	assert_string_equal(error_stream, "a line\n");
}

static void test_what_is_no_answer(void **state)
{
	static char long_path[70000];
	const struct answer good = answer_of("Status: 200\r\n\r\n", NULL);
	const struct answer deaf = {.is_deaf = true}, none = {0};
	const struct answer other = {.bytes = "HTTP/1.1 400 Bad Request\r\n\r\n", .len = 28};
	struct answer half = good;

	(void)state;
	memset(long_path, '/', sizeof(long_path) - 1);
	half.len -= 3;
	assert_fault("nowhere", &good, "/", "nowhere: ");
	assert_fault("/none/socket", &good, "/",
		     "/none/socket: cannot connect: No such file or directory");
	/* Nobody listens at the last port. */
	assert_fault("127.0.0.1:65535", &good, "/", "cannot connect: Connection refused");
	assert_fault(NULL, &none, "/", "the connection was closed before the answer's end");
	assert_fault(NULL, &half, "/", "the connection was closed before the answer's end");
	assert_fault(NULL, &deaf, "/", ": Connection reset by peer");
	assert_fault(NULL, &other, "/", "/s: ");
	assert_fault(NULL, &good, long_path, ": the path is too long");
}

/* What somebody who asks from a script is told, which ends the program; its exit status. */
static int run_at(const char *address, const char *path, const char *out)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30);
		if (!freopen(out, "we", stdout) || !freopen("/dev/null", "we", stderr))
			_exit(EX_SOFTWARE);
		exit(path ? get_run(address, path) : get_values_run(address));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int run(const struct answer *answer, const char *path, const char *out)
{
	struct answerer answerer;
	int status;

	answerer_init(&answerer, answer);
	status = run_at(answerer.path, path, out);
	answerer_fini(&answerer);
	return status;
}

/* FCGI_GET_VALUES_RESULT, or FCGI_UNKNOWN_TYPE. */
static struct answer management(uint8_t type, const void *content, size_t len)
{
	struct answer answer = {0};

	answer_add(&answer, type, content, len);
	/* An id of 0, as all that is no request has. */
	answer.bytes[3] = 0;
	return answer;
}

static void test_exit_statuses(void **state)
{
	static const char procs[] = "\016\001FCGI_MAX_CONNS4\015\001FCGI_MAX_REQS4"
				    "\017\001FCGI_MPXS_CONNS0";
	static const char idle[] = "\015\001HERD_CAPACITY0\011\001HERD_BUSY0\013\001HERD_QUEUED0";
	static const char load[] = "\015\001HERD_CAPACITY4\011\001HERD_BUSY4\013\001HERD_QUEUED9";
	const struct answer good = answer_of("\r\nhere", "a line\n"), none = {0};
	const struct answer bad = answer_of("Status: 500\r\n\r\n", NULL);
	const struct answer values = management(10, procs, sizeof(procs) - 1);
	const struct answer busy = management(10, load, sizeof(load) - 1);
	const struct answer unknown = management(11, "\011\0\0\0\0\0\0", 8);
	const struct answer nobody = management(10, idle, sizeof(idle) - 1);

	(void)state;
	assert_int_equal(run(&good, "/", "/dev/null"), EXIT_SUCCESS);
	assert_int_equal(run(&good, "/", "/dev/full"), EX_IOERR);
	assert_int_equal(run(&bad, "/", "/dev/null"), EXIT_FAILURE);
	assert_int_equal(run(&none, "/", "/dev/null"), EXIT_FAILURE);
	assert_int_equal(run(&values, NULL, "/dev/null"), EXIT_SUCCESS);
	assert_int_equal(run(&values, NULL, "/dev/full"), EX_IOERR);
	assert_int_equal(run(&busy, NULL, "/dev/null"), EXIT_SUCCESS);
	assert_int_equal(run(&unknown, NULL, "/dev/null"), EXIT_FAILURE);
	assert_int_equal(run_at("nowhere", NULL, "/dev/null"), EX_USAGE);
	assert_int_equal(run_at("nowhere", "/", "/dev/null"), EX_USAGE);
	assert_int_equal(run(&nobody, NULL, "/dev/null"), EXIT_FAILURE);
	assert_int_equal(run(&none, NULL, "/dev/null"), EXIT_FAILURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_exit_statuses),
	};

	return cmocka_run_group_tests_name("get", tests, NULL, NULL);
}
