#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/route.h"

/* Of a table, in the order of a file: "+key" is an authorizer's; the place is the backend's. */
static void make_table(struct route_table *table, const char *const *keys,
		       const char *const (*maps)[2])
{
	*table = (struct route_table){0};
	for (unsigned i = 0; keys[i]; i++) {
		bool is_authorizer = keys[i][0] == '+';

		assert_int_equal(route_table_add(table,
						 is_authorizer ? ROUTE_AUTHORIZER : ROUTE_RESPONDER,
						 keys[i] + is_authorizer, i),
				 0);
	}
	for (; maps && (*maps)[0]; maps++)
		assert_int_equal(route_table_map(table, (*maps)[0], (*maps)[1]), 0);
}

enum { NOBODY = -1 };

/* A path as the web server sent it, with '|' before PATH_INFO where it has split it. */
struct row {
	const char *path;
	int backend; /* the first of the key */
	const char *script;
};

/* The path without its '|'. */
static struct route_path path_of(const char *text, char *copy)
{
	size_t split = strcspn(text, "|"), rest = strlen(text) - split;

	memcpy(copy, text, split);
	if (rest > 0)
		memcpy(copy + split, text + split + 1, rest - 1);
	return (struct route_path){
		.at = copy, .len = split + (rest > 0 ? rest - 1 : 0), .script_len = split};
}

typedef struct route_match find_function(const struct route_table *table, enum route_role role,
					 const struct route_path *path);

static void check_row(const struct route_table *table, enum route_role role, find_function *find,
		      const struct row *row)
{
	char copy[256];
	struct route_path path = path_of(row->path, copy);
	struct route_match match = find(table, role, &path);

	if ((match.key ? (int)match.key->backends[0] : NOBODY) != row->backend)
		fail_msg("%s: backend %d", row->path,
			 match.key ? (int)match.key->backends[0] : NOBODY);
	if (match.key && (match.script_len != strlen(row->script) ||
			  memcmp(path.at, row->script, match.script_len) != 0))
		fail_msg("%s: script \"%.*s\"", row->path, (int)match.script_len, path.at);
}

/* Rows end with one without a path. */
static void check_rows(const char *const *keys, const struct row *rows)
{
	struct route_table table;

	make_table(&table, keys, NULL);
	for (; rows->path; rows++)
		check_row(&table, ROUTE_RESPONDER, route_find, rows);
	route_table_fini(&table);
}

static void test_nobody(void **state)
{
	static const char *const none[] = {NULL};
	static const struct row rows[] = {
		{"/", NOBODY, NULL}, {"", NOBODY, NULL}, {"/a/b", NOBODY, NULL}, {0}};

	(void)state;
	check_rows(none, rows);
}

static void test_suffix(void **state)
{
	static const char *const keys[] = {".php", NULL};
	static const struct row rows[] = {
		{"/t.php", 0, "/t.php"},
		{".php", 0, ".php"},
		{"/.php", 0, "/.php"},
		{"php", NOBODY, NULL},
		{"", NOBODY, NULL},
		{"/", NOBODY, NULL},
		{"/t.phpx", NOBODY, NULL},
		{"/t.PHP", NOBODY, NULL},
		{"/t.php5", NOBODY, NULL},
		/* the web server has not split it */
		{"/t.php/", 0, "/t.php"},
		{"/t.php/info", 0, "/t.php"},
		{"/t.php//info", 0, "/t.php"},
		{"/d/t.php/in/fo", 0, "/d/t.php"},
		{"/t.php/u.php", 0, "/t.php/u.php"},
		{"/t.php/u.php/info", 0, "/t.php/u.php"},
		{"/t.php/u.phpx", 0, "/t.php"},
		{"//", NOBODY, NULL},
		{"////", NOBODY, NULL},
		{"t.php/info", 0, "t.php"},
		/* it has */
		{"/t.php|/info", 0, "/t.php"},
		{"/t.php|/u.php", 0, "/t.php"},
		{"/t.php|/", 0, "/t.php"},
		{"/t|.php", 0, "/t.php"},
		/* in front of something else */
		{"/d|/t.php", 0, "/d/t.php"},
		{"|/d/t.php/info", 0, "/d/t.php"},
		{"/d|/t.html", NOBODY, NULL},
		{0},
	};

	(void)state;
	check_rows(keys, rows);
}

static void test_prefix_that_ends_with_a_slash(void **state)
{
	static const char *const keys[] = {"/pre/", NULL};
	static const struct row rows[] = {
		{"/pre/x/y/z", 0, "/pre/x"},
		{"/pre/x", 0, "/pre/x"},
		{"/pre/x/", 0, "/pre/x"},
		{"/pre/", 0, "/pre/"},
		{"/pre//x", 0, "/pre/"},
		{"/pre/x//y", 0, "/pre/x"},
		{"/pre", NOBODY, NULL},
		{"/prex", NOBODY, NULL},
		{"/a/pre/x", NOBODY, NULL},
		{"pre/x", NOBODY, NULL},
		{"/pr|e/x/y", 0, "/pre/x"},
		{"/pre/x/y|/z", 0, "/pre/x"},
		{0},
	};

	(void)state;
	check_rows(keys, rows);
}

static void test_prefix_without_a_boundary(void **state)
{
	static const char *const keys[] = {"/nop", NULL};
	static const struct row rows[] = {
		{"/nop/a/b", 0, "/nop"},     {"/nop", 0, "/nop"},
		{"/nop/", 0, "/nop"},	     {"/nopxyz", 0, "/nopxyz"},
		{"/nopxyz/a", 0, "/nopxyz"}, {"/NOP", NOBODY, NULL},
		{"/no", NOBODY, NULL},	     {"/no/p", NOBODY, NULL},
		{"", NOBODY, NULL},	     {0},
	};

	(void)state;
	check_rows(keys, rows);
}

static void test_root_takes_every_path(void **state)
{
	static const char *const keys[] = {"/", NULL};
	static const struct row rows[] = {
		{"/", 0, "/"},
		{"/a", 0, "/a"},
		{"/a/b/c", 0, "/a"},
		{"//a", 0, "/"},
		{"", NOBODY, NULL},
		{"*", NOBODY, NULL}, /* OPTIONS */
		{0},
	};

	(void)state;
	check_rows(keys, rows);
}

static void test_no_extension_takes_everything_as_it_came(void **state)
{
	static const char *const keys[] = {"", NULL};
	static const struct row rows[] = {
		{"", 0, ""},	    {"/", 0, "/"},    {"*", 0, "*"}, {"/a/b", 0, "/a/b"},
		{"/a|/b", 0, "/a"}, {"|/a/b", 0, ""}, {0},
	};
	static const struct route_path nothing = {0};
	struct route_table table;

	(void)state;
	check_rows(keys, rows);
	make_table(&table, keys, NULL);
	assert_non_null(route_find(&table, ROUTE_RESPONDER, &nothing).key);
	route_table_fini(&table);
}

static void test_order_of_the_file(void **state)
{
	static const char *const root_last[] = {".php", "/", NULL};
	static const char *const root_first[] = {"/", ".php", NULL};
	static const char *const shorter_first[] = {"/di", "/dir", "hp", ".php", "", NULL};
	/* What lighttpd does too: a path is split only where no key takes it whole. */
	static const struct row of_root_last[] = {
		{"/t.php", 0, "/t.php"},
		{"/t.php/info", 1, "/t.php"},
		{"/t.php|/info", 0, "/t.php"},
		{"/t.php/u.php", 0, "/t.php/u.php"},
		{"/d|/t.php", 0, "/d/t.php"},
		{"/x", 1, "/x"},
		{0},
	};
	static const struct row of_root_first[] = {{"/t.php", 0, "/t.php"}, {0}};
	static const struct row of_shorter_first[] = {
		{"/dir/b.php", 0, "/dir"}, {"/t.php", 2, "/t.php"}, {"/x", 4, "/x"}, {0}};

	(void)state;
	check_rows(root_last, of_root_last);
	check_rows(root_first, of_root_first);
	check_rows(shorter_first, of_shorter_first);
}

static void test_suffix_with_a_slash_inside(void **state)
{
	static const char *const keys[] = {"bin/run", NULL};
	static const struct row rows[] = {
		{"/cgi-bin/run", 0, "/cgi-bin/run"},
		{"/cgi-bin/run/x", 0, "/cgi-bin/run"},
		{"bin/run", 0, "bin/run"},
		{"/bin", NOBODY, NULL},
		{0},
	};

	(void)state;
	check_rows(keys, rows);
}

static void test_script_of_the_disk(void **state)
{
	static const char *const keys[] = {"/dir", ".php", ".p", "/t.php/", NULL};
	static const struct row rows[] = {
		{"/t.php|/info", 1, "/t.php"},
		{"/t.php|/u.p", 1, "/t.php"},
		{"/dir/b.php|/c", 0, "/dir/b.php"},
		{"/a.html|/x.php", NOBODY, NULL},
		{"/t.php", 1, "/t.php"},
		/* a prefix that only the PATH_INFO completes */
		{"/d|/../dir", NOBODY, NULL},
		{"/t|.php/", NOBODY, NULL},
		{0},
	};
	struct route_table table;

	(void)state;
	make_table(&table, keys, NULL);
	for (const struct row *row = rows; row->path; row++)
		check_row(&table, ROUTE_RESPONDER, route_find_script, row);
	route_table_fini(&table);
}

static void test_maps(void **state)
{
	static const char *const keys[] = {".php", "/pre", "3", "+.inc", "/", NULL};
	static const char *const maps[][2] = {{".php3", ".php"}, {".html", "/pre"}, {".q", "3"},
					      {".inc", ".inc"},	 {".inc", ".php"},  {NULL}};
	static const struct row rows[] = {
		{"/x.php3", 0, "/x.php3"},
		{"/x.3", 2, "/x.3"},
		{"/index.html", 1, "/index.html"},
		{"/pre/index.html", 1, "/pre/index.html"},
		{"/pre/x.php3", 0, "/pre/x.php3"},
		{"/a.q", 2, "/a.q"},
		{"/x.php3|/info", 0, "/x.php3"},
		/* the first map decides, and leads to an authorizer */
		{"/x.inc", 4, "/x.inc"},
		{0},
	};
	struct route_table table;

	(void)state;
	make_table(&table, keys, maps);
	for (const struct row *row = rows; row->path; row++)
		check_row(&table, ROUTE_RESPONDER, route_find, row);
	check_row(&table, ROUTE_AUTHORIZER, route_find, &(struct row){"/x.inc", 3, "/x.inc"});
	check_row(&table, ROUTE_AUTHORIZER, route_find, &(struct row){"/x.php3", NOBODY, NULL});
	check_row(&table, ROUTE_RESPONDER, route_find_script,
		  &(struct row){"/index.html|/x", 1, "/index.html"});
	assert_int_equal(route_table_map(&table, ".x", ".gone"), -ENOENT);
	assert_int_equal(route_table_map(&table, ".x", ""), -ENOENT);
	route_table_fini(&table);
}

static void test_map_splits_as_a_suffix_does(void **state)
{
	static const char *const keys[] = {".php", NULL};
	static const char *const maps[][2] = {{".php3", ".php"}, {NULL}};
	struct route_table table;

	(void)state;
	make_table(&table, keys, maps);
	check_row(&table, ROUTE_RESPONDER, route_find, &(struct row){"/x.php3/y", 0, "/x.php3"});
	check_row(&table, ROUTE_RESPONDER, route_find,
		  &(struct row){"/x.php/y.php3", 0, "/x.php/y.php3"});
	route_table_fini(&table);
}

static void test_authorizers_are_found_apart(void **state)
{
	static const char *const keys[] = {"+.php", "/", "+/adm", ".php", "/adm", NULL};
	static const struct row rows[] = {
		{"/t.php", 0, "/t.php"},
		/* It cannot be got around by a PATH_INFO, and is not split. */
		{"/t.php/info", 0, "/t.php/info"},
		{"/t.php|/info", 0, "/t.php"},
		{"/adm/x/y", 2, "/adm/x/y"},
		{"/x", NOBODY, NULL},
		{0},
	};
	struct route_table table;

	(void)state;
	make_table(&table, keys, NULL);
	for (const struct row *row = rows; row->path; row++)
		check_row(&table, ROUTE_AUTHORIZER, route_find, row);
	check_row(&table, ROUTE_RESPONDER, route_find, &(struct row){"/adm/x", 1, "/adm"});
	route_table_fini(&table);
}

static void test_backends_of_one_key_share_it(void **state)
{
	static const char *const keys[] = {".php", "/", ".php", "+.php", ".php", "+.php", NULL};
	struct route_table table;
	struct route_path path = {"/t.php", 6, 6};
	const struct route_key *key;

	(void)state;
	make_table(&table, keys, NULL);
	assert_int_equal(table.count, 3);
	key = route_find(&table, ROUTE_RESPONDER, &path).key;
	assert_int_equal(key->backend_count, 3);
	assert_int_equal(key->backends[0], 0);
	assert_int_equal(key->backends[1], 2);
	assert_int_equal(key->backends[2], 4);
	key = route_find(&table, ROUTE_AUTHORIZER, &path).key;
	assert_int_equal(key->backend_count, 2);
	assert_int_equal(key->backends[0], 3);
	assert_int_equal(key->backends[1], 5);
	route_table_fini(&table);
}

static void test_is_root(void **state)
{
	static const char *const keys[] = {"+/", ".php", "/", NULL};
	static const struct route_path root = {"/a/b", 4, 4}, php = {"/a.php", 6, 6};
	struct route_table table;

	(void)state;
	make_table(&table, keys, NULL);
	assert_true(route_find(&table, ROUTE_RESPONDER, &root).is_root);
	assert_false(route_find(&table, ROUTE_RESPONDER, &php).is_root);
	assert_false(route_find(&table, ROUTE_AUTHORIZER, &root).is_root);
	assert_false(route_find_script(&table, ROUTE_RESPONDER, &root).is_root);
	route_table_fini(&table);
}

static void test_nul_is_a_byte_like_others(void **state)
{
	static const char *const keys[] = {".php", NULL};
	static const char behind[] = "/t.php\0", before[] = "/t\0.php", apart[] = "/t.p\0hp";
	struct route_table table;

	(void)state;
	make_table(&table, keys, NULL);
	assert_null(route_find(&table, ROUTE_RESPONDER, &(struct route_path){behind, 7, 7}).key);
	assert_non_null(
		route_find(&table, ROUTE_RESPONDER, &(struct route_path){before, 7, 7}).key);
	assert_null(route_find(&table, ROUTE_RESPONDER, &(struct route_path){apart, 7, 7}).key);
	route_table_fini(&table);
}

static void test_long_paths(void **state)
{
	enum { LEN = 1 << 16 };
	static const char *const keys[] = {".php", "/never", NULL};
	char *at = malloc(LEN);
	struct route_path path = {at, LEN, LEN};
	struct route_table table;

	(void)state;
	assert_non_null(at);
	memset(at, '/', LEN);
	make_table(&table, keys, NULL);
	assert_null(route_find(&table, ROUTE_RESPONDER, &path).key);
	memcpy(at, "/t.php", 6);
	assert_int_equal(route_find(&table, ROUTE_RESPONDER, &path).script_len, 6);
	memcpy(at + LEN - 6, "/t.php", 6);
	assert_int_equal(route_find(&table, ROUTE_RESPONDER, &path).script_len, LEN);
	route_table_fini(&table);
	free(at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_suffix),
		cmocka_unit_test(test_prefix_that_ends_with_a_slash),
		cmocka_unit_test(test_prefix_without_a_boundary),
		cmocka_unit_test(test_root_takes_every_path),
		cmocka_unit_test(test_no_extension_takes_everything_as_it_came),
		cmocka_unit_test(test_order_of_the_file),
		cmocka_unit_test(test_suffix_with_a_slash_inside),
		cmocka_unit_test(test_script_of_the_disk),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_map_splits_as_a_suffix_does),
		cmocka_unit_test(test_authorizers_are_found_apart),
		cmocka_unit_test(test_backends_of_one_key_share_it),
		cmocka_unit_test(test_is_root),
		cmocka_unit_test(test_nul_is_a_byte_like_others),
		cmocka_unit_test(test_long_paths),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
