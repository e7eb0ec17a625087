#ifndef MUX_GET_H
#define MUX_GET_H

/*
 * One GET to whatever speaks FastCGI at an address, for scripts and health checks: the body goes to
 * standard output, the error stream to standard error. path may have a query behind a "?". Waits
 * at most 10 seconds in all. Returns the exit status for a whole answer with a status below 400;
 * all else is said in a sentence and ends the program.
 */
int get_run(const char *address, const char *path);

#endif
