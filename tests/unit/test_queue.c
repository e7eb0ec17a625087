#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "policy/queue.h"

enum { TICKETS = 100, SOURCES = 5, SEED = 11 };

static void append(struct queue *queue, struct queue_ticket *ticket, struct queue_source *source)
{
	queue_ticket_init(ticket);
	queue_append(queue, ticket, source, 0);
}

static struct queue_ticket *take(struct queue *queue)
{
	struct queue_ticket *ticket = queue_first(queue);

	if (ticket)
		queue_remove(queue, ticket);
	return ticket;
}

static void test_one_request_each_is_first_in_first_out(void **state)
{
	struct queue queue;
	struct queue_ticket tickets[TICKETS];
	struct queue_source sources[TICKETS] = {0};

	(void)state;
	queue_init(&queue);
	assert_null(queue_first(&queue));
	for (int i = 0; i < TICKETS; i++)
		append(&queue, &tickets[i], &sources[i]);
	assert_int_equal(queue.count, TICKETS);
	for (int i = 0; i < TICKETS; i++)
		assert_ptr_equal(take(&queue), &tickets[i]);
	assert_int_equal(queue.count, 0);
}

static void test_a_source_with_many_takes_turns(void **state)
{
	struct queue queue;
	struct queue_ticket many[TICKETS], others[3];
	struct queue_source greedy = {0}, modest[3] = {{0}};

	(void)state;
	queue_init(&queue);
	for (int i = 0; i < TICKETS; i++)
		append(&queue, &many[i], &greedy);
	assert_ptr_equal(take(&queue), &many[0]);
	assert_ptr_equal(take(&queue), &many[1]);
	for (int i = 0; i < 3; i++)
		append(&queue, &others[i], &modest[i]);
	/* The round that has begun, then one of each. */
	assert_ptr_equal(take(&queue), &many[2]);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(take(&queue), &others[i]);
	assert_ptr_equal(take(&queue), &many[3]);
	append(&queue, &others[0], &modest[0]);
	assert_ptr_equal(take(&queue), &many[4]);
	assert_ptr_equal(take(&queue), &others[0]);
}

static void test_giving_up_makes_nobody_late(void **state)
{
	struct queue queue;
	struct queue_ticket many[TICKETS], other;
	struct queue_source greedy = {0}, modest = {0};

	(void)state;
	queue_init(&queue);
	for (int i = 0; i < TICKETS; i++)
		append(&queue, &many[i], &greedy);
	queue_remove(&queue, &many[TICKETS - 1]);
	queue_remove(&queue, &many[TICKETS - 1]);
	assert_int_equal(queue.count, TICKETS - 1);
	append(&queue, &other, &modest);
	assert_ptr_equal(take(&queue), &many[0]);
	assert_ptr_equal(take(&queue), &other);
}

static void test_what_comes_back_is_first(void **state)
{
	struct queue queue;
	struct queue_ticket tickets[2];
	struct queue_source sources[2] = {{0}};

	(void)state;
	queue_init(&queue);
	append(&queue, &tickets[0], &sources[0]);
	append(&queue, &tickets[1], &sources[1]);
	assert_ptr_equal(take(&queue), &tickets[0]);
	assert_false(queue_has(&tickets[0]));
	queue_return(&queue, &tickets[0]);
	assert_true(queue_has(&tickets[0]));
	assert_ptr_equal(take(&queue), &tickets[0]);
	assert_ptr_equal(take(&queue), &tickets[1]);
}

static void test_expiry(void **state)
{
	struct queue queue;
	struct queue_ticket tickets[2];
	struct queue_source source = {0};

	(void)state;
	queue_init(&queue);
	queue_ticket_init(&tickets[0]);
	queue_ticket_init(&tickets[1]);
	queue_append(&queue, &tickets[0], &source, 100);
	queue_append(&queue, &tickets[1], &source, 150);
	assert_null(queue_expired(&queue, 50, 149));
	assert_ptr_equal(queue_expired(&queue, 50, 150), &tickets[0]);
	queue_remove(&queue, &tickets[0]);
	assert_null(queue_expired(&queue, 50, 199));
	assert_ptr_equal(queue_expired(&queue, 50, 200), &tickets[1]);
}

/* However many each source has waiting, while all have some no one is served twice in a round. */
static void test_random_sources_are_served_evenly(void **state)
{
	static struct queue_ticket tickets[SOURCES][TICKETS];
	struct queue_source sources[SOURCES] = {{0}};
	unsigned served[SOURCES] = {0};
	struct queue queue;

	(void)state;
	srand(SEED);
	queue_init(&queue);
	for (int i = 0; i < SOURCES * TICKETS; i++) {
		int source = rand() % SOURCES;

		for (int n = 0; n < TICKETS; n++)
			if (tickets[source][n].round == 0) {
				append(&queue, &tickets[source][n], &sources[source]);
				break;
			}
	}
	while (queue.count > 0) {
		long place = take(&queue) - &tickets[0][0];

		served[place / TICKETS]++;
		for (int i = 0; i < SOURCES; i++)
			if (sources[i].round > queue.round)
				assert_true(served[i] + 1 >= served[place / TICKETS]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_request_each_is_first_in_first_out),
		cmocka_unit_test(test_a_source_with_many_takes_turns),
		cmocka_unit_test(test_giving_up_makes_nobody_late),
		cmocka_unit_test(test_what_comes_back_is_first),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_random_sources_are_served_evenly),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
