#include "mux/status_view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "mux/get.h"
#include "mux/status_forms.h"

enum { INTERVAL_MS = 1000, STATUS_OK = 200 };

/* More than thousands of processes take: what is longer is no status. */
enum { TEXT_LEN_MAX = 16 * 1024 * 1024 };

/* ANSI: to the upper left; the rest of this line, and all below, empty. */
#define TERMINAL_HOME "\033[H"
#define TERMINAL_CLEAR "\033[2J"
#define TERMINAL_CLEAR_LINE "\033[K"
#define TERMINAL_CLEAR_BELOW "\033[J"

/* Where it is shown; no width: not a terminal, and nothing is cut. */
struct screen {
	unsigned width, height;
	bool is_redrawn;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
	(void)number;
	is_interrupted = 1;
}

static void keep(void *owner, const void *bytes, size_t len)
{
	struct buffer *text = owner;

	/* A status that is cut off is found to be one. */
	if (text->len + len <= TEXT_LEN_MAX)
		(void)!buffer_append(text, bytes, len);
}

static void ignore(void *owner, const void *bytes, size_t len)
{
	(void)owner;
	(void)bytes;
	(void)len;
}

static bool begins_with(const char *text, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static bool ends_with(const char *text, size_t len, const char *word)
{
	size_t word_len = strlen(word);

	return len >= word_len && memcmp(text + len - word_len, word, word_len) == 0;
}

/* Its first line says it all. */
static enum status_view_result judge(const struct buffer *text)
{
	const char *line = (const char *)buffer_data(text);
	const char *end = line ? memchr(line, '\n', text->len) : NULL;

	if (!end || !begins_with(line, (size_t)(end - line), STATUS_TABLE_BEGIN))
		return STATUS_VIEW_NO_ANSWER;
	return ends_with(line, (size_t)(end - line), STATUS_TABLE_GOOD) ? STATUS_VIEW_GOOD
									: STATUS_VIEW_MISSING;
}

/* The table, or in its place what keeps us from it. */
static enum status_view_result ask(const struct status_view *view, struct buffer *text)
{
	char *path = text_new("%s?table", view->path);
	const struct get get = {.address = view->address,
				.path = path,
				.on_body = keep,
				.on_error = ignore,
				.owner = text};
	enum status_view_result result;
	unsigned status = 0;
	char *fault = path ? get_answer(&get, &status) : NULL;

	result = !fault && status == STATUS_OK ? judge(text) : STATUS_VIEW_NO_ANSWER;
	if (result == STATUS_VIEW_NO_ANSWER && !fault)
		fault = text_new("%s: no status at %s: is it the status-path of that fcgi-mux?",
				 view->address, view->path);
	if (result == STATUS_VIEW_NO_ANSWER) {
		buffer_fini(text);
		if (fault)
			keep(text, fault, strlen(fault));
		keep(text, "\n", 1);
	}
	free(fault);
	free(path);
	return result;
}

static size_t fitting_len(const struct screen *screen, size_t len)
{
	return screen->width > 0 && len > screen->width ? screen->width : len;
}

static void draw(const struct screen *screen, const char *text, size_t len)
{
	const char *end = text + len;

	fputs(screen->is_redrawn ? TERMINAL_HOME : TERMINAL_CLEAR TERMINAL_HOME, stdout);
	for (unsigned line = 0; text < end && line + 1 < screen->height; line++) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((lf ? lf : end) - text);

		(void)!fwrite(text, 1, fitting_len(screen, line_len), stdout);
		fputs(TERMINAL_CLEAR_LINE "\n", stdout);
		text += line_len + 1;
	}
	fputs(TERMINAL_CLEAR_BELOW, stdout);
}

static void print(const struct screen *screen, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((lf ? lf : end) - text);

		printf("%.*s\n", (int)fitting_len(screen, line_len), text);
		text += line_len + 1;
	}
}

static void measure(struct screen *screen)
{
	struct winsize size = {0};

	screen->width = screen->height = 0;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		screen->width = size.ws_col;
		screen->height = size.ws_row;
	}
}

static enum status_view_result show(const struct status_view *view, struct screen *screen)
{
	struct buffer text = {0};
	enum status_view_result result = ask(view, &text);
	const char *held = (const char *)buffer_data(&text), *bytes = held ? held : "";

	measure(screen);
	if (view->is_watch && screen->width > 0 && screen->height > 1)
		draw(screen, bytes, text.len);
	else if (result == STATUS_VIEW_NO_ANSWER)
		fprintf(stderr, "fcgi-herd: %.*s", (int)text.len, bytes);
	else
		print(screen, bytes, text.len);
	screen->is_redrawn = true;
	buffer_fini(&text);
	return fflush(stdout) == 0 ? result : STATUS_VIEW_NO_ANSWER;
}

static void wait_a_second(void)
{
	/* A signal ends it. */
	(void)poll(NULL, 0, INTERVAL_MS);
}

enum status_view_result status_view_run(const struct status_view *view)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct screen screen = {0};
	enum status_view_result result;

	if (!view->is_watch)
		return show(view, &screen);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	do {
		result = show(view, &screen);
		if (ferror(stdout))
			break;
		if (!is_interrupted)
			wait_a_second();
		if (!screen.width && !is_interrupted)
			putchar('\n');
	} while (!is_interrupted);
	return result;
}
