#ifndef CONFIG_BACKEND_H
#define CONFIG_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/choices.h"
#include "config/lists.h"
#include "config/origin.h"

/*
 * One backend as the user described it: a section of a file, or the command line's application.
 * Owned by struct settings, filled through the option table.
 */

struct backend_settings {
	char *name;	      /* of the section; "main" for the command line's */
	struct origin origin; /* of the section's head */
	struct origin origins[SETTINGS_ORIGINS];

	struct address_list listen;
	struct account listen_owner, listen_group;
	uint64_t listen_mode, listen_backlog;
	struct text_list allowed_clients; /* as network_parse takes them; unset: all */
	struct text_list allowed_users;	  /* numbers, from check; unset: all */

	struct text_list extension;	 /* keys; count 0: takes everything */
	struct text_list map_extensions; /* "from => to" */
	uint64_t mode;			 /* enum backend_mode */
	uint64_t check_local;		 /* enum check_local */
	char *docroot;			 /* NULL: as the web server says */
	uint64_t broken_scriptfilename;	 /* 0 or 1, as are fix and allow */
	uint64_t fix_root_scriptname;
	char *strip_request_uri; /* NULL: nothing */
	struct text_list deny_params;
	uint64_t allow_x_send_file;
	struct text_list x_sendfile_docroot; /* count 0: anywhere */

	struct text_list bin_path; /* the program and its arguments; count 0: it has no children */
	uint64_t max_procs, min_procs; /* see backend_child_min */
	uint64_t idle_timeout_ms;
	uint64_t max_requests; /* these three: 0: no limit */
	uint64_t max_age_ms;
	uint64_t max_memory;		       /* bytes */
	struct text_list bin_environment;      /* NAME=value */
	struct text_list bin_copy_environment; /* NAME */
	uint64_t kill_signal;
	struct account user, group;
	gid_t user_gid; /* what user runs as: group, else the user's primary one; from check */
	char *chroot;	/* NULL: none; as are the others */
	char *directory;
	uint64_t umask;
	char *socket; /* where children listen, or where a proc that others run does */
	char *host;
	uint64_t port;		 /* 0: none */
	struct text_list server; /* procs that others run, as server_parse takes them */
	struct text_list srv;	 /* names of services whose hosts are such procs */

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
	uint64_t spill_over;   /* requests that wait before servers get some of them */
	uint64_t retry_budget; /* percent */
	uint64_t slow_start_ms;
	uint64_t probe_interval_ms; /* 0: never */
	uint64_t probe_timeout_ms;
	char *probe_request; /* NULL: asks for the values */
	uint64_t probe_status;
	uint64_t tcp_user_timeout_ms; /* 0: none */
	uint64_t connect_timeout_ms;
	uint64_t request_timeout_ms; /* 0: none */
	uint64_t slow_request_ms;    /* 0: none */
	uint64_t shutdown_timeout_ms;
};

/* Whether a request's script has to be a file below the web server's document root. */
bool backend_checks_local(const struct backend_settings *backend);

bool backend_is_supervised(const struct backend_settings *backend);

/* Whether requests go through fcgi-mux: balance = least-load, or procs that others run. */
bool backend_has_mux(const struct backend_settings *backend);

#endif
