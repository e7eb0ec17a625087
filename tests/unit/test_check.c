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
	assert_settings_refused("log = x\n", "a.ini: there is no section");
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
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nhost = ::1\nport = 1\n"
				"balance = shared\n",
				"a.ini:4: host is not for balance = shared");
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
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nbalance = shared\n"
				"mode = authorizer\n",
				"a.ini:5: mode = authorizer is not for balance = shared");
}

/* Names are compared as they are written. */
static void test_plain_paths(void **state)
{
	static const char *const plain[] = {"/", "/srv", "/srv/..a/b."};
	static const char *const others[] = {"//srv", "/srv/./a", "/srv/../a", "/srv/.", "/srv/.."};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		snprintf(text, sizeof(text),
			 "[a]\nlisten = /a\nserver = /x\n"
			 "x-sendfile-docroot = %s\n",
			 plain[i]);
		assert_settings_good(text);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(text, sizeof(text),
			 "[a]\nlisten = /a\nserver = /x\n"
			 "x-sendfile-docroot = %s\n",
			 others[i]);
		assert_settings_refused(text, "a.ini:4: x-sendfile-docroot: write it without");
	}
	assert_settings_refused("[a]\nlisten = /a\nserver = /x\nx-sendfile-docroot = srv\n",
				"a.ini:4: x-sendfile-docroot: the path must begin with \"/\"");
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

static void assert_value_refused(const char *value, const char *sentence)
{
	const struct origin command_line = {.file = "command line"};
	struct fixture fixture;

	fixture_load(&fixture, "[a]\nlisten = /a\n");
	assert_null(option_set(option_find("bin-path"), fixture.settings.backends[0], value,
			       command_line));
	check_settings(&fixture.settings, &fixture.complaints);
	if (sentence)
		assert_complaint(&fixture, sentence);
	else
		assert_no_complaint(&fixture);
	fixture_fini(&fixture);
}

static void test_values_that_no_file_can_hold(void **state)
{
	static const char control[] =
		"command line: bin-path: there is a control byte or a line end";
	char text[6000];

	(void)state;
	assert_value_refused("/x 'a\nb'", control);
	assert_value_refused("/x 'a\177b'", control);
	assert_value_refused("/x 'a\tb'", NULL);
	snprintf(text, sizeof(text), "/x %05000d", 1);
	assert_value_refused(text, "command line: bin-path: a part of it is longer than a line");
}

/* A complaint is there even where no memory was left for its sentence. */
static void test_complaints_without_a_sentence(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	complaints_add(&fixture.complaints, (struct origin){.file = "a.ini", .line = 3}, NULL);
	assert_complaint(&fixture, "a.ini:3: no memory");
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
		cmocka_unit_test(test_plain_paths),
		cmocka_unit_test(test_addresses_that_cannot_be),
		cmocka_unit_test(test_values_that_no_file_can_hold),
		cmocka_unit_test(test_complaints_without_a_sentence),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
