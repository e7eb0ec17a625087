#ifndef FLEET_REPORT_H
#define FLEET_REPORT_H

#include <stdbool.h>

#include "runs.h"

/* Tables on standard output. All policies of one load: runs has POLICIES. */
void report_policies(const struct run *runs);

/* The same policy with another value each: what each is called stands in labels. */
void report_sweep(const char *title, const struct run *runs, const char *const *labels,
		  size_t count);

/* Is the default as good as it has to be? Says what is not. */
bool report_judge(const struct run *runs);

#endif
