#include "config.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "config/options.h"
#include "elf_fixture.h"
#include "tree.h"

enum { NOBODY = 65534 };

#define PROGRAM "[a]\nlisten = /a\nbin-path = /bin/true\n"

static void check_all(struct fixture *fixture, const char *text)
{
	fixture_load(fixture, text);
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

static void assert_nothing_said(const char *text)
{
	struct fixture fixture;

	check_all(&fixture, text);
	assert_no_complaint(&fixture);
	for (size_t i = 0; i < fixture.complaints.warnings.count; i++)
		print_message("warning: %s\n", fixture.complaints.warnings.items[i]);
	assert_int_equal(fixture.complaints.warnings.count, 0);
	fixture_fini(&fixture);
}

static void test_a_program_in_a_chroot(void **state)
{
	struct tree tree;
	char text[300];

	(void)state;
	if (geteuid() != 0)
		skip();
	tree_init(&tree);
	snprintf(text, sizeof(text),
		 "[a]\nlisten = /tmp/a\nbin-path = /x\nuser = nobody\nchroot = %s\n", tree.root);
	/* A link is followed inside: /bin/true is outside of it. */
	tree_add_link(&tree, "/x", "/bin/true");
	assert_machine_refuses(text, "bin-path: /x in /tmp/test-tree.");
	unlink(tree.text);
	assert_true(elf_write(tree_path(&tree, "/x"), &(struct elf_plan){0}));
	assert_nothing_said(text);
	assert_true(
		elf_write(tree.text, &(struct elf_plan){.loader = "/ld", .needs = {"liba.so"}}));
	assert_machine_refuses(text, ", the loader of /x: No such file or directory");
	assert_true(elf_write(tree_path(&tree, "/ld"), &(struct elf_plan){0}));
	assert_machine_refuses(text, "a.ini:5: chroot: /x needs liba.so, which are not in ");
	chmod(tree.root, 0700);
	assert_machine_refuses(text, "nobody may not execute it: /tmp/test-tree.");
	tree_fini(&tree);
}

/* Scripts, by what their first line says, in a file that only the owner may read. */
static void test_scripts(void **state)
{
	const struct {
		const char *text;
		const char *sentence;
	} rows[] = {
		{"#!/none/sh -e\n",
		 "a.ini:3: bin-path: /none/sh, the interpreter of /tmp/test-tree."},
		{"#!/bin/sh\r\n", "its lines end with CR LF"},
		{"#! /tmp\n", "bin-path: /tmp, the interpreter of /tmp/test-tree."},
	};
	struct tree tree;
	char text[300];

	(void)state;
	tree_init(&tree);
	snprintf(text, sizeof(text), "[a]\nlisten = /tmp/a\nbin-path = %s/x\n", tree.root);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		tree_add_file(&tree, "/x", rows[i].text, 0700);
		assert_machine_refuses(text, rows[i].sentence);
		unlink(tree.text);
	}
	tree_add_link(&tree, "/y", "x");
	snprintf(text, sizeof(text), "#!%s/x\n", tree.root);
	tree_add_file(&tree, "/x", text, 0700);
	snprintf(text, sizeof(text), "[a]\nlisten = /tmp/a\nbin-path = %s/y\n", tree.root);
	assert_machine_refuses(text, "Too many levels of symbolic links");
	tree_fini(&tree);
}

static void test_who_may_execute(void **state)
{
	struct tree tree;
	char text[300];

	(void)state;
	if (geteuid() != 0)
		skip();
	tree_init(&tree);
	snprintf(text, sizeof(text),
		 "[a]\nlisten = /tmp/a\nbin-path = %s/d/x\nuser = nobody\ndirectory = %s/d\n",
		 tree.root, tree.root);
	tree_add_directory(&tree, "/d", 0755);
	tree_add_file(&tree, "/d/x", "#!/bin/sh\n", 0755);
	assert_nothing_said(text);
	chmod(tree.text, 0711);
	assert_machine_refuses(text, "nobody may not read it");
	chmod(tree.text, 0754);
	assert_machine_refuses(text, "nobody may not execute it");
	chmod(tree_path(&tree, "/d"), 0750);
	assert_machine_refuses(text, "a.ini:5: directory: nobody cannot enter /tmp/test-tree.");
	tree_fini(&tree);
}

static void test_what_writes(void **state)
{
	struct fixture fixture;

	(void)state;
	check_all(&fixture, "pid-file = /none/pid\nlog = /none/log\n" PROGRAM);
	assert_no_complaint(&fixture);
	assert_warning(&fixture, "a.ini:1: pid-file: /none/pid cannot be written: /none: No such");
	assert_warning(&fixture, "a.ini:2: log: /none/log cannot be written: /none: No such");
	fixture_fini(&fixture);
	assert_machine_refuses("pid-file = /etc/passwd/pid\n" PROGRAM,
			       "a.ini:1: pid-file: /etc/passwd/pid cannot be written");
}

static void test_numbers_that_multiply(void **state)
{
	struct fixture fixture;

	(void)state;
	check_all(&fixture, PROGRAM "bin-environment = PHP_FCGI_CHILDREN=3\nmax-procs = 5\n");
	assert_warning(&fixture, "a.ini:4: PHP_FCGI_CHILDREN = 3 in each of "
				 "max-procs = 5 processes makes 15 workers");
	fixture_fini(&fixture);
	if (geteuid() != 0)
		skip();
	assert_nothing_said("[a]\nlisten = /tmp/a\nbin-path = /bin/true\nuser = nobody\n"
			    "bin-environment = PHP_FCGI_CHILDREN=3\nmax-procs = 1\n");
	assert_nothing_said("[a]\nlisten = /tmp/a\nbin-path = /bin/true\nuser = nobody\n"
			    "bin-environment = PHP_FCGI_CHILDREN=1\nmax-procs = 5\n");
}

static void test_warnings(void **state)
{
	struct fixture fixture;

	(void)state;
	check_all(&fixture, "[a]\nlisten = 127.0.0.1:9000\nbin-path = /bin/true\n");
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
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_users_that_are_refused),
		cmocka_unit_test(test_a_program_in_a_chroot),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_who_may_execute),
		cmocka_unit_test(test_what_writes),
		cmocka_unit_test(test_numbers_that_multiply),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_others_than_root),
		cmocka_unit_test(test_what_is_ignored_on_the_command_line),
		cmocka_unit_test(test_the_socket_is_the_programs_users),
		cmocka_unit_test(test_a_missing_program_of_the_command_line_is_tried),
	};

	return cmocka_run_group_tests_name("check_machine", tests, NULL, NULL);
}
