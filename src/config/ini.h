#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stdio.h>

#include "config/check.h"
#include "config/settings.h"

/* Configuration files: the only user of inih. */

/* Longest line of a file, in bytes without its end. Longer values go on in indented lines. */
enum { INI_LINE_MAX = 4096 };

/*
 * Adds what a file, or each *.ini of a directory in the order of their names, says to settings.
 * path "-" is standard input. All that is wrong goes to complaints.
 */
void ini_load(struct settings *settings, const char *path, struct complaints *complaints);

/* The same from an open stream; name is for messages. */
void ini_load_stream(struct settings *settings, FILE *in, const char *name,
		     struct complaints *complaints);

/* Writes what is in effect: a configuration that ini_load reads back to the same. */
void ini_write(const struct settings *settings, FILE *out);

#endif
