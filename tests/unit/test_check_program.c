#include "config.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "config/check_program.h"
#include "elf_fixture.h"
#include "tree.h"

enum { NOBODY = 65534 };

/* A program /x in a tree that is written as @; options stand behind those that are needed. */
struct row {
	const char *contents;
	mode_t mode;
	const char *options;
	bool is_command;
	const char *sentence; /* NULL: none */
	const char *warning;
};

static void assert_said(const struct row *row, const struct text_list *list, const char *text)
{
	if (list->count != (text != NULL))
		fail_msg("%s\n%s", row->options, list->count ? list->items[0] : "nothing is said");
	if (text)
		assert_true(has_text(list, text));
}

static void check_in(struct tree *tree, const struct row *row)
{
	struct fixture fixture;
	char text[400];

	tree_expand(tree, text, sizeof(text), "[a]\nlisten = /a\n", row->options);
	fixture_load(&fixture, text);
	/* As check_machine fills in what names stand for. */
	fixture.settings.backends[0]->user.id = NOBODY;
	fixture.settings.backends[0]->user_gid = NOBODY;
	check_program(fixture.settings.backends[0], row->is_command, &fixture.complaints);
	assert_said(row, &fixture.complaints.sentences, row->sentence);
	assert_said(row, &fixture.complaints.warnings, row->warning);
	fixture_fini(&fixture);
}

static void check_row(const struct row *row)
{
	struct tree tree;

	tree_init(&tree);
	tree_add_file(&tree, "/x", row->contents, row->mode);
	tree_add_directory(&tree, "/private", 0700);
	tree_add_directory(&tree, "/private/d", 0755);
	check_in(&tree, row);
	tree_fini(&tree);
}

static void test_paths(void **state)
{
	static const struct row rows[] = {
		{"#!/bin/sh\n", 0755, "bin-path = @/x\n", false, NULL, NULL},
		{"", 0755, "server = /y\nchroot = /none\n", false, NULL, NULL},
		{"", 0755, "bin-path = @/x/y\n", false, "/x/y: Not a directory", NULL},
		{"", 0755, "bin-path = @/none/y\n", false,
		 "No such file or directory: there is no ", NULL},
		{"", 0755, "bin-path = @/none/y\n", true, NULL, "there is no /tmp/test-tree."},
		{"", 0755, "bin-path = x\n", false,
		 "bin-path: give the whole path of the program: x", NULL},
		{"#!/bin/sh\n", 0755, "bin-path = x\ndirectory = @\n", false, NULL, NULL},
		{"", 0755, "bin-path = no-such-program\n", true, NULL,
		 "bin-path: no-such-program: No such file"},
		{"", 0755, "bin-path = /x\ndirectory = tmp\nchroot = /\n", false,
		 "directory: the path must begin with \"/\"", NULL},
		{"", 0755, "bin-path = /x\ndirectory = /none\nchroot = @\n", false,
		 "directory: /none in /tmp/test-tree.", NULL},
		{"#!/bin/sh\n", 0755, "bin-path = @/x\ndirectory = .\n", true, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

/* What a directory above bars. */
static void test_ways_that_are_barred(void **state)
{
	static const struct row rows[] = {
		{"#!/bin/sh\n", 0755, "bin-path = @/x\ndirectory = @/private/d\nuser = nobody\n",
		 false, "directory: nobody cannot enter /tmp/test-tree.", NULL},
		{"", 0755, "bin-path = @/private/x\nuser = nobody\n", false,
		 "nobody may not execute it: /tmp/test-tree.", NULL},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

/* What only the kernel can judge is left to it. */
static void test_first_lines(void **state)
{
	static const struct row rows[] = {
		{"#!\n", 0755, "bin-path = @/x\n", false, NULL, NULL},
		{"#! \001\n", 0755, "bin-path = @/x\n", false, NULL, NULL},
		{"#!sh\n", 0755, "bin-path = @/x\n", false, NULL, NULL},
		{"#!\r\n", 0755, "bin-path = @/x\n", false, "its lines end with CR LF", NULL},
		{"\177ELF", 0755, "bin-path = @/x\n", false, NULL, NULL},
	};
	static const struct row other = {"echo\n",
					 0755,
					 "bin-path = @/x\n",
					 false,
					 " is neither a program of this machine nor a script",
					 NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
	/* Where the kernel is told of other formats, it may be one of these. */
	if (access("/proc/sys/fs/binfmt_misc/status", F_OK) < 0)
		check_row(&other);
}

static void test_a_program_of_another_machine(void **state)
{
	static const struct row row = {.options = "bin-path = @/x\n"};
	struct elf_file file = elf_make(&(struct elf_plan){0});
	struct tree tree;
	FILE *out;

	(void)state;
	tree_init(&tree);
	file.head.e_ident[EI_CLASS] = ELFCLASSNONE;
	out = fopen(tree_path(&tree, "/x"), "we");
	assert_non_null(out);
	assert_int_equal(fwrite(&file, sizeof(file), 1, out), 1);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(tree.text, 0755), 0);
	check_in(&tree, &row);
	tree_fini(&tree);
}

/* Whom nothing but executing it is left to. */
static void test_a_program_that_we_cannot_read(void **state)
{
	static const struct row row = {"x", 0711, "bin-path = @/x\n", false, NULL, NULL};
	struct tree tree;

	(void)state;
	if (geteuid() != 0)
		skip();
	tree_init(&tree);
	tree_add_file(&tree, "/x", row.contents, row.mode);
	assert_int_equal(seteuid(NOBODY), 0);
	check_in(&tree, &row);
	assert_int_equal(seteuid(0), 0);
	prctl(PR_SET_DUMPABLE, 1); /* for the leak check of a sanitized build */
	tree_fini(&tree);
}

/* It is a mistake only where it is sure, and the command line only warns. */
static void test_libraries_of_a_chroot(void **state)
{
	static const char options[] = "bin-path = /x\nchroot = @\n";
	static const struct row sure = {.options = options,
					.sentence = "chroot: /x needs liba.so, which are not in "};
	static const struct row command = {
		.options = options, .is_command = true, .warning = "liba.so, which are not in "};
	static const struct row cached = {.options = options,
					  .warning = "liba.so, which may be not in "};
	struct tree tree;

	(void)state;
	tree_init(&tree);
	assert_true(elf_write(tree_path(&tree, "/x"),
			      &(struct elf_plan){.loader = "/ld", .needs = {"liba.so"}}));
	assert_true(elf_write(tree_path(&tree, "/ld"), &(struct elf_plan){0}));
	check_in(&tree, &sure);
	check_in(&tree, &command);
	tree_add_directory(&tree, "/etc", 0755);
	tree_add_file(&tree, "/etc/ld.so.cache", "", 0644);
	check_in(&tree, &cached);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_ways_that_are_barred),
		cmocka_unit_test(test_first_lines),
		cmocka_unit_test(test_a_program_of_another_machine),
		cmocka_unit_test(test_a_program_that_we_cannot_read),
		cmocka_unit_test(test_libraries_of_a_chroot),
	};

	return cmocka_run_group_tests_name("check_program", tests, NULL, NULL);
}
