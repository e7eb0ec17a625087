#include "config.h"

#include <sys/resource.h>

#include "base/text.h"
#include "config/check_limits.h"

#define PROGRAM "[a]\nlisten = /a\nbin-path = /x\n"

struct row {
	const char *text;
	uint64_t descriptors; /* the hard limit; 0: as it is */
	const char *sentence; /* NULL: none */
	const char *warning;  /* NULL: none */
};

/* A hard limit that was lowered stays: only root could raise it again. */
static void lower_limit(uint64_t descriptors)
{
	struct rlimit limit = {descriptors, descriptors};

	if (descriptors > 0)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void assert_said(const struct text_list *list, const char *text)
{
	if (text)
		assert_true(has_text(list, text));
	else if (list->count > 0)
		fail_msg("%s", list->items[0]);
}

static void check_row(const struct row *row)
{
	struct fixture fixture;

	fixture_load(&fixture, row->text);
	/* Read from a file, as what is said of some environments needs it. */
	assert_int_equal(text_list_add(&fixture.settings.files, text_new("a.ini")), 0);
	lower_limit(row->descriptors);
	check_limits(&fixture.settings, &fixture.complaints);
	assert_said(&fixture.complaints.sentences, row->sentence);
	assert_said(&fixture.complaints.warnings, row->warning);
	fixture_fini(&fixture);
}

static uint64_t backlog_limit(void)
{
	unsigned long limit = 0;
	char line[32];
	FILE *in = fopen("/proc/sys/net/core/somaxconn", "re");

	assert_non_null(in);
	if (fgets(line, sizeof(line), in))
		limit = strtoul(line, NULL, 10);
	fclose(in);
	return limit;
}

static void test_the_backlog(void **state)
{
	static const struct row one = {PROGRAM "listen-backlog = 1\n", 0, NULL, NULL};
	static const struct row all = {PROGRAM "listen-backlog = 65535\n", 0, NULL,
				       "a.ini:4: listen-backlog: the kernel cuts 65535 to "};

	(void)state;
	check_row(&one);
	if (backlog_limit() < UINT16_MAX)
		check_row(&all);
}

static void test_children_of_children(void **state)
{
	static const char too_many[] = "PHP_FCGI_CHILDREN = 4 in each of max-procs = 2 processes "
				       "makes 8 workers: set one of the two to 1";
	static const struct row rows[] = {
		{PROGRAM "max-procs = 2\n", 0, NULL, too_many},
		{PROGRAM "max-procs = 1\n", 0, NULL, NULL},
		{"[a]\nlisten = /a\nserver = /x\nmax-procs = 2\n", 0, NULL, NULL},
		{PROGRAM "max-procs = 2\nbin-environment = A=1, PHP_FCGI_CHILDREN=1\n", 0, NULL,
		 NULL},
		{PROGRAM "max-procs = 2\nbin-environment = A=1, PHP_FCGI_CHILDREN=4\n", 0, NULL,
		 too_many},
		{PROGRAM "max-procs = 2\nbin-environment = PHP_FCGI_CHILDREN=many\n", 0, NULL,
		 NULL},
		{PROGRAM "max-procs = 2\nbin-copy-environment = A\n", 0, NULL, NULL},
		{PROGRAM "max-procs = 2\nbin-copy-environment = PHP_FCGI_CHILDREN\n", 0, NULL,
		 too_many},
	};

	(void)state;
	setenv("PHP_FCGI_CHILDREN", "4", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
	unsetenv("PHP_FCGI_CHILDREN");
}

/* The last: each row's limit is the one before, or lower. */
static void test_descriptors(void **state)
{
	static const struct row rows[] = {
		{PROGRAM "max-procs = 10\nqueue-limit = 300\n", 256, NULL,
		 "fcgi-mux at its busiest needs 320 descriptors and gets 256 at most"},
		{PROGRAM "max-procs = 10\ncapacity = 20\n", 256, NULL,
		 "fcgi-mux at its busiest needs 400 descriptors and gets 256 at most"},
		/* One queue after the other is as long as the longest. */
		{PROGRAM "queue-limit = 200\nmax-procs = 1\n"
			 "[b]\nlisten = /b\nbin-path = /x\nmax-procs = 1\nqueue-limit = 100\n",
		 256, NULL, NULL},
		{PROGRAM "max-procs = 50\n", 128, NULL,
		 "fcgi-herd needs 202 descriptors and gets 128 at most: raise the hard limit"},
		{PROGRAM "max-procs = 200\nbalance = shared\n", 128,
		 "fcgi-herd needs 802 descriptors and gets 128 at most", NULL},
		{PROGRAM "max-procs = 10\n", 128, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_backlog),
		cmocka_unit_test(test_children_of_children),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests_name("check_limits", tests, NULL, NULL);
}
