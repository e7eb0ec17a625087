#include "herd/startup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "herd/herd.h"

/* A child that lives for so long was started. As long as spawn-fcgi waits. */
enum { STARTUP_SURVIVE_MS = 100 };

/* How long fcgi-mux may take to say that it is ready. */
enum { STARTUP_MUX_MS = 10000 };

/* Of the whole program, where a start fails before or without an exit status of a child. */
enum { STATUS_FAILED = 1, STATUS_START_ERROR = 255 };

static void say(const struct herd *herd, FILE *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* For the one who waits at the terminal; in the foreground the log is what they look at. */
static void say(const struct herd *herd, FILE *out, const char *format, ...)
{
	va_list values;
	char text[1024];

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	if (!herd->startup.foreground)
		fprintf(out, "fcgi-herd: %s\n", text);
	else if (out == stderr)
		log_every(LOG_LEVEL_WARNING, "%s", text);
	else
		log_every(LOG_LEVEL_INFO, "%s", text);
}

/* Returns the status of the whole program for one that died. */
static int say_end(const struct herd *herd, const char *who, int status)
{
	if (WIFSIGNALED(status)) {
		say(herd, stderr, "%s signaled: %d", who, WTERMSIG(status));
		return STATUS_FAILED;
	}
	say(herd, stderr, "%s exited with: %d", who, WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

static int say_failure(const struct herd *herd, const struct child *child, const char *who)
{
	char *sentence = child_describe_failure(child);

	say(herd, stderr, "%s", sentence ? sentence : child->name);
	free(sentence);
	if (child->failure.stage != SPAWN_EXEC)
		return STATUS_START_ERROR;
	say(herd, stderr, "%s exited with: %d", who, child->failure.error);
	return child->failure.error;
}

/* Scripts look for "child exited with: N"; with a configuration it matters which child. */
static void fail(struct herd *herd, const struct child *child)
{
	char *who = NULL;
	int status;

	if (!child->siblings)
		who = strdup("fcgi-mux");
	else if (herd->startup.exact)
		who = strdup("child");
	else
		who = text_new("%s: child", child->name);
	if (child->failure.stage == SPAWN_DONE)
		status = say_end(herd, who ? who : "child", child->end_status);
	else
		status = say_failure(herd, child, who ? who : "child");
	free(who);
	/* A program that ends at once with 0 was not started either. */
	herd_stop(herd, herd->startup.exact && status != 0 ? status : STATUS_FAILED);
}

/* NULL: none. */
static const struct child *find_failed(const struct herd *herd)
{
	const struct child *failed = NULL;

	if (herd->has_mux && herd->mux.child.failures > 0)
		return &herd->mux.child;
	for (size_t i = 0; i < herd->backend_count && !failed; i++)
		failed = children_find_failed(&herd->backends[i]);
	return failed;
}

static void report_child(const struct herd *herd, const struct child *child)
{
	if (child->pid > 0)
		say(herd, stdout, "child spawned successfully: PID: %d", (int)child->pid);
}

static void report_children(const struct herd *herd)
{
	for (size_t i = 0; i < herd->backend_count; i++)
		for (size_t j = 0; j < herd->backends[i].count; j++)
			report_child(herd, &herd->backends[i].items[j]);
	fflush(stdout);
}

/* From here on children are started again and again. */
static void set_gives_up(struct herd *herd, bool gives_up)
{
	herd->mux.child.gives_up = gives_up;
	for (size_t i = 0; i < herd->backend_count; i++) {
		for (size_t j = 0; j < herd->backends[i].count; j++)
			herd->backends[i].items[j].gives_up = gives_up;
	}
}

static void detach_descriptor(int fd, int flags)
{
	int null = open("/dev/null", flags | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, fd);
	close(null);
}

/* Leaves the terminal. A log to stdout or stderr was asked for: who started us holds its end. */
static void detach(struct herd *herd)
{
	const char *log = herd->settings->log;

	if (!log && log_open("syslog") < 0)
		log_warn("cannot log to syslog");
	detach_descriptor(STDIN_FILENO, O_RDONLY);
	if (!log || strcmp(log, "stdout") != 0)
		detach_descriptor(STDOUT_FILENO, O_WRONLY);
	if (!log || strcmp(log, "stderr") != 0)
		detach_descriptor(STDERR_FILENO, O_WRONLY);
	spawn_background_done(herd->startup.background, EXIT_SUCCESS);
	herd->startup.background = -1;
}

static void succeed(struct herd *herd)
{
	report_children(herd);
	set_gives_up(herd, false);
	startup_end(herd);
	if (!herd->startup.foreground)
		detach(herd);
	herd_set_running(herd);
}

void startup_step(struct herd *herd)
{
	const struct startup *startup = &herd->startup;
	const struct child *child = find_failed(herd);

	if (child) {
		fail(herd, child);
	} else if (startup->survived && (!herd->has_mux || herd->mux.link.is_ready)) {
		succeed(herd);
	} else if (startup->late) {
		say(herd, stderr, "fcgi-mux was not ready after %d s", STARTUP_MUX_MS / 1000);
		herd_stop(herd, STATUS_FAILED);
	}
}

/* Whether there was one left to start. */
static bool start_next(struct herd *herd)
{
	struct startup *startup = &herd->startup;

	if (herd->has_mux && !startup->mux_started) {
		startup->mux_started = true;
		child_event(&herd->mux.child, CHILD_EVENT_START);
		loop_timer_start(&startup->mux_timer, STARTUP_MUX_MS);
		return true;
	}
	while (startup->backend < herd->backend_count &&
	       startup->number == children_start_count(&herd->backends[startup->backend])) {
		startup->backend++;
		startup->number = 0;
	}
	if (startup->backend == herd->backend_count)
		return false;
	child_event(&herd->backends[startup->backend].items[startup->number++], CHILD_EVENT_START);
	return true;
}

static void on_survived(struct loop_timer *timer)
{
	container_of(timer, struct startup, timer)->survived = true;
}

/* One a turn, so that the clock is right for each, and what they write is taken meanwhile. */
static void on_next(struct loop_timer *timer)
{
	struct herd *herd = container_of(timer, struct herd, startup.timer);

	if (start_next(herd)) {
		loop_timer_start(timer, 0);
		return;
	}
	loop_timer_init(timer, on_survived);
	loop_timer_start(timer, STARTUP_SURVIVE_MS);
}

static void on_mux_late(struct loop_timer *timer)
{
	container_of(timer, struct startup, mux_timer)->late = true;
}

void startup_begin(struct herd *herd)
{
	set_gives_up(herd, true);
	loop_timer_init(&herd->startup.timer, on_next);
	loop_timer_init(&herd->startup.mux_timer, on_mux_late);
	loop_timer_start(&herd->startup.timer, 0);
}

void startup_end(struct herd *herd)
{
	loop_timer_stop(&herd->startup.timer);
	loop_timer_stop(&herd->startup.mux_timer);
}
