#include "herd/muxlink.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "herd/child.h"
#include "herd/children.h"
#include "os/control.h"

/* Messages taken in one turn: the rest waits in the socket for the next. */
enum { MUXLINK_RECEIVE_MAX = 64 };

static int send_fact(const struct muxlink *link, const struct child *child, enum control_type type,
		     pid_t pid)
{
	const struct control_message message = {
		.type = (uint32_t)type,
		.backend = child->backend,
		.proc = child->number,
		.pid = (int32_t)pid,
	};

	return control_send(link->fd, &message);
}

/* What the mux is to know: 0 also where another mux is not yet done with it. */
static pid_t usable_pid(const struct child *child)
{
	return child->is_lent ? 0 : child->pid;
}

static bool is_synced(const struct child *child)
{
	return child->announced_pid == usable_pid(child) &&
	       child->announced_drain == child_state_is_ending(child->state);
}

static int announce(const struct muxlink *link, struct child *child, enum control_type type)
{
	pid_t pid = type == CONTROL_CHILD_DOWN ? child->announced_pid : child->pid;
	int error = send_fact(link, child, type, pid);

	if (error < 0)
		return error;
	child->announced_pid = type == CONTROL_CHILD_DOWN ? 0 : pid;
	child->announced_drain = type == CONTROL_CHILD_DRAIN;
	return 0;
}

/* A child that was replaced before the mux heard of it is down first, then up. */
static int sync_child(const struct muxlink *link, struct child *child)
{
	pid_t pid = usable_pid(child);
	int error = 0;

	if (child->announced_pid != 0 && child->announced_pid != pid)
		error = announce(link, child, CONTROL_CHILD_DOWN);
	if (error == 0 && child->announced_pid != pid)
		error = announce(link, child, CONTROL_CHILD_UP);
	if (error == 0 && pid != 0 && !is_synced(child))
		error = announce(link, child, CONTROL_CHILD_DRAIN);
	return error;
}

static int sync_access_log(struct muxlink *link)
{
	const struct control_message message = {.type = CONTROL_ACCESS_LOG};
	int error = 0;

	if (link->is_log_due)
		error = control_send_fd(link->fd, &message, link->access_log);
	if (error == 0)
		link->is_log_due = false;
	return error;
}

static int sync_sharing(struct muxlink *link)
{
	const struct control_message message = {.type = link->is_sharing ? CONTROL_SHARED
									 : CONTROL_ALONE};
	int error = 0;

	if (link->announced_sharing != link->is_sharing)
		error = control_send(link->fd, &message);
	if (error == 0)
		link->announced_sharing = link->is_sharing;
	return error;
}

/* Sends what the socket takes. Where it is broken, the end of the mux will be seen as well. */
static void muxlink_sync(struct muxlink *link)
{
	int error = sync_access_log(link);

	if (error == 0)
		error = sync_sharing(link);
	list_for_each (place, after, &link->unsynced) {
		if (error < 0)
			break;
		error = sync_child(link, container_of(place, struct child, unsynced));
		if (error == 0)
			list_detach(place);
	}
	loop_io_set(&link->io, error == -EAGAIN ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

/* The backend that a message is about; NULL: there is none, or it is none of the mux's. */
static struct children *find_backend(const struct muxlink *link,
				     const struct control_message *message)
{
	if (message->backend < link->backend_count && link->backends[message->backend].link)
		return &link->backends[message->backend];
	log_warnx("mux: names a backend that it has not: backend=%u", (unsigned)message->backend);
	return NULL;
}

/* The child that a message is about; NULL: none, or it has died while that was on its way. */
static struct child *find_child(const struct muxlink *link, const struct control_message *message)
{
	struct children *backend = find_backend(link, message);
	struct child *child;

	if (!backend)
		return NULL;
	if (message->proc >= backend->count) {
		log_warnx("mux: names a child that there is not: backend=%u proc=%u",
			  (unsigned)message->backend, (unsigned)message->proc);
		return NULL;
	}
	child = &backend->items[message->proc];
	return child->pid > 0 && child->pid == (pid_t)message->pid ? child : NULL;
}

static void on_child(struct muxlink *link, const struct control_message *message,
		     enum child_event event)
{
	struct child *child = find_child(link, message);

	if (child)
		child_event(child, event);
}

static void on_usable(const struct muxlink *link, const struct control_message *message)
{
	struct child *child = find_child(link, message);

	if (child)
		child->takes_requests = true;
}

/* This and the next end a child: only where its configuration says that it may come to that. */
void muxlink_on_stuck(struct child *child)
{
	if (child->siblings->settings->request_timeout_ms > 0)
		child_event(child, CHILD_EVENT_STUCK);
}

static void on_stuck(struct muxlink *link, const struct control_message *message)
{
	struct child *child = find_child(link, message);

	if (child)
		muxlink_on_stuck(child);
}

static void on_spent(struct muxlink *link, const struct control_message *message)
{
	struct child *child = find_child(link, message);

	if (child && child->siblings->settings->max_requests > 0)
		child->spent = "max-requests";
}

static void on_load(struct muxlink *link, const struct control_message *message)
{
	struct children *backend = find_backend(link, message);

	if (backend)
		scaling_on_load(backend, message->busy, message->queued);
}

static void receive(struct muxlink *link, const struct control_message *message)
{
	switch (message->type) {
	case CONTROL_READY:
		link->is_ready = true;
		return;
	case CONTROL_CHILD_USABLE:
		on_usable(link, message);
		return;
	case CONTROL_CHILD_READY:
		on_child(link, message, CHILD_EVENT_READY);
		return;
	case CONTROL_CHILD_STUCK:
		on_stuck(link, message);
		return;
	case CONTROL_CHILD_DRAINED:
		on_child(link, message, CHILD_EVENT_DRAINED);
		return;
	case CONTROL_CHILD_SPENT:
		on_spent(link, message);
		return;
	case CONTROL_LOAD:
		on_load(link, message);
		return;
	case CONTROL_CHILD_FREE:
		/* No other mux is to have it: the herd ends. */
		return;
	}
	log_warnx("mux: unknown message type=%u", (unsigned)message->type);
}

/*
 * Most often the mux has just died, and its exit is about to be seen. One that lives on without its
 * control socket is of no use: its end starts a new one.
 */
static void lose(struct muxlink *link, int error)
{
	muxlink_close(link);
	log_debug("mux: control socket lost: %s pid=%d", strerror(-error), (int)link->mux->pid);
	if (link->mux->pid > 0)
		kill(link->mux->pid, SIGTERM);
}

static void on_ready(struct loop_io *io, int events)
{
	struct muxlink *link = container_of(io, struct muxlink, io);
	struct control_message message;

	if (events & LOOP_WRITE)
		muxlink_sync(link);
	for (int count = 0; count < MUXLINK_RECEIVE_MAX; count++) {
		int error = control_receive(link->fd, &message);

		if (error == -EAGAIN)
			return;
		if (error == 0) {
			receive(link, &message);
		} else if (error != -EBADMSG) {
			lose(link, error);
			return;
		}
	}
}

void muxlink_init(struct muxlink *link, struct child *mux, struct children *backends,
		  size_t backend_count)
{
	*link = (struct muxlink){
		.backends = backends,
		.backend_count = backend_count,
		.mux = mux,
		.fd = -1,
		.access_log = -1,
	};
	list_init(&link->unsynced);
}

static void forget(struct muxlink *link, struct children *backend)
{
	scaling_on_load(backend, 0, 0);
	for (size_t i = 0; i < backend->count; i++) {
		struct child *child = &backend->items[i];

		child->announced_pid = 0;
		child->announced_drain = false;
		list_detach(&child->unsynced);
		if (backend->link && child->pid > 0)
			list_append(&link->unsynced, &child->unsynced);
	}
}

int muxlink_open(struct muxlink *link)
{
	int pair[2];
	int error = control_open_pair(pair);

	if (error < 0)
		return error;
	muxlink_close(link);
	link->fd = pair[0];
	link->is_ready = false;
	link->announced_sharing = false;
	link->is_log_due = link->access_log >= 0;
	for (size_t i = 0; i < link->backend_count; i++)
		forget(link, &link->backends[i]);
	loop_io_init(&link->io, link->fd, on_ready);
	muxlink_sync(link);
	return pair[1];
}

void muxlink_close(struct muxlink *link)
{
	if (link->fd < 0)
		return;
	loop_io_set(&link->io, 0);
	close(link->fd);
	link->fd = -1;
}

void muxlink_set_access_log(struct muxlink *link, int fd)
{
	link->access_log = fd;
	link->is_log_due = fd >= 0;
	if (link->fd >= 0)
		muxlink_sync(link);
}

void muxlink_set_sharing(struct muxlink *link, bool is_sharing)
{
	link->is_sharing = is_sharing;
	if (link->fd >= 0)
		muxlink_sync(link);
}

void muxlink_note(struct muxlink *link, struct child *child)
{
	if (link->fd < 0)
		return;
	list_detach(&child->unsynced);
	if (!is_synced(child))
		list_append(&link->unsynced, &child->unsynced);
	muxlink_sync(link);
}
