#include "config.h"

#include "config/check_servers.h"

#define SUPERVISED "[a]\nlisten = /a\nbin-path = /x\n"
#define OTHERS "[a]\nlisten = /a\nserver = /x\n"

typedef void check_fn(const struct settings *settings, struct complaints *complaints);

struct row {
	const char *text;
	const char *sentence; /* the only one; NULL: none */
};

static void check_row(const struct row *row, check_fn *check)
{
	struct fixture fixture;
	const struct complaints *complaints = &fixture.complaints;
	size_t count;

	fixture_load(&fixture, row->text);
	assert_int_equal(settings_inherit(&fixture.settings), 0);
	check(&fixture.settings, &fixture.complaints);
	count = complaints->sentences.count + complaints->warnings.count;
	if (count != (row->sentence != NULL))
		fail_msg("%s\n%zu sentences", row->text, count);
	if (row->sentence)
		assert_true(has_text(complaints->sentences.count ? &complaints->sentences
								 : &complaints->warnings,
				     row->sentence));
	fixture_fini(&fixture);
}

static void test_what_has_no_effect(void **state)
{
	static const struct row rows[] = {
		{SUPERVISED, NULL},
		{SUPERVISED "slow-start = 5\n",
		 "a.ini:4: slow-start has no effect: there is no server of others"},
		{SUPERVISED "probe-interval = 5\n",
		 "a.ini:4: probe-interval has no effect: there is no server of others"},
		{SUPERVISED "probe-request = /ping\n",
		 "a.ini:4: probe-request has no effect: there is no server of others"},
		{SUPERVISED "spill-over = 2\n",
		 "a.ini:4: spill-over has no effect: there is no server of others"},
		{SUPERVISED "server = /y\nspill-over = 2\n", NULL},
		{SUPERVISED "srv = _x._tcp.y\nslow-start = 5\n", NULL},
		{SUPERVISED "retry-budget = 10\nretry = none\n",
		 "a.ini:4: retry-budget has no effect: with retry = none"},
		{SUPERVISED "retry-budget = 10\n", NULL},
		{OTHERS "spill-over = 2\n",
		 "a.ini:4: spill-over has no effect: there are no children"},
		{OTHERS "probe-status = 204\n",
		 "a.ini:4: probe-status has no effect: there is no probe-request"},
		{OTHERS "probe-status = 204\nprobe-request = /ping\n", NULL},
		/* For all sections, of which some may have use for it. */
		{"slow-start = 5\nretry-budget = 10\n" SUPERVISED "retry = none\n", NULL},
		{"resolver = 10.0.0.1\n" OTHERS,
		 "a.ini:1: resolver has no effect: no server is given by a name"},
		{"resolver = 10.0.0.1\n[a]\nlisten = /a\nserver = php.example:9000\n", NULL},
		{"resolver = 10.0.0.1\n[a]\nlisten = /a\nsrv = _x._tcp.y\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i], check_servers_use);
}

static void test_what_cannot_be(void **state)
{
	static const struct row rows[] = {
		{OTHERS "probe-request = /ping\n", NULL},
		{OTHERS "probe-request = ping\n",
		 "a.ini:4: probe-request: the path must begin with \"/\": ping"},
		{SUPERVISED "balance = shared\n", NULL},
		{OTHERS "balance = shared\n", NULL},
		{SUPERVISED "balance = shared\nserver = /y\n",
		 "a.ini:5: server is not for balance = shared: requests go to children alone"},
		{SUPERVISED "balance = shared\nsrv = _x._tcp.y\n",
		 "a.ini:5: srv is not for balance = shared: requests go to children alone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i], check_servers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_has_no_effect),
		cmocka_unit_test(test_what_cannot_be),
	};

	return cmocka_run_group_tests_name("check_servers", tests, NULL, NULL);
}
