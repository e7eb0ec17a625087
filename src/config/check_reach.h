#ifndef CONFIG_CHECK_REACH_H
#define CONFIG_CHECK_REACH_H

#include "config/check.h"

/*
 * Who can reach the Unix sockets of the fronts, as they will be: along the directories, by the
 * socket's owner, group and mode, and by allowed-users. Before the start there is no socket, and
 * one that a service manager passes has what that gave it.
 */

/* Warns of fronts that everybody on this machine can come in at. */
void check_strangers(const struct settings *settings, struct complaints *complaints);

/* Complains of fronts that this user cannot reach, and of a user that is not there. */
void check_reach(const struct settings *settings, const char *user, struct complaints *complaints);

#endif
