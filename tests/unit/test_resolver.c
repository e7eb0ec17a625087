#include "name_server.h"

#include <errno.h>
#include <sys/wait.h>

#include "os/lookup.h"
#include "os/sandbox.h"

static struct resolver *new_resolver(const struct address *servers, size_t count)
{
	char *error;
	struct resolver *resolver = resolver_new(servers, count, &error);

	assert_non_null(resolver);
	assert_null(error);
	return resolver;
}

/* The full names of a name, each with a blank behind it. */
static const char *candidates_of(const struct resolver *resolver, const char *name)
{
	static char text[4096];
	char full[ADDRESS_HOST_MAX + 1];

	text[0] = '\0';
	for (size_t i = 0; i < resolver_candidate_count(resolver, name); i++)
		if (resolver_candidate(resolver, name, i, full)) {
			size_t len = strlen(text);

			(void)snprintf(text + len, sizeof(text) - len, "%s ", full);
		}
	return text;
}

static void test_names_are_completed_as_for_any_program(void **state)
{
	struct resolver *resolver;

	(void)state;
	setenv("LOCALDOMAIN", "ns.svc.cluster.local svc.cluster.local .", 1);
	setenv("RES_OPTIONS", "ndots:2", 1);
	resolver = new_resolver(NULL, 0);
	assert_string_equal(candidates_of(resolver, "php"),
			    "php.ns.svc.cluster.local php.svc.cluster.local php. php ");
	assert_string_equal(candidates_of(resolver, "php.prod"),
			    "php.prod.ns.svc.cluster.local php.prod.svc.cluster.local php.prod. "
			    "php.prod ");
	assert_string_equal(candidates_of(resolver, "_p._tcp.php"),
			    "_p._tcp.php _p._tcp.php.ns.svc.cluster.local "
			    "_p._tcp.php.svc.cluster.local _p._tcp.php. ");
	assert_string_equal(candidates_of(resolver, "php."), "php. ");
	resolver_free(resolver);
}

static void test_candidates_that_are_too_long_are_left_out(void **state)
{
	struct resolver *resolver;
	char name[256];

	(void)state;
	setenv("LOCALDOMAIN", "long.example.test x", 1);
	setenv("RES_OPTIONS", "ndots:1", 1);
	resolver = new_resolver(NULL, 0);
	memset(name, 'a', 250);
	name[250] = '\0';
	/* 250 and ".x" fit. */
	assert_int_equal(strlen(candidates_of(resolver, name)), 253 + 251);
	resolver_free(resolver);
}

static void test_servers_are_literals(void **state)
{
	const struct address good[] = {
		{.kind = ADDRESS_TCP, .port = 53, .name = "192.0.2.1"},
		{.kind = ADDRESS_TCP, .port = 5353, .name = "2001:db8::1"},
	};
	const struct address bad = {.kind = ADDRESS_TCP, .port = 53, .name = "ns.example.test"};
	char *error;

	(void)state;
	resolver_free(new_resolver(good, 2));
	assert_null(resolver_new(&bad, 1, &error));
	assert_non_null(strstr(error, "names cannot be looked up: "));
	free(error);
	resolver_free(NULL);
}

static void answer_address(struct message *message)
{
	put_answer(message, 60, "192.0.2.1");
}

static void answer_large(struct message *message)
{
	if (!message->is_tcp) {
		message->bytes[2] |= FLAG_TRUNCATED;
		return;
	}
	for (unsigned i = 0; i < 1000; i++)
		put_literal(message, ANSWERS_AT, "", 60, "192.0.2.1");
}

static unsigned dropped;

static void answer_the_second_time(struct message *message)
{
	message->is_dropped = dropped++ == 0;
	answer_address(message);
}

static const struct zone zones[] = {
	{"a.test", answer_address},
	{"large.test", answer_large},
	{"lost.test", answer_the_second_time},
	{NULL, NULL},
};

/* A question with what became of it. */
struct asked {
	struct resolver_question question;
	unsigned replies;
	enum resolver_reply_kind kind;
	const char *failure;
	size_t len;
};

static unsigned awaited;

static void on_reply(struct resolver_question *question, const struct resolver_reply *reply)
{
	struct asked *asked = container_of(question, struct asked, question);

	asked->replies++;
	asked->kind = reply->kind;
	asked->failure = reply->failure;
	asked->len = reply->kind == RESOLVER_RECORDS ? reply->len : 0;
	assert_int_equal(reply->kind == RESOLVER_RECORDS, reply->failure == NULL);
	if (--awaited == 0)
		loop_stop();
}

static void ask(struct asked *asked, struct resolver *resolver, const char *name)
{
	*asked = (struct asked){0};
	resolver_question_init(&asked->question, DNS_A, on_reply);
	resolver_ask(resolver, &asked->question, name);
	assert_int_equal(asked->replies, 0);
	awaited++;
}

static void test_questions_have_their_replies(void **state)
{
	struct resolver *resolver;
	struct asked asked[4];

	(void)state;
	name_server_open();
	name_server_set(zones);
	resolver = new_resolver(&name_server.address, 1);
	ask(&asked[0], resolver, "a.test");
	ask(&asked[1], resolver, "b.test");
	ask(&asked[2], resolver, "large.test");
	ask(&asked[3], resolver, "a..test");
	name_server_run();
	assert_int_equal(asked[0].kind, RESOLVER_RECORDS);
	assert_int_equal(asked[1].kind, RESOLVER_NONE);
	assert_int_equal(asked[2].kind, RESOLVER_RECORDS);
	assert_true(asked[2].len > 10000);
	assert_int_equal(asked[3].kind, RESOLVER_NONE);
	resolver_free(resolver);
	name_server_close();
}

static void test_a_question_that_is_lost_is_sent_again(void **state)
{
	struct resolver *resolver;
	struct asked asked;

	(void)state;
	dropped = 0;
	name_server_open();
	name_server_set(zones);
	resolver = new_resolver(&name_server.address, 1);
	ask(&asked, resolver, "lost.test");
	name_server_run();
	assert_int_equal(asked.kind, RESOLVER_RECORDS);
	assert_int_equal(name_server.asked, 2);
	resolver_free(resolver);
	name_server_close();
}

/* The first is not there; the second is. */
static void test_the_next_server_is_asked(void **state)
{
	struct resolver *resolver;
	struct asked asked;
	struct address servers[2] = {{.kind = ADDRESS_TCP, .name = "127.0.0.1"}};
	int fd = bind_socket(SOCK_DGRAM, &servers[0]);

	(void)state;
	close(fd);
	name_server_open();
	name_server_set(zones);
	servers[1] = name_server.address;
	resolver = new_resolver(servers, 2);
	ask(&asked, resolver, "a.test");
	name_server_run();
	assert_int_equal(asked.kind, RESOLVER_RECORDS);
	resolver_free(resolver);
	name_server_close();
}

enum { CROWD = 1000 };

static void test_a_crowd_of_questions_loses_none(void **state)
{
	static struct asked asked[CROWD];
	struct resolver *resolver;

	(void)state;
	name_server_open();
	name_server_set(zones);
	resolver = new_resolver(&name_server.address, 1);
	for (size_t i = 0; i < CROWD; i++)
		ask(&asked[i], resolver, "a.test");
	/* Those that wait, and those that do not any more. */
	for (size_t i = 1; i < CROWD; i += 2, awaited--)
		resolver_question_cancel(&asked[i].question);
	name_server_run();
	for (size_t i = 0; i < CROWD; i++)
		assert_int_equal(asked[i].replies, i % 2 == 0);
	assert_int_equal(name_server.asked, CROWD / 2);
	assert_true(name_server.most_at_once <= 64);
	resolver_free(resolver);
	name_server_close();
}

static void note_literal(void *arg, const uint8_t *literal, enum dns_type type)
{
	bool *is_found = arg;

	if (type == DNS_A && memcmp(literal, "\x7f\0\0\1", 4) == 0)
		*is_found = true;
}

static void test_the_hosts_file_is_read(void **state)
{
	struct resolver *resolver = new_resolver(NULL, 0);
	bool is_found = false;

	(void)state;
	resolver_read_hosts(resolver, "absent.example.test", note_literal, &is_found);
	assert_false(is_found);
	resolver_read_hosts(resolver, "localhost", note_literal, &is_found);
	assert_true(is_found);
	resolver_free(resolver);
}

/* A name server as a process of its own; its address comes through the pipe. */
static void serve(int out)
{
	if (!loop_init())
		_exit(1);
	name_server_open();
	name_server_set(zones);
	if (write(out, &name_server.address, sizeof(name_server.address)) < 0)
		_exit(1);
	name_server_run();
	_exit(0);
}

static struct lookup lookup;
static size_t found_count;

static void on_answer(struct lookup *unused, const struct lookup_answer *answer)
{
	(void)unused;
	found_count = answer->count;
	loop_stop();
}

/* By UDP and, as it is large, by TCP, in the sandbox. The exit status: what did not work. */
static void look_up_in_sandbox(const struct address *server)
{
	const struct sandbox_place places[] = {{"/etc/hosts", SANDBOX_READ}};
	const struct sandbox_plan plan = {
		.places = places,
		.place_count = 1,
		.ports = &server->port,
		.port_count = 1,
		.resolves = true,
	};
	struct sandbox sandbox;
	struct resolver *resolver;

	if (!loop_init())
		_exit(1);
	resolver = new_resolver(server, 1);
	sandbox_enter(&plan, &sandbox);
	lookup_init(&lookup, on_answer);
	lookup_hosts(&lookup, resolver, "large.test", 9000);
	name_server_run();
	if (found_count != 1)
		_exit(2);
	found_count = 0;
	lookup_hosts(&lookup, resolver, "localhost", 9000);
	name_server_run();
	resolver_free(resolver);
	_exit(found_count > 0 ? 0 : 3);
}

static void test_names_are_looked_up_in_the_sandbox(void **state)
{
	struct address address;
	pid_t server, client;
	int pair[2], status;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	server = fork();
	if (server == 0)
		serve(pair[1]);
	assert_int_equal(read(pair[0], &address, sizeof(address)), sizeof(address));
	client = fork();
	if (client == 0)
		look_up_in_sandbox(&address);
	assert_int_equal(waitpid(client, &status, 0), client);
	kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(status, 0);
}

int main(void)
{
	/* Its processes have loops of their own. */
	const struct CMUnitTest apart[] = {
		cmocka_unit_test(test_names_are_looked_up_in_the_sandbox),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_completed_as_for_any_program),
		cmocka_unit_test(test_candidates_that_are_too_long_are_left_out),
		cmocka_unit_test(test_servers_are_literals),
		cmocka_unit_test(test_questions_have_their_replies),
		cmocka_unit_test(test_a_question_that_is_lost_is_sent_again),
		cmocka_unit_test(test_the_next_server_is_asked),
		cmocka_unit_test(test_a_crowd_of_questions_loses_none),
		cmocka_unit_test(test_the_hosts_file_is_read),
	};
	int failed = cmocka_run_group_tests_name("resolver in the sandbox", apart, NULL, NULL);

	if (!loop_init())
		return 1;
	return failed + cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
