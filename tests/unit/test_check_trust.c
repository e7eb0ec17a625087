#include "config.h"

#include <sys/prctl.h>

#include "base/text.h"
#include "config/check_trust.h"
#include "tree.h"

enum { NOBODY = 65534 };

/* A configuration file in a directory, and the program that it names. */
struct scene {
	mode_t directory_mode, mode, program_mode;
	uid_t uid;
	gid_t gid;
	const char *sentence; /* the only one; NULL: none */
	const char *warning;
};

static void assert_said(const struct text_list *list, const char *text)
{
	if (!text && list->count > 0)
		fail_msg("%s", list->items[0]);
	assert_int_equal(list->count, text != NULL);
	if (text)
		assert_true(has_text(list, text));
}

static void put_scene(struct tree *tree, const struct scene *scene)
{
	tree_init(tree);
	tree_add_directory(tree, "/d", 0755);
	tree_add_file(tree, "/d/a.ini", "", scene->mode);
	assert_int_equal(chown(tree->text, scene->uid, scene->gid), 0);
	tree_add_file(tree, "/program", "", scene->program_mode);
	assert_int_equal(chmod(tree_path(tree, "/d"), scene->directory_mode), 0);
}

static void load(struct fixture *fixture, struct tree *tree)
{
	char text[200];

	snprintf(text, sizeof(text), "[a]\nlisten = /a\nbin-path = %s/program\n", tree->root);
	fixture_load(fixture, text);
	assert_int_equal(text_list_add(&fixture->settings.files,
				       text_new("%s", tree_path(tree, "/d/a.ini"))),
			 0);
}

static void check_as(uid_t uid, const struct scene *scene)
{
	struct fixture fixture;
	struct tree tree;

	put_scene(&tree, scene);
	load(&fixture, &tree);
	assert_int_equal(seteuid(uid), 0);
	check_trust(&fixture.settings, &fixture.complaints);
	assert_int_equal(seteuid(0), 0);
	prctl(PR_SET_DUMPABLE, 1); /* for the leak check of a sanitized build */
	assert_said(&fixture.complaints.sentences, scene->sentence);
	assert_said(&fixture.complaints.warnings, scene->warning);
	fixture_fini(&fixture);
	tree_fini(&tree);
}

static void test_what_root_reads(void **state)
{
	static const struct scene scenes[] = {
		{0755, 0644, 0755, 0, 0, NULL, NULL},
		{0755, 0666, 0755, 0, 0, "/d/a.ini, and so decide what is started here: chmod o-w",
		 NULL},
		{0777, 0644, 0755, 0, 0, "/d, and so decide what is started here: chmod o-w", NULL},
		{01777, 0644, 0755, 0, 0, NULL, NULL},
		{0755, 0644, 0755, NOBODY, 0, NULL, "nobody may write it, and so decide what root"},
		{0755, 0664, 0755, 0, NOBODY, NULL, "its group, of gid 65534, may write it"},
		{0755, 0664, 0755, 0, 0, NULL, NULL},
		{0755, 0644, 0777, 0, 0, NULL,
		 "/program, and so decide what is run: chmod o-w /tmp/test-tree."},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		check_as(0, &scenes[i]);
}

/* Others have only themselves to harm; and what they cannot see they cannot judge. */
static void test_what_others_read(void **state)
{
	static const struct scene scenes[] = {
		{0755, 0664, 0755, 0, NOBODY, NULL, NULL},
		{0755, 0666, 0755, 0, 0, NULL, "/d/a.ini, and so decide what is started here"},
		{0700, 0666, 0755, 0, 0, NULL, NULL},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		check_as(NOBODY, &scenes[i]);
}

static void assert_nothing_said_of(const char *file)
{
	struct fixture fixture;

	fixture_load(&fixture, "[a]\nlisten = /a\nbin-path = /none\n[b]\nlisten = /b\n");
	assert_int_equal(text_list_add(&fixture.settings.files, text_new("%s", file)), 0);
	check_trust(&fixture.settings, &fixture.complaints);
	assert_said(&fixture.complaints.sentences, NULL);
	assert_said(&fixture.complaints.warnings, NULL);
	fixture_fini(&fixture);
}

static void test_what_is_no_file(void **state)
{
	(void)state;
	assert_nothing_said_of("-");
	assert_nothing_said_of("/none/a.ini");
	assert_nothing_said_of("/dev/null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_root_reads),
		cmocka_unit_test(test_what_others_read),
		cmocka_unit_test(test_what_is_no_file),
	};

	return cmocka_run_group_tests_name("check_trust", tests, NULL, NULL);
}
