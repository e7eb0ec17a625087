#include "config.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/ini.h"
#include "config/options.h"

enum { NOBODY = 65534 };

#define PROGRAM "[a]\nlisten = /a\nbin-path = /bin/true\n"

/* Settings as from a file; complaints of reading it are a mistake of the test. */
static void load(struct fixture *fixture, const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	fixture_init(fixture);
	ini_load_stream(&fixture->settings, in, "a.ini", &fixture->complaints);
	fclose(in);
	assert_no_complaint(fixture);
}

static void assert_settings_good(const char *text)
{
	struct fixture fixture;

	load(&fixture, text);
	check_settings(&fixture.settings, &fixture.complaints);
	assert_no_complaint(&fixture);
	fixture_fini(&fixture);
}

static void assert_settings_refused(const char *text, const char *sentence)
{
	struct fixture fixture;

	load(&fixture, text);
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
	assert_settings_good("[a]\nlisten = /a\nsocket = /x\n");
	assert_settings_good("[a]\nlisten = /a\nhost = 10.0.0.1\nport = 9000\n");
	assert_settings_good("[a]\nlisten = /a\nbin-path = /x\nmax-procs = 4096\n");
}

static void test_what_excludes_each_other(void **state)
{
	(void)state;
	assert_settings_refused("[a]\nlisten = /a\nbin-path = /x\nserver = /y\nbalance = shared\n",
				"a.ini:4: server is not for balance = shared");
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
	load(&fixture, "[a]\nlisten = /a\n");
	assert_null(option_set(option_find("bin-path"), fixture.settings.backends[0], "/x 'a\nb'",
			       command_line));
	check_settings(&fixture.settings, &fixture.complaints);
	assert_complaint(&fixture, "command line: bin-path: there is a control byte or a line end");
	fixture_fini(&fixture);
}

static void check_all(struct fixture *fixture, const char *text)
{
	load(fixture, text);
	check_settings(&fixture->settings, &fixture->complaints);
	assert_no_complaint(fixture);
	check_machine(&fixture->settings, &fixture->complaints);
}

static void assert_machine_refuses(const char *text, const char *sentence)
{
	struct fixture fixture;

	check_all(&fixture, text);
	assert_complaint(&fixture, sentence);
	for (size_t i = 1; i < fixture.complaints.sentences.count; i++)
		print_message("one too many: %s\n", fixture.complaints.sentences.items[i]);
	assert_int_equal(fixture.complaints.sentences.count, 1);
	fixture_fini(&fixture);
}

static void test_programs(void **state)
{
	char path[] = "/tmp/test-check.XXXXXX", text[200];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	chmod(path, 0600);
	snprintf(text, sizeof(text), "[a]\nlisten = /a\nbin-path = %s\n", path);
	assert_machine_refuses(text, "is not executable");
	unlink(path);
	assert_machine_refuses(text, "a.ini:3: bin-path: /tmp/test-check.");
	assert_machine_refuses("[a]\nlisten = /a\nbin-path = /tmp\n",
			       "bin-path: /tmp is not a program");
	assert_machine_refuses("[a]\nlisten = /a\nbin-path = true\n",
			       "give the whole path of the program");
	assert_machine_refuses("[a]\nlisten = /a\nbin-path = /bin/true\ndirectory = /bin/true\n",
			       "a.ini:4: directory: /bin/true is not a directory");
	assert_machine_refuses("[a]\nlisten = /a\nbin-path = /bin/true\ndirectory = /none\n",
			       "a.ini:4: directory: /none: No such file or directory");
}

static void test_users(void **state)
{
	struct fixture fixture;

	(void)state;
	if (geteuid() != 0)
		skip();
	check_all(&fixture,
		  "mux-user = 65534\n[a]\nlisten = /a\nbin-path = /bin/true\nuser = nobody\n"
		  "listen-owner = root\nlisten-group = 12345\n");
	assert_no_complaint(&fixture);
	assert_int_equal(fixture.complaints.warnings.count, 0);
	assert_int_equal(fixture.settings.backends[0]->user.id, NOBODY);
	assert_int_equal(fixture.settings.backends[0]->user_gid, NOBODY);
	assert_int_equal(fixture.settings.backends[0]->listen_owner.id, 0);
	assert_int_equal(fixture.settings.backends[0]->listen_group.id, 12345);
	assert_int_equal(fixture.settings.mux_user.id, NOBODY);
	assert_int_equal(fixture.settings.mux_gid, NOBODY);
	fixture_fini(&fixture);
	check_all(&fixture,
		  "[a]\nlisten = /a\nbin-path = /bin/true\nuser = 12345\ngroup = nogroup\n");
	assert_no_complaint(&fixture);
	assert_int_equal(fixture.settings.backends[0]->user.id, 12345);
	assert_int_equal(fixture.settings.backends[0]->user_gid, NOBODY);
	fixture_fini(&fixture);
}

static void test_users_that_are_refused(void **state)
{
	(void)state;
	assert_machine_refuses(PROGRAM "user = no-such-user\n",
			       "a.ini:4: user: there is no user \"no-such-user\"");
	if (geteuid() != 0)
		skip();
	assert_machine_refuses(PROGRAM "user = root\n", "a.ini:4: user: root is refused");
	assert_machine_refuses(PROGRAM "user = 0\ngroup = 1\n", "a.ini:4: user: root is refused");
	assert_machine_refuses(PROGRAM "user = nobody\ngroup = 0\n",
			       "a.ini:5: group: root is refused");
	assert_machine_refuses(PROGRAM "user = 12345\n", "a.ini:4: user: 12345 has no entry");
	assert_machine_refuses(PROGRAM "group = 12345\n", "a.ini:4: group needs user too");
	assert_machine_refuses(PROGRAM "user = nobody\nlisten-group = nix-da\n",
			       "there is no group \"nix-da\"");
	assert_machine_refuses("mux-user = root\n" PROGRAM "user = nobody\n",
			       "a.ini:1: mux-user: root is refused");
	assert_machine_refuses("mux-user = 12345\n" PROGRAM "user = nobody\n",
			       "mux-user: 12345 needs a group");
	assert_machine_refuses(PROGRAM "user = nobody\nchroot = /none\n",
			       "chroot: /none: No such file");
}

static void test_a_program_in_a_chroot(void **state)
{
	char root[] = "/tmp/test-check.XXXXXX", path[100], text[300];
	struct fixture fixture;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/x", root);
	snprintf(text, sizeof(text),
		 "[a]\nlisten = /a\nbin-path = /x\nuser = nobody\nchroot = %s\n", root);
	/* A link is followed inside: /bin/true is outside of it. */
	assert_int_equal(symlink("/bin/true", path), 0);
	assert_machine_refuses(text, "bin-path: /x in /tmp/test-check.");
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0755));
	check_all(&fixture, text);
	assert_no_complaint(&fixture);
	fixture_fini(&fixture);
	unlink(path);
	rmdir(root);
}

static void test_warnings(void **state)
{
	struct fixture fixture;

	(void)state;
	check_all(&fixture, "[a]\nlisten = 0.0.0.0:9000\nbin-path = /bin/true\n");
	assert_warning(
		&fixture,
		"a.ini:2: listen: whoever can connect to 0.0.0.0:9000 can run programs here");
	if (geteuid() == 0)
		assert_warning(&fixture, "a.ini:1: the program stays root");
	fixture_fini(&fixture);
}

/* Takes a test's step as somebody else back; what lost root's ids can be looked into again. */
static void become_again(uid_t uid)
{
	assert_int_equal(seteuid(uid), 0);
	prctl(PR_SET_DUMPABLE, 1); /* for the leak check of a sanitized build */
}

/* What the supervisor says when somebody else than root starts it. */
static void test_others_than_root(void **state)
{
	struct fixture fixture;
	uid_t before = geteuid();

	(void)state;
	if (before == 0 && seteuid(NOBODY) < 0)
		skip();
	assert_machine_refuses(PROGRAM "user = daemon\n",
			       "user: only root can start programs as somebody");
	assert_machine_refuses(PROGRAM "chroot = /\n", "chroot: only root can do this");
	assert_machine_refuses(PROGRAM "listen-owner = daemon\n",
			       "only root can give a socket away");
	assert_machine_refuses("mux-user = daemon\n" PROGRAM,
			       "mux-user: only root can start it as somebody");
	check_all(&fixture, PROGRAM);
	assert_no_complaint(&fixture);
	assert_null(fixture.settings.mux_user.name);
	fixture_fini(&fixture);
	become_again(before);
}

/* A backend as of spawn-fcgi's command line: no file was read. */
static struct backend_settings *add_command_line(struct fixture *fixture, const char *keys[][2])
{
	const struct origin command_line = {.file = "command line"};
	struct backend_settings *backend;

	fixture_init(fixture);
	backend = settings_add_backend(&fixture->settings, "main");
	backend->origin = command_line;
	for (size_t i = 0; keys[i][0]; i++)
		assert_null(option_set(option_find(keys[i][0]), backend, keys[i][1], command_line));
	return backend;
}

static void test_what_is_ignored_on_the_command_line(void **state)
{
	const char *keys[][2] = {{"listen", "/a"}, {"bin-path", "/bin/true"},  {"user", "daemon"},
				 {"chroot", "/x"}, {"listen-owner", "daemon"}, {NULL, NULL}};
	struct fixture fixture;
	struct backend_settings *backend = add_command_line(&fixture, keys);
	uid_t before = geteuid();

	(void)state;
	if (before == 0 && seteuid(NOBODY) < 0)
		skip();
	check_machine(&fixture.settings, &fixture.complaints);
	become_again(before);
	assert_no_complaint(&fixture);
	assert_warning(&fixture, "command line: user is ignored: only root can do this");
	assert_warning(&fixture, "command line: chroot is ignored: only root can do this");
	assert_null(backend->user.name);
	assert_null(backend->chroot);
	assert_null(backend->listen_owner.name);
	fixture_fini(&fixture);
}

static void test_the_socket_is_the_programs_users(void **state)
{
	const char *keys[][2] = {
		{"listen", "/a"}, {"bin-path", "/bin/true"}, {"user", "nobody"}, {NULL, NULL}};
	struct fixture fixture;
	struct backend_settings *backend = add_command_line(&fixture, keys);

	(void)state;
	if (geteuid() == 0) {
		check_machine(&fixture.settings, &fixture.complaints);
		assert_no_complaint(&fixture);
		assert_int_equal(backend->listen_owner.id, NOBODY);
		assert_int_equal(backend->listen_group.id, NOBODY);
	}
	fixture_fini(&fixture);
}

static void test_a_missing_program_of_the_command_line_is_tried(void **state)
{
	const char *keys[][2] = {{"listen", "/a"}, {"bin-path", "/none"}, {NULL, NULL}};
	struct fixture fixture;

	(void)state;
	add_command_line(&fixture, keys);
	check_machine(&fixture.settings, &fixture.complaints);
	assert_no_complaint(&fixture);
	assert_warning(&fixture, "command line: bin-path: /none: No such file or directory");
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_backend_needs),
		cmocka_unit_test(test_what_excludes_each_other),
		cmocka_unit_test(test_addresses_used_twice),
		cmocka_unit_test(test_sections_that_share_a_front),
		cmocka_unit_test(test_keys_of_sections_that_share_a_front),
		cmocka_unit_test(test_routing_keys),
		cmocka_unit_test(test_addresses_that_cannot_be),
		cmocka_unit_test(test_values_that_no_file_can_hold),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_users_that_are_refused),
		cmocka_unit_test(test_a_program_in_a_chroot),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_others_than_root),
		cmocka_unit_test(test_what_is_ignored_on_the_command_line),
		cmocka_unit_test(test_the_socket_is_the_programs_users),
		cmocka_unit_test(test_a_missing_program_of_the_command_line_is_tried),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
