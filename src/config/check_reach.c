#include "config/check_reach.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/check_accounts.h"
#include "config/quoting.h"

/* A front, and who wants to come in. */
struct reach {
	const struct backend_settings *backend;
	const char *path;
	const struct walker *walker;
	const char *user; /* the walker's name */
	struct complaints *complaints;
};

/* The part of the path that is looked up inside of the chroot, or NULL. */
static const char *inner_path(const struct reach *reach)
{
	const char *root = reach->backend->chroot;
	size_t len = root ? strlen(root) : 0;

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (len == 0 || strncmp(reach->path, root, len) != 0 || reach->path[len] != '/')
		return NULL;
	return reach->path + len;
}

/*
 * To the directory of the socket, where the supervisor will find it, on the way of the web server,
 * which is no prisoner of the chroot.
 */
static enum walk_end walk_to_directory(const struct reach *reach, struct walk *walk)
{
	const char *inner = inner_path(reach), *path = inner ? inner : reach->path;
	char *directory = sentence_new("%.*s/", (int)(strrchr(path, '/') - path), path);
	enum walk_end end = WALK_THERE;
	char *outer = NULL;

	if (inner) {
		end = walk_to(walk, reach->backend->chroot, directory, NULL);
		outer = sentence_new("%s", walk->path);
	}
	if (end == WALK_THERE)
		end = walk_to(walk, NULL, outer ? outer : directory, reach->walker);
	if (end == WALK_THERE && !walk_allows(walk, reach->walker, X_OK))
		end = WALK_BARRED;
	free(outer);
	free(directory);
	return end;
}

/* The socket as it will be made in this directory. */
static struct walk socket_in(const struct reach *reach, const struct walk *directory)
{
	const struct backend_settings *backend = reach->backend;
	struct walk walk = {.status.st_mode = S_IFSOCK | (mode_t)backend->listen_mode};

	(void)text_format(walk.path, sizeof(walk.path), "%s", reach->path);
	walk.status.st_uid = backend->listen_owner.name ? backend->listen_owner.id : geteuid();
	if (backend->listen_group.name)
		walk.status.st_gid = backend->listen_group.id;
	else if (directory->status.st_mode & S_ISGID)
		walk.status.st_gid = directory->status.st_gid;
	else
		walk.status.st_gid = getegid();
	return walk;
}

/* fcgi-mux asks the kernel who has connected. */
static bool is_allowed_user(const struct reach *reach)
{
	const struct text_list *users = &reach->backend->allowed_users;
	char number[TEXT_UNIT_SIZE];

	(void)text_format(number, sizeof(number), "%u", (unsigned)reach->walker->uid);
	return !users->items || reach->walker->uid == 0 || text_list_has(users, number);
}

static bool lets_in(const struct reach *reach)
{
	struct walk directory, socket;

	if (walk_to_directory(reach, &directory) != WALK_THERE)
		return false;
	socket = socket_in(reach, &directory);
	return walk_allows(&socket, reach->walker, W_OK) && is_allowed_user(reach);
}

static void complain(const struct reach *reach, const char *key, char *sentence)
{
	complaints_add_of(reach->complaints, reach->backend, key, sentence);
}

static void complain_of_directory(const struct reach *reach, const struct walk *walk)
{
	char *reason = account_denial_text(walk, reach->walker, X_OK);

	complain(reach, "listen",
		 sentence_new("listen: %s cannot get at %s: %s", reach->user, reach->path, reason));
	free(reason);
}

/* Whoever owns the socket, or is in its group, needs a mode; another the group. */
static void complain_of_socket(const struct reach *reach, const struct walk *socket)
{
	char *owner = account_owner_text(&socket->status);
	bool is_mode = walk_class(socket, reach->walker) != 'o';

	complain(reach, is_mode ? "listen-mode" : "listen-group",
		 sentence_new(
			 "listen: %s may not connect to %s, which gets mode %04o and belongs "
			 "to %s: set %s",
			 reach->user, reach->path, (unsigned)socket->status.st_mode & 07777, owner,
			 is_mode ? "listen-mode = 0660" : "listen-group to a group of this user"));
	free(owner);
}

static void complain_of_front(const struct reach *reach)
{
	struct walk directory, socket;

	switch (walk_to_directory(reach, &directory)) {
	case WALK_ABSENT:
		complain(reach, "listen",
			 sentence_new("listen: %s cannot be made: %s: %s", reach->path,
				      directory.path, strerror(directory.error)));
		return;
	case WALK_BARRED:
		complain_of_directory(reach, &directory);
		return;
	case WALK_THERE:
		break;
	}
	socket = socket_in(reach, &directory);
	if (!walk_allows(&socket, reach->walker, W_OK))
		complain_of_socket(reach, &socket);
	else if (!is_allowed_user(reach))
		complain(reach, "allowed-users",
			 sentence_new("allowed-users: %s is not among them, and cannot come in at "
				      "%s",
				      reach->user, reach->path));
}

/* Looks at each of the fronts of one backend that is a Unix socket and that it makes. */
static void for_each_front(const struct settings *settings, size_t number, struct reach *reach,
			   void (*look)(const struct reach *reach))
{
	const struct address_list *fronts = &settings->backends[number]->listen;

	reach->backend = settings->backends[number];
	for (size_t i = 0; i < fronts->count; i++) {
		reach->path = fronts->items[i].name;
		if (fronts->items[i].kind == ADDRESS_UNIX &&
		    settings_opens_front(settings, number, i))
			look(reach);
	}
}

static void warn_of_front(const struct reach *reach)
{
	if (lets_in(reach))
		complaints_add_warning_of(
			reach->complaints, reach->backend, "listen-mode",
			sentence_new("listen-mode: every user of this machine can come in at %s: "
				     "say who with listen-group and mode 0660, or with "
				     "allowed-users",
				     reach->path));
}

void check_strangers(const struct settings *settings, struct complaints *complaints)
{
	struct reach reach = {.walker = &walker_stranger, .complaints = complaints};

	for (size_t i = 0; i < settings->backend_count; i++)
		for_each_front(settings, i, &reach, warn_of_front);
}

void check_reach(const struct settings *settings, const char *user, struct complaints *complaints)
{
	struct walker walker;
	struct reach reach = {.walker = &walker, .user = user, .complaints = complaints};

	if (!account_walker_named(&walker, user)) {
		complaints_add(complaints, (struct origin){.file = "command line"},
			       sentence_new("--as: there is no user \"%s\" here", user));
		return;
	}
	for (size_t i = 0; i < settings->backend_count; i++)
		for_each_front(settings, i, &reach, complain_of_front);
	walker_fini(&walker);
}
