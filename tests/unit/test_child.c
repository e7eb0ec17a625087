#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "herd/child.h"

/* A child whose processes are real, so that signals meet them; its events come from the test. */

static struct child child;
static unsigned starts;	 /* tried */
static bool start_fails; /* the next ones */
static pid_t pid_told;	 /* by the latest on_pid */
static bool can_drain;	 /* somebody gives it requests */

static struct spawn_result start(struct child *started)
{
	static char name[] = "/bin/sleep", duration[] = "1000";
	static char *const argv[] = {name, duration, NULL};
	static char *const environment[] = {NULL};
	const struct spawn_plan plan = {
		.argv = argv,
		.environment = environment,
		.fd0 = STDIN_FILENO,
		.fd1 = -1,
		.fd2 = -1,
		.privileges = {.keep_root = true},
		.death_signal = SIGKILL,
	};

	assert_ptr_equal(started, &child);
	starts++;
	if (start_fails)
		return (struct spawn_result){.pid = -1, .stage = SPAWN_FORK, .error = EAGAIN};
	return spawn_run(&plan);
}

static void on_pid(struct child *changed)
{
	pid_told = changed->pid;
	/* Who is told looks at the state too. */
	assert_true(changed->pid == 0 || changed->state == CHILD_STARTING);
}

static bool drain(struct child *drained)
{
	assert_int_equal(drained->state, CHILD_DRAINING);
	return can_drain;
}

static const struct child_kind kind = {.start = start, .on_pid = on_pid, .drain = drain};

static int set_up(void **state)
{
	(void)state;
	child_init(&child, &kind, strdup("app.0"));
	child.program = "/bin/sleep";
	child.stop_timeout_ms = 60000;
	starts = 0;
	start_fails = false;
	can_drain = true;
	pid_told = -1;
	return child.name ? 0 : -1;
}

/* The process that there still may be. */
static int tear_down(void **state)
{
	(void)state;
	if (child.pid > 0) {
		kill(child.pid, SIGKILL);
		waitpid(child.pid, NULL, 0);
	}
	child_fini(&child);
	return 0;
}

/* The end of the process by whatever signals it got, or now gets. */
static int wait_for_end(void)
{
	int status;

	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	return status;
}

static void kill_process(void)
{
	kill(child.pid, SIGKILL);
	child_on_exit(&child, wait_for_end());
}

static void go_to(enum child_state state)
{
	if (state == CHILD_STOPPED)
		return;
	start_fails = state == CHILD_BACK_OFF;
	child_event(&child, CHILD_EVENT_START);
	start_fails = false;
	if (state == CHILD_RUNNING)
		child_event(&child, CHILD_EVENT_READY);
	if (state == CHILD_DRAINING)
		child_event(&child, CHILD_EVENT_RETIRE);
	if (state == CHILD_STOPPING)
		child_event(&child, CHILD_EVENT_STOP);
	if (state == CHILD_KILLED)
		child_event(&child, CHILD_EVENT_KILL);
	assert_int_equal(child.state, state);
}

/* Every pair, as the drawing in child.h has it. */
static void test_table(void **state)
{
	enum { O = CHILD_STOPPED, S = CHILD_STARTING, R = CHILD_RUNNING, D = CHILD_DRAINING };
	enum { T = CHILD_STOPPING, K = CHILD_KILLED, B = CHILD_BACK_OFF };
	/* clang-format off */
	static const int next[CHILD_STATES][CHILD_EVENTS] = {
		/*                START READY STUCK DRAINED EXIT TIMEOUT RETIRE REPLACE STOP KILL */
		[CHILD_STOPPED] =  {S, O, O, O, O, O, O, O, O, O},
		[CHILD_STARTING] = {S, R, S, S, B, R, D, D, T, K},
		[CHILD_RUNNING] =  {R, R, R, R, S, R, D, D, T, K},
		[CHILD_DRAINING] = {D, D, D, T, O, T, D, D, T, K},
		[CHILD_STOPPING] = {T, T, T, T, O, K, T, T, T, K},
		[CHILD_KILLED] =   {K, K, K, K, O, K, K, K, K, K},
		[CHILD_BACK_OFF] = {B, B, B, B, B, S, O, S, O, O},
	};
	/* clang-format on */

	for (int from = 0; from < CHILD_STATES; from++) {
		for (int event = 0; event < CHILD_EVENTS; event++) {
			tear_down(state);
			assert_int_equal(set_up(state), 0);
			go_to((enum child_state)from);
			if (event == CHILD_EVENT_EXIT && child.pid > 0)
				kill_process();
			else
				child_event(&child, (enum child_event)event);
			if ((int)child.state != next[from][event])
				fail_msg("%s, event %d: %s", child_state_name(from), event,
					 child_state_name(child.state));
		}
	}
}

static void test_lived_starts_at_once(void **state)
{
	(void)state;
	go_to(CHILD_RUNNING);
	kill_process();
	assert_int_equal(child.state, CHILD_STARTING);
	assert_int_equal(starts, 2);
	assert_int_equal(child.failures, 0);
	assert_int_equal(pid_told, child.pid);
}

static void test_early_death_waits_longer_each_time(void **state)
{
	(void)state;
	go_to(CHILD_STARTING);
	for (unsigned failures = 1; failures <= 5; failures++) {
		kill_process();
		assert_int_equal(child.state, CHILD_BACK_OFF);
		assert_int_equal(child.failures, failures);
		assert_int_equal(pid_told, 0);
		assert_true(loop_timer_is_running(&child.timer));
		child_event(&child, CHILD_EVENT_TIMEOUT);
		assert_int_equal(child.state, CHILD_STARTING);
	}
}

/* A program that serves few requests and ends may do so many times a second. */
static void test_one_that_has_answered_has_lived(void **state)
{
	(void)state;
	go_to(CHILD_RUNNING);
	kill_process();
	assert_int_equal(child.state, CHILD_STARTING);
	assert_int_equal(child.failures, 0);
}

static void test_a_stuck_one_is_killed_and_started_anew(void **state)
{
	int status;

	(void)state;
	go_to(CHILD_RUNNING);
	child_event(&child, CHILD_EVENT_STUCK);
	assert_int_equal(child.state, CHILD_RUNNING);
	status = wait_for_end();
	assert_true(WIFSIGNALED(status));
	child_on_exit(&child, status);
	assert_int_equal(child.state, CHILD_STARTING);
}

static void test_life_forgives_failures(void **state)
{
	(void)state;
	go_to(CHILD_STARTING);
	kill_process();
	child_event(&child, CHILD_EVENT_TIMEOUT);
	child_event(&child, CHILD_EVENT_READY);
	kill_process();
	assert_int_equal(child.failures, 0);
	kill_process();
	assert_int_equal(child.failures, 1);
}

static void test_failing_start_backs_off(void **state)
{
	(void)state;
	start_fails = true;
	child_event(&child, CHILD_EVENT_START);
	assert_int_equal(child.state, CHILD_BACK_OFF);
	assert_int_equal(child.failure.error, EAGAIN);
	start_fails = false;
	child_event(&child, CHILD_EVENT_TIMEOUT);
	assert_int_equal(child.state, CHILD_STARTING);
	assert_int_equal(starts, 2);
}

static void test_gives_up_in_the_start_up_check(void **state)
{
	(void)state;
	child.gives_up = true;
	start_fails = true;
	child_event(&child, CHILD_EVENT_START);
	assert_int_equal(child.state, CHILD_STOPPED);
	assert_int_equal(child.failures, 1);
}

static void test_stop_sends_the_signal_then_kill(void **state)
{
	(void)state;
	child.stop_signal = SIGCONT; /* which sleep does not mind */
	go_to(CHILD_STOPPING);
	assert_int_equal(waitpid(child.pid, NULL, WNOHANG), 0);
	child_event(&child, CHILD_EVENT_TIMEOUT);
	assert_int_equal(WTERMSIG(wait_for_end()), SIGKILL);
	child_on_exit(&child, SIGKILL);
	assert_int_equal(child.state, CHILD_STOPPED);
	assert_false(loop_timer_is_running(&child.timer));
}

static void test_stop_signal(void **state)
{
	(void)state;
	child.stop_signal = SIGUSR1;
	go_to(CHILD_STOPPING);
	assert_int_equal(WTERMSIG(wait_for_end()), SIGUSR1);
	child_on_exit(&child, SIGUSR1);
	assert_int_equal(child.state, CHILD_STOPPED);
}

static void test_a_retired_one_finishes_and_stays_stopped(void **state)
{
	(void)state;
	go_to(CHILD_DRAINING);
	assert_int_equal(waitpid(child.pid, NULL, WNOHANG), 0);
	assert_true(loop_timer_is_running(&child.timer));
	child_event(&child, CHILD_EVENT_DRAINED);
	assert_int_equal(WTERMSIG(wait_for_end()), SIGTERM);
	child_on_exit(&child, SIGTERM);
	assert_int_equal(child.state, CHILD_STOPPED);
	assert_int_equal(starts, 1);
}

static void test_a_replaced_one_is_started_again_however_it_ends(void **state)
{
	static const enum child_event ends[] = {CHILD_EVENT_DRAINED, CHILD_EVENT_TIMEOUT,
						CHILD_EVENT_STUCK};

	go_to(CHILD_STARTING);
	child.failures = 3;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		child_event(&child, CHILD_EVENT_READY);
		child_event(&child, CHILD_EVENT_REPLACE);
		assert_int_equal(child.state, CHILD_DRAINING);
		child_event(&child, ends[i]);
		child_on_exit(&child, wait_for_end());
		assert_int_equal(child.state, CHILD_STARTING);
		assert_int_equal(child.failures, 0);
		assert_false(child.starts_again);
	}
	child_event(&child, CHILD_EVENT_REPLACE);
	child.stop_signal = SIGCONT; /* which sleep does not mind */
	child_event(&child, CHILD_EVENT_DRAINED);
	child_event(&child, CHILD_EVENT_TIMEOUT);
	assert_int_equal(child.state, CHILD_KILLED);
	child_on_exit(&child, wait_for_end());
	assert_int_equal(child.state, CHILD_STARTING);
	(void)state;
}

static void test_the_latest_wish_holds(void **state)
{
	static const struct {
		enum child_event wishes[3];
		enum child_state end;
	} cases[] = {
		{{CHILD_EVENT_RETIRE, CHILD_EVENT_START, CHILD_EVENT_DRAINED}, CHILD_STARTING},
		{{CHILD_EVENT_RETIRE, CHILD_EVENT_DRAINED, CHILD_EVENT_START}, CHILD_STARTING},
		{{CHILD_EVENT_RETIRE, CHILD_EVENT_REPLACE, CHILD_EVENT_DRAINED}, CHILD_STARTING},
		{{CHILD_EVENT_REPLACE, CHILD_EVENT_RETIRE, CHILD_EVENT_DRAINED}, CHILD_STOPPED},
		{{CHILD_EVENT_REPLACE, CHILD_EVENT_DRAINED, CHILD_EVENT_RETIRE}, CHILD_STOPPED},
		{{CHILD_EVENT_REPLACE, CHILD_EVENT_DRAINED, CHILD_EVENT_STOP}, CHILD_STOPPED},
		{{CHILD_EVENT_REPLACE, CHILD_EVENT_STOP, CHILD_EVENT_DRAINED}, CHILD_STOPPED},
		{{CHILD_EVENT_REPLACE, CHILD_EVENT_KILL, CHILD_EVENT_DRAINED}, CHILD_STOPPED},
		{{CHILD_EVENT_KILL, CHILD_EVENT_START, CHILD_EVENT_DRAINED}, CHILD_STARTING},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		tear_down(state);
		assert_int_equal(set_up(state), 0);
		go_to(CHILD_RUNNING);
		for (size_t n = 0; n < 3; n++)
			child_event(&child, cases[i].wishes[n]);
		child_on_exit(&child, wait_for_end());
		if (child.state != cases[i].end)
			fail_msg("case %zu: %s", i, child_state_name(child.state));
	}
}

static void test_one_that_nobody_can_drain_is_stopped(void **state)
{
	(void)state;
	go_to(CHILD_RUNNING);
	can_drain = false;
	child_event(&child, CHILD_EVENT_REPLACE);
	assert_int_equal(child.state, CHILD_STOPPING);
	child_on_exit(&child, wait_for_end());
	assert_int_equal(child.state, CHILD_STARTING);
}

/* A member of the group that outlives its leader. */
static void test_exit_kills_the_group(void **state)
{
	pid_t member;
	int status;

	(void)state;
	go_to(CHILD_RUNNING);
	member = fork();
	assert_true(member >= 0);
	if (member == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(setpgid(member, child.pid), 0);
	kill_process();
	assert_int_equal(waitpid(member, &status, 0), member);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static int init(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return loop_init() ? 0 : -1;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lived_starts_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_early_death_waits_longer_each_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_has_answered_has_lived, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_stuck_one_is_killed_and_started_anew, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_life_forgives_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failing_start_backs_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gives_up_in_the_start_up_check, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_stop_sends_the_signal_then_kill, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_stop_signal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exit_kills_the_group, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_retired_one_finishes_and_stays_stopped,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_replaced_one_is_started_again_however_it_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_latest_wish_holds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_nobody_can_drain_is_stopped, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("child", tests, init, NULL);
}
