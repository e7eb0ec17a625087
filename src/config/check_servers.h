#ifndef CONFIG_CHECK_SERVERS_H
#define CONFIG_CHECK_SERVERS_H

#include "config/check.h"

/* What is wrong in how servers of others are found, probed and given requests. */
void check_servers(const struct settings *settings, struct complaints *complaints);

/* Warns of what is of no use there. Not for a dump of all that is in effect. */
void check_servers_use(const struct settings *settings, struct complaints *complaints);

#endif
