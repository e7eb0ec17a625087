#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/backend.h"

/*
 * What the user wrote, as plain values: filled by cli and ini through the option table, completed
 * and judged by check, constant after start. Everything pointed to is owned by the settings.
 */

struct settings {
	struct origin origins[SETTINGS_ORIGINS];
	char *pid_file;
	char *log;	     /* a path or a word; NULL: stderr in the foreground, else syslog */
	char *access_log;    /* the same without syslog; NULL: none */
	uint64_t log_level;  /* enum log_level */
	uint64_t log_format; /* enum log_form */
	struct account mux_user;
	gid_t mux_gid;	  /* primary group of mux_user, from check */
	uint64_t sandbox; /* 0 or 1 */
	struct text_list
		resolver; /* name servers, as name_server_parse takes them; unset: the system's */
	uint64_t request_buffer;  /* bytes */
	uint64_t response_buffer; /* bytes */
	char *status_path;	  /* NULL: none; as is the other */
	char *ping_path;
	uint64_t debug; /* 1: the log shows the balance; 2: variables too */

	struct backend_settings defaults; /* what stands before the first section */
	struct backend_settings **backends;
	size_t backend_count;
	struct text_list files; /* that were read: keeps origin.file */
};

/* Fills in the defaults of the option table. */
void settings_init(struct settings *settings);
void settings_fini(struct settings *settings);

struct backend_settings *settings_find_backend(const struct settings *settings, const char *name);

/* A new backend with a copy of the defaults; the settings own it. NULL: no memory. */
struct backend_settings *settings_add_backend(struct settings *settings, const char *name);

/*
 * Copies the defaults to each backend that has no value of its own for them, so that they hold for
 * all sections, whichever file they stand in. 0 or -ENOMEM.
 */
int settings_inherit(struct settings *settings) __attribute__((warn_unused_result));

/* When all has been read: defaults that depend on other values, which is that of min-procs. */
void settings_complete(struct settings *settings);

/*
 * Sections that listen at the same address share that front: the first of them opens it, with its
 * own values for the socket. Whether that is the one of this number, for its listen address of this
 * number.
 */
bool settings_opens_front(const struct settings *settings, size_t backend, size_t address);

#endif
