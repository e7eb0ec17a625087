#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "config/elf.h"
#include "config/lists.h"
#include "config/options.h"
#include "elf_fixture.h"
#include "failing_memory.h"
#include "fcgi/head.h"
#include "mux/question.h"
#include "policy/access.h"
#include "policy/balance.h"
#include "policy/route.h"

/*
 * Each allocation of a piece of work fails once, the others not: the work says so, nothing of it is
 * left, and what was there before can be given back.
 */

/* Which one fails from arm() on, from 1; then how many there are still before it, 0: none. */
static unsigned failing;

/* What comes before it must not fail, nor what comes behind disarm(). */
static void arm(void)
{
	memory_left = failing;
}

static void disarm(void)
{
	/* Zero only where one has failed, or none was to. */
	failing = memory_left;
	memory_left = 0;
}

static int make_text(void)
{
	char *text;

	arm();
	text = text_new("%s %d", "x", 1);
	disarm();
	free(text);
	return text ? 0 : -ENOMEM;
}

static int split_words(void)
{
	char **words;
	int error;

	arm();
	words = text_split_words("a 'b c' d");
	error = words ? 0 : -errno;
	disarm();
	text_free_words(words);
	return error;
}

static int limit_networks(void)
{
	char first[] = "10.0.0.0/8", second[] = "::1";
	char *texts[] = {first, second};
	struct access access;
	int error;

	access_init(&access);
	arm();
	error = access_limit_networks(&access, texts, 2);
	disarm();
	/* Nobody, rather than all. */
	assert_true(access.is_limited);
	access_fini(&access);
	return error;
}

static int limit_users(void)
{
	char user[] = "33";
	char *texts[] = {user};
	struct access access;
	int error;

	access_init(&access);
	arm();
	error = access_limit_users(&access, texts, 1);
	disarm();
	assert_true(access.is_limited);
	assert_int_equal(access_has_user(&access, 33), error == 0);
	access_fini(&access);
	return error;
}

static int make_balance(void)
{
	struct balance balance = {0};
	struct balance_entry entries[5];
	int error = 0;

	for (unsigned i = 0; i < 5; i++)
		balance_entry_init(&entries[i], 1, i, 1);
	arm();
	for (unsigned i = 0; i < 5 && !error; i++)
		error = balance_add(&balance, &entries[i]);
	disarm();
	balance_fini(&balance);
	return error;
}

static int make_routes(void)
{
	struct route_table table = {0};
	int error;

	arm();
	error = route_table_add(&table, ROUTE_RESPONDER, ".php", 0);
	error = error ? error : route_table_add(&table, ROUTE_RESPONDER, ".php", 1);
	error = error ? error : route_table_add(&table, ROUTE_AUTHORIZER, "/", 2);
	error = error ? error : route_table_map(&table, ".php5", ".php");
	disarm();
	route_table_fini(&table);
	return error;
}

static int write_head(void)
{
	static const char text[] = "Status: 404\r\nX-A: 1\r\n\r\n";
	struct buffer out = {0};
	struct head head;
	int error;

	head_init(&head, 100);
	assert_int_equal(head_read(&head, (const uint8_t *)text, strlen(text)), HEAD_COMPLETE);
	arm();
	error = head_copy(&head, (const uint8_t *)text, 0, &out);
	buffer_fini(&out);
	error = error ? error : head_add(&out, "X-B", "2");
	buffer_fini(&out);
	error = error ? error : head_end(&out);
	disarm();
	buffer_fini(&out);
	return error;
}

static int copy_texts(void)
{
	struct text_list from = {0}, to = {0};
	int error;

	arm();
	error = text_list_set(&from);
	error = error ? error : text_list_add(&from, text_new("a"));
	error = error ? error : text_list_add(&from, text_new("b"));
	error = error ? error : text_list_copy(&to, &from);
	disarm();
	assert_int_equal(to.count, error ? 0 : 2);
	text_list_fini(&from);
	text_list_fini(&to);
	return error;
}

static int copy_addresses(void)
{
	struct address_list from = {0}, to = {0};
	struct address address;
	int error;

	assert_null(address_parse("/a", &address));
	arm();
	error = address_list_add(&from, &address);
	error = error ? error : address_list_add(&from, &address);
	error = error ? error : address_list_copy(&to, &from);
	disarm();
	assert_int_equal(to.count, error ? 0 : 2);
	address_list_fini(&from);
	address_list_fini(&to);
	return error;
}

static void set_default(struct settings *settings, const char *key, const char *text)
{
	assert_null(option_set(option_find(key), &settings->defaults, text, (struct origin){0}));
}

static int add_backend(void)
{
	struct settings settings;
	bool is_there;

	settings_init(&settings);
	set_default(&settings, "listen", "/a, /b");
	set_default(&settings, "user", "nobody");
	set_default(&settings, "bin-copy-environment", "A B");
	arm();
	is_there = settings_add_backend(&settings, "first") != NULL;
	disarm();
	assert_int_equal(settings.backend_count, is_there);
	settings_fini(&settings);
	return is_there ? 0 : -ENOMEM;
}

static int inherit(void)
{
	struct settings settings;
	int error;

	settings_init(&settings);
	assert_non_null(settings_add_backend(&settings, "first"));
	/* As from a file that was read later. */
	set_default(&settings, "listen", "/a, /b");
	set_default(&settings, "directory", "/srv");
	set_default(&settings, "bin-copy-environment", "A B");
	arm();
	error = settings_inherit(&settings);
	disarm();
	settings_fini(&settings);
	return error;
}

/* What a name of a library could not be copied for says no more of the file than that. */
static int read_elf(void)
{
	const struct elf_plan plan = {.loader = "/ld", .needs = {"liba.so"}};
	struct elf_file file = elf_make(&plan);
	int fd = memfd_create("test", MFD_CLOEXEC), error;
	struct elf elf;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, &file, sizeof(file)), sizeof(file));
	arm();
	error = elf_read(&elf, fd);
	disarm();
	elf_fini(&elf);
	close(fd);
	return error == -ENOEXEC ? -ENOMEM : error;
}

static int ask_for_a_page(void)
{
	struct question question;
	struct buffer out = {0};
	int error;

	question_init(&question, "/ping");
	arm();
	error = question_encode(&question, &out);
	disarm();
	buffer_fini(&out);
	return error;
}

static int take_a_head_in_part(void)
{
	uint8_t bytes[RECORD_HEADROOM + 16] = {
		[RECORD_HEADROOM] = 1, 6, 0, 1, 0, 2, 0, 0, 'X', ':'};
	struct question question;
	int error;

	question_init(&question, "/ping");
	arm();
	error = question_take(&question, bytes + RECORD_HEADROOM, 10);
	disarm();
	question_fini(&question);
	return error;
}

static const struct row {
	const char *name;
	int (*work)(void);
	unsigned least; /* allocations that it has at least */
} rows[] = {
	{"text", make_text, 1},		  {"words", split_words, 5},
	{"networks", limit_networks, 1},  {"users", limit_users, 1},
	{"balance", make_balance, 1},	  {"routes", make_routes, 6},
	{"head", write_head, 3},	  {"texts", copy_texts, 8},
	{"addresses", copy_addresses, 4}, {"backend", add_backend, 6},
	{"inherited", inherit, 5},	  {"program", read_elf, 4},
	{"question", ask_for_a_page, 2},  {"answer", take_a_head_in_part, 1},
};

static void check_row(const struct row *row)
{
	unsigned number = 1;

	for (;; number++) {
		int error;

		failing = number;
		error = row->work();
		if (memory_blocks != 0)
			fail_msg("%s: %ld blocks are left, allocation %u", row->name, memory_blocks,
				 number);
		/* There were fewer. */
		if (failing > 0)
			break;
		if (error != -ENOMEM)
			fail_msg("%s: allocation %u failed, and it says %d", row->name, number,
				 error);
	}
	if (number <= row->least)
		fail_msg("%s: %u allocations", row->name, number - 1);
}

static void test_each_allocation_that_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
