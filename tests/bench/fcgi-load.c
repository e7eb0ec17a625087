/* fcgi-load: a FastCGI load generator that checks every answer. "fcgi-load --help" tells more. */
#include <stdio.h>
#include <stdlib.h>

#include "load_options.h"
#include "load_run.h"
#include "load_stats.h"

int main(int argc, char **argv)
{
	static struct load_options options;
	static struct load_stats stats;

	load_options_parse(&options, argc, argv);
	if (options.idle > 0)
		return load_hold(&options, &stats) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (!load_run(&options, &stats))
		return EXIT_FAILURE;
	load_stats_print(&stats, &options, stdout);
	if (load_stats_errors(&stats) > 0 || stats.starved > 0 || stats.answers == 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
