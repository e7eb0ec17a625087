#ifndef OS_PRIVILEGES_H
#define OS_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Who a process is and what it may: ids, groups, capabilities, no_new_privs. The only user of
 * libcap-ng. Safe between fork and exec in a process with one thread.
 */

struct privileges_plan {
	bool change;	     /* to the ids below (needs root); else only capabilities are dropped */
	uid_t uid;	     /* never 0 where change is set */
	gid_t gid;	     /* never 0 where change is set */
	const gid_t *groups; /* supplementary ones; borrowed */
	size_t group_count;
	const char *chroot; /* NULL: none */
	bool keep_root;	    /* root, since nobody else was asked for: ids and capabilities stay */
};

enum privileges_stage {
	PRIVILEGES_DONE,
	PRIVILEGES_GROUPS,
	PRIVILEGES_CHROOT,
	PRIVILEGES_IDS,
	PRIVILEGES_CAPABILITIES,
	PRIVILEGES_NO_NEW_PRIVS,
};

/*
 * Groups, then chroot and chdir "/", then the bounding set, ids and all capability sets, then
 * no_new_privs; then sees that there is no way back. Returns PRIVILEGES_DONE, or the stage that
 * failed with errno set: the process must then end.
 */
enum privileges_stage privileges_drop(const struct privileges_plan *plan)
	__attribute__((warn_unused_result));

/*
 * Narrows a supervisor that is root to what it needs later: to start children as others
 * (CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL), to remove its sockets wherever they lie
 * (CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER), to chroot where needs_chroot. For others than root,
 * all capabilities go. 0 or -errno.
 */
int privileges_narrow(bool needs_chroot) __attribute__((warn_unused_result));

/* Whether this process may: privileges_narrow may have taken it. */
bool privileges_can_chroot(void);

/*
 * The supplementary groups of a user by the group database, gid included. Returns a malloced array
 * and its length, or NULL and errno. At start only: it reads files.
 */
gid_t *privileges_groups(const char *user, gid_t gid, size_t *count);

/* Set-user-id or set-group-id: such a start is refused. */
bool privileges_are_borrowed(void);

#endif
