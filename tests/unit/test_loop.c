#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "os/loop.h"

/* Each test runs the loop until its event has come; this ends one that waits in vain. */
enum { PATIENCE_MS = 10000, CHILD_STATUS = 7 };

static struct loop_timer patience;

static void on_patience_lost(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the event never came");
}

static void run(void)
{
	loop_timer_init(&patience, on_patience_lost);
	loop_timer_start(&patience, PATIENCE_MS);
	loop_run();
	loop_timer_stop(&patience);
}

static int seen_events;

static void on_ready(struct loop_io *io, int events)
{
	seen_events = events;
	loop_io_set(io, 0);
	loop_stop();
}

static void test_descriptors(void **state)
{
	struct loop_io io;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	loop_io_init(&io, ends[0], on_ready);
	assert_int_equal(loop_io_events(&io), 0);
	loop_io_set(&io, LOOP_READ);
	assert_int_equal(loop_io_events(&io), LOOP_READ);
	assert_int_equal(write(ends[1], "x", 1), 1);
	run();
	assert_int_equal(seen_events, LOOP_READ);
	assert_int_equal(loop_io_events(&io), 0);
	close(ends[0]);
	loop_io_init(&io, ends[1], on_ready);
	loop_io_set(&io, LOOP_READ | LOOP_WRITE);
	run();
	assert_true(seen_events & LOOP_WRITE);
	close(ends[1]);
}

static unsigned timeouts;

static void on_timeout(struct loop_timer *timer)
{
	if (++timeouts == 3 || !loop_timer_is_running(timer)) {
		loop_timer_stop(timer);
		loop_stop();
	}
}

static void test_timers(void **state)
{
	struct loop_timer timer;
	uint64_t before_ms = loop_now_ms();

	(void)state;
	loop_timer_init(&timer, on_timeout);
	assert_false(loop_timer_is_running(&timer));
	timeouts = 0;
	loop_timer_start(&timer, 20);
	assert_true(loop_timer_is_running(&timer));
	run();
	assert_int_equal(timeouts, 1);
	/* The loop and the clock round differently. */
	assert_true(loop_now_ms() >= before_ms + 15);
	timeouts = 0;
	loop_timer_repeat(&timer, 2);
	run();
	assert_int_equal(timeouts, 3);
	assert_false(loop_timer_is_running(&timer));
}

static void on_signal(struct loop_signal *signal)
{
	loop_signal_stop(signal);
	loop_stop();
}

static void test_signals(void **state)
{
	struct loop_signal signal;

	(void)state;
	loop_signal_start(&signal, SIGUSR2, on_signal);
	assert_int_equal(raise(SIGUSR2), 0);
	run();
}

static pid_t ended;
static int ended_status;

static void on_exit_of_child(struct loop_children *children, pid_t pid, int status)
{
	(void)children;
	ended = pid;
	ended_status = status;
	loop_stop();
}

static void test_children(void **state)
{
	static struct loop_children children;
	pid_t pid;

	(void)state;
	loop_children_start(&children, on_exit_of_child);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(CHILD_STATUS);
	run();
	assert_int_equal(ended, pid);
	assert_true(WIFEXITED(ended_status));
	assert_int_equal(WEXITSTATUS(ended_status), CHILD_STATUS);
}

static void on_turn_end(struct loop_turn *turn)
{
	(void)turn;
	loop_stop();
}

static void test_the_end_of_a_turn(void **state)
{
	static struct loop_turn turn;

	(void)state;
	loop_turn_start(&turn, on_turn_end);
	run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),	  cmocka_unit_test(test_timers),
		cmocka_unit_test(test_signals),		  cmocka_unit_test(test_children),
		cmocka_unit_test(test_the_end_of_a_turn),
	};

	if (!loop_init())
		return 1;
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
