#include "tree.h"

#include <errno.h>
#include <sys/xattr.h>

#include "config/walk.h"

enum { SOMEBODY = 12345, GROUP = 23456, MODE_DIRECTORY = 0755, MODE_FILE = 0644 };

static gid_t groups[] = {GROUP};
static const struct walker somebody = {
	.uid = SOMEBODY, .gid = SOMEBODY, .groups = groups, .group_count = 1};
static const struct walker root = {.uid = 0, .gid = 0};

/* Inside of the tree. */
static enum walk_end walk_in(struct walk *walk, const struct tree *tree, const char *path)
{
	return walk_to(walk, tree->root, path, NULL);
}

static void assert_leads(const struct tree *tree, const char *path, const char *to)
{
	struct walk walk;

	assert_int_equal(walk_in(&walk, tree, path), WALK_THERE);
	assert_string_equal(walk_inside(&walk), to);
	assert_int_equal(strncmp(walk.path, tree->root, strlen(tree->root)), 0);
}

static void assert_absent(const struct tree *tree, const char *path, const char *what, int error)
{
	struct walk walk;

	assert_int_equal(walk_in(&walk, tree, path), WALK_ABSENT);
	assert_string_equal(walk_inside(&walk), what);
	assert_int_equal(walk.error, error);
}

static void make_tree(struct tree *tree)
{
	tree_init(tree);
	tree_add_directory(tree, "/a", MODE_DIRECTORY);
	tree_add_directory(tree, "/a/b", MODE_DIRECTORY);
	tree_add_file(tree, "/a/b/f", "f", MODE_FILE);
	tree_add_link(tree, "/l", "/a/b");
	tree_add_link(tree, "/r", "a/b");
	tree_add_link(tree, "/a/up", "../../../a/b/./f");
	tree_add_link(tree, "/a/loop", "loop");
	tree_add_link(tree, "/gone", "/a/none/f");
}

static void test_links_are_followed_inside(void **state)
{
	struct tree tree;

	(void)state;
	make_tree(&tree);
	assert_leads(&tree, "/", "/");
	assert_leads(&tree, "/a/b/f", "/a/b/f");
	assert_leads(&tree, "a//b/./f", "/a/b/f");
	assert_leads(&tree, "/../../a/../a/b/", "/a/b");
	assert_leads(&tree, "/l/f", "/a/b/f");
	assert_leads(&tree, "/l/../up", "/a/b/f");
	tree_fini(&tree);
}

static void test_what_is_not_there(void **state)
{
	struct tree tree;

	(void)state;
	make_tree(&tree);
	assert_absent(&tree, "/a/none/f", "/a/none", ENOENT);
	assert_absent(&tree, "/a/.b", "/a/.b", ENOENT);
	assert_absent(&tree, "/gone", "/a/none", ENOENT);
	assert_absent(&tree, "/a/b/f/x", "/a/b/f", ENOTDIR);
	assert_absent(&tree, "/a/loop", "/a/loop", ELOOP);
	assert_absent(&tree, "/etc/passwd", "/etc", ENOENT);
	tree_fini(&tree);
}

static void test_a_root_named_by_a_link(void **state)
{
	struct tree tree;
	struct walk walk;

	(void)state;
	make_tree(&tree);
	assert_int_equal(walk_to(&walk, tree_path(&tree, "/r/"), "/f", NULL), WALK_THERE);
	assert_string_equal(walk_inside(&walk), "/f");
	tree_fini(&tree);
}

static void test_without_a_root(void **state)
{
	struct walk walk;
	char here[PATH_MAX];

	(void)state;
	assert_int_equal(walk_to(&walk, NULL, "/", NULL), WALK_THERE);
	assert_string_equal(walk.path, "/");
	assert_string_equal(walk_inside(&walk), "/");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(walk_to(&walk, NULL, ".", NULL), WALK_THERE);
	assert_string_equal(walk.path, here);
}

static void test_paths_that_are_too_long(void **state)
{
	char path[PATH_MAX + 1];
	struct walk walk;

	(void)state;
	memset(path, '/', PATH_MAX);
	path[PATH_MAX] = '\0';
	assert_int_equal(walk_to(&walk, NULL, path, NULL), WALK_ABSENT);
	assert_int_equal(walk.error, ENAMETOOLONG);
	assert_int_equal(walk_to(&walk, path, "/", NULL), WALK_ABSENT);
	assert_int_equal(walk.error, ENAMETOOLONG);
}

/* Each of them is short enough, but not behind the root, or behind where a link leads. */
static void test_paths_that_become_too_long(void **state)
{
	char name[PATH_MAX - 10], rest[PATH_MAX - 10] = "/far";
	struct tree tree;
	struct walk walk;

	(void)state;
	make_tree(&tree);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(walk_to(&walk, tree.root, name, NULL), WALK_ABSENT);
	assert_int_equal(walk.error, ENAMETOOLONG);
	memset(rest + 4, '/', sizeof(rest) - 5);
	memset(name, 'y', 100);
	name[100] = '\0';
	tree_add_link(&tree, "/far", name);
	assert_int_equal(walk_to(&walk, tree.root, rest, NULL), WALK_ABSENT);
	assert_int_equal(walk.error, ENAMETOOLONG);
	tree_fini(&tree);
}

static void test_from_where_there_is_nothing(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[] = "/tmp/test-walk.XXXXXX";
	struct walk walk;

	(void)state;
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(walk_to(&walk, NULL, "x", NULL), WALK_ABSENT);
	assert_int_equal(walk.error, ENOENT);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

static void assert_barred(struct tree *tree, const struct walker *walker, const char *by)
{
	struct walk walk;

	assert_int_equal(walk_to(&walk, tree->root, "/a/b/f", walker), WALK_BARRED);
	assert_string_equal(walk_inside(&walk), by);
}

static void test_directories_that_bar(void **state)
{
	struct tree tree;
	struct walk walk;

	(void)state;
	make_tree(&tree);
	assert_int_equal(chmod(tree_path(&tree, "/a/b"), 0754), 0);
	assert_barred(&tree, &somebody, "/a/b");
	assert_barred(&tree, &walker_stranger, "/a/b");
	assert_int_equal(walk_to(&walk, tree.root, "/a/b/f", &root), WALK_THERE);
	assert_int_equal(walk_to(&walk, tree.root, "/a/b", &somebody), WALK_THERE);
	assert_false(walk_allows(&walk, &somebody, X_OK));
	assert_true(walk_allows(&walk, &somebody, R_OK));
	assert_int_equal(chmod(tree.root, 0700), 0);
	assert_barred(&tree, &somebody, "/");
	tree_fini(&tree);
}

/* The first class that he is in decides, also where the next one would allow. */
static void test_whose_bits_count(void **state)
{
	const struct {
		mode_t mode;
		uid_t uid;
		gid_t gid;
		char class;
		bool is_allowed;
	} rows[] = {
		{0001, 0, 0, 'o', true},
		{0110, 0, 0, 'o', false},
		{0010, 0, GROUP, 'g', true},
		{0101, 0, GROUP, 'g', false},
		{0100, SOMEBODY, GROUP, 'u', true},
		{0011, SOMEBODY, GROUP, 'u', false},
		{0010, 0, SOMEBODY, 'g', true},
		{0777, SOMEBODY, SOMEBODY, 'u', true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct walk walk = {.path = "/none",
				    .status = {.st_mode = S_IFREG | rows[i].mode,
					       .st_uid = rows[i].uid,
					       .st_gid = rows[i].gid}};

		assert_int_equal(walk_class(&walk, &somebody), rows[i].class);
		assert_int_equal(walk_allows(&walk, &somebody, X_OK), rows[i].is_allowed);
	}
}

static void test_what_root_may(void **state)
{
	struct walk walk = {.path = "/none", .status = {.st_mode = S_IFREG, .st_uid = SOMEBODY}};

	(void)state;
	assert_true(walk_allows(&walk, &root, R_OK | W_OK));
	assert_false(walk_allows(&walk, &root, X_OK));
	walk.status.st_mode |= S_IXOTH;
	assert_true(walk_allows(&walk, &root, X_OK));
	walk.status.st_mode = S_IFDIR;
	assert_true(walk_allows(&walk, &root, X_OK));
}

/* Version 2, then entries of tag, permissions and id: what says that "others" may nothing. */
static void test_an_access_control_list_is_not_judged(void **state)
{
	static const unsigned char list[] = {
		2,
		0,
		0,
		0, /* */
		0x01,
		0,
		7,
		0,
		0xff,
		0xff,
		0xff,
		0xff, /* the owner */
		0x02,
		0,
		5,
		0,
		SOMEBODY & 0xff,
		SOMEBODY / 256,
		0,
		0, /* this user */
		0x04,
		0,
		0,
		0,
		0xff,
		0xff,
		0xff,
		0xff, /* the group */
		0x10,
		0,
		5,
		0,
		0xff,
		0xff,
		0xff,
		0xff, /* the mask */
		0x20,
		0,
		0,
		0,
		0xff,
		0xff,
		0xff,
		0xff, /* others */
	};
	struct tree tree;
	struct walk walk;

	(void)state;
	make_tree(&tree);
	assert_int_equal(chmod(tree_path(&tree, "/a/b"), 0700), 0);
	assert_barred(&tree, &somebody, "/a/b");
	if (setxattr(tree.text, "system.posix_acl_access", list, sizeof(list), 0) < 0) {
		tree_fini(&tree);
		skip();
	}
	assert_int_equal(walk_to(&walk, tree.root, "/a/b/f", &somebody), WALK_THERE);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links_are_followed_inside),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_a_root_named_by_a_link),
		cmocka_unit_test(test_without_a_root),
		cmocka_unit_test(test_paths_that_are_too_long),
		cmocka_unit_test(test_paths_that_become_too_long),
		cmocka_unit_test(test_from_where_there_is_nothing),
		cmocka_unit_test(test_directories_that_bar),
		cmocka_unit_test(test_whose_bits_count),
		cmocka_unit_test(test_what_root_may),
		cmocka_unit_test(test_an_access_control_list_is_not_judged),
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
