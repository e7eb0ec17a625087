#ifndef OS_SPAWN_H
#define OS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "os/privileges.h"

/*
 * Starts processes: the only fork and exec. A child has its descriptors 0, 1, 2 and what was passed
 * after them and no other, leads a process group of its own, has default signal dispositions and an
 * empty mask, and is sent a signal when the supervisor dies.
 */

enum { SPAWN_PASSED_MAX = 64 };

struct spawn_plan {
	char *const *argv;	  /* argv[0] is the path of the program, inside the chroot */
	char *const *environment; /* the whole of it */
	int fd0; /* becomes 0: a listening socket, made blocking for the child; or any file */
	int fd1; /* becomes 1; -1: stays the supervisor's */
	int fd2;
	const int *passed; /* become 3, 4, ... in this order */
	size_t passed_count;
	bool announce_passed; /* sets LISTEN_PID (the environment must hold LISTEN_PID= and room:
				 see spawn_run) */
	struct privileges_plan privileges;
	const char *directory; /* entered after privileges are dropped; NULL: stays */
	mode_t umask;
	int death_signal; /* when the supervisor dies, PR_SET_PDEATHSIG */
};

/* Room for the pid in the environment's "LISTEN_PID=..........": it is written in the child. */
#define SPAWN_LISTEN_PID "LISTEN_PID=          "

enum spawn_stage {
	SPAWN_DONE,
	SPAWN_FORK,
	SPAWN_DESCRIPTORS,
	SPAWN_GROUPS,
	SPAWN_CHROOT,
	SPAWN_IDS,
	SPAWN_CAPABILITIES,
	SPAWN_NO_NEW_PRIVS,
	SPAWN_DIRECTORY,
	SPAWN_EXEC,
};

struct spawn_result {
	pid_t pid; /* -1 where it failed */
	enum spawn_stage stage;
	int error; /* errno of the stage that failed */
};

/* Forks and runs the plan; returns when the program was executed or the child has failed and is
 * gone. */
struct spawn_result spawn_run(const struct spawn_plan *plan);

/* "enter the chroot", "execute the program", ...: "cannot %s". */
const char *spawn_stage_name(enum spawn_stage stage);

/*
 * The environment of a program: of source all, or only the names in copy (NULL-ended) where copy is
 * not NULL; then set (NULL-ended "NAME=value"), which wins. A malloced array to be freed with
 * spawn_environment_free; NULL: no memory. LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, NOTIFY_SOCKET
 * and FCGI_WEB_SERVER_ADDRS are ours and never copied.
 */
char **spawn_environment(char *const *source, char *const *copy, char *const *set);
void spawn_environment_free(char **environment);

/*
 * Goes into the background: the caller's process waits for the outcome and exits with it, while
 * this returns, in a new session, a descriptor for spawn_background_done. -errno: could not.
 */
int spawn_background(void) __attribute__((warn_unused_result));

/* Lets the waiting process exit with status and closes the descriptor. Without it: it exits 255. */
void spawn_background_done(int fd, int status);

/* Becomes the reaper of all descendants that lose their parent, PR_SET_CHILD_SUBREAPER. 0 or
 * -errno. */
int spawn_become_subreaper(void) __attribute__((warn_unused_result));

/* Sends a signal to every process that became our child without our starting it; how many there
 * were. */
size_t spawn_signal_adopted(const pid_t *known, size_t known_count, int number);

#endif
