#ifndef OS_REEXEC_H
#define OS_REEXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Another program in place of ours: the same process, so that its children remain its children,
 * with those of our descriptors that it is to go on with, and a text that says what they are.
 */
struct reexec_plan {
	const char *program; /* its path */
	char *const *argv;
	const char *text; /* for reexec_take */
	const int *kept;  /* descriptors that stay open, under the same numbers */
	size_t kept_count;
};

/*
 * Does not return, but where it fails: -errno, and all is as before. Signals are blocked from here
 * on until the new program calls reexec_go_on: none of them may end it before it can handle them.
 */
int reexec_run(const struct reexec_plan *plan) __attribute__((warn_unused_result));

/*
 * The same in a process of its own, which is to end with 0 where all would go well; its stderr is
 * err. Its pid, or -errno.
 */
pid_t reexec_try(const struct reexec_plan *plan, int err) __attribute__((warn_unused_result));

/*
 * In the new program, before anything else: the malloced text, or NULL where it was started in the
 * usual way. What was kept is close-on-exec only after the caller has seen to it.
 */
char *reexec_take(bool *is_trial);

/*
 * Blocks all signals: what the loop has been told of before is handled a turn later, and what comes
 * from now on is the new program's.
 */
void reexec_hold(void);

/* Handles what has arrived since, children that ended among it. */
void reexec_go_on(void);

#endif
