#include "os/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CAPABILITIES_MAX = 64 }; /* the kernel keeps them in 64 bits */

/* Most users are in fewer groups than the first; the kernel takes no more than the last. */
enum { GROUPS_FIRST = 16, GROUPS_MAX = 65536 };

/*
 * libcap-ng returns -1 and less, and does not always say why in errno. What it failed to do here
 * is what a process without the right would fail to do.
 */
static int capng_error(void)
{
	return errno ? -errno : -EPERM;
}

static int load_capabilities(void)
{
	errno = 0;
	return capng_get_caps_process() < 0 ? capng_error() : 0;
}

static int apply_capabilities(capng_select_t sets)
{
	errno = 0;
	return capng_apply(sets) < 0 ? capng_error() : 0;
}

/*
 * The bounding set, where it may be changed at all: not by others than root, nor in a container
 * without CAP_SETPCAP. There no_new_privs alone keeps an exec from gaining what the set would
 * allow.
 */
static int drop_bounding_set(void)
{
	int error = load_capabilities();

	if (error < 0)
		return error;
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	capng_clear(CAPNG_SELECT_BOUNDS);
	return apply_capabilities(CAPNG_SELECT_BOUNDS);
}

/* The ambient set goes too: the kernel holds it within the inheritable one. */
static int drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	return apply_capabilities(CAPNG_SELECT_CAPS);
}

static bool has_capabilities(void)
{
	if (load_capabilities() < 0)
		return true;
	for (unsigned i = 0; i < CAPABILITIES_MAX; i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, i) ||
		    capng_have_capability(CAPNG_PERMITTED, i) ||
		    capng_have_capability(CAPNG_INHERITABLE, i))
			return true;
	}
	return false;
}

/* All three of each, the group while we still may. */
static int change_ids(const struct privileges_plan *plan)
{
	if (plan->uid == 0 || plan->gid == 0) {
		errno = EPERM;
		return -EPERM;
	}
	if (setresgid(plan->gid, plan->gid, plan->gid) < 0)
		return -errno;
	if (setresuid(plan->uid, plan->uid, plan->uid) < 0)
		return -errno;
	return 0;
}

/* Asked of the kernel, not of our own steps: whatever was forgotten, this must fail. */
static bool can_become_root(void)
{
	return setuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0;
}

/* The directory from before would lead out again. */
static int enter_chroot(const char *directory)
{
	if (chroot(directory) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

static enum privileges_stage fail(enum privileges_stage stage, int error)
{
	errno = -error;
	return stage;
}

/* What has to be done while root, in the order that leaves each step the right it needs. */
static enum privileges_stage drop_as_root(const struct privileges_plan *plan)
{
	int error;

	if (plan->change && setgroups(plan->group_count, plan->groups) < 0)
		return PRIVILEGES_GROUPS;
	if (plan->chroot && enter_chroot(plan->chroot) < 0)
		return PRIVILEGES_CHROOT;
	if (plan->keep_root)
		return PRIVILEGES_DONE;
	error = drop_bounding_set();
	if (error < 0)
		return fail(PRIVILEGES_CAPABILITIES, error);
	if (plan->change && change_ids(plan) < 0)
		return PRIVILEGES_IDS;
	return PRIVILEGES_DONE;
}

enum privileges_stage privileges_drop(const struct privileges_plan *plan)
{
	/* Once before the chroot: libcap-ng reads from /proc, and remembers, how many there are. */
	int error = load_capabilities();
	enum privileges_stage stage;

	if (error < 0)
		return fail(PRIVILEGES_CAPABILITIES, error);
	stage = drop_as_root(plan);
	if (stage != PRIVILEGES_DONE || plan->keep_root)
		return stage;
	error = drop_capabilities();
	if (error < 0)
		return fail(PRIVILEGES_CAPABILITIES, error);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return PRIVILEGES_NO_NEW_PRIVS;
	if (plan->change && can_become_root())
		return fail(PRIVILEGES_IDS, -EPERM);
	if (has_capabilities())
		return fail(PRIVILEGES_CAPABILITIES, -EPERM);
	return PRIVILEGES_DONE;
}

/* Those of wanted that we have: in a container root may lack some, and asking for more fails. */
static int keep_capabilities(const unsigned *wanted, size_t count)
{
	bool had[CAPABILITIES_MAX] = {false};
	capng_select_t sets = CAPNG_SELECT_CAPS;
	int error = load_capabilities();

	if (error < 0)
		return error;
	for (size_t i = 0; i < count; i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, wanted[i]);
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < count; i++) {
		if (had[i] &&
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				 wanted[i]) < 0)
			return -EINVAL;
	}
	return apply_capabilities(sets);
}

int privileges_narrow(bool needs_chroot)
{
	/* The one that is not always wanted comes last. */
	static const unsigned wanted[] = {
		CAP_SETUID,	  CAP_SETGID, CAP_SETPCAP, CAP_KILL,
		CAP_DAC_OVERRIDE, CAP_CHOWN,  CAP_FOWNER,  CAP_SYS_CHROOT,
	};
	size_t count = sizeof(wanted) / sizeof(wanted[0]);

	if (geteuid() != 0)
		return keep_capabilities(wanted, 0);
	return keep_capabilities(wanted, needs_chroot ? count : count - 1);
}

bool privileges_can_chroot(void)
{
	return load_capabilities() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_CHROOT);
}

gid_t *privileges_groups(const char *user, gid_t gid, size_t *count)
{
	gid_t *groups = NULL;

	for (int room = GROUPS_FIRST; room <= GROUPS_MAX; room *= 2) {
		gid_t *larger = reallocarray(groups, (size_t)room, sizeof(*groups));
		int found = room;

		if (!larger)
			break;
		groups = larger;
		if (getgrouplist(user, gid, groups, &found) >= 0) {
			*count = (size_t)found;
			return groups;
		}
		errno = EINVAL; /* what setgroups would say to more than there can be */
	}
	free(groups);
	return NULL;
}

bool privileges_are_borrowed(void)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	/* Not AT_SECURE: capabilities of the file, which are a fair way to start us, set it as
	 * well. */
	if (getresuid(&uid, &euid, &suid) < 0 || getresgid(&gid, &egid, &sgid) < 0)
		return true;
	return uid != euid || uid != suid || gid != egid || gid != sgid;
}
