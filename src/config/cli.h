#ifndef CONFIG_CLI_H
#define CONFIG_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "config/check.h"
#include "config/settings.h"

/* Command lines: spawn-fcgi's letters, and every option of the table as --key value. */

/* CLI_HELP with a complaint: nothing was given at all, which is a failure. */
/* CLI_STATUS, CLI_WATCH: of a supervisor that runs, once or again and again. */
enum cli_action { CLI_RUN, CLI_CHECK, CLI_HELP, CLI_VERSION, CLI_STATUS, CLI_WATCH };

struct cli {
	enum cli_action action;
	bool foreground; /* -n */
	bool has_config; /* --config was given: the status for mistakes is EX_CONFIG, else 255 */
	const char *as;	 /* --as USER; NULL: not given; borrowed from argv */
	const char
		*address; /* CLI_STATUS, CLI_WATCH: of a front, borrowed; NULL: as in the files */
	int control_fd;	  /* fcgi-mux under a supervisor: --control FD; else -1 */
};

/*
 * Reads the supervisor's command line into settings: either --config files with options that
 * override them, in every section, or spawn-fcgi's form, which makes one backend "main" (spec: the
 * spawn-fcgi command line). Mistakes go to complaints.
 */
void cli_parse_herd(struct cli *cli, struct settings *settings, int argc, char **argv,
		    struct complaints *complaints);

/* fcgi-mux: --listen ADDR --server ADDR ..., or --config FILE ("-": standard input). */
void cli_parse_mux(struct cli *cli, struct settings *settings, int argc, char **argv,
		   struct complaints *complaints);

/* --help, made from the option table. */
void cli_print_help_herd(FILE *out);
void cli_print_help_mux(FILE *out);

#endif
