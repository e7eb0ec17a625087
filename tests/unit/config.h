#ifndef TESTS_UNIT_CONFIG_H
#define TESTS_UNIT_CONFIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/check.h"
#include "config/ini.h"

/* What the tests of src/config share: settings with complaints, and what to say of these. */
struct fixture {
	struct settings settings;
	struct complaints complaints;
};

static inline void fixture_init(struct fixture *fixture)
{
	settings_init(&fixture->settings);
	complaints_init(&fixture->complaints);
}

static inline void fixture_fini(struct fixture *fixture)
{
	settings_fini(&fixture->settings);
	complaints_fini(&fixture->complaints);
}

static inline int has_text(const struct text_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strstr(list->items[i], text))
			return 1;
	for (size_t i = 0; i < list->count; i++)
		print_message("there is: %s\n", list->items[i]);
	print_message("there is not: %s\n", text);
	return 0;
}

#define assert_complaint(fixture, text)                                                            \
	assert_true(has_text(&(fixture)->complaints.sentences, text))
#define assert_warning(fixture, text) assert_true(has_text(&(fixture)->complaints.warnings, text))

static inline void assert_no_complaint(const struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->complaints.sentences.count; i++)
		print_message("complaint: %s\n", fixture->complaints.sentences.items[i]);
	assert_int_equal(fixture->complaints.sentences.count, 0);
}

/* Settings as from a file; complaints of reading it are a mistake of the test. */
static inline void fixture_load(struct fixture *fixture, const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	fixture_init(fixture);
	ini_load_stream(&fixture->settings, in, "a.ini", &fixture->complaints);
	fclose(in);
	assert_no_complaint(fixture);
}

#endif
