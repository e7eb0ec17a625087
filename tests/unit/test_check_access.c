#include "config.h"

#include <unistd.h>

#include "config/check_access.h"
#include "config/ini.h"
#include "config/options.h"

#define VARIABLE "FCGI_WEB_SERVER_ADDRS"
#define TCP "[a]\nlisten = 192.0.2.1:9000\nbin-path = /x\n"
#define LOCAL "[a]\nlisten = 127.0.0.1:9000\nbin-path = /x\n"
#define UNIX "[a]\nlisten = /a\nbin-path = /x\n"

/* The one backend of a file with this text, checked with this environment; NULL: none. */
static struct backend_settings *check(struct fixture *fixture, const char *text,
				      const char *environment)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	if (environment)
		setenv(VARIABLE, environment, 1);
	else
		unsetenv(VARIABLE);
	fixture_init(fixture);
	ini_load_stream(&fixture->settings, in, "a.ini", &fixture->complaints);
	fclose(in);
	assert_no_complaint(fixture);
	check_access(fixture->settings.backends[0], false, &fixture->complaints);
	return fixture->settings.backends[0];
}

static void assert_good(const char *text)
{
	struct fixture fixture;

	check(&fixture, text, NULL);
	assert_no_complaint(&fixture);
	assert_int_equal(fixture.complaints.warnings.count, 0);
	fixture_fini(&fixture);
}

static void assert_refused(const char *text, const char *environment, const char *sentence)
{
	struct fixture fixture;

	check(&fixture, text, environment);
	assert_complaint(&fixture, sentence);
	assert_int_equal(fixture.complaints.sentences.count, 1);
	fixture_fini(&fixture);
}

static void assert_warned(const char *text, const char *sentence)
{
	struct fixture fixture;

	check(&fixture, text, NULL);
	assert_no_complaint(&fixture);
	assert_warning(&fixture, sentence);
	fixture_fini(&fixture);
}

static void test_a_front_that_others_reach_needs_a_list(void **state)
{
	(void)state;
	assert_refused(TCP, NULL,
		       "a.ini:2: listen: whoever can connect to 192.0.2.1:9000 can run programs "
		       "here");
	assert_refused(TCP, "", "whoever can connect");
	assert_refused("[a]\nlisten = [::]:9000\nserver = /x\n", NULL, "whoever can connect");
	assert_refused("[a]\nlisten = 0.0.0.0:9000\nserver = /x\n", NULL, "whoever can connect");
	assert_good(TCP "allowed-clients = all\n");
	assert_good(TCP "allowed-clients = 192.0.2.0/24, ::1\n");
	assert_good("allowed-clients = 192.0.2.7\n" TCP);
	assert_good(LOCAL);
	assert_good("[a]\nlisten = [::1]:9000\nserver = /x\n");
	assert_good(UNIX);
}

static void test_the_command_line_is_only_warned(void **state)
{
	const struct origin command_line = {.file = "command line"};
	struct fixture fixture;
	struct backend_settings *backend;

	(void)state;
	unsetenv(VARIABLE);
	fixture_init(&fixture);
	backend = settings_add_backend(&fixture.settings, "main");
	assert_null(option_set(option_find("listen"), backend, "0.0.0.0:1", command_line));
	check_access(backend, true, &fixture.complaints);
	assert_no_complaint(&fixture);
	assert_warning(&fixture, "command line: listen: whoever can connect to 0.0.0.0:1");
	fixture_fini(&fixture);
}

static void test_the_environment_is_the_default(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend = check(&fixture, TCP, "192.0.2.7, 2001:db8::7");

	(void)state;
	assert_no_complaint(&fixture);
	assert_int_equal(backend->allowed_clients.count, 2);
	assert_string_equal(backend->allowed_clients.items[0], "192.0.2.7");
	assert_string_equal(backend->allowed_clients.items[1], "2001:db8::7");
	fixture_fini(&fixture);
	backend = check(&fixture, TCP "allowed-clients = 192.0.2.1\n", "192.0.2.7");
	assert_int_equal(backend->allowed_clients.count, 1);
	assert_string_equal(backend->allowed_clients.items[0], "192.0.2.1");
	fixture_fini(&fixture);
	backend = check(&fixture, UNIX, "192.0.2.7");
	assert_null(backend->allowed_clients.items);
	fixture_fini(&fixture);
	assert_refused(TCP, "www.example.org",
		       VARIABLE ": allowed-clients: \"www.example.org\": not an address");
	unsetenv(VARIABLE);
}

static void test_users_become_numbers(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend =
		check(&fixture, UNIX "allowed-users = root, 4242\n", NULL);

	(void)state;
	assert_no_complaint(&fixture);
	assert_int_equal(backend->allowed_users.count, 2);
	assert_string_equal(backend->allowed_users.items[0], "0");
	assert_string_equal(backend->allowed_users.items[1], "4242");
	fixture_fini(&fixture);
	assert_refused(UNIX "allowed-users = no-such-user\n", NULL,
		       "a.ini:4: allowed-users: there is no user \"no-such-user\" here");
}

static void test_a_list_that_is_of_no_use(void **state)
{
	(void)state;
	assert_warned(UNIX "allowed-clients = 192.0.2.1\n",
		      "a.ini:4: allowed-clients does nothing here: it is for TCP");
	assert_warned(LOCAL "allowed-users = root\n",
		      "a.ini:4: allowed-users does nothing here: it is for Unix sockets");
	assert_refused(LOCAL "allowed-clients =\n", NULL, "allowed-clients: nobody could come in");
	assert_refused(UNIX "allowed-users =\n", NULL, "allowed-users: nobody could come in");
	/* A default for those that it fits. */
	assert_good("allowed-clients = 192.0.2.1\nallowed-users = root\n" UNIX);
	assert_good("allowed-clients = 192.0.2.1\nallowed-users = root\n" LOCAL);
}

/* What children that share the front are told. */
static void check_variable(const char *text, const char *variable)
{
	struct fixture fixture;
	struct backend_settings *backend = check(&fixture, text, NULL);
	const struct text_list *variables = &backend->bin_environment;

	assert_no_complaint(&fixture);
	assert_int_equal(variables->count, variable != NULL);
	if (variable)
		assert_string_equal(variables->items[0], variable);
	fixture_fini(&fixture);
}

static void test_children_that_share_the_front(void **state)
{
	struct fixture fixture;

	(void)state;
	check_variable(TCP "balance = shared\nallowed-clients = 192.0.2.7, ::1\n",
		       VARIABLE "=192.0.2.7,::1");
	check_variable(TCP "balance = shared\nallowed-clients = 192.0.2.7, all\n", NULL);
	check_variable("allowed-clients = 192.0.2.7\n" UNIX "balance = shared\n", NULL);
	check_variable(TCP "allowed-clients = 192.0.2.7\n", NULL);
	check_variable(TCP "balance = shared\nallowed-clients = 192.0.2.7\n"
			   "bin-environment = " VARIABLE "=192.0.2.8\n",
		       VARIABLE "=192.0.2.8");
	check_variable("allowed-users = root\n" TCP "balance = shared\n"
		       "allowed-clients = 192.0.2.7\n",
		       VARIABLE "=192.0.2.7");
	check(&fixture, UNIX "balance = shared\n", "x");
	assert_string_equal(fixture.settings.backends[0]->bin_environment.items[0], VARIABLE "=x");
	fixture_fini(&fixture);
	check(&fixture, UNIX "balance = shared\nbin-copy-environment = A, " VARIABLE "\n", "x");
	assert_string_equal(fixture.settings.backends[0]->bin_environment.items[0], VARIABLE "=x");
	fixture_fini(&fixture);
	check(&fixture, UNIX "balance = shared\nbin-environment = A=1\n", "x");
	assert_string_equal(fixture.settings.backends[0]->bin_environment.items[1], VARIABLE "=x");
	fixture_fini(&fixture);
	check(&fixture, UNIX "balance = shared\nbin-copy-environment = PATH\n", "x");
	assert_int_equal(fixture.settings.backends[0]->bin_environment.count, 0);
	fixture_fini(&fixture);
	check(&fixture, TCP "balance = shared\nallowed-clients = 192.0.2.7\n", NULL);
	assert_warning(&fixture, "a.ini:5: allowed-clients: with balance = shared it is kept to by "
				 "programs that look at " VARIABLE);
	fixture_fini(&fixture);
	assert_refused(TCP "balance = shared\nallowed-clients = 192.0.2.0/24\n", NULL,
		       "allowed-clients: 192.0.2.0/24: with balance = shared");
	assert_refused(UNIX "balance = shared\nallowed-users = root\n", NULL,
		       "allowed-users is not for balance = shared");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_front_that_others_reach_needs_a_list),
		cmocka_unit_test(test_the_command_line_is_only_warned),
		cmocka_unit_test(test_the_environment_is_the_default),
		cmocka_unit_test(test_users_become_numbers),
		cmocka_unit_test(test_a_list_that_is_of_no_use),
		cmocka_unit_test(test_children_that_share_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
