#include "config.h"

#include <unistd.h>

#include "config/cli.h"

enum { WORDS_MAX = 30 };

/* Splits a line at blanks to an argv; "@" stands for a blank inside a word. */
struct words {
	char *argv[WORDS_MAX + 1];
	int argc;
	char line[500];
};

static void words_init(struct words *words, const char *line)
{
	*words = (struct words){0};
	snprintf(words->line, sizeof(words->line), "%s", line);
	for (char *word = strtok(words->line, " "); word; word = strtok(NULL, " ")) {
		for (char *at = word; *at; at++)
			if (*at == '@')
				*at = ' ';
		assert_in_range(words->argc, 0, WORDS_MAX - 1);
		words->argv[words->argc++] = word;
	}
}

struct parsed {
	struct fixture fixture;
	struct cli cli;
	struct words words;
	const struct backend_settings *backend; /* the first */
};

static void parse(struct parsed *parsed, const char *line)
{
	struct settings *settings = &parsed->fixture.settings;
	struct words *words = &parsed->words;

	fixture_init(&parsed->fixture);
	words_init(words, line);
	if (strcmp(words->argv[0], "fcgi-mux") == 0)
		cli_parse_mux(&parsed->cli, settings, words->argc, words->argv,
			      &parsed->fixture.complaints);
	else
		cli_parse_herd(&parsed->cli, settings, words->argc, words->argv,
			       &parsed->fixture.complaints);
	if (parsed->cli.action == CLI_RUN || parsed->cli.action == CLI_CHECK)
		check_settings(settings, &parsed->fixture.complaints);
	parsed->backend = settings->backend_count ? settings->backends[0] : NULL;
}

static void parse_good(struct parsed *parsed, const char *line)
{
	parse(parsed, line);
	assert_no_complaint(&parsed->fixture);
}

static void assert_refused(const char *line, const char *sentence)
{
	struct parsed parsed;

	parse(&parsed, line);
	assert_complaint(&parsed.fixture, sentence);
	assert_int_equal(parsed.fixture.complaints.sentences.count, 1);
	fixture_fini(&parsed.fixture);
}

static void test_a_plain_command_line(void **state)
{
	struct parsed parsed;
	const struct backend_settings *backend;

	(void)state;
	parse_good(&parsed, "fcgi-herd -s /run/a -- /usr/bin/php-cgi -d a=b@c -n");
	backend = parsed.backend;
	assert_string_equal(backend->name, "main");
	assert_int_equal(parsed.cli.action, CLI_RUN);
	assert_false(parsed.cli.foreground);
	assert_false(parsed.cli.has_config);
	assert_int_equal(parsed.cli.control_fd, -1);
	assert_string_equal(backend->listen.items[0].name, "/run/a");
	assert_int_equal(backend->bin_path.count, 4);
	assert_string_equal(backend->bin_path.items[2], "a=b c");
	assert_string_equal(backend->bin_path.items[3], "-n");
	assert_int_equal(backend->max_procs, 1);
	assert_int_equal(backend->balance, BALANCE_SHARED);
	assert_int_equal(backend->listen_mode, 0660);
	fixture_fini(&parsed.fixture);
}

static void test_letters_of_the_table(void **state)
{
	struct parsed parsed;
	const struct backend_settings *backend;

	(void)state;
	parse_good(&parsed, "fcgi-herd -n -s /a -M 600 -M 0640 -b 7 -P /p -d /d -u me -g us -U you "
			    "-G they /bin/x");
	backend = parsed.backend;
	assert_true(parsed.cli.foreground);
	assert_int_equal(backend->listen_mode, 0640);
	assert_int_equal(backend->listen_backlog, 7);
	assert_string_equal(parsed.fixture.settings.pid_file, "/p");
	assert_string_equal(backend->directory, "/d");
	assert_string_equal(backend->user.name, "me");
	assert_string_equal(backend->group.name, "us");
	assert_string_equal(backend->listen_owner.name, "you");
	assert_string_equal(backend->listen_group.name, "they");
	fixture_fini(&parsed.fixture);
	/* What spawn-fcgi takes as it is holds no quotes. */
	parse_good(&parsed, "fcgi-herd -s /a -d /\"x\",@;y /bin/x");
	assert_string_equal(parsed.backend->directory, "/\"x\", ;y");
	fixture_fini(&parsed.fixture);
}

static void test_ports(void **state)
{
	struct parsed parsed;
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	parse_good(&parsed, "fcgi-herd -p 9000 -- /bin/x");
	assert_string_equal(address_format(&parsed.backend->listen.items[0], text),
			    "127.0.0.1:9000");
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -a ::1 -p 65535 -- /bin/x");
	assert_string_equal(address_format(&parsed.backend->listen.items[0], text), "[::1]:65535");
	fixture_fini(&parsed.fixture);
	assert_refused("fcgi-herd -p 0 -- /bin/x", "-p 0: not a number from 1 to 65535");
	assert_refused("fcgi-herd -p 70000 -- /bin/x", "-p 70000: not a number from 1 to 65535");
	assert_refused("fcgi-herd -p 80x -- /bin/x", "-p 80x: not a number from 1 to 65535");
	assert_refused("fcgi-herd -p 80 -a localhost -- /bin/x",
		       "-a is not an IPv4 or IPv6 address");
}

static void test_sockets(void **state)
{
	struct parsed parsed;
	char path[120], line[200], here[64], absolute[80];

	(void)state;
	snprintf(path, sizeof(path), "/%0106d", 1);
	snprintf(line, sizeof(line), "fcgi-herd -s %s -- /bin/x", path);
	parse_good(&parsed, line);
	assert_string_equal(parsed.backend->listen.items[0].name, path);
	fixture_fini(&parsed.fixture);
	snprintf(line, sizeof(line), "fcgi-herd -s %s1 -- /bin/x", path);
	assert_refused(line, "longer than 107 bytes");
	assert_int_equal(chdir("/tmp"), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	parse_good(&parsed, "fcgi-herd -s a,b -- /bin/x");
	snprintf(absolute, sizeof(absolute), "%s/a,b", here);
	assert_string_equal(parsed.backend->listen.items[0].name, absolute);
	fixture_fini(&parsed.fixture);
}

static void test_sockets_and_chroot(void **state)
{
	struct parsed parsed;
	char line[200];

	(void)state;
	parse_good(&parsed, "fcgi-herd -c /srv -s /run/a -- /bin/x");
	assert_string_equal(parsed.backend->chroot, "/srv");
	/* Who is not root has no chroot: then it is ignored, and so it is for the socket. */
	assert_string_equal(parsed.backend->listen.items[0].name,
			    geteuid() == 0 ? "/srv/run/a" : "/run/a");
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -c /srv -S -s /run/a -- /bin/x");
	assert_string_equal(parsed.backend->listen.items[0].name, "/run/a");
	fixture_fini(&parsed.fixture);
	if (geteuid() != 0)
		return;
	snprintf(line, sizeof(line), "fcgi-herd -c /srv -s /%0102d -- /bin/x", 1);
	parse_good(&parsed, line);
	fixture_fini(&parsed.fixture);
	snprintf(line, sizeof(line), "fcgi-herd -c /srv -s /%0103d -- /bin/x", 1);
	assert_refused(line, "longer than 107 bytes");
}

static void test_what_must_be_said(void **state)
{
	(void)state;
	assert_refused("fcgi-herd -s /a", "no application is given");
	assert_refused("fcgi-herd -- /bin/x", "no place to listen at is given");
	assert_refused("fcgi-herd -s /a -p 80 -- /bin/x", "-s, -p and --listen exclude each other");
	assert_refused("fcgi-herd -s /a --listen /b -- /bin/x",
		       "-s, -p and --listen exclude each other");
	assert_refused("fcgi-herd -Q", "unknown option -Q");
	assert_refused("fcgi-herd --max-prox=3",
		       "unknown option --max-prox: did you mean --max-procs?");
	assert_refused("fcgi-herd --zzzzzzzzz", "unknown option --zzzzzzzzz; --help shows");
	assert_refused("fcgi-herd --max 3", "unknown option --max");
	assert_refused("fcgi-herd --log-leve=info",
		       "unknown option --log-leve: did you mean --log-level?");
	assert_refused("fcgi-herd --listen /a --max-proc 3",
		       "unknown option --max-proc: did you mean");
	assert_refused("fcgi-herd --check=yes", "--check=yes: this option takes no value");
	assert_refused("fcgi-herd --listen=/a -Qn", "unknown option -Q");
	assert_refused("fcgi-herd -s", "-s needs a value");
	assert_refused("fcgi-herd --listen", "--listen needs a value");
	assert_refused("fcgi-herd -s /a -M 9 /bin/x", "listen-mode: \"9\" is not an octal number");
	assert_refused("fcgi-herd -s /a -x /p", "-x needs an application");
}

static void test_help_and_version(void **state)
{
	const char *const helps[] = {"fcgi-herd -h", "fcgi-herd -?", "fcgi-herd -n?",
				     "fcgi-herd --help"};
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
		parse_good(&parsed, helps[i]);
		assert_int_equal(parsed.cli.action, CLI_HELP);
		fixture_fini(&parsed.fixture);
	}
	parse_good(&parsed, "fcgi-herd -v");
	assert_int_equal(parsed.cli.action, CLI_VERSION);
	fixture_fini(&parsed.fixture);
	/* Nothing at all: help, and a failure. */
	parse(&parsed, "fcgi-herd");
	assert_int_equal(parsed.cli.action, CLI_HELP);
	assert_complaint(&parsed.fixture, "nothing is given to start");
	fixture_fini(&parsed.fixture);
}

static void test_a_program_for_the_shell(void **state)
{
	struct parsed parsed;

	(void)state;
	parse_good(&parsed, "fcgi-herd -s /a -f /bin/x@$y@'z'");
	assert_int_equal(parsed.backend->bin_path.count, 3);
	assert_string_equal(parsed.backend->bin_path.items[0], "/bin/sh");
	assert_string_equal(parsed.backend->bin_path.items[1], "-c");
	assert_string_equal(parsed.backend->bin_path.items[2], "exec /bin/x $y 'z'");
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -s /a -f /bin/x -- /bin/y");
	assert_int_equal(parsed.backend->bin_path.count, 1);
	assert_string_equal(parsed.backend->bin_path.items[0], "/bin/y");
	fixture_fini(&parsed.fixture);
}

static void test_php_ini(void **state)
{
	struct parsed parsed;

	(void)state;
	parse_good(&parsed, "fcgi-herd -s /a -x /etc/my@php.ini -- /bin/x -d y");
	assert_int_equal(parsed.backend->bin_path.count, 5);
	assert_string_equal(parsed.backend->bin_path.items[1], "-c");
	assert_string_equal(parsed.backend->bin_path.items[2], "/etc/my php.ini");
	assert_string_equal(parsed.backend->bin_path.items[3], "-d");
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -s /a -x /etc/my@php.ini -f /bin/x@y");
	assert_string_equal(parsed.backend->bin_path.items[2],
			    "exec /bin/x y -c \"/etc/my php.ini\"");
	fixture_fini(&parsed.fixture);
}

static void test_children_of_php(void **state)
{
	struct parsed parsed;

	(void)state;
	parse_good(&parsed, "fcgi-herd -s /a -C 0 --bin-environment A=1 -- /bin/x");
	assert_int_equal(parsed.backend->bin_environment.count, 2);
	assert_string_equal(parsed.backend->bin_environment.items[1], "PHP_FCGI_CHILDREN=0");
	fixture_fini(&parsed.fixture);
	assert_refused("fcgi-herd -s /a -C 5x -- /bin/x",
		       "-C: \"5x\" is not a number from 0 to 1024");
	assert_refused("fcgi-herd -s /a -C 1025 -- /bin/x", "is not a number from 0 to 1024");
}

static void test_numbers_of_children(void **state)
{
	struct parsed parsed;

	(void)state;
	parse_good(&parsed, "fcgi-herd -s /a -F 3 -- /bin/x");
	assert_int_equal(parsed.backend->max_procs, 3);
	assert_int_equal(parsed.backend->balance, BALANCE_SHARED);
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -s /a --max-procs 3 -- /bin/x");
	assert_int_equal(parsed.backend->max_procs, 3);
	assert_int_equal(parsed.backend->balance, BALANCE_LEAST_LOAD);
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -s /a --balance least-load -- /bin/x");
	assert_int_equal(parsed.backend->max_procs, 1);
	assert_int_equal(parsed.backend->balance, BALANCE_LEAST_LOAD);
	fixture_fini(&parsed.fixture);
	assert_refused("fcgi-herd -s /a -F 3 --max-procs 3 -- /bin/x", "it excludes --max-procs");
	assert_refused("fcgi-herd -s /a -F 0 -- /bin/x", "\"0\" is not a number from 1 to 4096");
}

static void make_config(char path[], const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_the_command_line_goes_over_files(void **state)
{
	char path[] = "/tmp/test-cli.XXXXXX", line[200];
	struct parsed parsed;

	(void)state;
	make_config(path,
		    "log = x\nmax-procs = 2\nbin-path = /bin/x\n[a]\nlisten = /a\nmax-procs = 3\n"
		    "bin-environment = A=1\n[b]\nlisten = /b\n");
	snprintf(line, sizeof(line),
		 "fcgi-herd --max-procs 5 --config %s --check --log /y --bin-environment B=1 -u me",
		 path);
	parse_good(&parsed, line);
	assert_true(parsed.cli.has_config);
	assert_int_equal(parsed.cli.action, CLI_CHECK);
	assert_string_equal(parsed.fixture.settings.log, "/y");
	for (size_t i = 0; i < 2; i++) {
		const struct backend_settings *backend = parsed.fixture.settings.backends[i];

		assert_int_equal(backend->max_procs, 5);
		assert_int_equal(backend->balance, BALANCE_LEAST_LOAD);
		assert_string_equal(backend->user.name, "me");
		assert_int_equal(backend->bin_environment.count, 1);
		assert_string_equal(backend->bin_environment.items[0], "B=1");
	}
	fixture_fini(&parsed.fixture);
	snprintf(line, sizeof(line), "fcgi-herd --config %s -s /a", path);
	assert_refused(line, "-s is not for use with --config");
	snprintf(line, sizeof(line), "fcgi-herd --config %s -- /bin/x", path);
	assert_refused(line, "an application is not for use with --config");
	snprintf(line, sizeof(line), "fcgi-herd --config %s --max-procs x", path);
	assert_refused(line, "command line: max-procs: \"x\"");
	snprintf(line, sizeof(line), "fcgi-herd --config %s --config %s", path, path);
	parse(&parsed, line);
	assert_complaint(&parsed.fixture, "there is a section of this name already");
	fixture_fini(&parsed.fixture);
	unlink(path);
	assert_refused("fcgi-herd --config /nonexistent", "/nonexistent: cannot open");
}

static void test_a_mux_alone(void **state)
{
	struct parsed parsed;

	(void)state;
	parse_good(&parsed,
		   "fcgi-mux --listen /a --server 127.0.0.1:1 --server /b --request-buffer 0");
	assert_int_equal(parsed.backend->server.count, 2);
	assert_int_equal(parsed.fixture.settings.request_buffer, 0);
	assert_int_equal(parsed.cli.control_fd, -1);
	assert_true(backend_has_mux(parsed.backend));
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-mux --control 5 --listen /a --server /b");
	assert_int_equal(parsed.cli.control_fd, 5);
	fixture_fini(&parsed.fixture);
	assert_refused("fcgi-mux --server /b", "no place to listen at");
	assert_refused("fcgi-mux --listen /b", "no --server");
	assert_refused("fcgi-mux --listen /a --server /b x", "x: fcgi-mux starts no programs");
	assert_refused("fcgi-mux --listen /a --server /b --user me", "unknown option --user");
	assert_refused("fcgi-mux --listen /a --server /b --control 2", "\"2\" is not a descriptor");
	parse(&parsed, "fcgi-mux");
	assert_int_equal(parsed.cli.action, CLI_HELP);
	assert_complaint(&parsed.fixture, "nothing is given");
	fixture_fini(&parsed.fixture);
}

static void test_a_look_at_a_front(void **state)
{
	static const char *const looks[] = {"--status", "--watch"};
	static const char sentence[] = "--status and --watch take --config FILE, or the address";
	struct parsed parsed;
	char line[100];

	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		snprintf(line, sizeof(line), "fcgi-herd %s /run/a", looks[i]);
		parse_good(&parsed, line);
		assert_int_equal(parsed.cli.action, i == 0 ? CLI_STATUS : CLI_WATCH);
		assert_string_equal(parsed.cli.address, "/run/a");
		fixture_fini(&parsed.fixture);
		snprintf(line, sizeof(line), "fcgi-herd %s", looks[i]);
		assert_refused(line, sentence);
		snprintf(line, sizeof(line), "fcgi-herd %s /run/a /run/b", looks[i]);
		assert_refused(line, sentence);
	}
}

static void test_what_goes_with_others_only(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_refused("fcgi-herd -s /a --as nobody -- /bin/x", "--as goes with --check");
	parse_good(&parsed, "fcgi-herd -s /a --as nobody --check -- /bin/x");
	assert_string_equal(parsed.cli.as, "nobody");
	fixture_fini(&parsed.fixture);
	parse_good(&parsed, "fcgi-herd -s /a -a 127.0.0.1 -- /bin/x");
	assert_warning(&parsed.fixture, "command line: -a is ignored: it goes with -p");
	fixture_fini(&parsed.fixture);
	assert_refused("fcgi-herd -s /a -F 2 --balance shared -- /bin/x",
		       "-F makes children that share the front socket: it excludes");
}

static void assert_fits(void (*print_help)(FILE *))
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	print_help(out);
	fclose(out);
	assert_non_null(strstr(text, "--listen ADDR"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 1, 79);
	free(text);
}

static void test_help_fits_a_terminal(void **state)
{
	(void)state;
	assert_fits(cli_print_help_herd);
	assert_fits(cli_print_help_mux);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_command_line),
		cmocka_unit_test(test_letters_of_the_table),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_sockets_and_chroot),
		cmocka_unit_test(test_what_must_be_said),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_a_program_for_the_shell),
		cmocka_unit_test(test_php_ini),
		cmocka_unit_test(test_children_of_php),
		cmocka_unit_test(test_numbers_of_children),
		cmocka_unit_test(test_the_command_line_goes_over_files),
		cmocka_unit_test(test_a_mux_alone),
		cmocka_unit_test(test_a_look_at_a_front),
		cmocka_unit_test(test_what_goes_with_others_only),
		cmocka_unit_test(test_help_fits_a_terminal),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
