#include "config.h"

#include "config/options.h"

static const struct origin line_1 = {.file = "a.ini", .line = 1};
static const struct origin line_2 = {.file = "a.ini", .line = 2};
static const struct origin command_line = {.file = "command line"};

/* Sets a key of a fresh backend; the sentence to be freed, or NULL. */
static char *set(struct backend_settings *backend, const char *key, const char *text,
		 struct origin origin)
{
	return option_set(option_find(key), backend, text, origin);
}

static void set_good(struct backend_settings *backend, const char *key, const char *text,
		     struct origin origin)
{
	char *fault = set(backend, key, text, origin);

	if (fault)
		print_message("%s\n", fault);
	assert_null(fault);
}

static void assert_fault(const char *key, const char *text, const char *expected)
{
	const struct option_entry *option = option_find(key);
	struct fixture fixture;
	void *target;
	char *fault;

	fixture_init(&fixture);
	target = option->scope == OPTION_WHOLE ? (void *)&fixture.settings
					       : &fixture.settings.defaults;
	fault = option_set(option, target, text, line_1);
	assert_non_null(fault);
	assert_string_equal(fault, expected);
	free(fault);
	fixture_fini(&fixture);
}

/* What option_print makes of a text that was set. */
static void assert_printed(const char *key, const char *text, const char *expected)
{
	struct backend_settings backend = {0}, again = {0};
	char printed[2000] = "";
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	set_good(&backend, key, text, line_1);
	option_print(option_find(key), &backend, out);
	fclose(out);
	assert_string_equal(printed, expected);
	set_good(&again, key, printed, line_1);
	options_fini(OPTION_BACKEND, &backend);
	options_fini(OPTION_BACKEND, &again);
}

static void test_table_is_sane(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option_entry *option = &option_table[i];

		assert_ptr_equal(option_find(option->name), option);
		assert_non_null(option->argument);
		assert_non_null(option->help);
		assert_true(i == 0 || option->group >= option[-1].group);
		assert_int_equal(option->type == OPTION_CHOICE, option->choices != NULL);
	}
	assert_null(option_find("listen-"));
	assert_null(option_find(""));
}

static void test_nearest_key(void **state)
{
	(void)state;
	assert_string_equal(option_nearest("max-proc"), "max-procs");
	assert_string_equal(option_nearest("bin-enviroment"), "bin-environment");
	assert_null(option_nearest("zzzzzzzzzz"));
}

static void test_key_before_equals(void **state)
{
	(void)state;
	assert_ptr_equal(option_find_before_equals("max-procs = 3"), option_find("max-procs"));
	assert_ptr_equal(option_find_before_equals("log=x"), option_find("log"));
	assert_null(option_find_before_equals("max-procs"));
	assert_null(option_find_before_equals("X=max-procs"));
	assert_null(option_find_before_equals("\"log=x\""));
}

static void test_numbers(void **state)
{
	struct backend_settings backend = {0};

	(void)state;
	set_good(&backend, "max-procs", "4096", line_1);
	assert_int_equal(backend.max_procs, 4096);
	set_good(&backend, "listen-mode", "0600", line_1);
	assert_int_equal(backend.listen_mode, 0600);
	set_good(&backend, "disable-time", "250ms", line_1);
	assert_int_equal(backend.disable_time_ms, 250);
	set_good(&backend, "balance", "shared", line_1);
	assert_int_equal(backend.balance, BALANCE_SHARED);
	options_fini(OPTION_BACKEND, &backend);
	assert_fault("max-procs", "0", "max-procs: \"0\" is not a number from 1 to 4096");
	assert_fault("max-procs", "3x", "max-procs: \"3x\" is not a number from 1 to 4096");
	assert_fault("port", "70000", "port: \"70000\" is not a number from 1 to 65535");
	assert_fault("umask", "8", "umask: \"8\" is not an octal number up to 0777");
	assert_fault("balance", "even",
		     "balance: \"even\" is not least-load, random-of-two or shared");
	assert_fault("log-level", "loud",
		     "log-level: \"loud\" is not error, warning, info or debug");
	assert_fault("response-buffer", "1k",
		     "response-buffer: \"1k\" is not a size from 4k to 1g (such as 512, 64k, 8m)");
	assert_fault("max-procs", "  ", "max-procs: needs a value");
}

static void test_signals(void **state)
{
	struct backend_settings backend = {0};

	(void)state;
	set_good(&backend, "kill-signal", "USR1", line_1);
	assert_int_equal(backend.kill_signal, 10);
	options_fini(OPTION_BACKEND, &backend);
	assert_printed("kill-signal", "sigterm", "SIGTERM");
	assert_printed("kill-signal", "9", "SIGKILL");
	assert_printed("kill-signal", "40", "40");
	assert_fault("kill-signal", "SIGFOO",
		     "kill-signal: \"SIGFOO\" is not a signal (such as SIGTERM, USR1, 15)");
	assert_fault("kill-signal", "0",
		     "kill-signal: \"0\" is not a signal (such as SIGTERM, USR1, 15)");
	assert_fault("kill-signal", "65",
		     "kill-signal: \"65\" is not a signal (such as SIGTERM, USR1, 15)");
}

static void test_free_text_may_be_quoted(void **state)
{
	struct backend_settings backend = {0};

	(void)state;
	set_good(&backend, "directory", "\" a;b \\\"c\\\\\" ", line_1);
	assert_string_equal(backend.directory, " a;b \"c\\");
	options_fini(OPTION_BACKEND, &backend);
	assert_printed("directory", "/srv/it's here", "/srv/it's here");
	assert_printed("directory", "\"/a ; b\"", "\"/a ; b\"");
	/* It may come to stand first in a line, where it would be a comment. */
	assert_printed("extension", "\"#x\", .php", "\"#x\", .php");
	assert_fault("directory", "\"/a", "directory: a quote is not closed");
}

static void test_maps(void **state)
{
	(void)state;
	assert_printed("map-extensions", ".php3=>.php,  .phtml   =>   .php",
		       ".php3=>.php, .phtml   =>   .php");
	assert_fault("map-extensions", ".php3 .php",
		     "map-extensions: \".php3 .php\": not of the form .from => .to");
	assert_fault("map-extensions", "=> .php",
		     "map-extensions: \"=> .php\": not of the form .from => .to");
	assert_fault("map-extensions", ".a => ",
		     "map-extensions: \".a =>\": not of the form .from => .to");
	assert_fault("map-extensions", ".a => .b c",
		     "map-extensions: \".a => .b c\": not of the form .from => .to");
}

static void test_lists(void **state)
{
	struct backend_settings backend = {0};

	(void)state;
	set_good(&backend, "bin-environment", "A=1, \"B=x, y\",C=", line_1);
	set_good(&backend, "bin-environment", "D=a;b, A=2", line_2);
	assert_int_equal(backend.bin_environment.count, 4);
	assert_string_equal(backend.bin_environment.items[0], "B=x, y");
	assert_string_equal(backend.bin_environment.items[1], "C=");
	assert_string_equal(backend.bin_environment.items[3], "A=2");
	assert_null(backend.bin_environment.items[4]);
	options_fini(OPTION_BACKEND, &backend);
	assert_fault("bin-environment", "A=1,,B=2",
		     "bin-environment: \"\": there is a comma too many");
	assert_fault("bin-environment", "A", "bin-environment: \"A\": not of the form NAME=value");
	assert_fault("bin-environment", "=1",
		     "bin-environment: \"=1\": not of the form NAME=value");
	assert_fault("bin-copy-environment", "A=1",
		     "bin-copy-environment: \"A=1\": only the name, without \"=\" and a value");
	assert_fault("listen", "", "listen: needs a value");
}

static void test_a_list_of_nothing_is_set(void **state)
{
	struct backend_settings backend = {0};

	(void)state;
	assert_null(backend.bin_copy_environment.items);
	set_good(&backend, "bin-copy-environment", "", line_1);
	assert_non_null(backend.bin_copy_environment.items);
	assert_int_equal(backend.bin_copy_environment.count, 0);
	options_fini(OPTION_BACKEND, &backend);
	assert_printed("bin-copy-environment", "", "");
}

static void test_addresses(void **state)
{
	struct backend_settings backend = {0};

	(void)state;
	set_good(&backend, "listen", "/run/a, 127.0.0.1:9000,[::1]:9000", line_1);
	assert_int_equal(backend.listen.count, 3);
	assert_int_equal(backend.listen.items[1].port, 9000);
	options_fini(OPTION_BACKEND, &backend);
	assert_printed("listen", "\"/a,b\", [::1]:9", "\"/a,b\", [::1]:9");
}

static void test_words(void **state)
{
	struct backend_settings backend = {0};
	char *fault;

	(void)state;
	set_good(&backend, "bin-path", "/bin/sh -c 'a \"b\"'", line_1);
	fault = option_continue(option_find("bin-path"), &backend, "\"$x\" y");
	assert_null(fault);
	assert_int_equal(backend.bin_path.count, 5);
	assert_string_equal(backend.bin_path.items[2], "a \"b\"");
	assert_string_equal(backend.bin_path.items[3], "$x");
	options_fini(OPTION_BACKEND, &backend);
	assert_printed("bin-path", "/a 'b c' \"\" '$d' ';'", "/a \"b c\" \"\" \"\\$d\" \";\"");
	assert_fault("bin-path", "/bin/sh 'x",
		     "bin-path: a quote is not closed, or a backslash ends the line");
}

static void test_only_lists_and_words_go_on(void **state)
{
	struct backend_settings backend = {0};
	char *fault = option_continue(option_find("max-procs"), &backend, "3");

	(void)state;
	assert_non_null(fault);
	assert_non_null(strstr(fault, "take the indentation away"));
	free(fault);
}

static void test_what_replaces_what(void **state)
{
	struct backend_settings backend = {0}, defaults = {0};
	char *fault;

	(void)state;
	set_good(&defaults, "bin-environment", "A=1", line_1);
	set_good(&defaults, "umask", "07", line_1);
	assert_int_equal(options_inherit(&backend, &defaults), 0);
	assert_int_equal(backend.umask, 07);
	/* A section's own values replace what it inherited, though the file is the same. */
	set_good(&backend, "bin-environment", "B=1", line_2);
	set_good(&backend, "umask", "02", line_2);
	assert_int_equal(backend.bin_environment.count, 1);
	/* A second one of a file is a mistake, one of the command line is not, and goes over it. */
	fault = set(&backend, "umask", "03", line_2);
	assert_string_equal(fault, "umask is given already at a.ini:2");
	free(fault);
	set_good(&backend, "umask", "04", command_line);
	set_good(&backend, "umask", "05", command_line);
	assert_int_equal(backend.umask, 05);
	set_good(&backend, "bin-environment", "C=1", command_line);
	set_good(&backend, "bin-environment", "D=1", command_line);
	assert_int_equal(backend.bin_environment.count, 2);
	assert_string_equal(backend.bin_environment.items[0], "C=1");
	options_fini(OPTION_BACKEND, &backend);
	options_fini(OPTION_BACKEND, &defaults);
}

static void test_long_lists_are_printed_in_lines(void **state)
{
	struct backend_settings backend = {0};
	char printed[2000] = "";
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	(void)state;
	for (int i = 0; i < 30; i++) {
		char text[64];

		snprintf(text, sizeof(text), "VARIABLE_%d=%d", i, i);
		set_good(&backend, "bin-environment", text, line_1);
	}
	option_print(option_find("bin-environment"), &backend, out);
	fclose(out);
	for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 10, 100);
	options_fini(OPTION_BACKEND, &backend);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sane),
		cmocka_unit_test(test_nearest_key),
		cmocka_unit_test(test_key_before_equals),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_free_text_may_be_quoted),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_a_list_of_nothing_is_set),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_only_lists_and_words_go_on),
		cmocka_unit_test(test_what_replaces_what),
		cmocka_unit_test(test_long_lists_are_printed_in_lines),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
