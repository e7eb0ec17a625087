#include "tree.h"

#include "config/libraries.h"
#include "elf_fixture.h"

static const struct elf_plan plan = {.loader = "/lib/ld.so", .needs = {"liba.so"}};

/* A chroot with a loader and an empty /lib, and the backend in it. */
struct fixture {
	struct tree tree;
	struct backend_settings backend;
	struct elf elf;
	struct libraries libraries;
};

static void add_elf(struct fixture *fixture, const char *name, const struct elf_plan *elf)
{
	assert_true(elf_write(tree_path(&fixture->tree, name), elf));
}

static void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	tree_init(&fixture->tree);
	fixture->backend.chroot = fixture->tree.root;
	tree_add_directory(&fixture->tree, "/lib", 0755);
	tree_add_directory(&fixture->tree, "/etc", 0755);
	tree_add_directory(&fixture->tree, "/app", 0755);
	add_elf(fixture, "/lib/ld.so", &(struct elf_plan){0});
}

static void fixture_fini(struct fixture *fixture)
{
	text_list_fini(&fixture->backend.bin_environment);
	tree_fini(&fixture->tree);
}

static void find(struct fixture *fixture, const struct elf_plan *program)
{
	int fd;

	add_elf(fixture, "/app/program", program);
	fd = open(tree_path(&fixture->tree, "/app/program"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_read(&fixture->elf, fd), 0);
	close(fd);
	libraries_find(&fixture->libraries, &fixture->backend, "/app/program", &fixture->elf);
}

/* names: NULL where nothing is missing. */
static void assert_missing(struct fixture *fixture, const struct elf_plan *program,
			   const char *names, bool is_sure)
{
	char *missing;

	find(fixture, program);
	missing = libraries_missing(&fixture->libraries);
	if (names)
		assert_string_equal(missing ? missing : "", names);
	else
		assert_null(missing);
	assert_int_equal(fixture->libraries.is_sure, is_sure);
	free(missing);
	libraries_fini(&fixture->libraries);
	elf_fini(&fixture->elf);
}

static void test_the_usual_directories(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	assert_missing(&fixture, &plan, "liba.so", true);
	tree_add_directory(&fixture.tree, "/lib/any-linux-gnu", 0755);
	add_elf(&fixture, "/lib/any-linux-gnu/liba.so", &(struct elf_plan){0});
	assert_missing(&fixture, &plan, NULL, true);
	fixture_fini(&fixture);
}

static void test_libraries_of_libraries(void **state)
{
	const struct elf_plan a = {.loader = "", .needs = {"libb.so", "liba.so", "libc.so"}};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	add_elf(&fixture, "/lib/liba.so", &a);
	add_elf(&fixture, "/lib/libc.so", &plan);
	assert_missing(&fixture, &plan, "libb.so", true);
	fixture_fini(&fixture);
}

static void test_search_lists(void **state)
{
	const struct elf_plan own = {
		.loader = "/lib/ld.so", .needs = {"liba.so"}, .search = "/none:$ORIGIN/../opt"};
	const struct elf_plan braces = {
		.loader = "/lib/ld.so", .needs = {"liba.so"}, .search = "${ORIGIN}/../opt"};
	const struct elf_plan loaders_own = {
		.loader = "/lib/ld.so", .needs = {"liba.so"}, .search = "/opt/$PLATFORM"};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	tree_add_directory(&fixture.tree, "/opt", 0755);
	add_elf(&fixture, "/opt/liba.so", &(struct elf_plan){0});
	assert_missing(&fixture, &plan, "liba.so", true);
	assert_missing(&fixture, &own, NULL, true);
	assert_missing(&fixture, &braces, NULL, true);
	assert_missing(&fixture, &loaders_own, "liba.so", false);
	fixture_fini(&fixture);
}

static void test_the_environment_of_the_program(void **state)
{
	struct fixture fixture;
	struct text_list *set = &fixture.backend.bin_environment;

	(void)state;
	fixture_init(&fixture);
	tree_add_directory(&fixture.tree, "/opt", 0755);
	add_elf(&fixture, "/opt/liba.so", &(struct elf_plan){0});
	assert_int_equal(text_list_add(set, strdup("LD_LIBRARY_PATH=/x:/opt")), 0);
	assert_missing(&fixture, &plan, NULL, true);
	text_list_fini(set);
	assert_int_equal(text_list_add(set, strdup("A=/opt")), 0);
	assert_missing(&fixture, &plan, "liba.so", true);
	assert_int_equal(text_list_add(set, strdup("LD_LIBRARY_PATH=:/opt")), 0);
	assert_missing(&fixture, &plan, NULL, true);
	fixture_fini(&fixture);
}

/* Our own is its own, unless what it gets of ours is listed. */
static void test_the_environment_that_is_copied(void **state)
{
	struct fixture fixture;
	struct text_list *copied = &fixture.backend.bin_copy_environment;

	(void)state;
	fixture_init(&fixture);
	tree_add_directory(&fixture.tree, "/opt", 0755);
	add_elf(&fixture, "/opt/liba.so", &(struct elf_plan){0});
	setenv("LD_LIBRARY_PATH", "/opt", 1);
	assert_missing(&fixture, &plan, NULL, true);
	assert_int_equal(text_list_add(copied, strdup("PATH")), 0);
	assert_missing(&fixture, &plan, "liba.so", true);
	assert_int_equal(text_list_add(copied, strdup("LD_LIBRARY_PATH")), 0);
	assert_missing(&fixture, &plan, NULL, true);
	unsetenv("LD_LIBRARY_PATH");
	text_list_fini(copied);
	fixture_fini(&fixture);
}

static void test_what_ldconfig_knows(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	tree_add_file(&fixture.tree, "/etc/ld.so.cache", "", 0644);
	assert_missing(&fixture, &plan, "liba.so", false);
	tree_add_directory(&fixture.tree, "/etc/ld.so.conf.d", 0755);
	tree_add_file(&fixture.tree, "/etc/ld.so.conf.d/x.conf", "# x\n/opt # here\n", 0644);
	tree_add_directory(&fixture.tree, "/opt", 0755);
	add_elf(&fixture, "/opt/liba.so", &(struct elf_plan){0});
	assert_missing(&fixture, &plan, NULL, false);
	fixture_fini(&fixture);
}

static void test_paths_in_place_of_names(void **state)
{
	const struct elf_plan whole = {.loader = "/lib/ld.so", .needs = {"/opt/liba.so"}};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	assert_missing(&fixture, &whole, "/opt/liba.so", true);
	tree_add_directory(&fixture.tree, "/opt", 0755);
	add_elf(&fixture, "/opt/liba.so", &(struct elf_plan){0});
	assert_missing(&fixture, &whole, NULL, true);
	fixture_fini(&fixture);
}

static void test_what_is_no_library(void **state)
{
	const struct elf_plan two = {.loader = "/lib/ld.so", .needs = {"liba.so", "libb.so"}};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	/* Neither can be read, which is not ours to complain of. */
	tree_add_file(&fixture.tree, "/lib/liba.so", "INPUT(-lx)\n", 0644);
	assert_int_equal(mknod(tree_path(&fixture.tree, "/lib/libb.so"), S_IFSOCK | 0600, 0), 0);
	assert_missing(&fixture, &two, NULL, true);
	fixture_fini(&fixture);
}

static void test_places_that_are_no_directories(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	tree_add_directory(&fixture.tree, "/usr", 0755);
	tree_add_file(&fixture.tree, "/usr/lib", "", 0644);
	tree_add_file(&fixture.tree, "/etc/ld.so.conf.d", "/opt\n", 0644);
	tree_add_directory(&fixture.tree, "/etc/ld.so.conf", 0755);
	assert_missing(&fixture, &plan, "liba.so", true);
	fixture_fini(&fixture);
}

static void test_all_that_is_missing_is_named_once(void **state)
{
	const struct elf_plan three = {.loader = "/lib/ld.so",
				       .needs = {"liba.so", "libb.so", "liba.so"}};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	assert_missing(&fixture, &three, "liba.so, libb.so", true);
	fixture_fini(&fixture);
}

static void test_other_loaders(void **state)
{
	const struct elf_plan musl = {.loader = "/lib/ld-musl.so", .needs = {"liba.so"}};
	const struct elf_plan bare = {.loader = "ld.so", .needs = {"liba.so"}};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	/* That of musl has lists of its own. */
	assert_missing(&fixture, &musl, "liba.so", false);
	/* Not there, in no directory. */
	assert_missing(&fixture, &bare, "liba.so", true);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_usual_directories),
		cmocka_unit_test(test_libraries_of_libraries),
		cmocka_unit_test(test_search_lists),
		cmocka_unit_test(test_the_environment_of_the_program),
		cmocka_unit_test(test_the_environment_that_is_copied),
		cmocka_unit_test(test_what_ldconfig_knows),
		cmocka_unit_test(test_paths_in_place_of_names),
		cmocka_unit_test(test_what_is_no_library),
		cmocka_unit_test(test_places_that_are_no_directories),
		cmocka_unit_test(test_all_that_is_missing_is_named_once),
		cmocka_unit_test(test_other_loaders),
	};

	return cmocka_run_group_tests_name("libraries", tests, NULL, NULL);
}
