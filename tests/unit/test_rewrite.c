#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rewrite.h"

/* The variables by the numbers of their names; NULL: absent. */
struct variables {
	const char *values[REWRITE_VARIABLES];
};

#define VARIABLES(...)                                                                             \
	{                                                                                          \
		.values = { __VA_ARGS__ }                                                          \
	}
#define SCRIPT [REWRITE_SCRIPT_NAME]
#define INFO [REWRITE_PATH_INFO]
#define FILENAME [REWRITE_SCRIPT_FILENAME]
#define TRANSLATED [REWRITE_PATH_TRANSLATED]
#define ROOT [REWRITE_DOCUMENT_ROOT]
#define URI [REWRITE_REQUEST_URI]
#define LENGTH [REWRITE_CONTENT_LENGTH]

struct row {
	const char *what;
	struct rewrite_rules rules;
	struct variables sent;
	const char *script; /* what the route says that it is; NULL: as it was sent */
	bool is_root;
	const char *authorized_root;
	bool is_same; /* got is sent */
	struct variables got;
};

/* What a web server sends that does not split the path: "/t.php/info" of /www. */
#define WHOLE                                                                                      \
	VARIABLES(SCRIPT = "/t.php/info", FILENAME = "/www/t.php/info", ROOT = "/www",             \
		  URI = "/t.php/info?a", LENGTH = "0")
/* And one that does. */
#define SPLIT                                                                                      \
	VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php",                      \
		  TRANSLATED = "/www/info", ROOT = "/www", URI = "/t.php/info?a", LENGTH = "0")
/* One that has a script only. */
#define PLAIN                                                                                      \
	VARIABLES(SCRIPT = "/t.php", FILENAME = "/www/t.php", ROOT = "/www", URI = "/t.php",       \
		  LENGTH = "0")

static const struct row path_rows[] = {
	{.what = "nothing to do", .sent = SPLIT, .is_same = true},
	{.what = "nothing to do, nothing sent", .sent = {{0}}, .is_same = true},
	{.what = "not split", .sent = WHOLE, .is_same = true},
	{.what = "split by a suffix", .sent = WHOLE, .script = "/t.php", .got = SPLIT},
	{.what = "split by a prefix with a slash",
	 .sent = VARIABLES(SCRIPT = "/pre/x/y/z", FILENAME = "/www/pre/x/y/z", ROOT = "/www"),
	 .script = "/pre/x",
	 .got = VARIABLES(SCRIPT = "/pre/x", INFO = "/y/z", FILENAME = "/www/pre/x",
			  TRANSLATED = "/www/y/z", ROOT = "/www")},
	{.what = "split otherwise than the web server did",
	 .sent = VARIABLES(SCRIPT = "/pre/x/y", INFO = "/z", FILENAME = "/www/pre/x/y",
			   TRANSLATED = "/www/z", ROOT = "/www"),
	 .script = "/pre/x",
	 .got = VARIABLES(SCRIPT = "/pre/x", INFO = "/y/z", FILENAME = "/www/pre/x",
			  TRANSLATED = "/www/y/z", ROOT = "/www")},
	{.what = "a script longer than was sent",
	 .sent = VARIABLES(SCRIPT = "/d", INFO = "/b.php/x", FILENAME = "/www/d",
			   TRANSLATED = "/www/b.php/x", ROOT = "/www"),
	 .script = "/d/b.php",
	 .got = VARIABLES(SCRIPT = "/d/b.php", INFO = "/x", FILENAME = "/www/d/b.php",
			  TRANSLATED = "/www/x", ROOT = "/www")},
	{.what = "the PATH_INFO that was sent is of the script",
	 .sent = VARIABLES(SCRIPT = "/d", INFO = "/b.php", FILENAME = "/www/d",
			   TRANSLATED = "/www/b.php", ROOT = "/www"),
	 .script = "/d/b.php",
	 .got = VARIABLES(SCRIPT = "/d/b.php", FILENAME = "/www/d/b.php", ROOT = "/www")},
	{.what = "an empty SCRIPT_NAME was sent",
	 .sent = VARIABLES(SCRIPT = "", INFO = "/d/b.php/x", FILENAME = "/www/", ROOT = "/www/"),
	 .script = "/d/b.php",
	 .got = VARIABLES(SCRIPT = "/d/b.php", INFO = "/x", FILENAME = "/www/d/b.php",
			  TRANSLATED = "/www/x", ROOT = "/www/")},
	{.what = "scripts outside of the root",
	 .sent = VARIABLES(SCRIPT = "/app/t.php/info", FILENAME = "/srv/t.php/info", ROOT = "/www"),
	 .script = "/app/t.php",
	 .got = VARIABLES(SCRIPT = "/app/t.php", INFO = "/info", FILENAME = "/srv/t.php",
			  TRANSLATED = "/www/info", ROOT = "/www")},
	{.what = "no root",
	 .sent = VARIABLES(SCRIPT = "/t.php/info", FILENAME = "/www/t.php/info"),
	 .script = "/t.php",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php")},
	{.what = "no root, and a file that has no part of the path",
	 .sent = VARIABLES(SCRIPT = "/t.php/info", FILENAME = "/front.php", TRANSLATED = "/stale"),
	 .script = "/t.php",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/front.php")},
	{.what = "neither root nor file",
	 .sent = VARIABLES(SCRIPT = "/t.php/info"),
	 .script = "/t.php",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info")},
	{.what = "no file",
	 .sent = VARIABLES(SCRIPT = "/t.php/info", ROOT = "/www"),
	 .script = "/t.php",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php",
			  TRANSLATED = "/www/info", ROOT = "/www")},
	{.what = "slashes in a row",
	 .sent = VARIABLES(SCRIPT = "//t.php//x", FILENAME = "/www//t.php//x", ROOT = "/www"),
	 .script = "//t.php",
	 .got = VARIABLES(SCRIPT = "//t.php", INFO = "//x", FILENAME = "/www//t.php",
			  TRANSLATED = "/www//x", ROOT = "/www")},
	{.what = "a name without a slash",
	 .sent = VARIABLES(SCRIPT = "t.php/info", FILENAME = "/www/t.php/info", ROOT = "/www"),
	 .script = "t.php",
	 .got = VARIABLES(SCRIPT = "t.php", INFO = "/info", FILENAME = "/www/t.php",
			  TRANSLATED = "/www/info", ROOT = "/www")},
};

static const struct row root_rows[] = {
	{.what = "fix-root-scriptname",
	 .rules = {.fix_root_scriptname = true},
	 .sent = WHOLE,
	 .script = "/t.php",
	 .is_root = true,
	 .got = VARIABLES(SCRIPT = "", INFO = "/t.php/info", FILENAME = "/www/",
			  TRANSLATED = "/www/t.php/info", ROOT = "/www", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "fix-root-scriptname, only a slash",
	 .rules = {.fix_root_scriptname = true},
	 .sent = VARIABLES(SCRIPT = "/", FILENAME = "/www/", ROOT = "/www"),
	 .is_root = true,
	 .got = VARIABLES(SCRIPT = "", INFO = "/", FILENAME = "/www/", TRANSLATED = "/www/",
			  ROOT = "/www")},
	{.what = "fix-root-scriptname and broken-scriptfilename",
	 .rules = {.fix_root_scriptname = true, .broken_scriptfilename = true},
	 .sent = VARIABLES(SCRIPT = "/x/y", FILENAME = "/www/x/y", ROOT = "/www"),
	 .script = "/x",
	 .is_root = true,
	 .got = VARIABLES(SCRIPT = "", INFO = "/x/y", FILENAME = "/www/x/y",
			  TRANSLATED = "/www/x/y", ROOT = "/www")},
	{.what = "fix-root-scriptname and docroot",
	 .rules = {.fix_root_scriptname = true, .docroot = "/alt"},
	 .sent = VARIABLES(SCRIPT = "/x/y", FILENAME = "/www/x/y", ROOT = "/www"),
	 .script = "/x",
	 .is_root = true,
	 .got = VARIABLES(SCRIPT = "", INFO = "/x/y", FILENAME = "/alt/", TRANSLATED = "/alt/x/y",
			  ROOT = "/alt")},
	{.what = "fix-root-scriptname of another key",
	 .rules = {.fix_root_scriptname = true},
	 .sent = WHOLE,
	 .script = "/t.php",
	 .got = SPLIT},
	{.what = "the key / without fix-root-scriptname",
	 .sent = WHOLE,
	 .script = "/t.php",
	 .is_root = true,
	 .got = SPLIT},
	{.what = "docroot",
	 .rules = {.docroot = "/alt"},
	 .sent = PLAIN,
	 .got = VARIABLES(SCRIPT = "/t.php", FILENAME = "/alt/t.php", ROOT = "/alt", URI = "/t.php",
			  LENGTH = "0")},
	{.what = "docroot, with PATH_INFO",
	 .rules = {.docroot = "/alt"},
	 .sent = SPLIT,
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/alt/t.php",
			  TRANSLATED = "/alt/info", ROOT = "/alt", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "docroot, split",
	 .rules = {.docroot = "/alt"},
	 .sent = WHOLE,
	 .script = "/t.php",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/alt/t.php",
			  TRANSLATED = "/alt/info", ROOT = "/alt", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "docroot with a slash at its end",
	 .rules = {.docroot = "/alt/"},
	 .sent = SPLIT,
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/alt/t.php",
			  TRANSLATED = "/alt/info", ROOT = "/alt/", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "docroot /",
	 .rules = {.docroot = "/"},
	 .sent = PLAIN,
	 .got = VARIABLES(SCRIPT = "/t.php", FILENAME = "/t.php", ROOT = "/", URI = "/t.php",
			  LENGTH = "0")},
	{.what = "docroot, nothing sent",
	 .rules = {.docroot = "/alt"},
	 .sent = {{0}},
	 .got = VARIABLES(FILENAME = "/alt/", ROOT = "/alt")},
	{.what = "docroot and a stale PATH_TRANSLATED",
	 .rules = {.docroot = "/alt"},
	 .sent = VARIABLES(SCRIPT = "/t.php", INFO = "", TRANSLATED = "/www"),
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "", FILENAME = "/alt/t.php", ROOT = "/alt")},
	{.what = "docroot wins over broken-scriptfilename",
	 .rules = {.docroot = "/alt", .broken_scriptfilename = true},
	 .sent = SPLIT,
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/alt/t.php",
			  TRANSLATED = "/alt/info", ROOT = "/alt", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "the docroot of an authorizer",
	 .sent = WHOLE,
	 .script = "/t.php",
	 .authorized_root = "/safe",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/safe/t.php",
			  TRANSLATED = "/safe/info", ROOT = "/safe", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "the docroot of an authorizer, broken-scriptfilename",
	 .rules = {.broken_scriptfilename = true},
	 .sent = SPLIT,
	 .authorized_root = "/safe",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/safe/t.php/info",
			  TRANSLATED = "/safe/info", ROOT = "/safe", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "docroot wins over that of the authorizer",
	 .rules = {.docroot = "/alt"},
	 .sent = PLAIN,
	 .authorized_root = "/safe",
	 .got = VARIABLES(SCRIPT = "/t.php", FILENAME = "/alt/t.php", ROOT = "/alt", URI = "/t.php",
			  LENGTH = "0")},
	{.what = "broken-scriptfilename",
	 .rules = {.broken_scriptfilename = true},
	 .sent = SPLIT,
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php/info",
			  TRANSLATED = "/www/info", ROOT = "/www", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "broken-scriptfilename, split",
	 .rules = {.broken_scriptfilename = true},
	 .sent = WHOLE,
	 .script = "/t.php",
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php/info",
			  TRANSLATED = "/www/info", ROOT = "/www", URI = "/t.php/info?a",
			  LENGTH = "0")},
	{.what = "broken-scriptfilename, scripts outside of the root",
	 .rules = {.broken_scriptfilename = true},
	 .sent = VARIABLES(SCRIPT = "/app/t.php", INFO = "/info", FILENAME = "/srv/t.php",
			   ROOT = "/www"),
	 .got = VARIABLES(SCRIPT = "/app/t.php", INFO = "/info", FILENAME = "/srv/t.php/info",
			  ROOT = "/www")},
	{.what = "broken-scriptfilename, of the web server too",
	 .rules = {.broken_scriptfilename = true},
	 .sent = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php/info",
			   ROOT = "/www"),
	 .got = VARIABLES(SCRIPT = "/t.php", INFO = "/info", FILENAME = "/www/t.php/info",
			  ROOT = "/www")},
	{.what = "broken-scriptfilename, a file like its PATH_INFO",
	 .rules = {.broken_scriptfilename = true},
	 .sent = VARIABLES(SCRIPT = "/x/a", INFO = "/a", FILENAME = "/www/x/a", ROOT = "/www"),
	 .got = VARIABLES(SCRIPT = "/x/a", INFO = "/a", FILENAME = "/www/x/a/a", ROOT = "/www")},
	{.what = "broken-scriptfilename without PATH_INFO",
	 .rules = {.broken_scriptfilename = true},
	 .sent = PLAIN,
	 .is_same = true},
};

static const struct row authorizer_rows[] = {
	{.what = "an authorizer",
	 .rules = {.is_authorizer = true},
	 .sent = SPLIT,
	 .got = VARIABLES(FILENAME = "/www/t.php", ROOT = "/www", URI = "/t.php/info?a")},
	{.what = "an authorizer with check-local",
	 .rules = {.is_authorizer = true},
	 .sent = WHOLE,
	 .script = "/t.php",
	 .got = VARIABLES(FILENAME = "/www/t.php", ROOT = "/www", URI = "/t.php/info?a")},
	{.what = "an authorizer without check-local",
	 .rules = {.is_authorizer = true},
	 .sent = WHOLE,
	 .got = VARIABLES(FILENAME = "/www/t.php/info", ROOT = "/www", URI = "/t.php/info?a")},
	{.what = "an authorizer with docroot",
	 .rules = {.is_authorizer = true, .docroot = "/alt", .broken_scriptfilename = true},
	 .sent = WHOLE,
	 .got = VARIABLES(FILENAME = "/alt/t.php/info", ROOT = "/alt", URI = "/t.php/info?a")},
	{.what = "an authorizer with strip-request-uri",
	 .rules = {.is_authorizer = true, .strip_request_uri = "/t.php"},
	 .sent = WHOLE,
	 .script = "/t.php",
	 .got = VARIABLES(FILENAME = "/www/t.php", ROOT = "/www", URI = "/info?a")},
};

static void set_text(struct rewrite_text *text, const char *value)
{
	*text = (struct rewrite_text){.at = value, .len = value ? strlen(value) : 0};
}

static struct rewrite_facts facts_of(const struct row *row, char *path, size_t size)
{
	const char *const *sent = row->sent.values;
	const char *script = sent[REWRITE_SCRIPT_NAME] ? sent[REWRITE_SCRIPT_NAME] : "";
	const char *info = sent[REWRITE_PATH_INFO] ? sent[REWRITE_PATH_INFO] : "";
	struct rewrite_facts facts = {.is_root = row->is_root, .sent_script_len = strlen(script)};

	assert_true(snprintf(path, size, "%s%s", script, info) < (int)size);
	set_text(&facts.path, path);
	facts.script_len = row->script ? strlen(row->script) : facts.sent_script_len;
	set_text(&facts.script_filename, sent[REWRITE_SCRIPT_FILENAME]);
	set_text(&facts.document_root, sent[REWRITE_DOCUMENT_ROOT]);
	set_text(&facts.request_uri, sent[REWRITE_REQUEST_URI]);
	set_text(&facts.authorized_root, row->authorized_root);
	return facts;
}

/* To be freed; NULL: the application does not get it. */
static char *value_of(const struct rewrite_value *value, const char *sent)
{
	size_t len = rewrite_value_len(value);
	char *text;

	if (value->action == REWRITE_KEEP)
		return sent ? strdup(sent) : NULL;
	if (value->action == REWRITE_DROP)
		return NULL;
	text = malloc(len + 1);
	assert_non_null(text);
	assert_ptr_equal(rewrite_value_write(text, value), text + len);
	text[len] = '\0';
	return text;
}

static void check_row(const struct row *row)
{
	const struct variables *expected = row->is_same ? &row->sent : &row->got;
	char path[256];
	struct rewrite_facts facts = facts_of(row, path, sizeof(path));
	struct rewrite_plan plan;

	if (rewrite_decide(&plan, &facts, &row->rules) == row->is_same)
		fail_msg("%s: the result", row->what);
	for (enum rewrite_variable i = 0; i < REWRITE_VARIABLES; i++) {
		char *got = value_of(&plan.values[i], row->sent.values[i]);
		const char *want = expected->values[i];

		if (!got != !want || (got && strcmp(got, want) != 0))
			fail_msg("%s: %s is %s", row->what, rewrite_name(i), got ? got : "absent");
		free(got);
	}
}

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++)
		check_row(&path_rows[i]);
}

static void test_roots(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(root_rows) / sizeof(root_rows[0]); i++)
		check_row(&root_rows[i]);
}

static void test_authorizers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(authorizer_rows) / sizeof(authorizer_rows[0]); i++)
		check_row(&authorizer_rows[i]);
}

static void test_strip_request_uri(void **state)
{
	static const struct {
		const char *prefix, *uri, *stripped;
	} rows[] = {
		{"/base", "/base/a/b", "/a/b"},
		{"/base", "/base/", "/"},
		{"/base", "/base//base/c", "//base/c"},
		{"/base", "/base/?q=/base/", "/?q=/base/"},
		{"/base/", "/base/a", "/a"},
		{"/base/x", "/base/x/y", "/y"},
		/* nothing is taken off */
		{"/base", "/base", "/base"},
		{"/base", "/base?q=/base/", "/base?q=/base/"},
		{"/base", "/basex/a", "/basex/a"},
		{"/base", "/%62ase/a", "/%62ase/a"},
		{"/base", "/", "/"},
		{"/base", "", ""},
		{"base", "/base/a", "/base/a"},
		{"/", "/a", "/a"},
		{"/", "//a", "//a"},
		{"", "/a", "/a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_same = strcmp(rows[i].uri, rows[i].stripped) == 0;
		struct row row = {
			.what = rows[i].uri,
			.rules = {.strip_request_uri = rows[i].prefix},
			.sent = VARIABLES(SCRIPT = "/base", URI = rows[i].uri),
			.is_same = is_same,
			.got = VARIABLES(SCRIPT = "/base", URI = rows[i].stripped),
		};

		check_row(&row);
	}
	check_row(&(struct row){.what = "no URI",
				.rules = {.strip_request_uri = "/base"},
				.sent = {{0}},
				.is_same = true});
}

static void test_nul_is_a_byte_like_others(void **state)
{
	static const char path[] = "/t\0.php/in\0fo", file[] = "/www/t\0.php/in\0fo";
	const struct rewrite_facts facts = {
		.path = {path, sizeof(path) - 1},
		.sent_script_len = sizeof(path) - 1,
		.script_len = 7,
		.script_filename = {file, sizeof(file) - 1},
		.document_root = {"/www", 4},
	};
	const struct rewrite_rules rules = {0};
	struct rewrite_plan plan;
	char text[32];

	(void)state;
	assert_true(rewrite_decide(&plan, &facts, &rules));
	assert_int_equal(rewrite_value_len(&plan.values[REWRITE_SCRIPT_FILENAME]), 11);
	rewrite_value_write(text, &plan.values[REWRITE_SCRIPT_FILENAME]);
	assert_memory_equal(text, file, 11);
	rewrite_value_write(text, &plan.values[REWRITE_PATH_INFO]);
	assert_memory_equal(text, path + 7, 6);
}

static void test_very_long_values(void **state)
{
	enum { LEN = 1 << 20 };
	const struct rewrite_rules rules = {.docroot = "/alt"};
	char *path = malloc(LEN), *text = malloc(LEN + 4);
	struct rewrite_facts facts = {
		.path = {path, LEN}, .sent_script_len = LEN, .script_len = LEN / 2};
	struct rewrite_plan plan;

	(void)state;
	assert_non_null(path);
	assert_non_null(text);
	memset(path, '/', LEN);
	assert_true(rewrite_decide(&plan, &facts, &rules));
	assert_int_equal(rewrite_value_len(&plan.values[REWRITE_SCRIPT_FILENAME]), LEN / 2 + 4);
	assert_int_equal(rewrite_value_len(&plan.values[REWRITE_PATH_INFO]), LEN / 2);
	rewrite_value_write(text, &plan.values[REWRITE_SCRIPT_FILENAME]);
	assert_memory_equal(text, "/alt//", 6);
	free(path);
	free(text);
}

static enum rewrite_variable find(const char *name)
{
	return rewrite_find(name, strlen(name));
}

static void test_names(void **state)
{
	(void)state;
	for (enum rewrite_variable i = 0; i < REWRITE_VARIABLES; i++)
		assert_int_equal(find(rewrite_name(i)), i);
	assert_int_equal(find("SCRIPT_NAMES"), REWRITE_VARIABLES);
	assert_int_equal(find("SCRIPT_NAM"), REWRITE_VARIABLES);
	assert_int_equal(find("script_name"), REWRITE_VARIABLES);
	assert_int_equal(find(""), REWRITE_VARIABLES);
	assert_int_equal(rewrite_find("PATH_INFO\0", 10), REWRITE_VARIABLES);
}

static bool is_denied(const char *name)
{
	static char value[] = "PHP_VALUE", admin_value[] = "PHP_ADMIN_VALUE";
	char *const denied[] = {value, admin_value};

	return rewrite_is_denied(name, strlen(name), denied, 2);
}

static void test_denied(void **state)
{
	(void)state;
	assert_true(is_denied("PHP_VALUE"));
	assert_true(is_denied("PHP_ADMIN_VALUE"));
	assert_true(is_denied("HTTP_PROXY"));
	assert_true(rewrite_is_denied("HTTP_PROXY", 10, NULL, 0));
	assert_false(rewrite_is_denied("PHP_VALUE", 9, NULL, 0));
	assert_false(is_denied("HTTP_PROXY_AUTHORIZATION"));
	assert_false(is_denied("http_proxy"));
	assert_false(is_denied("PHP_VALUE2"));
	assert_false(is_denied("PHP_"));
	assert_false(is_denied(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_authorizers),
		cmocka_unit_test(test_strip_request_uri),
		cmocka_unit_test(test_nul_is_a_byte_like_others),
		cmocka_unit_test(test_very_long_values),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_denied),
	};

	return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
