#include "herd/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "herd/output.h"
#include "policy/backoff.h"

/* Without a sign of readiness, a process that has lived for so long is taken to work. */
enum { CHILD_STARTING_MS = 1000 };

/* Between two starts of one that fails: the first, doubled each time, and the longest. */
enum { CHILD_BACK_OFF_MIN_MS = 100, CHILD_BACK_OFF_MAX_MS = 30000 };

/* SIGKILL is sent again after this, as a process can be stuck in the kernel for a while. */
enum { CHILD_KILLED_MS = 5000 };

static const char *const state_names[CHILD_STATES] = {
	[CHILD_STOPPED] = "stopped",   [CHILD_STARTING] = "starting", [CHILD_RUNNING] = "running",
	[CHILD_STOPPING] = "stopping", [CHILD_KILLED] = "killed",     [CHILD_BACK_OFF] = "back-off",
};

const char *child_state_name(enum child_state state)
{
	return state_names[state];
}

/* The one mover. Each state begins without a deadline. */
static void child_set_state(struct child *child, enum child_state state)
{
	log_debug("%s: %s -> %s pid=%d", child->name, state_names[child->state], state_names[state],
		  (int)child->pid);
	loop_timer_stop(&child->timer);
	child->state = state;
	assert((child->pid == 0) == (state == CHILD_STOPPED || state == CHILD_BACK_OFF));
}

static void child_set_pid(struct child *child, pid_t pid)
{
	child->pid = pid;
	if (child->kind->on_pid)
		child->kind->on_pid(child);
}

char *child_describe_failure(const struct child *child)
{
	bool is_exec = child->failure.stage == SPAWN_EXEC;

	return text_new("%s: cannot %s%s%s: %s", child->name,
			spawn_stage_name(child->failure.stage), is_exec ? " " : "",
			is_exec ? child->program : "", strerror(child->failure.error));
}

/* malloced: "php.0: killed by signal 9 (Killed)". */
static char *describe_end(const struct child *child)
{
	int status = child->end_status;

	if (child->failure.stage != SPAWN_DONE)
		return child_describe_failure(child);
	if (WIFSIGNALED(status))
		return text_new("%s: killed by signal %d (%s)", child->name, WTERMSIG(status),
				strsignal(WTERMSIG(status)));
	return text_new("%s: exited with status %d", child->name, WEXITSTATUS(status));
}

static void log_end(const struct child *child, const char *what_next)
{
	char *end = describe_end(child);

	log_warnx("%s; %s", end ? end : child->name, what_next);
	free(end);
}

/* It failed to start, or died before it had lived. */
static void child_fail(struct child *child)
{
	uint32_t random = 0;
	uint64_t delay_ms;
	char next[64];

	child->failures++;
	if (child->gives_up) {
		child_set_state(child, CHILD_STOPPED);
		return;
	}
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)loop_now_ms();
	delay_ms = backoff_delay_ms(child->failures, CHILD_BACK_OFF_MIN_MS, CHILD_BACK_OFF_MAX_MS,
				    random);
	text_format(next, sizeof(next), "starting again in %llu ms failures=%u",
		    (unsigned long long)delay_ms, child->failures);
	log_end(child, next);
	child_set_state(child, CHILD_BACK_OFF);
	loop_timer_start(&child->timer, delay_ms);
}

static void child_start(struct child *child)
{
	child->failure = child->kind->start(child);
	if (child->failure.stage != SPAWN_DONE) {
		child_fail(child);
		return;
	}
	child_set_pid(child, child->failure.pid);
	child_set_state(child, CHILD_STARTING);
	loop_timer_start(&child->timer, CHILD_STARTING_MS);
	log_info("%s: started pid=%d", child->name, (int)child->pid);
}

/* The leader only: it may want to end its workers in an orderly way itself. */
static void child_stop(struct child *child)
{
	kill(child->pid, child->stop_signal);
	child_set_state(child, CHILD_STOPPING);
	loop_timer_start(&child->timer, child->stop_timeout_ms);
}

static void child_kill(struct child *child)
{
	kill(-child->pid, SIGKILL);
	child_set_state(child, CHILD_KILLED);
	loop_timer_start(&child->timer, CHILD_KILLED_MS);
}

static void nothing(struct child *child)
{
	(void)child;
}

static void starting_lived(struct child *child)
{
	child_set_state(child, CHILD_RUNNING);
}

static void running_exit(struct child *child)
{
	child->failures = 0;
	log_end(child, "starting again");
	child_start(child);
}

/* Its end starts it anew. */
static void child_stuck(struct child *child)
{
	log_warnx("%s: has not answered within request-timeout, killing it pid=%d", child->name,
		  (int)child->pid);
	kill(-child->pid, SIGKILL);
}

static void stopping_timeout(struct child *child)
{
	log_warnx("%s: still there after %llu ms, killing it pid=%d", child->name,
		  (unsigned long long)child->stop_timeout_ms, (int)child->pid);
	child_kill(child);
}

static void child_ended(struct child *child)
{
	char *end = describe_end(child);

	log_info("%s; stopped", end ? end : child->name);
	free(end);
	child_set_state(child, CHILD_STOPPED);
}

static void back_off_stop(struct child *child)
{
	child_set_state(child, CHILD_STOPPED);
}

typedef void child_action(struct child *child);

/* A start that is wished for where a process is to end, or already runs, changes nothing. */
/* clang-format off */
static child_action *const table[CHILD_STATES][CHILD_EVENTS] = {
	[CHILD_STOPPED] = {
		[CHILD_EVENT_START] = child_start,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_EXIT] = nothing,
		[CHILD_EVENT_TIMEOUT] = nothing,
		[CHILD_EVENT_STOP] = nothing,
		[CHILD_EVENT_KILL] = nothing,
	},
	[CHILD_STARTING] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = starting_lived,
		[CHILD_EVENT_STUCK] = child_stuck,
		[CHILD_EVENT_EXIT] = child_fail,
		[CHILD_EVENT_TIMEOUT] = starting_lived,
		[CHILD_EVENT_STOP] = child_stop,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_RUNNING] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = child_stuck,
		[CHILD_EVENT_EXIT] = running_exit,
		[CHILD_EVENT_TIMEOUT] = nothing,
		[CHILD_EVENT_STOP] = child_stop,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_STOPPING] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_EXIT] = child_ended,
		[CHILD_EVENT_TIMEOUT] = stopping_timeout,
		[CHILD_EVENT_STOP] = nothing,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_KILLED] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_EXIT] = child_ended,
		[CHILD_EVENT_TIMEOUT] = child_kill,
		[CHILD_EVENT_STOP] = nothing,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_BACK_OFF] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_EXIT] = nothing,
		[CHILD_EVENT_TIMEOUT] = child_start,
		[CHILD_EVENT_STOP] = back_off_stop,
		[CHILD_EVENT_KILL] = back_off_stop,
	},
};
/* clang-format on */

void child_event(struct child *child, enum child_event event)
{
	child_action *action = table[child->state][event];

	assert(action);
	action(child);
}

void child_on_exit(struct child *child, int status)
{
	/* What it started and left behind goes with it: workers of a killed php-cgi, for one. */
	kill(-child->pid, SIGKILL);
	child->end_status = status;
	child_set_pid(child, 0);
	child_event(child, CHILD_EVENT_EXIT);
}

static void on_timeout(struct loop_timer *timer)
{
	child_event(container_of(timer, struct child, timer), CHILD_EVENT_TIMEOUT);
}

void child_init(struct child *child, const struct child_kind *kind, char *name)
{
	*child = (struct child){.kind = kind, .name = name, .stop_signal = SIGTERM};
	list_init(&child->unsynced);
	loop_timer_init(&child->timer, on_timeout);
}

void child_fini(struct child *child)
{
	if (!child->kind)
		return;
	loop_timer_stop(&child->timer);
	list_detach(&child->unsynced);
	free(child->name);
	child->kind = NULL;
}

static struct spawn_result cannot(int error)
{
	return (struct spawn_result){.pid = -1, .stage = SPAWN_DESCRIPTORS, .error = error};
}

struct spawn_result child_spawn(struct child *child, const struct spawn_plan *plan)
{
	struct spawn_plan with_pipes = *plan;
	struct spawn_result result;
	struct output *out, *err;
	bool has_levels = child->kind->log_has_levels;

	with_pipes.fd1 = outputs_open(child->outputs, &out, child->name, has_levels);
	if (with_pipes.fd1 < 0)
		return cannot(-with_pipes.fd1);
	with_pipes.fd2 = outputs_open(child->outputs, &err, child->name, has_levels);
	if (with_pipes.fd2 < 0) {
		close(with_pipes.fd1); /* the output sees the end of its pipe, and goes */
		return cannot(-with_pipes.fd2);
	}
	result = spawn_run(&with_pipes);
	out->pid = err->pid = result.pid;
	close(with_pipes.fd1);
	close(with_pipes.fd2);
	return result;
}
