#ifndef CONFIG_ORIGIN_H
#define CONFIG_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

/* Most keys in the option table; options.c asserts it. */
enum { SETTINGS_ORIGINS = 96 };

/* Where a value was written: for messages. */
struct origin {
	const char
		*file; /* a file's path (owned by the settings), "command line", or NULL: default */
	unsigned line; /* from 1; 0 where there are no lines */
	bool is_inherited; /* from the defaults: a value of the section's own replaces it */
};

/* A user or a group: the text as written, and the id that check found for it. */
struct account {
	char *name;  /* NULL: not given */
	uint32_t id; /* valid after check_machine where name is given */
};

#endif
