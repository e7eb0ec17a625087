#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/discovery.h"

enum { HOSTS_MAX = 8192, NO_LIMIT = HOSTS_MAX };

/* Hosts as a test writes them: "name priority weight" each, with "!" before one that is leaving. */
struct written {
	struct address addresses[16];
	struct discovery_host items[16];
	struct discovery_hosts hosts;
};

static void write_hosts(struct written *written, const char *text)
{
	*written = (struct written){.hosts.items = written->items};
	while (*text) {
		struct discovery_host *host = &written->items[written->hosts.count];
		struct address *address = &written->addresses[written->hosts.count++];
		size_t len;
		char *end;

		host->is_leaving = *text == '!';
		text += host->is_leaving;
		len = strcspn(text, " ");
		*address = (struct address){.kind = ADDRESS_TCP, .port = 9000};
		memcpy(address->name, text, len);
		host->address = address;
		host->priority = (uint16_t)strtoul(text + len, &end, 10);
		host->weight = (uint16_t)strtoul(end, &end, 10);
		text = end + strspn(end, ", ");
	}
}

/* The plan as text: "+0 1/5" is the first of the answer, new, in tier 1 with share 5. */
static const char *plan_text(const struct discovery_plan *plan)
{
	static const char signs[] = {
		[DISCOVERY_NEW] = '+', [DISCOVERY_KEPT] = '=', [DISCOVERY_GONE] = '-'};
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		const struct discovery_step *step = &plan->steps[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c%zu",
					i > 0 ? ", " : "", signs[step->kind], step->index);
		if (step->kind != DISCOVERY_GONE)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %u/%u",
						step->tier, step->share);
		else
			assert_int_equal(step->tier + step->share, 0);
	}
	return text;
}

struct example {
	const char *known, *answer;
	bool is_partial;
	const char *plan;
};

static const struct example examples[] = {
	/* New, kept, gone */
	{"", "a 0 1, b 0 1", false, "+0 1/1, +1 1/1"},
	{"a 0 1, b 0 1", "b 0 1, c 0 1", false, "-0, =1 1/1, +1 1/1"},
	{"a 0 1, b 0 1", "b 0 1, a 0 1", false, "=0 1/1, =1 1/1"},
	{"a 0 1", "b 0 1", false, "-0, +0 1/1"},
	/* One answer says it twice: the least priority, then the greatest weight counts. */
	{"", "a 9 1, a 3 2, a 3 7, b 5 1", false, "+2 1/7, +3 2/1"},
	{"a 9 1", "a 5 1, a 3 2, b 4 1", false, "=0 1/2, +2 2/1"},
	/* No answer, or part of one */
	{"a 0 1, b 0 1", "", false, "=0 1/1, =1 1/1"},
	{"a 0 1, b 0 1", "c 0 1", true, "=0 1/1, =1 1/1, +0 1/1"},
	{"a 0 1, b 0 5", "b 0 2", true, "=0 1/1, =1 1/2"},
	/* Leaving: for good, back again, and not back by half an answer about others. */
	{"!a 0 1, b 0 1", "b 0 1", false, "-0, =1 1/1"},
	{"!a 0 1, b 0 1", "a 0 1, b 0 1", false, "=0 1/1, =1 1/1"},
	{"!a 0 1, b 0 1", "b 0 1", true, "-0, =1 1/1"},
	{"!a 0 1, b 0 1", "", false, "-0, =1 1/1"},
	{"!a 0 1, b 0 1", "a 0 1", true, "=0 1/1, =1 1/1"},
	/* Tiers */
	{"", "a 20 1, b 10 1, c 20 1", false, "+0 2/1, +1 1/1, +2 2/1"},
	{"", "a 1 1, b 2 1, c 3 1, d 4 1, e 5 1, f 6 1, g 7 1", false,
	 "+0 1/1, +1 2/1, +2 3/1, +3 4/1, +4 5/1, +5 6/1, +6 6/1"},
	{"a 10 1", "a 20 1, b 5 1", false, "=0 2/1, +1 1/1"},
	/* What is not used makes no tier; what is kept without being heard of does. */
	{"a 10 1, b 20 1", "b 20 1", false, "-0, =1 1/1"},
	{"a 10 1, b 20 1", "b 20 1", true, "=0 1/1, =1 2/1"},
	{"!a 10 1, b 20 1", "b 20 1", true, "-0, =1 1/1"},
	/* Shares: as they are up to 256; else in proportion, in each tier by itself. */
	{"", "a 0 0, b 0 0", false, "+0 1/1, +1 1/1"},
	{"", "a 0 0, b 0 256", false, "+0 1/1, +1 1/256"},
	{"", "a 0 65535, b 0 32768, c 0 1, d 0 0", false, "+0 1/256, +1 1/128, +2 1/1, +3 1/1"},
	{"", "a 0 512, b 0 2, c 1 100, d 1 10", false, "+0 1/256, +1 1/1, +2 2/100, +3 2/10"},
	{"", "a 6 3, b 7 1000, c 8 500, d 1 1, e 2 1, f 3 1, g 4 1, h 5 1", false,
	 "+0 6/1, +1 6/256, +2 6/128, +3 1/1, +4 2/1, +5 3/1, +6 4/1, +7 5/1"},
};

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		const struct example *example = &examples[i];
		struct written known, answer;
		struct discovery_plan plan;

		write_hosts(&known, example->known);
		write_hosts(&answer, example->answer);
		assert_int_equal(discovery_plan_make(&plan, &known.hosts, &answer.hosts,
						     example->is_partial, NO_LIMIT),
				 0);
		if (strcmp(plan_text(&plan), example->plan) != 0)
			fail_msg("example %zu: %s", i, plan_text(&plan));
		assert_int_equal(plan.left_out, 0);
		discovery_plan_fini(&plan);
	}
}

static void check_limit(const char *answer_text, bool is_partial, size_t limit, const char *text,
			size_t left_out)
{
	struct written known, answer;
	struct discovery_plan plan;

	write_hosts(&known, "a 0 1, b 0 1");
	write_hosts(&answer, answer_text);
	assert_int_equal(discovery_plan_make(&plan, &known.hosts, &answer.hosts, is_partial, limit),
			 0);
	assert_string_equal(plan_text(&plan), text);
	assert_int_equal(plan.left_out, left_out);
	discovery_plan_fini(&plan);
	discovery_plan_fini(&plan);
}

static void test_a_limit_leaves_new_hosts_out(void **state)
{
	(void)state;
	check_limit("c 0 1, d 0 1, b 0 1, e 0 1", false, 3, "-0, =1 1/1, +0 1/1, +1 1/1", 1);
	check_limit("c 0 1, d 0 1, b 0 1, e 0 1", true, 3, "=0 1/1, =1 1/1, +0 1/1", 2);
	check_limit("c 0 1, a 0 1, b 0 1", false, 1, "=0 1/1, =1 1/1", 1);
	check_limit("c 0 1", false, 0, "-0, -1", 1);
}

static void test_a_host_is_known_by_what_was_heard_last(void **state)
{
	struct written known, answer;
	struct discovery_plan plan;

	(void)state;
	write_hosts(&known, "a 10 5, b 1 1");
	write_hosts(&answer, "a 20 7, c 3 9");
	assert_int_equal(discovery_plan_make(&plan, &known.hosts, &answer.hosts, true, NO_LIMIT),
			 0);
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.steps[0].priority, 20);
	assert_int_equal(plan.steps[0].weight, 7);
	assert_int_equal(plan.steps[1].priority, 1);
	assert_int_equal(plan.steps[2].priority, 3);
	assert_int_equal(plan.steps[2].weight, 9);
	discovery_plan_fini(&plan);
}

static void test_address_and_port_make_a_host(void **state)
{
	struct address addresses[] = {
		{.kind = ADDRESS_TCP, .port = 9000, .name = "192.0.2.1"},
		{.kind = ADDRESS_TCP, .port = 9001, .name = "192.0.2.1"},
		{.kind = ADDRESS_TCP, .port = 9000, .name = "192.0.2.10"},
		{.kind = ADDRESS_UNIX, .port = 9000, .name = "192.0.2.1"},
	};
	const struct discovery_host known[] = {{&addresses[0], 0, 1, false}};
	const struct discovery_host answer[] = {
		{&addresses[1], 0, 1, false},
		{&addresses[2], 0, 1, false},
		{&addresses[3], 0, 1, false},
	};
	const struct discovery_hosts before = {known, 1}, after = {answer, 3};
	struct discovery_plan plan;

	(void)state;
	assert_int_equal(discovery_plan_make(&plan, &before, &after, false, NO_LIMIT), 0);
	assert_string_equal(plan_text(&plan), "-0, +0 1/1, +1 1/1, +2 1/1");
	discovery_plan_fini(&plan);
}

static struct address *numbered_addresses(size_t count)
{
	struct address *addresses = calloc(count, sizeof(*addresses));

	assert_non_null(addresses);
	for (size_t i = 0; i < count; i++) {
		addresses[i].kind = ADDRESS_TCP;
		addresses[i].port = 9000;
		(void)snprintf(addresses[i].name, sizeof(addresses[i].name), "10.0.%zu.%zu",
			       i / 250, i % 250);
	}
	return addresses;
}

/* Of 8192 hosts half stay, and the answer has them in another order. */
static void test_many_hosts_are_matched(void **state)
{
	static struct discovery_host known[HOSTS_MAX / 2], answer[HOSTS_MAX / 2];
	const struct discovery_hosts before = {known, HOSTS_MAX / 2};
	const struct discovery_hosts after = {answer, HOSTS_MAX / 2};
	struct address *addresses = numbered_addresses(HOSTS_MAX);
	struct discovery_plan plan;
	size_t counts[3] = {0};

	(void)state;
	for (size_t i = 0; i < HOSTS_MAX / 2; i++) {
		size_t other = HOSTS_MAX * 3 / 4 - 1 - i;

		known[i] = (struct discovery_host){&addresses[i], 0, 1, false};
		answer[i] = (struct discovery_host){&addresses[other], 0, (uint16_t)other, false};
	}
	assert_int_equal(discovery_plan_make(&plan, &before, &after, false, NO_LIMIT), 0);
	for (size_t i = 0; i < plan.count; i++)
		counts[plan.steps[i].kind]++;
	assert_int_equal(counts[DISCOVERY_NEW], HOSTS_MAX / 4);
	assert_int_equal(counts[DISCOVERY_KEPT], HOSTS_MAX / 4);
	assert_int_equal(counts[DISCOVERY_GONE], HOSTS_MAX / 4);
	for (size_t i = 0; i < HOSTS_MAX / 2; i++) {
		assert_int_equal(plan.steps[i].index, i);
		assert_int_equal(plan.steps[i].kind,
				 i < HOSTS_MAX / 4 ? DISCOVERY_GONE : DISCOVERY_KEPT);
		if (i >= HOSTS_MAX / 4)
			assert_int_equal(plan.steps[i].weight, i);
	}
	discovery_plan_fini(&plan);
	free(addresses);
}

static void test_it_is_asked_again_within_the_time_to_live(void **state)
{
	(void)state;
	assert_int_equal(discovery_refresh_ms(0, 0), 1000);
	assert_int_equal(discovery_refresh_ms(1, 0), 1000);
	assert_int_equal(discovery_refresh_ms(1, 100), 900);
	assert_int_equal(discovery_refresh_ms(30, 0), 30000);
	assert_int_equal(discovery_refresh_ms(30, 3000), 27000);
	assert_int_equal(discovery_refresh_ms(30, 3001), 30000);
	assert_int_equal(discovery_refresh_ms(300, 0), 300000);
	assert_int_equal(discovery_refresh_ms(301, 0), 300000);
	assert_int_equal(discovery_refresh_ms(UINT32_MAX, 0), 300000);
	for (uint32_t random = 0; random < 100000; random += 7) {
		uint64_t delay_ms = discovery_refresh_ms(60, random * 40503u);

		assert_true(delay_ms >= 54000 && delay_ms <= 60000);
	}
}

static void test_failures_are_tried_again_ever_later(void **state)
{
	static const uint64_t delays_ms[] = {1000, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(discovery_retry_ms(i, 0), delays_ms[i]);
		assert_int_equal(discovery_retry_ms(i, (uint32_t)delays_ms[i] / 10),
				 delays_ms[i] - delays_ms[i] / 10);
	}
	assert_int_equal(discovery_retry_ms(UINT32_MAX, 0), 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_a_limit_leaves_new_hosts_out),
		cmocka_unit_test(test_a_host_is_known_by_what_was_heard_last),
		cmocka_unit_test(test_address_and_port_make_a_host),
		cmocka_unit_test(test_many_hosts_are_matched),
		cmocka_unit_test(test_it_is_asked_again_within_the_time_to_live),
		cmocka_unit_test(test_failures_are_tried_again_ever_later),
	};

	return cmocka_run_group_tests_name("discovery", tests, NULL, NULL);
}
