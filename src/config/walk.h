#ifndef CONFIG_WALK_H
#define CONFIG_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * The way to a file as somebody goes it: name by name, symbolic links resolved inside of a root
 * directory, and whether the directories let him through. Nothing is opened: it tells what will be
 * found, and does not keep it so. Judged by mode bits; a file with an access control list is taken
 * to allow all.
 */

struct walker {
	uid_t uid; /* 0: root, with all capabilities */
	gid_t gid;
	gid_t *groups; /* supplementary ones; malloced */
	size_t group_count;
};

/* In no group, and the owner of nothing. */
extern const struct walker walker_stranger;

void walker_fini(struct walker *walker);

enum walk_end {
	WALK_THERE,
	WALK_ABSENT, /* error says why */
	WALK_BARRED, /* by a directory that the walker may not search */
};

struct walk {
	char path[PATH_MAX]; /* what it came to, resolved, from our own root on; also of what
				is absent, and of the directory that bars */
	size_t root_len;     /* bytes of the root in it */
	struct stat status;  /* of that; not where it is absent */
	int error;	     /* errno; 0: it is there */
};

/*
 * path: absolute, or else from our working directory on; in root where that is not NULL, as after
 * chroot(2). walker NULL: whoever we are, and no directory bars.
 */
enum walk_end walk_to(struct walk *walk, const char *root, const char *path,
		      const struct walker *walker) __attribute__((warn_unused_result));

/* Whether what it came to lets him do all of R_OK, W_OK and X_OK that is asked for. */
bool walk_allows(const struct walk *walk, const struct walker *walker, int wanted);

/* Whose bits of its mode count for him, as chmod(1) calls them: u, g or o. */
char walk_class(const struct walk *walk, const struct walker *walker);

/* What it came to, as it is called inside of the root. */
const char *walk_inside(const struct walk *walk);

#endif
