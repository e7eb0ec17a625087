#include "faulty_calls.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/text.h"
#include "herd/legacy.h"
#include "herd/output.h"
#include "herd/pidfile.h"
#include "herd/takeover.h"

/* As tests/unit/test_system_calls.c, for what the supervisor does itself. */

static char directory[] = "/tmp/test_herd_faults.XXXXXX";
static char path[sizeof(directory) + 2];
static struct outputs outputs;

static int write_pid(void)
{
	struct pidfile pidfile;
	char *sentence = pidfile_open(&pidfile, path);
	bool is_good = !sentence;

	if (sentence)
		assert_non_null(strstr(sentence, strerror(fault->error)));
	free(sentence);
	assert_int_equal(access(path, F_OK), is_good ? 0 : -1);
	pidfile_close(&pidfile);
	/* Without memory for its path it stays: nobody knows where it is. */
	(void)unlink(path);
	return is_good ? 0 : -fault->error;
}

static int open_output(void)
{
	struct output *output;
	int end = outputs_open(&outputs, &output, "app.0", false);

	if (end < 0) {
		assert_true(list_is_empty(&outputs.open));
		return end;
	}
	__real_close(end);
	outputs_fini(&outputs);
	return 0;
}

/* The pipe is taken in either case. */
static int adopt_output(void)
{
	int ends[2], error;

	assert_int_equal(__real_pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	error = outputs_adopt(&outputs, ends[0], "app.0", 42, false);
	assert_int_equal(list_is_empty(&outputs.open), error < 0);
	outputs_fini(&outputs);
	__real_close(ends[1]);
	return error;
}

static int read_legacy(void)
{
	static const char format[] = "begun 1\ndirectory /a\ncontrol %d\n"
				     "process 12 0 99 0 0 a.0\noutput 70 12 0 a.0\n";
	struct takeover takeover = {.control = -1};
	int pair[2];
	char text[128];
	bool is_good;

	assert_int_equal(__real_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(text_format(text, sizeof(text), format, pair[0]), 0);
	is_good = legacy_read(&takeover, text);
	if (takeover.control < 0)
		__real_close(pair[0]);
	takeover_fini(&takeover);
	__real_close(pair[1]);
	return is_good ? 0 : -ENOMEM;
}

static const struct row rows[] = {
	{"pid file", write_pid, "open", EACCES, GOES_ON, 1},
	{"pid file", write_pid, "fchmod", EPERM, ANY_ERROR, 0},
	{"pid file", write_pid, "rename", EBUSY, ANY_ERROR, 0},
	{"pid file", write_pid, "close", EIO, ANY_ERROR, 1},
	{"pid file", write_pid, "strdup", ENOMEM, GOES_ON, 0},
	{"pipe", open_output, "pipe2", EMFILE, ANY_ERROR, 0},
	{"pipe", open_output, "fcntl", EPERM, -ENOMEM, 1},
	{"pipe", open_output, "calloc", ENOMEM, ANY_ERROR, 0},
	{"pipe", open_output, "strdup", ENOMEM, ANY_ERROR, 0},
	{"pipe", open_output, "read", EINTR, GOES_ON, 0},
	{"pipe", open_output, "read", EIO, GOES_ON, 0},
	{"adopted", adopt_output, "fcntl", EBADF, -ENOMEM, 1},
	{"adopted", adopt_output, "calloc", ENOMEM, ANY_ERROR, 0},
	{"adopted", adopt_output, "strdup", ENOMEM, ANY_ERROR, 0},
	{"legacy", read_legacy, "strdup", ENOMEM, ANY_ERROR, 0},
	{"legacy", read_legacy, "reallocarray", ENOMEM, ANY_ERROR, 0},
	{"legacy", read_legacy, "fcntl", EBADF, -ENOMEM, 1},
};

static void test_each_call_that_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], directory);
}

static int set_up(void **state)
{
	(void)state;
	fault_init();
	if (!loop_init() || !mkdtemp(directory))
		return -1;
	outputs_init(&outputs);
	return text_format(path, sizeof(path), "%s/p", directory);
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_that_fails),
	};

	return cmocka_run_group_tests_name("herd faults", tests, set_up, tear_down);
}
