#ifndef CONFIG_BACKEND_H
#define CONFIG_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/lists.h"

/*
 * One backend as the user described it: a section of a file, or the command line's application.
 * Owned by struct settings, filled through the option table.
 */

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

enum balance_mode { BALANCE_LEAST_LOAD, BALANCE_SHARED };

/* Which requests may be sent again after a process may have begun on them. */
enum retry_choice { RETRY_NONE, RETRY_SAFE, RETRY_IDEMPOTENT, RETRY_ALL };

struct backend_settings {
	char *name;	      /* of the section; "main" for the command line's */
	struct origin origin; /* of the section's head */
	struct origin origins[SETTINGS_ORIGINS];

	struct address_list listen;
	struct account listen_owner;
	struct account listen_group;
	uint64_t listen_mode;
	uint64_t listen_backlog;

	struct text_list bin_path; /* the program and its arguments; count 0: it has no children */
	uint64_t max_procs;
	struct text_list bin_environment;      /* NAME=value */
	struct text_list bin_copy_environment; /* NAME */
	uint64_t kill_signal;
	struct account user;
	struct account group;
	gid_t user_gid; /* what user runs as: group, else the user's primary one; from check */
	char *chroot;	/* NULL: none; as are the others */
	char *directory;
	uint64_t umask;
	char *socket; /* where children listen, or where a proc that others run does */
	char *host;
	uint64_t port;		    /* 0: none */
	struct address_list server; /* procs that others run */

	uint64_t balance;	   /* enum balance_mode */
	uint64_t capacity;	   /* 0: what a proc says itself */
	uint64_t queue_limit;	   /* requests */
	uint64_t queue_timeout_ms; /* 0: none */
	char *queue_time_variable; /* NULL: none */
	uint64_t max_request_size; /* bytes of a body; 0: any */
	uint64_t retry;		   /* enum retry_choice */
	uint64_t keepalive;	   /* idle connections, of each proc */
	uint64_t keepalive_time_ms;
	uint64_t disable_time_ms;
	uint64_t connect_timeout_ms;
	uint64_t request_timeout_ms; /* 0: none */
	uint64_t slow_request_ms;    /* 0: none */
	uint64_t shutdown_timeout_ms;
};

bool backend_is_supervised(const struct backend_settings *backend);

/* Whether requests go through fcgi-mux: balance = least-load, or procs that others run. */
bool backend_has_mux(const struct backend_settings *backend);

/* Children; and all procs: after the children come those that others run. */
size_t backend_child_count(const struct backend_settings *backend);
size_t backend_proc_count(const struct backend_settings *backend);

/*
 * Where the proc of this number (0 .. backend_proc_count - 1) listens. NULL, or a sentence that
 * says why there is no such address. A supervised backend needs socket, or host and port, to be
 * set.
 */
const char *backend_proc_address(const struct backend_settings *backend, size_t number,
				 struct address *address) __attribute__((warn_unused_result));

#endif
