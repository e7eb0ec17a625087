#include "herd/children.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/backend.h"
#include "config/backend_procs.h"
#include "herd/muxlink.h"
#include "os/privileges.h"

/* Of a child's own socket: only the mux connects to it. */
enum { SOCKET_MODE = 0600 };

static const uid_t no_uid = (uid_t)-1;
static const gid_t no_gid = (gid_t)-1;

static char *no_memory(const struct children *children)
{
	return text_new("[%s]: %s", children->settings->name, strerror(ENOMEM));
}

static bool is_root(void)
{
	return geteuid() == 0;
}

static struct listen_plan plan_front(const struct backend_settings *settings, size_t number)
{
	return (struct listen_plan){
		.address = settings->listen.items[number],
		.root = settings->chroot,
		.owner = settings->listen_owner.name ? settings->listen_owner.id : no_uid,
		.group = settings->listen_group.name ? settings->listen_group.id : no_gid,
		.mode = (mode_t)settings->listen_mode,
		.backlog = (int)settings->listen_backlog,
	};
}

static char *open_fronts(struct children *children, const struct settings *all, size_t backend)
{
	const struct backend_settings *settings = children->settings;
	char *sentence = NULL;

	children->fronts = calloc(settings->listen.count, sizeof(*children->fronts));
	if (!children->fronts)
		return no_memory(children);
	for (size_t i = 0; i < settings->listen.count && !sentence; i++) {
		struct listen_plan plan = plan_front(settings, i);

		if (!settings_opens_front(all, backend, i))
			continue;
		sentence = listener_open(&children->fronts[children->front_count++], &plan);
	}
	return sentence;
}

/* What is open already will be taken over. NULL, or what is wrong. */
static char *try_front(const struct backend_settings *settings, size_t i)
{
	struct listen_plan plan = plan_front(settings, i);
	struct listener listener;
	char *sentence;

	if (listen_is_passed(&plan))
		return NULL;
	sentence = listener_open(&listener, &plan);
	listener_close(&listener);
	return sentence;
}

static char *try_fronts(const struct settings *all, size_t backend)
{
	const struct backend_settings *settings = all->backends[backend];
	char *sentence = NULL;

	for (size_t i = 0; i < settings->listen.count && !sentence; i++)
		if (settings_opens_front(all, backend, i))
			sentence = try_front(settings, i);
	return sentence;
}

char *children_try_fronts(const struct settings *settings)
{
	char *sentence = NULL;

	for (size_t i = 0; i < settings->backend_count && !sentence; i++)
		sentence = try_fronts(settings, i);
	return sentence;
}

static char *open_sockets(struct children *children, const struct settings *settings)
{
	struct listen_plan plan = {
		.owner = is_root() ? settings->mux_user.id : no_uid,
		.group = no_gid,
		.mode = SOCKET_MODE,
		.backlog = (int)children->settings->listen_backlog,
	};
	char *sentence = NULL;

	children->sockets = calloc(children->count, sizeof(*children->sockets));
	if (!children->sockets)
		return no_memory(children);
	for (size_t i = 0; i < children->count; i++)
		listener_init(&children->sockets[i]);
	for (size_t i = 0; i < children->count && !sentence; i++) {
		const char *wrong = backend_proc_address(children->settings, i, &plan.address);

		if (wrong)
			return text_new("[%s]: child %zu: %s", children->settings->name, i, wrong);
		sentence = listener_open(&children->sockets[i], &plan);
	}
	return sentence;
}

static int plan_privileges(struct children *children)
{
	const struct backend_settings *settings = children->settings;
	struct privileges_plan *plan = &children->plan.privileges;

	plan->chroot = settings->chroot;
	plan->change = is_root() && settings->user.name;
	plan->keep_root = is_root() && !plan->change;
	if (!plan->change)
		return 0;
	plan->uid = settings->user.id;
	plan->gid = settings->user_gid;
	children->groups = privileges_groups(settings->user.name, plan->gid, &plan->group_count);
	plan->groups = children->groups;
	return children->groups ? 0 : -errno;
}

static char *plan_program(struct children *children)
{
	const struct backend_settings *settings = children->settings;
	char *const *copy = settings->bin_copy_environment.items;
	int error;

	children->environment = spawn_environment(environ, copy, settings->bin_environment.items);
	if (!children->environment)
		return no_memory(children);
	children->plan = (struct spawn_plan){
		.argv = settings->bin_path.items,
		.environment = children->environment,
		.fd0 = -1,
		.fd1 = -1,
		.fd2 = -1,
		.directory = settings->directory,
		.umask = (mode_t)settings->umask,
		.death_signal = (int)settings->kill_signal,
	};
	error = plan_privileges(children);
	if (error < 0)
		return text_new("[%s]: cannot find the groups of user %s: %s", settings->name,
				settings->user.name, strerror(-error));
	return NULL;
}

static struct spawn_result start(struct child *child)
{
	const struct children *children = child->siblings;
	struct spawn_plan plan = children->plan;

	plan.fd0 = children->sockets ? children->sockets[child->number].fd : children->fronts[0].fd;
	return child_spawn(child, &plan);
}

static void on_pid(struct child *child)
{
	if (child->siblings->link)
		muxlink_note(child->siblings->link, child);
}

static bool drain(struct child *child)
{
	if (!child->siblings->link)
		return false;
	muxlink_note(child->siblings->link, child);
	return true;
}

static const struct child_kind program_kind = {.start = start, .on_pid = on_pid, .drain = drain};

static char *make_children(struct children *children, uint32_t backend, struct outputs *outputs)
{
	size_t count = backend_child_count(children->settings);

	children->items = calloc(count, sizeof(*children->items));
	if (!children->items)
		return no_memory(children);
	for (; children->count < count; children->count++) {
		struct child *child = &children->items[children->count];
		char *name = text_new("%s.%zu", children->settings->name, children->count);

		if (!name)
			return no_memory(children);
		child_init(child, &program_kind, name);
		child->siblings = children;
		child->backend = backend;
		child->number = (uint32_t)children->count;
		child->outputs = outputs;
		child->program = children->settings->bin_path.items[0];
		child->stop_signal = (int)children->settings->kill_signal;
		child->stop_timeout_ms = children->settings->shutdown_timeout_ms;
	}
	return NULL;
}

char *children_open(struct children *children, const struct settings *settings, uint32_t backend,
		    struct outputs *outputs, struct muxlink *link)
{
	char *sentence;

	*children = (struct children){.settings = settings->backends[backend]};
	sentence = open_fronts(children, settings, backend);
	if (sentence || !backend_is_supervised(children->settings))
		return sentence;
	sentence = plan_program(children);
	if (!sentence)
		sentence = make_children(children, backend, outputs);
	if (!sentence && scaling_init(children) < 0)
		sentence = no_memory(children);
	if (sentence || !backend_has_mux(children->settings))
		return sentence;
	children->link = link;
	return open_sockets(children, settings);
}

void children_close_fronts(struct children *children)
{
	for (size_t i = 0; i < children->front_count; i++)
		if (listener_is_tcp(&children->fronts[i]))
			listener_close(&children->fronts[i]);
}

void children_close(struct children *children)
{
	scaling_fini(children);
	for (size_t i = 0; i < children->front_count; i++)
		listener_close(&children->fronts[i]);
	for (size_t i = 0; i < children->count; i++) {
		if (children->sockets)
			listener_close(&children->sockets[i]);
		child_fini(&children->items[i]);
	}
	free(children->fronts);
	free(children->sockets);
	free(children->items);
	free(children->groups);
	spawn_environment_free(children->environment);
	*children = (struct children){.settings = NULL};
}

void children_event(struct children *children, enum child_event event)
{
	for (size_t i = 0; i < children->count; i++)
		child_event(&children->items[i], event);
}

size_t children_start_count(const struct children *children)
{
	return children->count > 0 ? backend_child_min(children->settings) : 0;
}

bool children_are_stopped(const struct children *children)
{
	for (size_t i = 0; i < children->count; i++) {
		if (children->items[i].state != CHILD_STOPPED)
			return false;
	}
	return true;
}

struct child *children_find(const struct children *children, pid_t pid)
{
	for (size_t i = 0; i < children->count; i++) {
		if (children->items[i].pid == pid)
			return &children->items[i];
	}
	return NULL;
}

const struct child *children_find_failed(const struct children *children)
{
	for (size_t i = 0; i < children->count; i++) {
		if (children->items[i].failures > 0)
			return &children->items[i];
	}
	return NULL;
}
