#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row of the table of options. */

enum option_scope { OPTION_BACKEND, OPTION_WHOLE };

/* Under which heading --help shows it; the table is in this order. */
enum option_group {
	OPTION_FRONT,
	OPTION_ROUTING,
	OPTION_PROCESSES,
	OPTION_BALANCE,
	OPTION_TIME,
	OPTION_PROGRAMS
};

enum option_type {
	OPTION_TEXT,
	OPTION_WORDS,	  /* split as by a shell */
	OPTION_ITEMS,	  /* a list: commas separate, repeating the key adds */
	OPTION_NAMES,	  /* a list of names of variables */
	OPTION_MAPS,	  /* a list of ".from => .to" */
	OPTION_VARIABLES, /* a list of NAME=value; the last of a NAME counts */
	OPTION_ADDRESSES, /* a list of addresses */
	OPTION_NETWORKS,  /* a list of addresses of clients, and blocks of them */
	OPTION_SERVERS,	  /* a list of "ADDR [weight=N] [backup]" */
	OPTION_SERVICES,  /* a list of names of services */
	OPTION_RESOLVERS, /* a list of addresses of name servers */
	OPTION_ACCOUNT,
	OPTION_NUMBER,
	OPTION_OCTAL,
	OPTION_SIZE,
	OPTION_DURATION,
	OPTION_SIGNAL, /* a name with or without SIG, or a number */
	OPTION_CHOICE,
};

struct option_entry {
	const char *name;
	enum option_scope scope;
	enum option_group group;
	enum option_type type;
	size_t offset;		   /* into struct backend_settings or struct settings */
	const char *value_default; /* as it would be written; NULL: unset */
	uint64_t min, max;
	const char *const *choices; /* NULL-ended, in the order of their enum; OPTION_CHOICE */
	char letter;		    /* of the spawn-fcgi command line, or 0 */
	bool is_for_mux;	    /* means something to an fcgi-mux that runs alone */
	const char *argument;	    /* what --help calls the value */
	const char *help;
};

#endif
