#ifndef CONFIG_CHECK_ACCESS_H
#define CONFIG_CHECK_ACCESS_H

#include <stdbool.h>

#include "config/backend.h"
#include "config/check.h"

/*
 * Who may come in at the fronts of a backend: takes allowed-clients from the environment where it
 * is not given, makes numbers of allowed-users, and gives children that share a TCP front the list
 * in the way that FastCGI has for it. Complains where a list could not be kept to, and of a front
 * beyond the loopback without one; on a command line, which is that of spawn-fcgi, it only warns of
 * that.
 */
void check_access(struct backend_settings *backend, bool is_command, struct complaints *complaints);

#endif
