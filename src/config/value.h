#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdio.h>

#include "config/options.h"

/*
 * One value of any type of the option table, from text and back. Knows nothing of keys, files and
 * defaults: that is options.
 */

/*
 * Reads text into field. adds: keep what a list or words hold and append. NULL, or a malloced
 * sentence without its subject, such as "x" is not a number from 1 to 9.
 */
char *value_read(const struct option_entry *option, void *field, const char *text, bool adds)
	__attribute__((warn_unused_result));

bool value_is_set(const struct option_entry *option, const void *field);
void value_print(const struct option_entry *option, const void *field, FILE *out);

/* field is as value_fini leaves it. 0 or -ENOMEM. */
int value_copy(const struct option_entry *option, void *field, const void *from)
	__attribute__((warn_unused_result));

/* Gives back what the value owns; it is unset then, a number 0. */
void value_fini(const struct option_entry *option, void *field);

/* "SIGTERM"; NULL for a number without a name. */
const char *value_signal_name(uint64_t number);

#endif
