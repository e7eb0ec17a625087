#include "answerer.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "mux/status_view.h"

#define HEAD "Content-Type: text/plain\r\n\r\n"

enum { SEEN_SIZE = 8192, PATIENCE_MS = 20000 };

/* Somebody who looks at the status, in a process of his own, and what he has seen. */
struct viewer {
	struct answerer answerer;
	pid_t pid;
	int fd; /* where it comes */
	char seen[SEEN_SIZE];
	size_t len;
};

/* screen: where both streams go. */
static void viewer_start(struct viewer *viewer, bool is_watch, int screen)
{
	struct status_view view = {
		.address = viewer->answerer.path, .path = "/status", .is_watch = is_watch};

	viewer->len = 0;
	viewer->pid = fork();
	assert_true(viewer->pid >= 0);
	if (viewer->pid > 0) {
		close(screen);
		return;
	}
	alarm(60);
	dup2(screen, STDOUT_FILENO);
	dup2(screen, STDERR_FILENO);
	exit((int)status_view_run(&view));
}

/* Width and height of 0: no terminal. */
static void viewer_init(struct viewer *viewer, const char *out, bool is_watch, unsigned short width,
			unsigned short height)
{
	const struct answer answer = answer_of(out, "not shown\n");
	const struct winsize size = {.ws_col = width, .ws_row = height};
	int ends[2];

	/* Before there is a screen, which it would hold open. */
	answerer_init(&viewer->answerer, &answer);
	if (width > 0)
		assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, &size), 0);
	else
		assert_int_equal(pipe(ends), 0);
	viewer->fd = ends[0];
	viewer_start(viewer, is_watch, ends[1]);
}

/* False: no more comes, or not in time. */
static bool see_more(struct viewer *viewer)
{
	struct pollfd polled = {.fd = viewer->fd, .events = POLLIN};
	ssize_t got = -1;

	if (poll(&polled, 1, PATIENCE_MS) == 1)
		got = read(viewer->fd, viewer->seen + viewer->len, SEEN_SIZE - 1 - viewer->len);
	viewer->len += got > 0 ? (size_t)got : 0;
	viewer->seen[viewer->len] = '\0';
	return got > 0;
}

static size_t times_seen(const struct viewer *viewer, const char *text)
{
	size_t count = 0;

	for (const char *at = viewer->seen; (at = strstr(at, text)); at += strlen(text))
		count++;
	return count;
}

static void wait_until_seen(struct viewer *viewer, const char *text, size_t times)
{
	viewer->seen[viewer->len] = '\0';
	while (times_seen(viewer, text) < times)
		if (!see_more(viewer))
			fail_msg("\"%s\" is not seen in: %s", text, viewer->seen);
}

/* What was returned. */
static enum status_view_result viewer_fini(struct viewer *viewer)
{
	int status;

	while (see_more(viewer))
		;
	assert_int_equal(waitpid(viewer->pid, &status, 0), viewer->pid);
	close(viewer->fd);
	answerer_fini(&viewer->answerer);
	assert_true(WIFEXITED(status));
	return (enum status_view_result)WEXITSTATUS(status);
}

static void test_what_it_says(void **state)
{
	static const struct row {
		const char *out;
		const char *seen;
		enum status_view_result result;
	} rows[] = {
		{HEAD "fcgi-mux 1: all is well\nsums\n", "fcgi-mux 1: all is well\nsums\n",
		 STATUS_VIEW_GOOD},
		{HEAD "fcgi-mux 1: 1 of 2\nsums", "fcgi-mux 1: 1 of 2\nsums\n",
		 STATUS_VIEW_MISSING},
		{HEAD "fcgi-mux \n", "fcgi-mux \n", STATUS_VIEW_MISSING},
		{HEAD "fcgi-mux 1: all is well", ": no status at /status: is it the status-path",
		 STATUS_VIEW_NO_ANSWER},
		{HEAD "fcgi\n", ": no status at /status", STATUS_VIEW_NO_ANSWER},
		{HEAD "a page of others\n", ": no status at /status", STATUS_VIEW_NO_ANSWER},
		{HEAD, ": no status at /status", STATUS_VIEW_NO_ANSWER},
		{"Status: 404\r\n\r\nfcgi-mux 1: all is well\n", ": no status at /status",
		 STATUS_VIEW_NO_ANSWER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct viewer viewer;

		viewer_init(&viewer, rows[i].out, false, 0, 0);
		wait_until_seen(&viewer, rows[i].seen, 1);
		assert_int_equal(viewer_fini(&viewer), rows[i].result);
	}
}

/* It stays in its place: not one line more than there is room for, and none is broken. */
static void test_a_terminal(void **state)
{
	static const char first[] =
		"\033[2J\033[Hfcgi-mux 1: \033[K\r\nsecond\033[K\r\n\033[J\033[H";
	struct viewer viewer;

	(void)state;
	viewer_init(&viewer, HEAD "fcgi-mux 1: all is well\nsecond\nthird\n", true, 12, 3);
	wait_until_seen(&viewer, "\033[J", 2);
	kill(viewer.pid, SIGINT);
	assert_int_equal(viewer_fini(&viewer), STATUS_VIEW_GOOD);
	assert_ptr_equal(strstr(viewer.seen, first), viewer.seen);
	assert_int_equal(times_seen(&viewer, "\033[2J"), 1);
	assert_int_equal(times_seen(&viewer, "third"), 0);
	assert_int_equal(times_seen(&viewer, "all is"), 0);
}

static void test_a_terminal_without_an_answer(void **state)
{
	struct viewer viewer;

	(void)state;
	viewer_init(&viewer, HEAD "a page of others\n", true, 200, 50);
	wait_until_seen(&viewer, ": no status at /status", 1);
	wait_until_seen(&viewer, "\033[J", 1);
	kill(viewer.pid, SIGTERM);
	assert_int_equal(viewer_fini(&viewer), STATUS_VIEW_NO_ANSWER);
}

/* Once on a terminal: as anywhere, but cut to fit. Of one line there is no place to draw at. */
static void test_lines_that_are_cut(void **state)
{
	struct viewer viewer;

	(void)state;
	viewer_init(&viewer, HEAD "fcgi-mux 1: all is well\nsecond\n", false, 12, 24);
	assert_int_equal(viewer_fini(&viewer), STATUS_VIEW_GOOD);
	assert_string_equal(viewer.seen, "fcgi-mux 1: \r\nsecond\r\n");
	viewer_init(&viewer, HEAD "fcgi-mux 1: all is well\nsecond\n", true, 12, 1);
	wait_until_seen(&viewer, "second\r\n", 1);
	kill(viewer.pid, SIGINT);
	assert_int_equal(viewer_fini(&viewer), STATUS_VIEW_GOOD);
	assert_int_equal(times_seen(&viewer, "\033"), 0);
}

/* Each goes below the one before. */
static void test_no_terminal(void **state)
{
	struct viewer viewer;

	(void)state;
	viewer_init(&viewer, HEAD "fcgi-mux 1: all is well\n", true, 0, 0);
	wait_until_seen(&viewer, "all is well\n", 2);
	kill(viewer.pid, SIGINT);
	assert_int_equal(viewer_fini(&viewer), STATUS_VIEW_GOOD);
	assert_non_null(strstr(viewer.seen, "all is well\n\nfcgi-mux"));
}

/* With nobody to show it to there is no going on. */
static void test_what_cannot_be_written(void **state)
{
	const struct answer answer = answer_of(HEAD "fcgi-mux 1: all is well\n", NULL);
	struct viewer viewer = {.fd = open("/dev/null", O_RDONLY | O_CLOEXEC)};

	(void)state;
	answerer_init(&viewer.answerer, &answer);
	viewer_start(&viewer, true, open("/dev/full", O_WRONLY | O_CLOEXEC));
	assert_int_equal(viewer_fini(&viewer), STATUS_VIEW_NO_ANSWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_says),
		cmocka_unit_test(test_a_terminal),
		cmocka_unit_test(test_a_terminal_without_an_answer),
		cmocka_unit_test(test_lines_that_are_cut),
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_what_cannot_be_written),
	};

	return cmocka_run_group_tests_name("status_view", tests, NULL, NULL);
}
