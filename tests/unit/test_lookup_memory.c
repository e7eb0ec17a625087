#include "failing_memory.h"
#include "name_server.h"

#include <ares.h>
#include <errno.h>

#include "os/lookup.h"

/*
 * Each allocation of a lookup fails once, ours and those of c-ares: it is answered all the same,
 * with a failure or with all hosts, and nothing is left of it. Where c-ares asks again after two
 * seconds, the test does not wait for that.
 */

enum { PATIENCE_MS = 100, TURNS_MAX = 300 };

enum { TARGETS = 20, LARGE = 100 };

/* More than there is room for at first, and too much for UDP. */
static void answer_services(struct message *message)
{
	if (!message->is_tcp) {
		message->bytes[2] |= FLAG_TRUNCATED;
		return;
	}
	for (unsigned i = 0; i < TARGETS; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%u 1 9000 h%u.test", i, i % 2);
		put_service(message, 90, text);
	}
}

static void answer_hosts(struct message *message)
{
	for (unsigned i = 0; i < LARGE && message->type == DNS_A; i++) {
		char literal[32];

		(void)snprintf(literal, sizeof(literal), "192.0.2.%u", i);
		if (message->is_tcp || i < 20)
			put_literal(message, ANSWERS_AT, "", 60, literal);
	}
}

static const struct zone zones[] = {
	{"_php.test", answer_services},
	{"h0.test", answer_hosts},
	{"h1.test", answer_hosts},
	{NULL, NULL},
};

static struct lookup lookup;
static unsigned answers, turns;
static bool has_failed; /* what was to fail */
static size_t host_count;
static bool is_partial;

/* Nothing for a while: c-ares asks again later, or this machine is slow. */
static void on_patience_end(struct loop_timer *timer)
{
	(void)timer;
	has_failed = memory_left == 0;
	if (has_failed)
		loop_stop();
	else
		assert_true(++turns < TURNS_MAX);
}

static void run_loop(void)
{
	struct loop_timer patience;

	turns = 0;
	loop_timer_init(&patience, on_patience_end);
	loop_timer_repeat(&patience, PATIENCE_MS);
	loop_run();
	loop_timer_stop(&patience);
}

static void on_answer(struct lookup *unused, const struct lookup_answer *answer)
{
	(void)unused;
	has_failed = memory_left == 0;
	memory_left = 0;
	answers++;
	host_count = answer->failure ? 0 : answer->count;
	is_partial = answer->is_partial;
	loop_stop();
}

typedef void (*begin_fn)(struct resolver *resolver);

static void begin_hosts(struct resolver *resolver)
{
	lookup_hosts(&lookup, resolver, "h0.test.", 9000);
}

static void begin_services(struct resolver *resolver)
{
	lookup_services(&lookup, resolver, "_php.test.");
}

static void begin_literal(struct resolver *resolver)
{
	lookup_hosts(&lookup, resolver, "192.0.2.1", 9000);
}

static void begin_name_in_file(struct resolver *resolver)
{
	lookup_hosts(&lookup, resolver, "localhost", 9000);
}

/* Whether the allocation of this number was made, and failed. */
static bool fail_one(begin_fn begin, unsigned number)
{
	char *error;
	struct resolver *resolver = resolver_new(&name_server.address, 1, &error);

	assert_non_null(resolver);
	lookup_init(&lookup, on_answer);
	answers = 0;
	host_count = 0;
	memory_left = number;
	begin(resolver);
	run_loop();
	memory_left = 0;
	assert_int_equal(answers, !lookup_is_running(&lookup));
	resolver_free(resolver);
	assert_false(lookup_is_running(&lookup));
	return has_failed;
}

static void check(begin_fn begin, size_t hosts)
{
	long before = memory_blocks;

	name_server_set(zones);
	for (unsigned number = 1; fail_one(begin, number); number++) {
		assert_int_equal(memory_blocks, before);
		/* c-ares passes lines of /etc/hosts over that it has no room for. */
		if (begin != begin_name_in_file && !is_partial && host_count != 0)
			assert_int_equal(host_count, hosts);
	}
	assert_int_equal(memory_blocks, before);
	assert_true(host_count >= hosts);
}

static void test_hosts(void **state)
{
	(void)state;
	check(begin_hosts, 20);
}

static void test_services(void **state)
{
	(void)state;
	check(begin_services, 20);
}

static void test_literals(void **state)
{
	(void)state;
	check(begin_literal, 1);
}

static void test_names_in_the_hosts_file(void **state)
{
	(void)state;
	check(begin_name_in_file, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_names_in_the_hosts_file),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_services),
	};

	/* c-ares keeps these, however often it is set up after this. */
	if (!loop_init() ||
	    ares_library_init_mem(ARES_LIB_INIT_ALL, malloc, free, realloc) != ARES_SUCCESS)
		return 1;
	name_server_open();
	return cmocka_run_group_tests_name("lookup_memory", tests, NULL, NULL);
}
