#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/ini.h"

static void load_bytes(struct fixture *fixture, const char *bytes, size_t len)
{
	FILE *in = fmemopen((void *)(uintptr_t)bytes, len, "r");

	assert_non_null(in);
	ini_load_stream(&fixture->settings, in, "a.ini", &fixture->complaints);
	fclose(in);
}

static void load(struct fixture *fixture, const char *text)
{
	load_bytes(fixture, text, strlen(text));
}

/* A text that is refused for this alone. */
static void assert_refused(const char *text, const char *sentence)
{
	struct fixture fixture;

	fixture_init(&fixture);
	load(&fixture, text);
	assert_complaint(&fixture, sentence);
	assert_int_equal(fixture.complaints.sentences.count, 1);
	fixture_fini(&fixture);
}

static char *written(const struct settings *settings)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ini_write(settings, out);
	fclose(out);
	return text;
}

static void test_three_lines_are_enough(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	load(&fixture, "[php]\nlisten   = /run/php.sock\nbin-path = /usr/bin/php-cgi\n");
	assert_no_complaint(&fixture);
	assert_int_equal(fixture.settings.backend_count, 1);
	assert_string_equal(fixture.settings.backends[0]->name, "php");
	assert_int_equal(fixture.settings.backends[0]->origin.line, 1);
	assert_string_equal(fixture.settings.backends[0]->listen.items[0].name, "/run/php.sock");
	assert_string_equal(fixture.settings.backends[0]->bin_path.items[0], "/usr/bin/php-cgi");
	assert_int_equal(fixture.settings.backends[0]->max_procs, 4);
	fixture_fini(&fixture);
}

static void test_defaults_stand_before_the_sections(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	load(&fixture,
	     "log-level = debug\nmax-procs = 2\nbin-environment = A=1\n[a]\nmax-procs = 3\n"
	     "bin-environment = B=1\n[b]\n");
	assert_no_complaint(&fixture);
	assert_int_equal(fixture.settings.log_level, 3);
	assert_int_equal(fixture.settings.backends[0]->max_procs, 3);
	assert_int_equal(fixture.settings.backends[1]->max_procs, 2);
	assert_int_equal(fixture.settings.backends[0]->bin_environment.count, 1);
	assert_string_equal(fixture.settings.backends[0]->bin_environment.items[0], "B=1");
	assert_string_equal(fixture.settings.backends[1]->bin_environment.items[0], "A=1");
	fixture_fini(&fixture);
}

static void test_values_longer_than_inih_takes(void **state)
{
	struct fixture fixture;
	char text[INI_LINE_MAX + 64], name[65];

	(void)state;
	fixture_init(&fixture);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text), "[%s]\nlisten = /%0106d\nbin-path = /%01000d x\n", name, 1, 2);
	load(&fixture, text);
	assert_no_complaint(&fixture);
	assert_string_equal(fixture.settings.backends[0]->name, name);
	assert_int_equal(strlen(fixture.settings.backends[0]->listen.items[0].name), 107);
	assert_int_equal(strlen(fixture.settings.backends[0]->bin_path.items[0]), 1001);
	assert_string_equal(fixture.settings.backends[0]->bin_path.items[1], "x");
	fixture_fini(&fixture);
}

static void test_the_longest_line(void **state)
{
	char text[INI_LINE_MAX + 100];
	struct fixture fixture;
	int key_len = snprintf(text, sizeof(text), "[a]\nbin-path = /");

	(void)state;
	memset(text + key_len, 'x', sizeof(text) - (size_t)key_len);
	snprintf(text + strlen("[a]\n") + INI_LINE_MAX, 20, "\nmax-procs = 0\n");
	fixture_init(&fixture);
	load(&fixture, text);
	assert_complaint(&fixture, "a.ini:3: max-procs");
	assert_int_equal(fixture.complaints.sentences.count, 1);
	fixture_fini(&fixture);

	memset(text + key_len, 'x', sizeof(text) - (size_t)key_len);
	snprintf(text + strlen("[a]\n") + INI_LINE_MAX + 1, 20, "\nmax-procs = 0\n");
	fixture_init(&fixture);
	load(&fixture, text);
	assert_complaint(&fixture, "a.ini:2: the line is longer than 4096 bytes");
	assert_complaint(&fixture, "a.ini:3: max-procs");
	fixture_fini(&fixture);
}

static void test_indented_lines_go_on(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend;

	(void)state;
	fixture_init(&fixture);
	load(&fixture, "[a]\nlisten = /a\n  /b, /c\n\n\t# a comment\n\t/d ; another\n"
		       "bin-path = /bin/x 'a b'\n\t-c \"socket=1\"\nbin-environment =\n\tA=1\n"
		       "\t\"max-procs = 3\"\n");
	assert_no_complaint(&fixture);
	backend = fixture.settings.backends[0];
	assert_int_equal(backend->listen.count, 4);
	assert_string_equal(backend->listen.items[3].name, "/d");
	assert_int_equal(backend->bin_path.count, 4);
	assert_string_equal(backend->bin_path.items[3], "socket=1");
	assert_int_equal(backend->bin_environment.count, 2);
	assert_string_equal(backend->bin_environment.items[1], "max-procs = 3");
	fixture_fini(&fixture);
}

static void test_indented_lines_that_do_not(void **state)
{
	(void)state;
	assert_refused("[a]\nlisten = /a\n  max-procs = 3\n",
		       "a.ini:3: an indented line goes on with");
	assert_refused("[a]\nmax-procs = 3\n  4\n", "a.ini:3: an indented line goes on with");
	assert_refused("[a]\n  4\n", "a.ini:2: an indented line goes on with");
	assert_refused("  log = x\n", "a.ini:1: an indented line goes on with");
	assert_refused("listen = /a\n[a]\n  /b\n", "a.ini:3: an indented line goes on with");
	/* What was refused takes its lines along. */
	assert_refused("[a]\nlissten = /a\n  /b\n", "a.ini:2: unknown key");
}

static void test_comments(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend;

	(void)state;
	fixture_init(&fixture);
	load(&fixture, "# one\n; two\n[a] ; three\ndirectory = /a;b ; four\nchroot = \"/x ; y\" ;\n"
		       "bin-path = /bin/sh -c 'a ; b' \"; c\" \\; ; five\n"
		       "bin-environment = A=x;y, \"B= ; \", C=# ; six\n");
	assert_no_complaint(&fixture);
	backend = fixture.settings.backends[0];
	assert_string_equal(backend->directory, "/a;b");
	assert_string_equal(backend->chroot, "/x ; y");
	assert_int_equal(backend->bin_path.count, 5);
	assert_string_equal(backend->bin_path.items[2], "a ; b");
	assert_string_equal(backend->bin_path.items[4], ";");
	assert_int_equal(backend->bin_environment.count, 3);
	assert_string_equal(backend->bin_environment.items[1], "B= ; ");
	assert_string_equal(backend->bin_environment.items[2], "C=#");
	fixture_fini(&fixture);
}

static void test_line_ends_of_others(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	load(&fixture, "\xEF\xBB\xBFlog = x\r\n[a]\r\nlisten = /a\r\n\r\nbin-path = /b");
	assert_no_complaint(&fixture);
	assert_string_equal(fixture.settings.log, "x");
	assert_string_equal(fixture.settings.backends[0]->listen.items[0].name, "/a");
	assert_string_equal(fixture.settings.backends[0]->bin_path.items[0], "/b");
	fixture_fini(&fixture);
	assert_refused("[a]\rlisten = /a\n", "a.ini:1: there is a carriage return");
}

static void test_what_is_no_text(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	load_bytes(&fixture, "[a]\nlisten = \0/a\nxxx\n", 22);
	assert_complaint(&fixture, "a.ini:2: there is a byte 0x00: this is not a text file");
	assert_int_equal(fixture.complaints.sentences.count, 1);
	fixture_fini(&fixture);
	assert_refused("[a]\n\033[1m\n", "a.ini:2: there is a byte 0x1b");
}

static void test_keys_that_are_refused(void **state)
{
	(void)state;
	assert_refused("max-proc = 3\n",
		       "a.ini:1: unknown key \"max-proc\": did you mean \"max-procs\"?");
	assert_refused("zzzzzzzz = 3\n", "a.ini:1: unknown key \"zzzzzzzz\": fcgi-herd.ini(5)");
	assert_refused("[a]\nlog = x\n",
		       "a.ini:2: log is for the whole: it belongs before the first section");
	assert_refused("nonsense\n", "a.ini:1: expected KEY = VALUE");
	assert_refused("[a]\nnonsense", "a.ini:2: expected KEY = VALUE");
	assert_refused("[a]\nnonsense\n[b]\n", "a.ini:2: expected KEY = VALUE");
	assert_refused("= 3\n", "a.ini:1: expected KEY = VALUE");
	assert_refused("listen 127.0.0.1:9000\n", "a.ini:1: \"listen 127.0.0.1\" is not a key");
	assert_refused("max-procs =\n", "a.ini:1: max-procs: needs a value");
	assert_refused("max-procs = ; 3\n", "a.ini:1: max-procs: needs a value");
	assert_refused("log = x\nlog = y\n", "a.ini:2: log is given already at a.ini:1");
	assert_refused("[a]\numask = 1\numask = 1\n", "a.ini:3: umask is given already at a.ini:2");
	assert_refused("[a]\nlisten = /a,\n", "a.ini:2: listen: \"\": there is a comma too many");
}

static void test_sections_that_are_refused(void **state)
{
	char text[100] = "[";

	(void)state;
	assert_refused("[a]\n[b]\n[a]\numask = 1\numask = 1\n",
		       "a.ini:3: there is a section of this name");
	assert_refused("[]\n", "a.ini:1: a section needs a name");
	assert_refused("[A]\n", "a.ini:1: the name of a section is made of");
	assert_refused("[a b]\n", "a.ini:1: the name of a section is made of");
	assert_refused("[a\n", "a.ini:1: expected [NAME]");
	assert_refused("[a] b\n", "a.ini:1: expected [NAME]");
	memset(text + 1, 'a', 65);
	text[66] = ']';
	assert_refused(text, "a.ini:1: the name of a section has at most 64 bytes");
}

static void test_all_mistakes_are_told(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	load(&fixture, "x = 1\n[a]\nmax-procs = 0\nnonsense\n[\numask = 9\n");
	assert_complaint(&fixture, "a.ini:1: unknown key");
	assert_complaint(&fixture, "a.ini:3: max-procs");
	assert_complaint(&fixture, "a.ini:4: expected KEY");
	assert_complaint(&fixture, "a.ini:5: expected [NAME]");
	fixture_fini(&fixture);
}

static void put_file(const char *directory, const char *name, const char *text)
{
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void remove_file(const char *directory, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(unlink(path), 0);
}

static void test_a_directory(void **state)
{
	char directory[] = "/tmp/test-ini.XXXXXX";
	struct fixture fixture;

	(void)state;
	assert_non_null(mkdtemp(directory));
	put_file(directory, "20-b.ini", "umask = 07\n[b]\n");
	put_file(directory, "10-a.ini", "max-procs = 2\n[a]\n");
	put_file(directory, "30-c.ini~", "nonsense\n");
	put_file(directory, ".c.ini", "nonsense\n");
	fixture_init(&fixture);
	ini_load(&fixture.settings, directory, &fixture.complaints);
	assert_no_complaint(&fixture);
	assert_int_equal(fixture.settings.files.count, 2);
	assert_string_equal(fixture.settings.backends[0]->name, "a");
	/* Defaults hold for the sections of all files. */
	assert_int_equal(fixture.settings.backends[0]->umask, 07);
	assert_int_equal(fixture.settings.backends[1]->max_procs, 2);
	fixture_fini(&fixture);

	put_file(directory, "40-d.ini", "[a]\n[d]\n");
	put_file(directory, "50-e.ini", "max-procs = 3\n");
	fixture_init(&fixture);
	ini_load(&fixture.settings, directory, &fixture.complaints);
	assert_complaint(&fixture, "40-d.ini:1: there is a section of this name already");
	assert_complaint(&fixture, "50-e.ini:1: max-procs is given already at");
	fixture_fini(&fixture);

	remove_file(directory, "10-a.ini");
	remove_file(directory, "20-b.ini");
	remove_file(directory, "40-d.ini");
	remove_file(directory, "50-e.ini");
	fixture_init(&fixture);
	ini_load(&fixture.settings, directory, &fixture.complaints);
	assert_complaint(&fixture, "there is no file in it whose name ends in .ini");
	fixture_fini(&fixture);
	remove_file(directory, "30-c.ini~");
	remove_file(directory, ".c.ini");
	assert_int_equal(rmdir(directory), 0);
}

static void test_a_file_that_is_not_there(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	ini_load(&fixture.settings, "/nonexistent/a.ini", &fixture.complaints);
	assert_complaint(&fixture, "/nonexistent/a.ini: cannot open: No such file or directory");
	fixture_fini(&fixture);
	fixture_init(&fixture);
	ini_load(&fixture.settings, "/dev/zero", &fixture.complaints);
	assert_complaint(&fixture, "/dev/zero:1: there is a byte 0x00");
	fixture_fini(&fixture);
}

static void test_what_is_written_reads_back(void **state)
{
	struct fixture fixture, again;
	char *first, *second;

	(void)state;
	fixture_init(&fixture);
	load(&fixture,
	     "log = \"/var/log/a ; b\"\nmux-user = www-data\nresponse-buffer = 1m\n"
	     "[a]\nlisten = /run/a, \"/run/b,c\", [::1]:9000\nlisten-mode = 0600\n"
	     "bin-path = /bin/sh -c 'echo \"$HOME\" `x` \\ ; \"' \"\" it\\'s ;\n"
	     "bin-environment = \"A= x, y \", B=\"\\\"\\\\\", \"user=x\", C=;\n\tD=\n"
	     "bin-copy-environment =\nkill-signal = 12\nshutdown-timeout = 1500ms\numask = 0\n"
	     "chroot = /srv\ndirectory = \" /x\"\nuser = www-data\nhost = ::1\nport = 9000\n"
	     "[b]\nlisten = localhost:80\nserver = 10.0.0.1:1\n\t10.0.0.2:2\nbalance = shared\n");
	assert_no_complaint(&fixture);
	first = written(&fixture.settings);
	fixture_init(&again);
	load(&again, first);
	assert_no_complaint(&again);
	second = written(&again.settings);
	assert_string_equal(first, second);
	assert_int_equal(again.settings.backends[0]->bin_path.count,
			 fixture.settings.backends[0]->bin_path.count);
	for (size_t i = 0; i < fixture.settings.backends[0]->bin_path.count; i++)
		assert_string_equal(again.settings.backends[0]->bin_path.items[i],
				    fixture.settings.backends[0]->bin_path.items[i]);
	assert_string_equal(again.settings.backends[0]->bin_environment.items[0], "A= x, y ");
	assert_string_equal(again.settings.backends[0]->bin_environment.items[1], "B=\"\\");
	assert_non_null(again.settings.backends[0]->bin_copy_environment.items);
	assert_null(again.settings.backends[1]->bin_copy_environment.items);
	free(first);
	free(second);
	fixture_fini(&fixture);
	fixture_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_lines_are_enough),
		cmocka_unit_test(test_defaults_stand_before_the_sections),
		cmocka_unit_test(test_values_longer_than_inih_takes),
		cmocka_unit_test(test_the_longest_line),
		cmocka_unit_test(test_indented_lines_go_on),
		cmocka_unit_test(test_indented_lines_that_do_not),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_line_ends_of_others),
		cmocka_unit_test(test_what_is_no_text),
		cmocka_unit_test(test_keys_that_are_refused),
		cmocka_unit_test(test_sections_that_are_refused),
		cmocka_unit_test(test_all_mistakes_are_told),
		cmocka_unit_test(test_a_directory),
		cmocka_unit_test(test_a_file_that_is_not_there),
		cmocka_unit_test(test_what_is_written_reads_back),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
