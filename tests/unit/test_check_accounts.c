#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/check_accounts.h"
#include "config/options.h"

/* Accounts that every system has; beside them a number that none has. */
#define NUMBER "4294967290"

struct row {
	const char *options;
	const char *sentence; /* the only complaint or warning; NULL: none */
};

typedef void check_fn(struct fixture *fixture);

static void check_backend(struct fixture *fixture)
{
	(void)check_accounts(fixture->settings.backends[0], false, &fixture->complaints);
}

static void check_command(struct fixture *fixture)
{
	(void)check_accounts(fixture->settings.backends[0], true, &fixture->complaints);
}

static void check_mux(struct fixture *fixture)
{
	check_mux_user(&fixture->settings, false, &fixture->complaints);
}

static void check_mux_of_command(struct fixture *fixture)
{
	check_mux_user(&fixture->settings, true, &fixture->complaints);
}

static bool is_as_said(const struct row *row, check_fn *check)
{
	struct fixture fixture;
	const struct complaints *complaints = &fixture.complaints;
	size_t count;
	bool is_good;

	fixture_load(&fixture, row->options);
	check(&fixture);
	count = complaints->sentences.count + complaints->warnings.count;
	is_good = count == (row->sentence != NULL);
	if (count > 0 && row->sentence)
		is_good &= has_text(complaints->sentences.count > 0 ? &complaints->sentences
								    : &complaints->warnings,
				    row->sentence);
	if (!is_good)
		print_message("%s\n%zu sentences\n", row->options, count);
	fixture_fini(&fixture);
	return is_good;
}

static void check_rows(const struct row *rows, size_t count, check_fn *check)
{
	for (size_t i = 0; i < count; i++)
		assert_true(is_as_said(&rows[i], check));
}

/* In a process of its own, which root makes one of nobody. */
static void check_rows_as_nobody(const struct row *rows, size_t count, check_fn *check)
{
	const struct passwd *nobody = getpwnam("nobody");
	int status;
	pid_t pid;

	if (geteuid() != 0 || !nobody)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool is_good = setgroups(0, NULL) == 0 && setgid(nobody->pw_gid) == 0 &&
			       setuid(nobody->pw_uid) == 0;

		for (size_t i = 0; i < count; i++)
			is_good &= is_as_said(&rows[i], check);
		_exit(!is_good);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CHECK(run, rows, check) run(rows, sizeof(rows) / sizeof(*(rows)), check)

static void test_whom_root_starts_programs_as(void **state)
{
	static const struct row rows[] = {
		{"[a]\numask = 022\n", NULL},
		{"[a]\nuser = nobody\n", NULL},
		{"[a]\nuser = nobody\ngroup = daemon\n", NULL},
		{"[a]\nuser = " NUMBER "\ngroup = 1\n", NULL},
		{"[a]\nuser = no-such-user\n", "a.ini:2: user: there is no user"},
		{"[a]\nuser = nobody\ngroup = no-such-group\n",
		 "a.ini:3: group: there is no group \"no-such-group\" here"},
		{"[a]\nuser = nobody\ngroup = root\n", "a.ini:3: group: root is refused"},
		{"[a]\nuser = root\n", "a.ini:2: user: root is refused"},
		{"[a]\nuser = 0\n", "a.ini:2: user: root is refused"},
		{"[a]\ngroup = daemon\n", "a.ini:2: group needs user too"},
		{"[a]\nuser = " NUMBER "\n", "has no entry in the user database"},
		{"[a]\nlisten-owner = daemon\nlisten-group = daemon\n", NULL},
		{"[a]\nlisten-owner = no-such-user\n", "listen-owner: there is no user"},
		{"[a]\nlisten-group = no-such-group\n", "listen-group: there is no group"},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	CHECK(check_rows, rows, check_backend);
}

static void test_others_start_programs_as_themselves(void **state)
{
	static const struct row rows[] = {
		{"[a]\nuser = nobody\nlisten-owner = nobody\n", NULL},
		{"[a]\nuser = daemon\n", "user: only root can start programs as somebody else"},
		{"[a]\nuser = nobody\ngroup = daemon\n",
		 "a.ini:3: group: only root can start programs with another group"},
		{"[a]\nchroot = /tmp\n", "chroot: only root can do this"},
		{"[a]\nlisten-owner = daemon\n", "only root can give a socket away"},
		{"[a]\nlisten-group = daemon\n", "only root can give a socket to a foreign group"},
	};

	(void)state;
	CHECK(check_rows_as_nobody, rows, check_backend);
}

static void test_what_a_command_line_ignores(void **state)
{
	static const struct row rows[] = {
		{"[a]\nuser = daemon\n", "user is ignored: only root can do this"},
		{"[a]\nchroot = /tmp\n", "chroot is ignored: only root can do this"},
		{"[a]\nlisten-group = daemon\n", "listen-group is ignored"},
	};

	(void)state;
	CHECK(check_rows_as_nobody, rows, check_command);
}

/* The options, and whom the socket belongs to then: NULL, nobody in particular. */
static void test_whom_the_socket_of_a_command_line_belongs_to(void **state)
{
	static const struct {
		const char *options, *owner, *group;
	} rows[] = {
		{"[a]\numask = 022\n", NULL, NULL},
		{"[a]\nuser = daemon\n", "daemon", "1"},
		{"[a]\nuser = daemon\ngroup = 2\n", "daemon", "2"},
		{"[a]\nuser = nobody\nlisten-owner = daemon\n", "daemon", "1"},
		{"[a]\nuser = nobody\nlisten-owner = " NUMBER "\n", NUMBER, NULL},
		{"[a]\nuser = daemon\nlisten-group = 3\n", "daemon", "3"},
		{"[a]\nuser = nobody\nlisten-owner = daemon\nlisten-group = 3\n", "daemon", "3"},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct backend_settings *backend;
		struct fixture fixture;

		fixture_load(&fixture, rows[i].options);
		backend = fixture.settings.backends[0];
		check_command(&fixture);
		assert_no_complaint(&fixture);
		assert_string_equal(backend->listen_owner.name ? backend->listen_owner.name : "",
				    rows[i].owner ? rows[i].owner : "");
		assert_string_equal(backend->listen_group.name ? backend->listen_group.name : "",
				    rows[i].group ? rows[i].group : "");
		fixture_fini(&fixture);
	}
}

#define MUX "[a]\nlisten = /a\nbin-path = /x\n"
#define NO_MUX MUX "balance = shared\n"

static void test_whom_root_starts_the_mux_as(void **state)
{
	static const struct row rows[] = {
		{MUX, NULL},
		{NO_MUX, NULL},
		{"mux-user = daemon\n" MUX, NULL},
		{"mux-user = daemon\n" NO_MUX,
		 "a.ini:1: mux-user is ignored: there is no need of fcgi-mux"},
		{"mux-user = root\n" MUX, "a.ini:1: mux-user: root is refused"},
		{"mux-user = no-such-user\n" MUX, "mux-user: there is no user"},
		{"mux-user = " NUMBER "\n" MUX, "needs a group of its own in the user database"},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	CHECK(check_rows, rows, check_mux);
}

static void test_others_start_the_mux_as_themselves(void **state)
{
	static const struct row in_a_file[] = {
		{MUX, NULL},
		{"mux-user = nobody\n" MUX, NULL},
		{"mux-user = daemon\n" MUX, "mux-user: only root can start it as somebody else"},
	};
	static const struct row in_a_command[] = {
		{MUX, NULL},
		{"mux-user = daemon\n" MUX, "mux-user is ignored: only root can do this"},
	};

	(void)state;
	CHECK(check_rows_as_nobody, in_a_file, check_mux);
	CHECK(check_rows_as_nobody, in_a_command, check_mux_of_command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whom_root_starts_programs_as),
		cmocka_unit_test(test_others_start_programs_as_themselves),
		cmocka_unit_test(test_what_a_command_line_ignores),
		cmocka_unit_test(test_whom_the_socket_of_a_command_line_belongs_to),
		cmocka_unit_test(test_whom_root_starts_the_mux_as),
		cmocka_unit_test(test_others_start_the_mux_as_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
