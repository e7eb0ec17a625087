#ifndef BENCH_LOAD_RUN_H
#define BENCH_LOAD_RUN_H

#include "load_options.h"
#include "load_stats.h"

/*
 * Puts the load on and counts. False: a resource of this machine was missing (said on stderr), and
 * nothing was measured.
 */
bool load_run(const struct load_options *options, struct load_stats *stats);

/* Opens connections and holds them until a signal or the end of the time; as load_run. */
bool load_hold(const struct load_options *options, struct load_stats *stats);

#endif
