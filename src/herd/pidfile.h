#ifndef HERD_PIDFILE_H
#define HERD_PIDFILE_H

/* The file that names the supervisor's pid, from its start to its end. */
struct pidfile {
	char *path; /* owned; NULL: none was written */
};

/*
 * Writes our pid, in one piece for whoever reads at the same time. A file that names a living
 * process of this program is refused, any other is replaced. path NULL: nothing to do. NULL or a
 * sentence.
 */
char *pidfile_open(struct pidfile *pidfile, const char *path) __attribute__((warn_unused_result));

/* Removes it, unless it names somebody else by now. Takes a zeroed one. */
void pidfile_close(struct pidfile *pidfile);

#endif
