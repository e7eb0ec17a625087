#include "herd/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "herd/output.h"
#include "os/random.h"
#include "policy/backoff.h"

/* Without a sign of readiness, a process that has lived for so long is taken to work. */
enum { CHILD_STARTING_MS = 1000 };

/* Between two starts of one that fails: the first, doubled each time, and the longest. */
enum { CHILD_BACK_OFF_MIN_MS = 100, CHILD_BACK_OFF_MAX_MS = 30000 };

/* SIGKILL is sent again after this, as a process can be stuck in the kernel for a while. */
enum { CHILD_KILLED_MS = 5000 };

/* The one mover. Each state begins without a deadline. */
static void child_set_state(struct child *child, enum child_state state)
{
	log_debug("%s: %s -> %s pid=%d", child->name, child_state_name(child->state),
		  child_state_name(state), (int)child->pid);
	loop_timer_stop(&child->timer);
	child->state = state;
	assert((child->pid == 0) == (state == CHILD_STOPPED || state == CHILD_BACK_OFF));
}

static void tell_pid(struct child *child)
{
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
	uint64_t delay_ms;
	char next[64];

	child->failures++;
	if (child->gives_up) {
		child_set_state(child, CHILD_STOPPED);
		return;
	}
	delay_ms = backoff_delay_ms(child->failures, CHILD_BACK_OFF_MIN_MS, CHILD_BACK_OFF_MAX_MS,
				    random_draw());
	text_format(next, sizeof(next), "starting again in %llu ms failures=%u",
		    (unsigned long long)delay_ms, child->failures);
	log_end(child, next);
	child_set_state(child, CHILD_BACK_OFF);
	loop_timer_start(&child->timer, delay_ms);
}

static void child_start(struct child *child)
{
	child->starts_again = false;
	child->failure = child->kind->start(child);
	if (child->failure.stage != SPAWN_DONE) {
		child_fail(child);
		return;
	}
	child->started_ms = loop_now_ms();
	child->takes_requests = false;
	child->is_adopted = false;
	child->is_lent = false;
	child->spent = NULL;
	child->pid = child->failure.pid;
	child_set_state(child, CHILD_STARTING);
	tell_pid(child);
	loop_timer_start(&child->timer, CHILD_STARTING_MS);
	log_info("%s: started pid=%d", child->name, (int)child->pid);
}

/* With all that it has started. To the kernel -1 would be everybody. */
static void kill_group(const struct child *child)
{
	assert(child->pid > 1);
	kill(-child->pid, SIGKILL);
}

/* The leader only: it may want to end its workers in an orderly way itself. */
static void child_end(struct child *child)
{
	kill(child->pid, child->stop_signal);
	child_set_state(child, CHILD_STOPPING);
	loop_timer_start(&child->timer, child->stop_timeout_ms);
}

static void child_stop(struct child *child)
{
	child->starts_again = false;
	child_end(child);
}

static void child_destroy(struct child *child)
{
	kill_group(child);
	child_set_state(child, CHILD_KILLED);
	loop_timer_start(&child->timer, CHILD_KILLED_MS);
}

static void child_kill(struct child *child)
{
	child->starts_again = false;
	child_destroy(child);
}

/* Where requests cannot be kept from it, it finishes them as it can. */
static void child_drain(struct child *child)
{
	child_set_state(child, CHILD_DRAINING);
	if (child->kind->drain && child->kind->drain(child))
		loop_timer_start(&child->timer, child->stop_timeout_ms);
	else
		child_end(child);
}

static void child_retire(struct child *child)
{
	child->starts_again = false;
	child_drain(child);
}

static void child_replace(struct child *child)
{
	child->starts_again = true;
	child_drain(child);
}

static void forgo_start(struct child *child)
{
	child->starts_again = false;
}

static void want_start(struct child *child)
{
	child->starts_again = true;
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
	kill_group(child);
}

static void stopping_timeout(struct child *child)
{
	log_warnx("%s: still there after %llu ms, killing it pid=%d", child->name,
		  (unsigned long long)child->stop_timeout_ms, (int)child->pid);
	child_destroy(child);
}

static void draining_timeout(struct child *child)
{
	log_warnx("%s: still at work after %llu ms, stopping it pid=%d", child->name,
		  (unsigned long long)child->stop_timeout_ms, (int)child->pid);
	child_end(child);
}

static void child_ended(struct child *child)
{
	char *end = describe_end(child);

	log_info("%s; %s", end ? end : child->name,
		 child->starts_again ? "replacing it" : "stopped");
	free(end);
	child->failures = 0;
	if (child->starts_again)
		child_start(child);
	else
		child_set_state(child, CHILD_STOPPED);
}

static void back_off_stop(struct child *child)
{
	child_set_state(child, CHILD_STOPPED);
}

typedef void child_action(struct child *child);

/* A start that is wished for where a process runs changes nothing. */
/* clang-format off */
static child_action *const table[CHILD_STATES][CHILD_EVENTS] = {
	[CHILD_STOPPED] = {
		[CHILD_EVENT_START] = child_start,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_DRAINED] = nothing,
		[CHILD_EVENT_EXIT] = nothing,
		[CHILD_EVENT_TIMEOUT] = nothing,
		[CHILD_EVENT_RETIRE] = nothing,
		[CHILD_EVENT_REPLACE] = nothing,
		[CHILD_EVENT_STOP] = nothing,
		[CHILD_EVENT_KILL] = nothing,
	},
	[CHILD_STARTING] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = starting_lived,
		[CHILD_EVENT_STUCK] = child_stuck,
		[CHILD_EVENT_DRAINED] = nothing,
		[CHILD_EVENT_EXIT] = child_fail,
		[CHILD_EVENT_TIMEOUT] = starting_lived,
		[CHILD_EVENT_RETIRE] = child_retire,
		[CHILD_EVENT_REPLACE] = child_replace,
		[CHILD_EVENT_STOP] = child_stop,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_RUNNING] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = child_stuck,
		[CHILD_EVENT_DRAINED] = nothing,
		[CHILD_EVENT_EXIT] = running_exit,
		[CHILD_EVENT_TIMEOUT] = nothing,
		[CHILD_EVENT_RETIRE] = child_retire,
		[CHILD_EVENT_REPLACE] = child_replace,
		[CHILD_EVENT_STOP] = child_stop,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_DRAINING] = {
		[CHILD_EVENT_START] = want_start,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = child_stuck,
		[CHILD_EVENT_DRAINED] = child_end,
		[CHILD_EVENT_EXIT] = child_ended,
		[CHILD_EVENT_TIMEOUT] = draining_timeout,
		[CHILD_EVENT_RETIRE] = forgo_start,
		[CHILD_EVENT_REPLACE] = want_start,
		[CHILD_EVENT_STOP] = child_stop,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_STOPPING] = {
		[CHILD_EVENT_START] = want_start,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_DRAINED] = nothing,
		[CHILD_EVENT_EXIT] = child_ended,
		[CHILD_EVENT_TIMEOUT] = stopping_timeout,
		[CHILD_EVENT_RETIRE] = forgo_start,
		[CHILD_EVENT_REPLACE] = want_start,
		[CHILD_EVENT_STOP] = forgo_start,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_KILLED] = {
		[CHILD_EVENT_START] = want_start,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_DRAINED] = nothing,
		[CHILD_EVENT_EXIT] = child_ended,
		[CHILD_EVENT_TIMEOUT] = child_destroy,
		[CHILD_EVENT_RETIRE] = forgo_start,
		[CHILD_EVENT_REPLACE] = want_start,
		[CHILD_EVENT_STOP] = forgo_start,
		[CHILD_EVENT_KILL] = child_kill,
	},
	[CHILD_BACK_OFF] = {
		[CHILD_EVENT_START] = nothing,
		[CHILD_EVENT_READY] = nothing,
		[CHILD_EVENT_STUCK] = nothing,
		[CHILD_EVENT_DRAINED] = nothing,
		[CHILD_EVENT_EXIT] = nothing,
		[CHILD_EVENT_TIMEOUT] = child_start,
		[CHILD_EVENT_RETIRE] = back_off_stop,
		[CHILD_EVENT_REPLACE] = child_start,
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
	kill_group(child);
	child->end_status = status;
	child->pid = 0;
	tell_pid(child);
	child_event(child, CHILD_EVENT_EXIT);
}

static void on_timeout(struct loop_timer *timer)
{
	child_event(container_of(timer, struct child, timer), CHILD_EVENT_TIMEOUT);
}

void child_adopt(struct child *child, pid_t pid, uint64_t started_ms, enum child_state state)
{
	child->pid = pid;
	child->started_ms = started_ms;
	child->is_adopted = true;
	child->takes_requests = true;
	child_set_state(child, state);
	tell_pid(child);
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
