#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "herd/child.h"
#include "herd/children.h"
#include "herd/muxlink.h"
#include "os/control.h"

/* What the mux is told of children, and what it may say. The test is the mux. */

enum { COUNT = 3, MANY = 2000 };

static struct muxlink side; /* the supervisor's */
static struct child mux;
static struct children backends[2]; /* the first has no mux */
static int end = -1;		    /* the mux's, of the control socket */

static const struct child_kind kind = {.start = NULL};
static struct backend_settings settings; /* of both */

static void make_children(struct children *children, size_t count, bool has_mux)
{
	*children = (struct children){
		.settings = &settings, .link = has_mux ? &side : NULL, .count = count};
	assert_int_equal(scaling_init(children), 0);
	children->items = calloc(count, sizeof(*children->items));
	assert_non_null(children->items);
	for (size_t i = 0; i < count; i++) {
		child_init(&children->items[i], &kind, strdup("app"));
		children->items[i].siblings = children;
		children->items[i].backend = has_mux;
		children->items[i].number = (uint32_t)i;
	}
}

static void free_children(struct children *children)
{
	for (size_t i = 0; i < children->count; i++)
		child_fini(&children->items[i]);
	scaling_fini(children);
	free(children->items);
}

static void open_link(void)
{
	end = muxlink_open(&side);
	assert_true(end >= 0);
}

static void set_up_with(size_t count)
{
	make_children(&backends[0], COUNT, false);
	make_children(&backends[1], count, true);
	child_init(&mux, &kind, strdup("mux"));
	muxlink_init(&side, &mux, backends, 2);
}

static int set_up(void **state)
{
	(void)state;
	set_up_with(COUNT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	muxlink_close(&side);
	if (end >= 0)
		close(end);
	end = -1;
	mux.pid = 0;
	child_fini(&mux);
	free_children(&backends[0]);
	free_children(&backends[1]);
	return 0;
}

/* The facts change, and the link is told. No real process: nothing here is signalled. */
static void set_pid(size_t number, pid_t pid)
{
	backends[1].items[number].pid = pid;
	muxlink_note(&side, &backends[1].items[number]);
}

static void assert_told(enum control_type type, uint32_t proc, int32_t pid)
{
	struct control_message message;

	assert_int_equal(control_receive(end, &message), 0);
	assert_int_equal(message.type, type);
	assert_int_equal(message.backend, 1);
	assert_int_equal(message.proc, proc);
	assert_int_equal(message.pid, pid);
}

static void assert_told_nothing(void)
{
	struct control_message message;

	assert_int_equal(control_receive(end, &message), -EAGAIN);
}

static void test_changes_are_told(void **state)
{
	(void)state;
	open_link();
	set_pid(1, 100);
	assert_told(CONTROL_CHILD_UP, 1, 100);
	set_pid(1, 0);
	assert_told(CONTROL_CHILD_DOWN, 1, 100);
	set_pid(1, 0);
	set_pid(2, 0);
	assert_told_nothing();
	set_pid(1, 101);
	assert_told(CONTROL_CHILD_UP, 1, 101);
	set_pid(1, 102);
	assert_told(CONTROL_CHILD_DOWN, 1, 101);
	assert_told(CONTROL_CHILD_UP, 1, 102);
	assert_told_nothing();
}

static void set_state(size_t number, enum child_state state)
{
	backends[1].items[number].state = state;
	muxlink_note(&side, &backends[1].items[number]);
}

static void test_a_drain_is_told_once_a_life(void **state)
{
	(void)state;
	open_link();
	set_pid(1, 100);
	assert_told(CONTROL_CHILD_UP, 1, 100);
	set_state(1, CHILD_DRAINING);
	assert_told(CONTROL_CHILD_DRAIN, 1, 100);
	set_state(1, CHILD_STOPPING);
	set_state(1, CHILD_KILLED);
	assert_told_nothing();
	set_pid(1, 0);
	assert_told(CONTROL_CHILD_DOWN, 1, 100);
	backends[1].items[1].state = CHILD_STARTING;
	set_pid(1, 101);
	assert_told(CONTROL_CHILD_UP, 1, 101);
	assert_told_nothing();
	backends[1].items[1].state = CHILD_STOPPED;
}

static void test_a_new_mux_is_told_of_those_that_are_about_to_end(void **state)
{
	(void)state;
	backends[1].items[1].pid = 100;
	backends[1].items[1].state = CHILD_DRAINING;
	backends[1].items[2].pid = 101;
	backends[1].items[2].state = CHILD_STOPPING;
	open_link();
	assert_told(CONTROL_CHILD_UP, 1, 100);
	assert_told(CONTROL_CHILD_DRAIN, 1, 100);
	assert_told(CONTROL_CHILD_UP, 2, 101);
	assert_told(CONTROL_CHILD_DRAIN, 2, 101);
	assert_told_nothing();
}

static void test_a_new_mux_is_told_everything_that_concerns_it(void **state)
{
	(void)state;
	backends[0].items[0].pid = 90;
	set_pid(0, 100);
	set_pid(2, 102);
	open_link();
	assert_told(CONTROL_CHILD_UP, 0, 100);
	assert_told(CONTROL_CHILD_UP, 2, 102);
	assert_told_nothing();
	muxlink_close(&side);
	close(end);
	set_pid(0, 0);
	set_pid(1, 101);
	open_link();
	assert_told(CONTROL_CHILD_UP, 1, 101);
	assert_told(CONTROL_CHILD_UP, 2, 102);
	assert_told_nothing();
	backends[0].items[0].pid = 0;
}

/* More than the socket holds: the rest follows when there is room, and is true by then. */
static void test_a_mux_that_is_behind(void **state)
{
	struct control_message message;
	size_t told = 0;

	tear_down(state);
	set_up_with(MANY);
	for (size_t i = 0; i < MANY; i++)
		backends[1].items[i].pid = 1000 + (pid_t)i;
	open_link();
	assert_int_equal(loop_io_events(&side.io), LOOP_READ | LOOP_WRITE);
	set_pid(MANY - 1, 0);
	set_pid(MANY - 2, 7);
	for (size_t rounds = 0; !list_is_empty(&side.unsynced) && rounds < MANY; rounds++) {
		while (control_receive(end, &message) == 0)
			assert_int_equal(message.proc, told++);
		side.io.on_ready(&side.io, LOOP_WRITE);
	}
	while (control_receive(end, &message) == 0)
		told++;
	assert_int_equal(told, MANY - 1);
	assert_int_equal(message.pid, 7);
	assert_int_equal(loop_io_events(&side.io), LOOP_READ);
}

static void say(uint32_t type, uint32_t backend, uint32_t proc, int32_t pid)
{
	const struct control_message message = {
		.type = type, .backend = backend, .proc = proc, .pid = pid};

	assert_int_equal(control_send(end, &message), 0);
	side.io.on_ready(&side.io, LOOP_READ);
}

static void test_readiness(void **state)
{
	struct child *child = &backends[1].items[1];

	(void)state;
	open_link();
	set_pid(1, 100);
	child->state = CHILD_STARTING;
	mux.pid = 99;
	mux.state = CHILD_STARTING;
	say(CONTROL_CHILD_READY, 1, 1, 100);
	assert_int_equal(child->state, CHILD_RUNNING);
	assert_int_equal(mux.state, CHILD_STARTING);
	assert_false(side.is_ready);
	say(CONTROL_READY, 0, 0, 0);
	assert_true(side.is_ready);
	/* It has answered nothing yet. */
	assert_int_equal(mux.state, CHILD_STARTING);
}

static void test_what_it_says_of_a_child(void **state)
{
	struct child *child = &backends[1].items[1];

	(void)state;
	open_link();
	set_pid(1, 100);
	child->state = CHILD_STARTING;
	say(CONTROL_CHILD_USABLE, 1, 1, 99);
	assert_false(child->takes_requests);
	say(CONTROL_CHILD_USABLE, 1, 1, 100);
	assert_true(child->takes_requests);
	settings.max_requests = 0;
	say(CONTROL_CHILD_SPENT, 1, 1, 100);
	assert_null(child->spent);
	settings.max_requests = 1;
	say(CONTROL_CHILD_SPENT, 1, 1, 99);
	assert_null(child->spent);
	say(CONTROL_CHILD_SPENT, 1, 1, 100);
	assert_string_equal(child->spent, "max-requests");
	assert_int_equal(child->state, CHILD_STARTING);
}

static void say_load(uint32_t backend, uint32_t busy, uint32_t queued)
{
	const struct control_message message = {
		.type = CONTROL_LOAD, .backend = backend, .busy = busy, .queued = queued};

	assert_int_equal(control_send(end, &message), 0);
	side.io.on_ready(&side.io, LOOP_READ);
}

static void test_load(void **state)
{
	const struct scaling *scaling = &backends[1].scaling;

	(void)state;
	open_link();
	say_load(1, 2, 3);
	assert_int_equal(scaling->busy, 2);
	assert_int_equal(scaling->queued, 3);
	say_load(2, 4, 5);
	say_load(UINT32_MAX, 4, 5);
	assert_int_equal(scaling->busy, 2);
	say_load(1, UINT32_MAX, UINT32_MAX);
	say_load(1, 0, 0);
	assert_int_equal(scaling->busy, 0);
	say_load(1, 1, 1);
	/* What the next mux does not say is not so. */
	close(end);
	open_link();
	assert_int_equal(scaling->busy, 0);
	assert_int_equal(scaling->queued, 0);
}

/* Numbers that are out of range, stale or no message at all change nothing. */
static void test_hostile_messages(void **state)
{
	struct child *child = &backends[1].items[1];

	(void)state;
	open_link();
	set_pid(1, 100);
	child->state = CHILD_STARTING;
	say(CONTROL_CHILD_READY, 2, 1, 100);
	say(CONTROL_CHILD_READY, UINT32_MAX, 1, 100);
	say(CONTROL_CHILD_READY, 1, COUNT, 100);
	say(CONTROL_CHILD_READY, 1, UINT32_MAX, 100);
	say(CONTROL_CHILD_READY, 1, 1, 101);
	say(CONTROL_CHILD_READY, 1, 0, 0);
	say(CONTROL_CHILD_READY, 1, 1, -1);
	say(CONTROL_CHILD_UP, 1, 1, 100);
	say(0, 1, 1, 100);
	say(UINT32_MAX, 1, 1, 100);
	assert_int_equal(send(end, "short", 5, 0), 5);
	side.io.on_ready(&side.io, LOOP_READ);
	assert_int_equal(child->state, CHILD_STARTING);
	assert_int_equal(backends[1].items[0].state, CHILD_STOPPED);
	assert_true(side.fd >= 0);
	say(CONTROL_CHILD_READY, 1, 1, 100);
	assert_int_equal(child->state, CHILD_RUNNING);
}

/* mux.pid is 0: that must never be what a signal is sent to. */
static void test_a_mux_that_is_gone(void **state)
{
	(void)state;
	open_link();
	close(end);
	end = -1;
	set_pid(1, 100);
	side.io.on_ready(&side.io, LOOP_READ);
	assert_int_equal(side.fd, -1);
	set_pid(1, 101);
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
		cmocka_unit_test_setup_teardown(test_changes_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_drain_is_told_once_a_life, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_new_mux_is_told_of_those_that_are_about_to_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_mux_is_told_everything_that_concerns_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_mux_that_is_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readiness, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_it_says_of_a_child, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_mux_that_is_gone, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("muxlink", tests, init, NULL);
}
