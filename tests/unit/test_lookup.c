#include "name_server.h"

#include "os/lookup.h"

/* What a lookup was answered, kept. */
struct outcome {
	struct lookup lookup;
	unsigned answers;
	char failure[128]; /* "": it was good */
	char hosts[4096];  /* "address:port priority weight, ..." of the first */
	size_t count, left_out;
	uint32_t ttl_s;
	bool is_partial;
};

static struct resolver *resolver;

static void note_host(struct outcome *outcome, const struct lookup_host *host)
{
	size_t len = strlen(outcome->hosts);
	char text[ADDRESS_TEXT_SIZE];

	assert_int_equal(host->address.kind, ADDRESS_TCP);
	if (len + ADDRESS_TEXT_SIZE + 16 > sizeof(outcome->hosts))
		return;
	(void)snprintf(outcome->hosts + len, sizeof(outcome->hosts) - len, "%s%s %u %u",
		       len > 0 ? ", " : "", address_format(&host->address, text), host->priority,
		       host->weight);
}

static void note_answer(struct lookup *lookup, const struct lookup_answer *answer)
{
	struct outcome *outcome = container_of(lookup, struct outcome, lookup);

	assert_false(lookup_is_running(lookup));
	outcome->answers++;
	(void)snprintf(outcome->failure, sizeof(outcome->failure), "%s",
		       answer->failure ? answer->failure : "");
	assert_int_equal(answer->count == 0, answer->failure != NULL);
	outcome->hosts[0] = '\0';
	for (size_t i = 0; i < answer->count; i++)
		note_host(outcome, &answer->hosts[i]);
	outcome->count = answer->count;
	outcome->left_out = answer->left_out;
	outcome->ttl_s = answer->ttl_s;
	outcome->is_partial = answer->is_partial;
}

static void on_answer(struct lookup *lookup, const struct lookup_answer *answer)
{
	note_answer(lookup, answer);
	loop_stop();
}

/* The outcome stays until the next call. */
static struct outcome outcome_of_hosts;

/* Looks it up in these zones as before. */
static struct outcome *hosts_again_in(const struct zone *zones, const char *name)
{
	struct outcome *outcome = &outcome_of_hosts;

	outcome->answers = 0;
	name_server_set(zones);
	lookup_hosts(&outcome->lookup, resolver, name, 9000);
	assert_true(lookup_is_running(&outcome->lookup));
	assert_int_equal(outcome->answers, 0);
	name_server_run();
	assert_int_equal(outcome->answers, 1);
	return outcome;
}

/* The same for the first time. */
static struct outcome *hosts_in(const struct zone *zones, const char *name)
{
	outcome_of_hosts = (struct outcome){0};
	lookup_init(&outcome_of_hosts.lookup, on_answer);
	return hosts_again_in(zones, name);
}

static struct outcome *services_in(const struct zone *zones, const char *name)
{
	static struct outcome outcome;

	outcome = (struct outcome){0};
	name_server_set(zones);
	lookup_init(&outcome.lookup, on_answer);
	lookup_services(&outcome.lookup, resolver, name);
	assert_int_equal(outcome.answers, 0);
	name_server_run();
	assert_int_equal(outcome.answers, 1);
	return &outcome;
}

/* Answers of the zones: each function is one name. */

static void fail_to_answer(struct message *message)
{
	set_rcode(message, RCODE_FAILED);
}

static void refuse_to_answer(struct message *message)
{
	set_rcode(message, RCODE_REFUSED);
}

static void answer_nothing(struct message *message)
{
	(void)message;
}

static void answer_both(struct message *message)
{
	if (message->type == DNS_A) {
		put_answer(message, 60, "192.0.2.2");
		put_answer(message, 60, "192.0.2.1");
		put_answer(message, 60, "192.0.2.2");
	} else if (message->type == DNS_AAAA) {
		put_answer(message, 50, "2001:db8::1");
	}
}

static void answer_by_alias(struct message *message)
{
	put_alias(message, "real.test", 20);
	if (message->type == DNS_A)
		put_literal(message, ANSWERS_AT, "real.test", 60, "192.0.2.1");
}

static void answer_v4_only(struct message *message)
{
	if (message->type == DNS_A)
		put_answer(message, 60, "192.0.2.1");
}

static void answer_v4_and_fail(struct message *message)
{
	answer_v4_only(message);
	if (message->type != DNS_A)
		set_rcode(message, RCODE_FAILED);
}

static void answer_many_of_one(struct message *message)
{
	if (!message->is_tcp) {
		message->bytes[2] |= FLAG_TRUNCATED;
		return;
	}
	for (unsigned i = 0; i < 2000 && message->type == DNS_A; i++) {
		char literal[32];

		(void)snprintf(literal, sizeof(literal), "10.1.%u.%u", i / 200, i % 200);
		put_literal(message, ANSWERS_AT, "", 0x80000000u + i, literal);
	}
}

static const struct zone host_zones[] = {
	{"both.test", answer_both},	    {"alias.test", answer_by_alias},
	{"v4.test", answer_v4_only},	    {"nothing.test", answer_nothing},
	{"failing.test", fail_to_answer},   {"refusing.test", refuse_to_answer},
	{"half.test", answer_v4_and_fail},  {"many.test", answer_many_of_one},
	{"short.two.test", answer_v4_only}, {"bad.one.test", fail_to_answer},
	{"bad.two.test", answer_v4_only},   {"empty.one.test", answer_nothing},
	{"empty.two.test", answer_v4_only}, {NULL, NULL},
};

static void test_addresses_of_both_families_are_hosts(void **state)
{
	const struct outcome *outcome = hosts_in(host_zones, "both.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.1:9000 0 1, 192.0.2.2:9000 0 1, "
					    "[2001:db8::1]:9000 0 1");
	assert_string_equal(outcome->failure, "");
	assert_int_equal(outcome->ttl_s, 50);
	assert_false(outcome->is_partial);
	assert_int_equal(outcome->left_out, 0);
}

static void test_an_alias_has_a_time_to_live_too(void **state)
{
	const struct outcome *outcome = hosts_in(host_zones, "alias.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.1:9000 0 1");
	assert_int_equal(outcome->ttl_s, 20);
	assert_false(outcome->is_partial);
}

static void test_nothing_is_a_failure(void **state)
{
	(void)state;
	assert_string_equal(hosts_in(host_zones, "absent.test")->failure, "there is no such name");
	assert_string_equal(hosts_in(host_zones, "nothing.test.")->failure,
			    "the name has no such record");
	assert_string_equal(hosts_in(host_zones, "failing.test")->failure, "all name servers fail");
	assert_string_equal(hosts_in(host_zones, "refusing.test")->failure,
			    "all name servers fail");
	assert_string_equal(hosts_in(host_zones, "two..dots")->failure, "that cannot be a name");
}

static void test_one_family_that_fails_leaves_the_other(void **state)
{
	const struct zone failing[] = {{"both.test", answer_v4_and_fail}, {NULL, NULL}};
	const struct outcome *outcome = hosts_in(failing, "both.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.1:9000 0 1");
	/* Nothing says that there ever was one of the other. */
	assert_false(outcome->is_partial);
	assert_false(hosts_again_in(host_zones, "both.test")->is_partial);
	outcome = hosts_again_in(failing, "both.test");
	assert_string_equal(outcome->hosts, "192.0.2.1:9000 0 1");
	assert_true(outcome->is_partial);
	assert_false(hosts_again_in(host_zones, "both.test")->is_partial);
}

static void test_literals_ask_nobody(void **state)
{
	const struct outcome *outcome = hosts_in(host_zones, "192.0.2.9");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.9:9000 0 1");
	outcome = hosts_in(host_zones, "2001:DB8:0::9");
	assert_string_equal(outcome->hosts, "[2001:db8::9]:9000 0 1");
	assert_int_equal(name_server.asked, 0);
}

static void test_the_hosts_file_comes_first(void **state)
{
	const struct outcome *outcome = hosts_in(host_zones, "localhost");

	(void)state;
	assert_non_null(strstr(outcome->hosts, "127.0.0.1:9000 0 1"));
	assert_int_equal(outcome->ttl_s, LOOKUP_FILE_TTL_S);
	assert_int_equal(name_server.asked, 0);
}

static void test_domains_are_searched(void **state)
{
	(void)state;
	assert_string_equal(hosts_in(host_zones, "short")->hosts, "192.0.2.1:9000 0 1");
	assert_int_equal(name_server.asked, 4);
	assert_string_equal(name_server.last, "short.two.test");
	/* As it was written first, where it has so many dots. */
	assert_string_equal(hosts_in(host_zones, "short.two.test")->hosts, "192.0.2.1:9000 0 1");
	assert_int_equal(name_server.asked, 2);
	/* That the name has no address there is no answer yet. */
	assert_string_equal(hosts_in(host_zones, "empty")->hosts, "192.0.2.1:9000 0 1");
	/* And not at all. */
	assert_string_equal(hosts_in(host_zones, "short.")->failure, "there is no such name");
	assert_int_equal(name_server.asked, 2);
}

static void test_a_domain_that_fails_leads_to_no_other_host(void **state)
{
	(void)state;
	assert_string_equal(hosts_in(host_zones, "bad")->failure, "all name servers fail");
	assert_string_equal(name_server.last, "bad.one.test");
}

static void test_many_addresses_come_by_tcp(void **state)
{
	const struct outcome *outcome = hosts_in(host_zones, "many.test");

	(void)state;
	assert_int_equal(outcome->count, 2000);
	assert_true(name_server.asked_tcp > 0);
	/* RFC 2181, 8 */
	assert_int_equal(outcome->ttl_s, 0);
}

static void test_a_name_that_is_too_long_is_none(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_string_equal(hosts_in(host_zones, name)->failure, "the name is too long");
	name[255] = '\0';
	assert_string_equal(hosts_in(host_zones, name)->failure, "that cannot be a name");
}

static void answer_services(struct message *message)
{
	if (message->type != DNS_SRV)
		return;
	put_service(message, 90, "10 60 9001 a.test");
	put_service(message, 90, "10 40 9002 B.Test");
	put_service(message, 90, "20 0 9001 a.test");
	put_service(message, 90, "5 1 0 a.test");
}

static void answer_all_services(struct message *message)
{
	answer_services(message);
	put_literal(message, ADDITIONALS_AT, "A.test", 80, "192.0.2.1");
	put_literal(message, ADDITIONALS_AT, "a.test", 80, "2001:db8::1");
	put_literal(message, ADDITIONALS_AT, "b.test", 30, "192.0.2.2");
	put_literal(message, ADDITIONALS_AT, "b.test", 80, "2001:db8::2");
	put_literal(message, ADDITIONALS_AT, "evil.test", 80, "192.0.2.66");
}

static void answer_a(struct message *message)
{
	if (message->type == DNS_A)
		put_answer(message, 70, "192.0.2.1");
}

static void answer_b(struct message *message)
{
	if (message->type == DNS_A)
		put_answer(message, 70, "192.0.2.2");
}

static const struct zone service_zones[] = {
	{"_all.test", answer_all_services},
	{"_php.test", answer_services},
	{"_short.two.test", answer_services},
	{"a.test", answer_a},
	{"b.test", answer_b},
	{NULL, NULL},
};

static void test_services_come_with_their_addresses(void **state)
{
	const struct outcome *outcome = services_in(service_zones, "_all.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.1:9001 10 60, 192.0.2.2:9002 10 40, "
					    "[2001:db8::1]:9001 10 60, [2001:db8::2]:9002 10 40");
	assert_int_equal(outcome->ttl_s, 30);
	assert_false(outcome->is_partial);
	assert_int_equal(name_server.asked, 1);
}

static void test_addresses_that_did_not_come_are_asked_for(void **state)
{
	const struct outcome *outcome = services_in(service_zones, "_php.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.1:9001 10 60, 192.0.2.2:9002 10 40");
	assert_int_equal(outcome->ttl_s, 70);
	assert_false(outcome->is_partial);
	assert_int_equal(name_server.asked, 5);
	assert_string_equal(services_in(service_zones, "_short")->hosts, outcome->hosts);
}

static void test_a_target_that_fails_does_not_lose_the_others(void **state)
{
	const struct zone zones[] = {
		{"_php.test", answer_services},
		{"a.test", fail_to_answer},
		{"b.test", answer_b},
		{NULL, NULL},
	};
	const struct outcome *outcome = services_in(zones, "_php.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.2:9002 10 40");
	assert_true(outcome->is_partial);
}

static void test_a_target_that_is_not_there_makes_nothing_partial(void **state)
{
	const struct zone zones[] = {
		{"_php.test", answer_services},
		{"b.test", answer_b},
		{NULL, NULL},
	};
	const struct zone no_targets[] = {{"_php.test", answer_services}, {NULL, NULL}};
	const struct outcome *outcome = services_in(zones, "_php.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.2:9002 10 40");
	assert_false(outcome->is_partial);
	assert_string_equal(services_in(no_targets, "_php.test")->failure,
			    "no target of the service has an address");
}

static void answer_that_there_is_none(struct message *message)
{
	put_service(message, 90, "0 0 0 ");
}

static void test_a_service_may_be_none(void **state)
{
	const struct zone zones[] = {
		{"_none.one.test", answer_that_there_is_none},
		{"_none.two.test", answer_services},
		{"_failing.test", fail_to_answer},
		{"a.test", answer_a},
		{NULL, NULL},
	};

	(void)state;
	assert_string_equal(services_in(zones, "_none")->failure, "there is no such service");
	assert_string_equal(services_in(zones, "_absent")->failure, "there is no such name");
	assert_string_equal(services_in(zones, "_failing.test")->failure, "all name servers fail");
}

enum { MANY_SERVICES = 80, ADDRESSES_OF_EACH = 60 };

static void answer_many_services(struct message *message)
{
	if (!message->is_tcp) {
		message->bytes[2] |= FLAG_TRUNCATED;
		return;
	}
	for (unsigned i = 0; i < MANY_SERVICES; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "1 1 9000 h%u.test", i);
		put_service(message, 90, text);
	}
}

static void answer_many_addresses(struct message *message)
{
	unsigned host = (unsigned)strtoul(message->name + 1, NULL, 10);

	for (unsigned i = 0; i < ADDRESSES_OF_EACH && message->type == DNS_A; i++) {
		char literal[32];

		(void)snprintf(literal, sizeof(literal), "10.2.%u.%u", host, i);
		put_literal(message, ANSWERS_AT, "", 60, literal);
	}
}

static void test_hosts_beyond_the_most_are_left_out(void **state)
{
	static char names[MANY_SERVICES][16];
	struct zone zones[MANY_SERVICES + 2] = {{"_many.test", answer_many_services}};
	const struct outcome *outcome;

	(void)state;
	for (size_t i = 0; i < MANY_SERVICES; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "h%zu.test", i);
		zones[i + 1] = (struct zone){names[i], answer_many_addresses};
	}
	outcome = services_in(zones, "_many.test");
	assert_int_equal(outcome->count, LOOKUP_HOSTS_MAX);
	assert_int_equal(outcome->left_out, MANY_SERVICES * ADDRESSES_OF_EACH - LOOKUP_HOSTS_MAX);
	assert_false(outcome->is_partial);
	assert_memory_equal(outcome->hosts, "10.2.0.0:9000 1 1, 10.2.0.1:9000", 32);
}

static void test_a_service_whose_targets_all_fail_is_given_up(void **state)
{
	static char names[MANY_SERVICES][16];
	struct zone zones[MANY_SERVICES + 2] = {{"_many.test", answer_many_services}};

	(void)state;
	for (size_t i = 0; i < MANY_SERVICES; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "h%zu.test", i);
		zones[i + 1] = (struct zone){names[i], refuse_to_answer};
	}
	assert_string_equal(services_in(zones, "_many.test")->failure, "all name servers fail");
	/* Of 160 questions with three tries each. */
	assert_true(name_server.asked_a + name_server.asked_aaaa <= 3 * 100);
}

/* Hostile answers: whatever comes of them, the lookup ends. */

static void point_in_a_circle(struct message *message)
{
	uint16_t here = (uint16_t)(0xc000 | message->len);

	put_number(message, here, 2);
	put_number(message, message->type, 2);
	put_number(message, 1, 2);
	put_number(message, 60, 4);
	put_number(message, 0, 2);
	count_record(message, ANSWERS_AT);
}

static void lie_about_a_length(struct message *message)
{
	answer_v4_only(message);
	put_record(message, "x.test", message->type, 60, 4000);
	put_number(message, 1, 4);
	count_record(message, ANSWERS_AT);
}

static void lie_about_the_count(struct message *message)
{
	answer_v4_only(message);
	put_be16(message->bytes + ANSWERS_AT, 0xffff);
}

static void answer_with_an_odd_address(struct message *message)
{
	put_record(message, message->name, message->type, 60, 5);
	put_bytes(message, "12345", 5);
	count_record(message, ANSWERS_AT);
}

static void answer_with_a_short_service(struct message *message)
{
	put_record(message, message->name, DNS_SRV, 60, 6);
	put_bytes(message, "123456", 6);
	count_record(message, ANSWERS_AT);
}

static void name_no_host(struct message *message)
{
	put_record(message, message->name, DNS_SRV, 60, 6 + 6);
	put_bytes(message, "\0\1\0\1\0\1\4a\n;/", 11);
	put_number(message, 0, 1);
	count_record(message, ANSWERS_AT);
}

static unsigned pieces;

static void answer_after_rubbish(struct message *message)
{
	static const uint8_t rubbish[] = {0, 1, 2};
	struct message *other;

	answer_v4_only(message);
	if (pieces++ > 0)
		return;
	/* The id of somebody else, and then nothing: it asks again. */
	other = malloc(sizeof(*other));
	assert_non_null(other);
	*other = *message;
	other->bytes[0] ^= 0xff;
	memcpy(message->bytes, other->bytes, other->len);
	memcpy(message->bytes + message->len, rubbish, sizeof(rubbish));
	message->len += sizeof(rubbish);
	free(other);
}

static void answer_with_no_byte(struct message *message)
{
	answer_v4_only(message);
	if (pieces++ == 0)
		message->len = 0;
}

static const struct zone hostile_zones[] = {
	{"circle.test", point_in_a_circle},
	{"length.test", lie_about_a_length},
	{"count.test", lie_about_the_count},
	{"odd.test", answer_with_an_odd_address},
	{"_short.test", answer_with_a_short_service},
	{"_circle.test", point_in_a_circle},
	{"_host.test", name_no_host},
	{"rubbish.test", answer_after_rubbish},
	{"void.test", answer_with_no_byte},
	{NULL, NULL},
};

static void test_what_cannot_be_read_is_no_answer(void **state)
{
	static const char nonsense[] = "the answer makes no sense";

	(void)state;
	assert_string_equal(hosts_in(hostile_zones, "circle.test")->hosts, "");
	assert_string_equal(hosts_in(hostile_zones, "odd.test")->hosts, "");
	assert_string_equal(services_in(hostile_zones, "_short.test")->failure, nonsense);
	assert_string_equal(services_in(hostile_zones, "_circle.test")->failure, nonsense);
	assert_string_equal(services_in(hostile_zones, "_host.test")->failure,
			    "the name has no such record");
}

static void test_what_comes_before_nonsense_counts(void **state)
{
	const struct outcome *outcome = hosts_in(hostile_zones, "length.test");

	(void)state;
	assert_string_equal(outcome->hosts, "192.0.2.1:9000 0 1");
	assert_true(outcome->is_partial);
	outcome = hosts_in(hostile_zones, "count.test");
	assert_string_equal(outcome->hosts, "192.0.2.1:9000 0 1");
	assert_true(outcome->is_partial);
}

static void test_answers_of_strangers_are_passed_over(void **state)
{
	(void)state;
	pieces = 0;
	assert_string_equal(hosts_in(hostile_zones, "rubbish.test")->hosts, "192.0.2.1:9000 0 1");
	pieces = 0;
	assert_string_equal(hosts_in(hostile_zones, "void.test")->hosts, "192.0.2.1:9000 0 1");
}

static void drop_question(struct message *message)
{
	message->is_dropped = true;
}

static const struct zone silent_zones[] = {
	{"silent.test", drop_question},
	{"_silent.test", drop_question},
	{"v4.test", answer_v4_only},
	{NULL, NULL},
};

static void test_a_cancelled_lookup_has_no_answer(void **state)
{
	struct outcome cancelled = {0};

	(void)state;
	lookup_init(&cancelled.lookup, note_answer);
	lookup_cancel(&cancelled.lookup);
	lookup_hosts(&cancelled.lookup, resolver, "silent.test", 9000);
	(void)hosts_in(silent_zones, "v4.test");
	assert_true(lookup_is_running(&cancelled.lookup));
	lookup_cancel(&cancelled.lookup);
	assert_false(lookup_is_running(&cancelled.lookup));
	/* Before it has begun. */
	lookup_services(&cancelled.lookup, resolver, "v4.test");
	lookup_cancel(&cancelled.lookup);
	/* And with the answer on its way. */
	name_server_set(silent_zones);
	lookup_hosts(&cancelled.lookup, resolver, "v4.test", 9000);
	(void)hosts_in(silent_zones, "192.0.2.1");
	lookup_cancel(&cancelled.lookup);
	(void)hosts_in(silent_zones, "v4.test");
	assert_int_equal(cancelled.answers, 0);
}

static void test_a_resolver_takes_its_lookups_along(void **state)
{
	struct outcome outcomes[3] = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		lookup_init(&outcomes[i].lookup, note_answer);
	lookup_hosts(&outcomes[0].lookup, resolver, "silent.test", 9000);
	lookup_services(&outcomes[1].lookup, resolver, "_silent.test");
	(void)hosts_in(silent_zones, "v4.test");
	lookup_hosts(&outcomes[2].lookup, resolver, "v4.test", 9000);
	resolver_free(resolver);
	for (size_t i = 0; i < 3; i++) {
		assert_false(lookup_is_running(&outcomes[i].lookup));
		assert_int_equal(outcomes[i].answers, 0);
	}
	resolver = NULL;
}

/* Asks again at once, a few times. */
static void on_answer_again(struct lookup *lookup, const struct lookup_answer *answer)
{
	struct outcome *outcome = container_of(lookup, struct outcome, lookup);

	note_answer(lookup, answer);
	if (outcome->answers < 3)
		lookup_hosts(lookup, resolver, "192.0.2.1", 9000);
	else
		loop_stop();
}

static void test_a_lookup_may_begin_again_when_it_is_answered(void **state)
{
	struct outcome outcome = {0};

	(void)state;
	name_server_set(silent_zones);
	lookup_init(&outcome.lookup, on_answer_again);
	lookup_hosts(&outcome.lookup, resolver, "v4.test", 9000);
	name_server_run();
	assert_int_equal(outcome.answers, 3);
	assert_string_equal(outcome.hosts, "192.0.2.1:9000 0 1");
}

enum { AT_ONCE = 300 };
static unsigned answered_at_once;

static void on_answer_of_many(struct lookup *lookup, const struct lookup_answer *answer)
{
	note_answer(lookup, answer);
	if (++answered_at_once == AT_ONCE)
		loop_stop();
}

static void test_many_lookups_run_at_once(void **state)
{
	static struct outcome outcomes[AT_ONCE];

	(void)state;
	name_server_set(host_zones);
	for (size_t i = 0; i < AT_ONCE; i++) {
		lookup_init(&outcomes[i].lookup, on_answer_of_many);
		lookup_hosts(&outcomes[i].lookup, resolver, i % 2 ? "v4.test" : "both.test", 9000);
	}
	name_server_run();
	for (size_t i = 0; i < AT_ONCE; i++)
		assert_int_equal(outcomes[i].count, i % 2 ? 1 : 3);
}

static void test_no_server_is_a_failure(void **state)
{
	(void)state;
	name_server_close();
	assert_string_equal(hosts_in(host_zones, "v4.test")->failure, "all name servers fail");
	assert_string_equal(services_in(host_zones, "_php.test")->failure, "all name servers fail");
	name_server_open();
}

static int set_up(void **state)
{
	char *error;

	(void)state;
	name_server_open();
	resolver = resolver_new(&name_server.address, 1, &error);
	return resolver ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	resolver_free(resolver);
	name_server_close();
	return 0;
}

#define LOOKUP_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOKUP_TEST(test_addresses_of_both_families_are_hosts),
		LOOKUP_TEST(test_an_alias_has_a_time_to_live_too),
		LOOKUP_TEST(test_nothing_is_a_failure),
		LOOKUP_TEST(test_one_family_that_fails_leaves_the_other),
		LOOKUP_TEST(test_literals_ask_nobody),
		LOOKUP_TEST(test_the_hosts_file_comes_first),
		LOOKUP_TEST(test_domains_are_searched),
		LOOKUP_TEST(test_a_domain_that_fails_leads_to_no_other_host),
		LOOKUP_TEST(test_many_addresses_come_by_tcp),
		LOOKUP_TEST(test_a_name_that_is_too_long_is_none),
		LOOKUP_TEST(test_services_come_with_their_addresses),
		LOOKUP_TEST(test_addresses_that_did_not_come_are_asked_for),
		LOOKUP_TEST(test_a_target_that_fails_does_not_lose_the_others),
		LOOKUP_TEST(test_a_target_that_is_not_there_makes_nothing_partial),
		LOOKUP_TEST(test_a_service_may_be_none),
		LOOKUP_TEST(test_hosts_beyond_the_most_are_left_out),
		LOOKUP_TEST(test_a_service_whose_targets_all_fail_is_given_up),
		LOOKUP_TEST(test_what_cannot_be_read_is_no_answer),
		LOOKUP_TEST(test_what_comes_before_nonsense_counts),
		LOOKUP_TEST(test_answers_of_strangers_are_passed_over),
		LOOKUP_TEST(test_a_cancelled_lookup_has_no_answer),
		LOOKUP_TEST(test_a_resolver_takes_its_lookups_along),
		LOOKUP_TEST(test_a_lookup_may_begin_again_when_it_is_answered),
		LOOKUP_TEST(test_many_lookups_run_at_once),
		LOOKUP_TEST(test_no_server_is_a_failure),
	};

	/* In place of resolv.conf(5), as for any program. */
	setenv("LOCALDOMAIN", "one.test two.test", 1);
	setenv("RES_OPTIONS", "ndots:1", 1);
	if (!loop_init())
		return 1;
	return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
