#include "config/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"

/* As many as the kernel follows: path_resolution(7). */
enum { LINKS_MAX = 40 };

const struct walker walker_stranger = {.uid = (uid_t)-2, .gid = (gid_t)-2};

void walker_fini(struct walker *walker)
{
	free(walker->groups);
	*walker = walker_stranger;
}

/* The names still to go. */
struct way {
	char text[PATH_MAX];
	const char *at; /* in text */
	unsigned link_count;
};

static bool is_member(const struct walker *walker, gid_t gid)
{
	for (size_t i = 0; i < walker->group_count; i++)
		if (walker->groups[i] == gid)
			return true;
	return walker->gid == gid;
}

char walk_class(const struct walk *walk, const struct walker *walker)
{
	if (walker->uid == walk->status.st_uid)
		return 'u';
	return is_member(walker, walk->status.st_gid) ? 'g' : 'o';
}

/* The bits that count for him, as those of others stand: S_IROTH is R_OK, and so on. */
static mode_t bits_of(const struct walk *walk, const struct walker *walker)
{
	mode_t mode = walk->status.st_mode;

	switch (walk_class(walk, walker)) {
	case 'u':
		return (mode & S_IRWXU) / (S_IXUSR / S_IXOTH);
	case 'g':
		return (mode & S_IRWXG) / (S_IXGRP / S_IXOTH);
	default:
		return mode & S_IRWXO;
	}
}

/* Root may all, but execute what nobody may. */
static bool root_may(const struct stat *status, int wanted)
{
	return !(wanted & X_OK) || S_ISDIR(status->st_mode) ||
	       (status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH));
}

bool walk_allows(const struct walk *walk, const struct walker *walker, int wanted)
{
	if (walker->uid == 0)
		return root_may(&walk->status, wanted);
	if (((int)bits_of(walk, walker) & wanted) == wanted)
		return true;
	return getxattr(walk->path, "system.posix_acl_access", NULL, 0) > 0;
}

const char *walk_inside(const struct walk *walk)
{
	return walk->path[walk->root_len] ? walk->path + walk->root_len : "/";
}

/* What the path so far is. The root may be named by a link; our own is "". */
static enum walk_end look(struct walk *walk)
{
	const char *path = walk->path[0] ? walk->path : "/";
	int flags = walk->path[walk->root_len] ? AT_SYMLINK_NOFOLLOW : 0;

	if (fstatat(AT_FDCWD, path, &walk->status, flags) == 0)
		return WALK_THERE;
	walk->error = errno;
	return WALK_ABSENT;
}

static enum walk_end fail(struct walk *walk, int error)
{
	walk->error = error;
	return WALK_ABSENT;
}

/* What lies above the root is the root. */
static void leave(struct walk *walk)
{
	char *name = strrchr(walk->path + walk->root_len, '/');

	if (name)
		*name = '\0';
}

static int enter(struct walk *walk, const char *name, size_t len)
{
	size_t path_len = strlen(walk->path);

	return text_format(walk->path + path_len, sizeof(walk->path) - path_len, "/%.*s", (int)len,
			   name);
}

/* The walk goes on with where the link leads, and then the rest of the way. */
static enum walk_end follow(struct walk *walk, struct way *way)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlink(walk->path, target, sizeof(target) - 1);

	if (len < 0)
		return fail(walk, errno);
	target[len] = '\0';
	if (++way->link_count > LINKS_MAX)
		return fail(walk, ELOOP);
	if (text_format(rest, sizeof(rest), "%s", way->at) < 0 ||
	    text_format(way->text, sizeof(way->text), "%s/%s", target, rest) < 0)
		return fail(walk, ENAMETOOLONG);
	way->at = way->text;
	leave(walk);
	if (target[0] == '/')
		walk->path[walk->root_len] = '\0';
	return WALK_THERE;
}

/* One name on, from a directory. */
static enum walk_end step(struct walk *walk, struct way *way)
{
	const char *name = way->at;
	size_t len = strcspn(name, "/");
	enum walk_end end;

	way->at += len;
	if (len == 1 && name[0] == '.')
		return WALK_THERE;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		leave(walk);
		return look(walk);
	}
	if (enter(walk, name, len) < 0)
		return fail(walk, ENAMETOOLONG);
	end = look(walk);
	if (end != WALK_THERE || !S_ISLNK(walk->status.st_mode))
		return end;
	end = follow(walk, way);
	return end == WALK_THERE ? look(walk) : end;
}

static enum walk_end walk_on(struct walk *walk, struct way *way, const struct walker *walker)
{
	enum walk_end end = look(walk);

	while (end == WALK_THERE) {
		way->at += strspn(way->at, "/");
		if (!*way->at)
			break;
		if (!S_ISDIR(walk->status.st_mode))
			return fail(walk, ENOTDIR);
		if (walker && !walk_allows(walk, walker, X_OK))
			return WALK_BARRED;
		end = step(walk, way);
	}
	return end;
}

/* Without slashes at its end, so that names can be put behind it. */
static int set_root(struct walk *walk, const char *root)
{
	int error = text_format(walk->path, sizeof(walk->path), "%s", root ? root : "");
	size_t len = strlen(walk->path);

	while (len > 0 && walk->path[len - 1] == '/')
		len--;
	walk->path[len] = '\0';
	walk->root_len = len;
	return error;
}

enum walk_end walk_to(struct walk *walk, const char *root, const char *path,
		      const struct walker *walker)
{
	struct way way = {.at = way.text};
	char here[PATH_MAX] = "";
	enum walk_end end;

	*walk = (struct walk){0};
	if (!root && path[0] != '/' && !getcwd(here, sizeof(here)))
		return fail(walk, errno);
	if (set_root(walk, root) < 0 ||
	    text_format(way.text, sizeof(way.text), "%s/%s", here, path) < 0)
		return fail(walk, ENAMETOOLONG);
	end = walk_on(walk, &way, walker);
	if (!walk->path[0])
		(void)text_format(walk->path, sizeof(walk->path), "/");
	return end;
}
