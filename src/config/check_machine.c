#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "config/check.h"
#include "config/options.h"
#include "config/quoting.h"

/* What the checks of one target look at: a backend, or the settings as a whole. */
struct check {
	void *target;
	struct complaints *complaints;
	bool is_root;
	bool is_command; /* all comes from the command line, as with spawn-fcgi */
};

/* Ids that the user database has for a user. */
struct identity {
	uint32_t uid;
	uint32_t gid;
	bool has_gid;
};

/* These take the sentence. */
static void complain(const struct check *check, const char *key, char *sentence)
{
	complaints_add(check->complaints, option_origin_of(key, check->target), sentence);
}

static void warn(const struct check *check, const char *key, char *sentence)
{
	complaints_add_warning(check->complaints, option_origin_of(key, check->target), sentence);
}

/* By number where it is one, as spawn-fcgi does. False: there is no such user. */
static bool find_user(const char *name, struct identity *identity)
{
	uint64_t number;
	bool is_number = !text_parse_number(name, 0, UINT32_MAX - 1, &number);
	const struct passwd *entry = is_number ? getpwuid((uid_t)number) : getpwnam(name);

	if (!is_number && !entry)
		return false;
	identity->uid = is_number ? (uint32_t)number : entry->pw_uid;
	identity->has_gid = entry != NULL;
	identity->gid = entry ? entry->pw_gid : 0;
	return true;
}

static bool find_group(const char *name, uint32_t *gid)
{
	uint64_t number;
	const struct group *entry;

	if (!text_parse_number(name, 0, UINT32_MAX - 1, &number)) {
		*gid = (uint32_t)number;
		return true;
	}
	entry = getgrnam(name);
	if (entry)
		*gid = entry->gr_gid;
	return entry != NULL;
}

/* Looks the user of this key up. False: complained. */
static bool check_user(const struct check *check, const char *key, struct account *account,
		       struct identity *identity)
{
	bool is_known = find_user(account->name, identity);

	if (is_known)
		account->id = identity->uid;
	else
		complain(check, key,
			 sentence_new("%s: there is no user \"%s\" here", key, account->name));
	return is_known;
}

/* The group database knows a user's supplementary groups by name. */
static void prefer_name(struct account *account)
{
	const struct passwd *entry = getpwuid(account->id);
	char *name = entry ? strdup(entry->pw_name) : NULL;

	if (!name)
		return;
	free(account->name);
	account->name = name;
}

static bool check_group(const struct check *check, const char *key, struct account *account)
{
	bool is_known = find_group(account->name, &account->id);

	if (!is_known)
		complain(check, key,
			 sentence_new("%s: there is no group \"%s\" here", key, account->name));
	return is_known;
}

/* Root is refused as a target, by whatever name. */
static void refuse_root(const struct check *check, const char *key, uint32_t id)
{
	if (id == 0)
		complain(
			check, key,
			sentence_new("%s: root is refused: take an account that can do less", key));
}

/* Whom the program runs as; check->target is the backend. False: complained of the user's name. */
static bool check_program_user(const struct check *check, struct backend_settings *backend)
{
	struct identity identity;
	bool has_group = backend->group.name && check_group(check, "group", &backend->group);

	if (has_group)
		refuse_root(check, "group", backend->group.id);
	if (backend->group.name && !backend->user.name)
		complain(check, "group", sentence_new("group needs user too"));
	if (!backend->user.name)
		return true;
	if (!check_user(check, "user", &backend->user, &identity))
		return false;
	refuse_root(check, "user", identity.uid);
	prefer_name(&backend->user);
	if (has_group)
		backend->user_gid = backend->group.id;
	else if (identity.has_gid)
		backend->user_gid = identity.gid;
	else
		complain(check, "user",
			 sentence_new("user: %s has no entry in the user database: give group too",
				      backend->user.name));
	if (identity.uid && !has_group && identity.has_gid && !identity.gid)
		complain(check, "user",
			 sentence_new("user: the primary group of %s is root's: give group too",
				      backend->user.name));
	return true;
}

/*
 * For spawn-fcgi's command line the socket belongs to the application's user where nothing else is
 * said. In a file it belongs to the supervisor's: there it is the web server that must come in.
 */
static void default_listen_owner(struct backend_settings *backend)
{
	struct identity identity = {0};

	if (backend->listen_owner.name && !backend->listen_group.name) {
		if (find_user(backend->listen_owner.name, &identity) && identity.has_gid)
			backend->listen_group.name = sentence_new("%u", (unsigned)identity.gid);
		return;
	}
	if (!backend->user.name || !find_user(backend->user.name, &identity))
		return; /* which was complained of, where it is a mistake */
	if (!backend->listen_owner.name)
		backend->listen_owner.name = sentence_new("%s", backend->user.name);
	if (!backend->listen_group.name)
		backend->listen_group.name = sentence_new("%u", (unsigned)backend->user_gid);
}

static void check_listen_owner(const struct check *check, struct backend_settings *backend)
{
	struct identity identity;
	bool is_good = true;

	if (backend->listen_owner.name)
		is_good = check_user(check, "listen-owner", &backend->listen_owner, &identity);
	if (backend->listen_group.name)
		is_good &= check_group(check, "listen-group", &backend->listen_group);
	if (!is_good || check->is_root)
		return;
	if (backend->listen_owner.name && backend->listen_owner.id != geteuid())
		complain(check, "listen-owner",
			 sentence_new("listen-owner: only root can give a socket away"));
	if (backend->listen_group.name && !group_member(backend->listen_group.id))
		complain(check, "listen-group",
			 sentence_new(
				 "listen-group: only root can give a socket to a foreign group"));
}

/* What of the spawn-fcgi command line needs root is ignored for others, and said so. */
static void ignore_for_others(const struct check *check)
{
	static const char *const keys[] = {"user", "group", "chroot", "listen-owner",
					   "listen-group"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct option_entry *option = option_find(keys[i]);

		if (!option_is_set(option, check->target))
			continue;
		warn(check, keys[i], sentence_new("%s is ignored: only root can do this", keys[i]));
		option_unset(option, check->target);
	}
}

/* Files are refused instead: whoever wrote user = www counts on it. */
static void refuse_for_others(const struct check *check, const struct backend_settings *backend)
{
	if (backend->user.name && backend->user.id != geteuid())
		complain(check, "user",
			 sentence_new("user: only root can start programs as somebody else"));
	else if (backend->user.name && backend->user_gid != getegid())
		complain(check, backend->group.name ? "group" : "user",
			 sentence_new("group: only root can start programs with another group"));
	if (backend->chroot)
		complain(check, "chroot", sentence_new("chroot: only root can do this"));
}

/*
 * Opens path as the program will see it: in root, where there is one, with symbolic links resolved
 * inside. A descriptor for fstat, or -errno.
 */
static int open_inside(const char *root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int root_fd, fd;

	if (!root) {
		fd = open(path, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0 &&
	    errno == ENOSYS) /* before Linux 5.6: links that leave the root fail at the start */
		fd = openat(root_fd, path[strspn(path, "/")] ? path + strspn(path, "/") : ".",
			    O_PATH | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(root_fd);
	return fd;
}

/* The mode of what is there, or -errno. */
static long mode_inside(const char *root, const char *path)
{
	int fd = open_inside(root, path);
	struct stat status;
	long mode = fd;

	if (fd >= 0) {
		mode = fstat(fd, &status) < 0 ? -errno : (long)status.st_mode;
		close(fd);
	}
	return mode;
}

/* False: complained. */
static bool check_directory(const struct check *check, const char *key, const char *root,
			    const char *path)
{
	long mode = path ? mode_inside(root, path) : S_IFDIR;

	if (mode < 0)
		complain(check, key,
			 sentence_new("%s: %s%s%s: %s", key, path, root ? " in " : "",
				      root ? root : "", strerror((int)-mode)));
	else if (!S_ISDIR(mode))
		complain(check, key, sentence_new("%s: %s is not a directory", key, path));
	else if (path && path[0] != '/' && !check->is_command)
		complain(check, key, sentence_new("%s: the path must begin with \"/\"", key));
	else
		return true;
	return false;
}

/* The program's path as exec will see it: -d was entered before. malloced. */
static char *program_path(const struct backend_settings *backend)
{
	const char *path = backend->bin_path.items[0];

	if (path[0] == '/' || !backend->directory)
		return sentence_new("%s", path);
	return sentence_new("%s/%s", backend->directory, path);
}

static char *program_fault(const struct check *check, const struct backend_settings *backend)
{
	char *path = program_path(backend);
	long mode = mode_inside(backend->chroot, path);
	char *fault = NULL;

	if (path[0] != '/' && !check->is_command)
		fault = sentence_new("bin-path: give the whole path of the program: %s", path);
	else if (mode < 0)
		fault = sentence_new("bin-path: %s%s%s: %s", path, backend->chroot ? " in " : "",
				     backend->chroot ? backend->chroot : "", strerror((int)-mode));
	else if (!S_ISREG(mode))
		fault = sentence_new("bin-path: %s is not a program", path);
	else if (!(mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		fault = sentence_new("bin-path: %s is not executable", path);
	free(path);
	return fault;
}

/*
 * A mistake in a file. On spawn-fcgi's command line a warning: scripts know the exit status of a
 * program that cannot be executed, and get it from the attempt.
 */
static void check_program(const struct check *check, const struct backend_settings *backend)
{
	char *fault = backend_is_supervised(backend) ? program_fault(check, backend) : NULL;

	if (fault && check->is_command)
		warn(check, "bin-path", fault);
	else if (fault)
		complain(check, "bin-path", fault);
}

static void warn_of_reach(const struct check *check, const char *key, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	if (!address_is_loopback(address))
		warn(check, key,
		     sentence_new("%s: whoever can connect to %s can run programs here: let nobody "
				  "but the web server reach it",
				  key, address_format(address, text)));
}

static void warn_of_risks(const struct check *check, const struct backend_settings *backend)
{
	struct address address;

	for (size_t i = 0; i < backend->listen.count; i++)
		warn_of_reach(check, "listen", &backend->listen.items[i]);
	if (!backend_is_supervised(backend))
		return;
	if (backend->host && backend->port &&
	    !address_set_host(&address, backend->host, (uint16_t)backend->port))
		warn_of_reach(check, "host", &address);
	if (check->is_root && !backend->user.name)
		complaints_add_warning(
			check->complaints, backend->origin,
			sentence_new("the program stays root: user (-u) is not given"));
}

static void check_backend(const struct check *check, struct backend_settings *backend)
{
	if (!check->is_root && check->is_command)
		ignore_for_others(check);
	if (check_program_user(check, backend) && !check->is_root)
		refuse_for_others(check, backend);
	if (check->is_command)
		default_listen_owner(backend);
	check_listen_owner(check, backend);
	/* One thing at a time: what is inside can only be seen there. */
	if (check_directory(check, "chroot", NULL, backend->chroot) &&
	    check_directory(check, "directory", backend->chroot, backend->directory))
		check_program(check, backend);
	warn_of_risks(check, backend);
}

static bool needs_mux(const struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (backend_has_mux(settings->backends[i]))
			return true;
	return false;
}

/* check->target is the settings. */
static void check_mux_user(const struct check *check, struct settings *settings)
{
	struct identity identity;
	bool is_own = option_origin_of("mux-user", settings).file != NULL;

	if (!settings->mux_user.name)
		return;
	if (!needs_mux(settings) || (!check->is_root && (!is_own || check->is_command))) {
		if (is_own)
			warn(check, "mux-user",
			     sentence_new("mux-user is ignored: %s",
					  check->is_root ? "there is no need of fcgi-mux"
							 : "only root can do this"));
		option_unset(option_find("mux-user"), settings);
		return;
	}
	if (!check_user(check, "mux-user", &settings->mux_user, &identity))
		return;
	settings->mux_gid = identity.gid;
	refuse_root(check, "mux-user", identity.uid);
	if (identity.uid && (!identity.has_gid || !identity.gid))
		complain(check, "mux-user",
			 sentence_new("mux-user: %s needs a group of its own in the user database",
				      settings->mux_user.name));
	if (!check->is_root && identity.uid != geteuid())
		complain(check, "mux-user",
			 sentence_new("mux-user: only root can start it as somebody else"));
}

void check_machine(struct settings *settings, struct complaints *complaints)
{
	struct check check = {
		.complaints = complaints,
		.is_root = geteuid() == 0,
		.is_command = settings->files.count == 0,
	};

	for (size_t i = 0; i < settings->backend_count; i++) {
		check.target = settings->backends[i];
		check_backend(&check, settings->backends[i]);
	}
	check.target = settings;
	check_mux_user(&check, settings);
}
