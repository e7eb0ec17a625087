#include "config/check_accounts.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
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

static bool needs_mux(const struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (backend_has_mux(settings->backends[i]))
			return true;
	return false;
}

/* check->target is the settings. */
static void check_user_of_mux(const struct check *check, struct settings *settings)
{
	struct identity identity;
	bool is_own = option_origin_of("mux-user", settings).file != NULL;

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

bool check_accounts(struct backend_settings *backend, bool is_command,
		    struct complaints *complaints)
{
	const struct check check = {backend, complaints, geteuid() == 0, is_command};
	bool is_known;

	if (!check.is_root && is_command)
		ignore_for_others(&check);
	is_known = check_program_user(&check, backend);
	if (is_known && !check.is_root)
		refuse_for_others(&check, backend);
	if (is_command)
		default_listen_owner(backend);
	check_listen_owner(&check, backend);
	return is_known;
}

void check_mux_user(struct settings *settings, bool is_command, struct complaints *complaints)
{
	const struct check check = {settings, complaints, geteuid() == 0, is_command};

	if (settings->mux_user.name)
		check_user_of_mux(&check, settings);
}

/* Without memory in no group: that lets in where it matters least, to a warning. */
static void take_groups(struct walker *walker, const char *user)
{
	int count = 0;

	getgrouplist(user, walker->gid, NULL, &count);
	walker->groups = calloc((size_t)count + 1, sizeof(*walker->groups));
	if (walker->groups && getgrouplist(user, walker->gid, walker->groups, &count) >= 0)
		walker->group_count = (size_t)count;
}

static void take_own_groups(struct walker *walker)
{
	int count = getgroups(0, NULL);

	walker->groups = count > 0 ? calloc((size_t)count, sizeof(*walker->groups)) : NULL;
	if (walker->groups && getgroups(count, walker->groups) == count)
		walker->group_count = (size_t)count;
}

void account_walker(struct walker *walker, const struct backend_settings *backend)
{
	*walker = (struct walker){.uid = geteuid(), .gid = getegid()};
	if (!backend->user.name) {
		take_own_groups(walker);
		return;
	}
	walker->uid = backend->user.id;
	walker->gid = backend->user_gid;
	take_groups(walker, backend->user.name);
}

bool account_walker_named(struct walker *walker, const char *name)
{
	struct identity identity;
	char *user;

	*walker = (struct walker){0};
	if (!find_user(name, &identity))
		return false;
	walker->uid = identity.uid;
	walker->gid = identity.has_gid ? identity.gid : walker_stranger.gid;
	/* The group database knows names. */
	user = account_user_text(walker->uid);
	take_groups(walker, user);
	free(user);
	return true;
}

char *account_user_text(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	return entry ? sentence_new("%s", entry->pw_name) : sentence_new("uid %u", (unsigned)uid);
}

char *account_owner_text(const struct stat *status)
{
	const struct group *entry = getgrgid(status->st_gid);
	char *user = account_user_text(status->st_uid);
	char *text = entry ? sentence_new("%s:%s", user, entry->gr_name)
			   : sentence_new("%s:%u", user, (unsigned)status->st_gid);

	free(user);
	return text;
}

char *account_denial_text(const struct walk *walk, const struct walker *walker, int wanted)
{
	char *owner = account_owner_text(&walk->status);
	char *text = sentence_new("%s has mode %04o and belongs to %s: chmod %c+%c %s", walk->path,
				  (unsigned)walk->status.st_mode & 07777, owner,
				  walk_class(walk, walker), wanted == X_OK ? 'x' : 'r', walk->path);

	free(owner);
	return text;
}
