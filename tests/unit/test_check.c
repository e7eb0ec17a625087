#include "config.h"

#include "config/options.h"

static void assert_settings_good(const char *text)
{
	struct fixture fixture;

	fixture_load(&fixture, text);
	check_settings(&fixture.settings, &fixture.complaints);
	assert_no_complaint(&fixture);
	fixture_fini(&fixture);
}

static void assert_settings_refused(const char *text, const char *sentence)
{
	struct fixture fixture;

	fixture_load(&fixture, text);
	check_settings(&fixture.settings, &fixture.complaints);
	assert_complaint(&fixture, sentence);
	assert_int_equal(fixture.complaints.sentences.count, 1);
	fixture_fini(&fixture);
}

static void test_what_a_backend_needs(void **state)
{
	(void)state;
	assert_settings_refused("log = x\n", "there is no section");
	assert_settings_refused("[a]\nbin-path = /x\n", "a.ini:1: a: listen is missing");
	assert_settings_refused("[a]\nlisten = /a\n", "a.ini:1: a: bin-path is missing");
	assert_settings_good("[a]\nlisten = /a\nserver = /x\n");
	assert_settings_good("[a]\nlisten = /a\nsrv = _x._tcp.y\nprobe-request = /ping\n");
	assert_settings_refused("[a]\nlisten = /a\nserver = /x\nprobe-request = ping\n",
				"a.ini:4: probe-request: the path must begin with");
	assert_settings_good("[a]\nlisten = /a\nsocket = /x\n");
	assert_settings_good("[a]\nlisten = /a\nhost = 10.0.0.1\nport = 9000\n");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nmax-procs = 4096\n");
}

static void test_what_excludes_each_other(void **state)
{
	(void)state;
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nserver = /y\nbalance = shared\n",
				"a.ini:4: server is not for balance = shared");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nsrv = _y\nbalance = shared\n",
				"a.ini:4: srv is not for balance = shared");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nhost = ::1\n",
				"a.ini:4: host needs port");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nport = 1\n",
				"a.ini:4: port needs host");
	assert_settings_refused(
		"[a]\nlisten = /a\nbin-path = /x\nsocket = /s\nhost = ::1\nport = 1\n",
		"a.ini:5: socket and host exclude each other");
	assert_settings_refused("[a]\nlisten = /a\nserver = /x\nbalance = shared\n",
				"a.ini:4: balance = shared needs bin-path");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nsocket = /s\nbalance = shared\n",
				"a.ini:4: socket is not for balance = shared");
	assert_settings_refused(
		"[a]\nlisten = /a, /b\nbin-path = /x\nbalance = shared\n",
		"a.ini:2: balance = shared: the children can share one address only");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nkill-signal = STOP\n",
				"a.ini:4: kill-signal: this signal does not end a process");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nkill-signal = KILL\n");
}

static void test_scaling(void **state)
{
	(void)state;
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nmin-procs = 5\n",
				"a.ini:4: min-procs is more than max-procs");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nmax-procs = 1\n");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nmin-procs = 4\n");
	assert_settings_refused(
		"[a]\nlisten = /a\nbin-path = /x\nbalance = shared\nmin-procs = 1\n",
		"a.ini:5: min-procs is not for balance = shared");
	assert_settings_refused(
		"max-requests = 1\n[a]\nlisten = /a\nbin-path = /x\nbalance = shared\n",
		"a.ini:1: max-requests is not for balance = shared");
}

static void test_addresses_used_twice(void **state)
{
	(void)state;
	assert_settings_refused("[a]\nlisten = /a, /b, /a\nserver = /x\n",
				"a.ini:2: /a is given twice for a");
	assert_settings_refused("[a]\nlisten = /a\nserver = /x, /x\n",
				"a.ini:3: /x is given twice for a");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\n"
				"[a]\nlisten = /a\nbin-path = /y\nbalance = shared\n",
				"a.ini:5: listen: /a belongs to section b already");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\n[a]\nlisten = /x\nserver = /y\n",
				"a.ini:5: /x is used by section b too");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nhost = ::1\nport = 9000\n"
				"[b]\nlisten = /b\nbin-path = /x\nhost = ::1\nport = 9003\n",
				"[::1]:9003 is used by section a too");
	assert_settings_refused(
		"[a]\nlisten = [::1]:9002\nbin-path = /x\nhost = ::1\nport = 9000\n",
		"[::1]:9002 is given twice for a");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nhost = ::1\nport = 9000\n"
			     "[b]\nlisten = /b\nbin-path = /x\nhost = ::1\nport = 9004\n");
}

static void test_sections_that_share_a_front(void **state)
{
	(void)state;
	assert_settings_good("[b]\nlisten = /a\nserver = /x\n[a]\nlisten = /b, /a\nserver = /y\n");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nserver = 192.0.2.1:9000\n");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\n"
				"[a]\nlisten = /a\nserver = /y\nqueue-limit = 7\n",
				"a.ini:7: queue-limit differs from that of section b, which shares "
				"the front /a");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\nlisten-group = www\n"
				"[a]\nlisten = /a\nserver = /y\n",
				"a.ini:5: listen-group differs from that of section b");
}

static void test_keys_of_sections_that_share_a_front(void **state)
{
	(void)state;
	assert_settings_good("[b]\nlisten = /a\nserver = /x\nextension = .php\n"
			     "[a]\nlisten = /a\nserver = /y\nqueue-limit = 7\n");
	assert_settings_good("[b]\nlisten = /a\nserver = /x\nextension = .php\n"
			     "map-extensions = .php5 => .html\n"
			     "[a]\nlisten = /a\nserver = /x\nextension = .html\n");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\nextension = .php\n"
				"map-extensions = .php5 => .asp\n",
				"a.ini:5: map-extensions: no section at this front has the "
				"extension .asp");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\n"
				"[a]\nlisten = /a\nserver = /y\nextension = .php\n",
				"a.ini:7: section b is before this one and takes all requests");
	assert_settings_refused("[b]\nlisten = /a\nserver = /x\nextension = .php, .a\n"
				"[c]\nlisten = /a\nserver = /z\nextension = .b\n"
				"[a]\nlisten = /a\nserver = /y\nextension = .a\ndocroot = /x\n",
				"docroot differs from that of section b");
	assert_settings_good("[b]\nlisten = /a\nserver = /x\nextension = .php\n"
			     "[a]\nlisten = /a\nserver = /y\nextension = .php\n"
			     "mode = authorizer\ndocroot = /x\n");
}

static void test_routing_keys(void **state)
{
	(void)state;
	assert_settings_refused("[a]\nlisten = /a\nserver = /x\ndocroot = srv\n",
				"a.ini:4: docroot: the path must begin with \"/\": srv");
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nbalance = shared\n"
				"extension = .php\n",
				"a.ini:5: extension is not for balance = shared");
}

static void test_addresses_that_cannot_be(void **state)
{
	char text[300];

	(void)state;
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nhost = ::1\nport = 65533\n",
				"a.ini:5: port: no address for process 3");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nhost = ::1\nport = 65532\n");
	snprintf(text, sizeof(text), "[a]\nlisten = /a\nbin-path = /x\nsocket = /%0105d\n", 1);
	assert_settings_refused(text, "a.ini:4: socket: no address for process 0");
}

static void test_values_that_no_file_can_hold(void **state)
{
	const struct origin command_line = {.file = "command line"};
	struct fixture fixture;

	(void)state;
	fixture_load(&fixture, "[a]\nlisten = /a\n");
	assert_null(option_set(option_find("bin-path"), fixture.settings.backends[0], "/x 'a\nb'",
			       command_line));
	check_settings(&fixture.settings, &fixture.complaints);
	assert_complaint(&fixture, "command line: bin-path: there is a control byte or a line end");
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_backend_needs),
		cmocka_unit_test(test_what_excludes_each_other),
		cmocka_unit_test(test_scaling),
		cmocka_unit_test(test_addresses_used_twice),
		cmocka_unit_test(test_sections_that_share_a_front),
		cmocka_unit_test(test_keys_of_sections_that_share_a_front),
		cmocka_unit_test(test_routing_keys),
		cmocka_unit_test(test_addresses_that_cannot_be),
		cmocka_unit_test(test_values_that_no_file_can_hold),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
