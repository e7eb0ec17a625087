#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "config/cli.h"
#include "config/options.h"

/*
 * A command line taken apart, by getopt_long(3): which options were given, with which texts. What
 * they mean is cli's. All texts are borrowed from argv. The only user of getopt.
 */

/* An option of the table as it was given. */
struct given {
	const struct option_entry *option;
	const char *text;
	bool is_letter; /* free text then, as with spawn-fcgi: no quotes */
};

struct command {
	struct cli *cli;
	struct settings *settings;
	struct complaints *complaints;
	struct option *options; /* long ones; owned */
	struct given *given;	/* owned; in the order of the command line */
	size_t given_count;
	const char **configs; /* owned */
	size_t config_count;
	const char
		*letters[128]; /* the last values of letters that are not in the table, or NULL */
	char **application;    /* NULL-ended; may be empty */
};

/* Of everything that comes from there. */
extern const struct origin command_line;

/* cli gets its defaults. */
void command_init(struct command *command, struct cli *cli, struct settings *settings,
		  struct complaints *complaints);
void command_fini(struct command *command);

/* Takes the words apart; false: there is nothing more to do than the action says. */
bool command_read(struct command *command, int argc, char **argv, bool is_mux)
	__attribute__((warn_unused_result));

/* Whether the option of this name was given. */
bool command_has(const struct command *command, const char *name);

/* Takes the sentence. */
void command_complain(struct command *command, char *sentence);

#endif
