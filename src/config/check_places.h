#ifndef CONFIG_CHECK_PLACES_H
#define CONFIG_CHECK_PLACES_H

#include "config/check.h"

/* What is wrong between sections: addresses used twice, and fronts whose sections do not agree. */
void check_places(const struct settings *settings, struct complaints *complaints);

#endif
