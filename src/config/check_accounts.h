#ifndef CONFIG_CHECK_ACCOUNTS_H
#define CONFIG_CHECK_ACCOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/check.h"
#include "config/walk.h"

/* Users and groups: the only place that looks them up but for allowed-users. */

/*
 * Fills the ids of user, group, listen-owner and listen-group in, and takes out what needs root
 * where we are not, as far as a command line says it. False: whom the program will run as is not
 * known, which was complained of.
 */
bool check_accounts(struct backend_settings *backend, bool is_command,
		    struct complaints *complaints);

/* The same of mux-user. */
void check_mux_user(struct settings *settings, bool is_command, struct complaints *complaints);

/* Whom the program of this backend will run as; after check_accounts. To be given back. */
void account_walker(struct walker *walker, const struct backend_settings *backend);

/* The same of a user by name or number, with the groups of the database. False: there is none. */
bool account_walker_named(struct walker *walker, const char *name);

/* "www-data", or "uid 1234"; and "root:adm" of a file; malloced. */
char *account_user_text(uid_t uid);
char *account_owner_text(const struct stat *status);

/*
 * Why the walk does not let him do this (R_OK or X_OK), and what would: "/srv has
 * mode 0700 and belongs to root:adm: chmod o+x /srv"; malloced.
 */
char *account_denial_text(const struct walk *walk, const struct walker *walker, int wanted);

#endif
