#ifndef FLEET_PLOTS_H
#define FLEET_PLOTS_H

#include "runs.h"

/*
 * Draws into the directory. Of all policies of one load, what they do over time and how long
 * requests wait in each phase; of one setting, how long they wait with each value. Where a file
 * cannot be written, says so and ends the program.
 */
void plots_policies(const struct run *runs, const char *directory);
void plots_sweep(const char *name, const struct run *runs, const char *const *labels, size_t count,
		 const char *directory);

#endif
