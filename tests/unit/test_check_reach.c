#include "config.h"

#include <unistd.h>

#include "config/check_reach.h"
#include "tree.h"

enum { NOBODY = 65534 };

/* A front below a tree that is written as @. */
struct row {
	const char *options;  /* behind [a] */
	mode_t mode;	      /* of the directory /d of the tree */
	const char *user;     /* who has to reach it; NULL: nobody must */
	const char *sentence; /* NULL: none */
};

/* As check_machine fills in what names stand for. */
static void set_ids(struct backend_settings *backend)
{
	backend->listen_owner.id = NOBODY;
	backend->listen_group.id = NOBODY;
}

static void check_row(const struct row *row)
{
	struct fixture fixture;
	const struct text_list *said;
	struct tree tree;
	char text[500];

	tree_init(&tree);
	tree_add_directory(&tree, "/d", row->mode);
	tree_expand(&tree, text, sizeof(text), "[a]\nbin-path = /x\n", row->options);
	fixture_load(&fixture, text);
	set_ids(fixture.settings.backends[0]);
	said = row->user ? &fixture.complaints.sentences : &fixture.complaints.warnings;
	if (row->user)
		check_reach(&fixture.settings, row->user, &fixture.complaints);
	else
		check_strangers(&fixture.settings, &fixture.complaints);
	if (said->count != (row->sentence != NULL))
		fail_msg("%s\n%s", text, said->count ? said->items[0] : "nothing is said");
	if (row->sentence)
		assert_true(has_text(said, row->sentence));
	fixture_fini(&fixture);
	tree_fini(&tree);
}

static void test_who_cannot_reach_a_front(void **state)
{
	static const struct row rows[] = {
		{"listen = @/d/s\nlisten-mode = 0666\n", 0755, "nobody", NULL},
		{"listen = @/d/s, 127.0.0.1:9000\nlisten-mode = 0666\n", 0755, "nobody", NULL},
		{"listen = @/d/s\n", 0755, "no-such-user",
		 "command line: --as: there is no user \"no-such-user\" here"},
		{"listen = @/none/s\n", 0755, "nobody", "a.ini:3: listen: /tmp/test-tree."},
		{"listen = @/d/s\nlisten-mode = 0666\n", 0700, "nobody",
		 "a.ini:3: listen: nobody cannot get at /tmp/test-tree."},
		{"listen = @/d/s\nlisten-mode = 0600\n", 0755, "nobody",
		 "to root:root: set listen-group to a group of this user"},
		{"listen = @/d/s\nlisten-mode = 0600\nlisten-group = nogroup\n", 0755, "nobody",
		 "a.ini:4: listen: nobody may not connect to /tmp/test-tree."},
		{"listen = @/d/s\nlisten-mode = 0640\nlisten-group = nogroup\n", 0755, "nobody",
		 "which gets mode 0640 and belongs to root:nogroup: set listen-mode = 0660"},
		{"listen = @/d/s\nlisten-mode = 0660\nlisten-group = nogroup\n", 0755, "nobody",
		 NULL},
		{"listen = @/d/s\nlisten-mode = 0600\nlisten-owner = nobody\n", 0755, "nobody",
		 NULL},
		{"listen = @/d/s\nlisten-mode = 0666\nallowed-users = 33\n", 0755, "nobody",
		 "a.ini:5: allowed-users: nobody is not among them, and cannot come in at "},
		{"listen = @/d/s\nlisten-mode = 0666\nallowed-users = 65534\n", 0755, "nobody",
		 NULL},
		{"listen = @/d/s\nlisten-mode = 0600\nallowed-users = 33\n", 0700, "root", NULL},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

/* The supervisor finds its directory inside of the chroot; the web server from outside. */
static void test_fronts_of_a_chroot(void **state)
{
	static const struct row rows[] = {
		{"chroot = @\nlisten = @/d/s\nlisten-mode = 0666\n", 0755, "nobody", NULL},
		{"chroot = @//\nlisten = @/d/s\nlisten-mode = 0666\n", 0700, "nobody",
		 "a.ini:4: listen: nobody cannot get at /tmp/test-tree."},
		{"chroot = @\nlisten = @/none/s\n", 0755, "nobody",
		 "s cannot be made: /tmp/test-tree."},
		{"chroot = @/d\nlisten = @/s\nlisten-mode = 0666\n", 0755, "nobody", NULL},
		{"chroot = @/d\nlisten = @/d2/s\n", 0755, "nobody", "cannot be made: "},
		{"chroot = /\nlisten = @/d/s\nlisten-mode = 0666\n", 0755, "nobody", NULL},
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

static void test_fronts_for_everybody(void **state)
{
	static const struct row rows[] = {
		{"listen = @/d/s\nlisten-mode = 0666\n", 0755, NULL,
		 "a.ini:4: listen-mode: every user of this machine can come in at /tmp/test-tree."},
		{"listen = @/d/s\nlisten-mode = 0660\n", 0755, NULL, NULL},
		{"listen = @/d/s\nlisten-mode = 0666\n", 0750, NULL, NULL},
		{"listen = @/none/s\nlisten-mode = 0666\n", 0755, NULL, NULL},
		{"listen = @/d/s\nlisten-mode = 0666\nallowed-users = 33\n", 0755, NULL, NULL},
		/* It is opened, and spoken of, once. */
		{"listen = @/d/s\nlisten-mode = 0666\n[b]\nlisten = @/d/s\n", 0755, NULL,
		 "a.ini:4: listen-mode: every user of this machine can come in at /tmp/test-tree."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

/* A directory with the bit for it gives its own group to what is made in it. */
static void test_the_group_of_the_directory(void **state)
{
	struct fixture fixture;
	struct tree tree;
	char text[200];

	(void)state;
	if (geteuid() != 0)
		skip();
	tree_init(&tree);
	tree_add_directory(&tree, "/d", 0755);
	assert_int_equal(chown(tree.text, 0, NOBODY), 0);
	assert_int_equal(chmod(tree.text, 02755), 0);
	tree_expand(&tree, text, sizeof(text), "[a]\nbin-path = /x\n",
		    "listen = @/d/s\nlisten-mode = 0660\n");
	fixture_load(&fixture, text);
	check_reach(&fixture.settings, "nobody", &fixture.complaints);
	assert_no_complaint(&fixture);
	assert_int_equal(chmod(tree_path(&tree, "/d"), 0755), 0);
	check_reach(&fixture.settings, "nobody", &fixture.complaints);
	assert_complaint(&fixture, "set listen-group to a group of this user");
	fixture_fini(&fixture);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_cannot_reach_a_front),
		cmocka_unit_test(test_fronts_of_a_chroot),
		cmocka_unit_test(test_fronts_for_everybody),
		cmocka_unit_test(test_the_group_of_the_directory),
	};

	return cmocka_run_group_tests_name("check_reach", tests, NULL, NULL);
}
