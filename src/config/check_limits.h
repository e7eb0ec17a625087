#ifndef CONFIG_CHECK_LIMITS_H
#define CONFIG_CHECK_LIMITS_H

#include "config/check.h"

/*
 * Limits of the system that a configuration goes beyond, and numbers that multiply: warnings, but
 * for more sockets than can be open at once.
 */
void check_limits(const struct settings *settings, struct complaints *complaints);

#endif
