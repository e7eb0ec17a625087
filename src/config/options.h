#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/option.h"
#include "config/settings.h"

/* THE table of options: command lines, files, --help, --check and the lint of the manual. */

extern const struct option_entry option_table[];
extern const size_t option_count;

const struct option_entry *option_find(const char *name);

/* The option that text sets where it is of the form "key = value", or NULL. */
const struct option_entry *option_find_before_equals(const char *text);

/* The key that a misspelt one is nearest to, or NULL. */
const char *option_nearest(const char *name);

/* Whether repeating it adds: lists. */
bool option_is_list(const struct option_entry *option);

/*
 * Reads text into the field of this option of target: a struct backend_settings or struct settings,
 * by the option's scope. Lists: values of files add to each other, and those of the command line
 * do; a value of the command line replaces one of a file, and any replaces a default or an
 * inherited one. All else: the command line's last value counts, a second one in files is a
 * mistake. NULL, or a malloced sentence: what is wrong with text and what would be right.
 */
char *option_set(const struct option_entry *option, void *target, const char *text,
		 struct origin origin) __attribute__((warn_unused_result));

/* Goes on with a value that option_set has read, from a further line: lists and words. */
char *option_continue(const struct option_entry *option, void *target, const char *text)
	__attribute__((warn_unused_result));

/* As if it had never been set, without its default. */
void option_unset(const struct option_entry *option, void *target);

bool option_is_set(const struct option_entry *option, const void *target);

/* Where the value of this option, or of the option of this name, was written. */
struct origin option_origin(const struct option_entry *option, const void *target);
struct origin option_origin_of(const char *name, const void *target);

/*
 * Writes the value as a configuration file has it, so that option_set reads it back to the same
 * (what is long goes on in indented lines); nothing where it is unset.
 */
void option_print(const struct option_entry *option, const void *target, FILE *out);

/* Copies all values of scope OPTION_BACKEND that to has not got itself; 0 or -ENOMEM. */
int options_inherit(struct backend_settings *to, const struct backend_settings *from)
	__attribute__((warn_unused_result));

/* Gives back what the values of this scope own. */
void options_fini(enum option_scope scope, void *target);

#endif
