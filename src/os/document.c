#include "os/document.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Non-blocking: the opening of a fifo would wait for its writer. */
enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, TRIES_MAX = 16 };

const char *document_result_text(enum document_result result)
{
	static const char *const texts[] = {
		[DOCUMENT_FOUND] = "is there",
		[DOCUMENT_ABSENT] = "is not there",
		[DOCUMENT_DIRECTORY] = "is a directory",
		[DOCUMENT_NOT_REGULAR] = "is not a regular file",
		[DOCUMENT_OUTSIDE] = "leads out of its directory",
		[DOCUMENT_DENIED] = "may not be read",
		[DOCUMENT_FAILED] = "cannot be opened",
	};

	return texts[result];
}

int document_root_open(struct document_root *root, const char *path)
{
	root->is_whole = path[0] == '/' && path[strspn(path, "/")] == '\0';
	root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root->fd < 0 ? -errno : 0;
}

void document_root_close(struct document_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
}

/* A descriptor or -errno. EAGAIN: something was renamed meanwhile, and the kernel is not sure. */
static int open_resolved(int directory, const char *path, uint64_t resolve)
{
	struct open_how how = {.flags = FLAGS, .resolve = resolve | RESOLVE_NO_MAGICLINKS};
	int fd;

	for (int i = 0; i < TRIES_MAX; i++) {
		fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* Whether it may be that the kernel, or a container's filter, does not know openat2(2). */
static bool is_unknown(int error)
{
	return error == -ENOSYS || error == -EPERM;
}

/* Opens the first name of the path: the file, or a directory on the way to it. */
static int open_name(int directory, const char *path, size_t len)
{
	bool is_last = path[len] == '\0';
	char name[NAME_MAX + 1];
	int fd;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path, len);
	name[len] = '\0';
	if (strcmp(name, "..") == 0)
		return -EXDEV;
	fd = openat(directory, len > 0 ? name : ".",
		    O_NOFOLLOW | (is_last ? FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC));
	return fd < 0 ? -errno : fd;
}

/* Name after name, so that nothing that is swapped for a link meanwhile is followed. */
static int open_stepwise(int root, const char *path)
{
	int directory = root;

	for (;;) {
		size_t len = strcspn(path, "/");
		int fd = open_name(directory, path, len);

		if (directory != root)
			close(directory);
		if (fd < 0 || path[len] == '\0')
			return fd;
		directory = fd;
		path += len + strspn(path + len, "/");
	}
}

static int open_below(const struct document_root *root, const char *path)
{
	int fd;

	/* What begins with a slash is outside, and the empty path is nowhere. */
	path += strspn(path, "/");
	if (*path == '\0')
		path = ".";
	fd = open_resolved(root->fd, path, root->is_whole ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
	return is_unknown(fd) ? open_stepwise(root->fd, path) : fd;
}

static enum document_result result_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return DOCUMENT_ABSENT;
	case EXDEV:
	case ELOOP:
		return DOCUMENT_OUTSIDE;
	case EACCES:
	case EPERM:
		return DOCUMENT_DENIED;
	case ENXIO: /* a socket, a device that is not there */
	case ENODEV:
		return DOCUMENT_NOT_REGULAR;
	default:
		return DOCUMENT_FAILED;
	}
}

static enum document_result kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return DOCUMENT_FOUND;
	return S_ISDIR(mode) ? DOCUMENT_DIRECTORY : DOCUMENT_NOT_REGULAR;
}

/* Takes what an opening returned: a descriptor, kept where it is of a regular file, or -errno. */
static enum document_result take(struct document *document, int fd)
{
	enum document_result result;
	struct stat status;

	*document = (struct document){.fd = -1};
	if (fd >= 0 && fstat(fd, &status) == 0) {
		result = kind_of(status.st_mode);
	} else {
		document->error = fd < 0 ? -fd : errno;
		result = result_of(document->error);
	}
	if (result == DOCUMENT_FOUND) {
		document->fd = fd;
		document->size = (uint64_t)status.st_size;
		document->modified = status.st_mtime;
	} else if (fd >= 0) {
		close(fd);
	}
	return result;
}

enum document_result document_open(struct document *document, const struct document_root *root,
				   const char *path)
{
	return take(document, open_below(root, path));
}

/* The document root and the path below it, in one text. */
struct script {
	char text[PATH_MAX];
	size_t root_len; /* without slashes at its end */
	size_t len;	 /* of the path behind the root */
	int error;	 /* errno of the last look */
};

static int open_below_root(struct script *script)
{
	char *path = script->text + script->root_len;
	struct document_root root;
	int fd;

	path[0] = '\0';
	fd = document_root_open(&root, script->root_len > 0 ? script->text : "/");
	path[0] = '/';
	if (fd == 0)
		fd = open_below(&root, path + 1);
	document_root_close(&root);
	return fd;
}

/* The part of the path that is len bytes long. */
static enum document_result look(struct script *script, size_t len)
{
	char *end = script->text + script->root_len + len;
	struct document document;
	enum document_result result;
	char saved = *end;
	int fd;

	*end = '\0';
	/* Most often no link is on the whole way, and then nothing leads out. */
	fd = open_resolved(AT_FDCWD, script->text, RESOLVE_NO_SYMLINKS);
	if (fd == -ELOOP || is_unknown(fd))
		fd = open_below_root(script);
	result = take(&document, fd);
	*end = saved;
	if (result == DOCUMENT_FOUND)
		close(document.fd);
	script->error = document.error;
	return result;
}

/* Behind the next name, which begins with slashes. */
static size_t next_end(const char *path, size_t at)
{
	at += strspn(path + at, "/");
	return at + strcspn(path + at, "/");
}

/* Whether one of the names is '.' or '..'. */
static bool has_dots(const char *path)
{
	size_t end;

	for (size_t at = 0; path[at]; at = end) {
		size_t name = at + strspn(path + at, "/");

		end = next_end(path, at);
		if (end > name && end - name <= 2 && path[name] == '.' && path[end - 1] == '.')
			return true;
	}
	return false;
}

/* A PATH_INFO may make the text longer than a path can be: its last names are left out. */
static bool script_init(struct script *script, const char *root, size_t root_len, const char *path,
			size_t path_len)
{
	while (root_len > 0 && root[root_len - 1] == '/')
		root_len--;
	if (root_len >= PATH_MAX)
		return false;
	if (path_len > PATH_MAX - 1 - root_len) {
		path_len = PATH_MAX - 1 - root_len;
		while (path_len > 0 && path[path_len] != '/')
			path_len--;
	}
	memcpy(script->text, root, root_len);
	memcpy(script->text + root_len, path, path_len);
	script->text[root_len + path_len] = '\0';
	script->root_len = root_len;
	script->len = path_len;
	script->error = 0;
	return path_len > 0;
}

/*
 * The file that the path goes on behind, from the root on: no more steps than there are
 * directories on the way, however long the rest of the path is.
 */
static enum document_result look_for_script(struct script *script)
{
	const char *path = script->text + script->root_len;
	enum document_result result = look(script, script->len);
	size_t end = 0;

	if (script->error != ENOTDIR)
		return result;
	do {
		end = next_end(path, end);
		result = look(script, end);
	} while (result == DOCUMENT_DIRECTORY && path[end]);
	if (result == DOCUMENT_FOUND)
		script->len = end;
	return result;
}

enum document_result document_check(const char *root, size_t root_len, const char *path,
				    size_t path_len, size_t *script_len)
{
	struct script script;
	enum document_result result;

	*script_len = path_len;
	if (root_len == 0 || root[0] != '/' || path_len == 0 || path[0] != '/' ||
	    memchr(root, '\0', root_len) || memchr(path, '\0', path_len))
		return DOCUMENT_OUTSIDE;
	if (!script_init(&script, root, root_len, path, path_len))
		return DOCUMENT_ABSENT;
	if (has_dots(script.text + script.root_len))
		return DOCUMENT_OUTSIDE;
	result = look_for_script(&script);
	if (result == DOCUMENT_FOUND)
		*script_len = script.len;
	return result;
}
