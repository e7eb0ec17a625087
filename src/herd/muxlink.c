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

/* A child that was replaced before the mux heard of it is down first, then up. */
static int sync_child(const struct muxlink *link, struct child *child)
{
	int error = 0;

	if (child->announced_pid != 0 && child->announced_pid != child->pid) {
		error = send_fact(link, child, CONTROL_CHILD_DOWN, child->announced_pid);
		if (error == 0)
			child->announced_pid = 0;
	}
	if (error == 0 && child->announced_pid != child->pid) {
		error = send_fact(link, child, CONTROL_CHILD_UP, child->pid);
		if (error == 0)
			child->announced_pid = child->pid;
	}
	return error;
}

/* Sends what the socket takes. Where it is broken, the end of the mux will be seen as well. */
static void muxlink_sync(struct muxlink *link)
{
	int error = 0;

	list_for_each (place, after, &link->unsynced) {
		error = sync_child(link, container_of(place, struct child, unsynced));
		if (error < 0)
			break;
		list_detach(place);
	}
	loop_io_set(&link->io, error == -EAGAIN ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void on_child(struct muxlink *link, const struct control_message *message,
		     enum child_event event)
{
	struct child *child;

	if (message->backend >= link->backend_count ||
	    message->proc >= link->backends[message->backend].count) {
		log_warnx("mux: names a child that there is not: backend=%u proc=%u",
			  (unsigned)message->backend, (unsigned)message->proc);
		return;
	}
	child = &link->backends[message->backend].items[message->proc];
	/* Another pid: the child died while the message was on its way. */
	if (child->pid > 0 && child->pid == (pid_t)message->pid)
		child_event(child, event);
}

static void receive(struct muxlink *link, const struct control_message *message)
{
	switch (message->type) {
	case CONTROL_READY:
		link->is_ready = true;
		return;
	case CONTROL_CHILD_READY:
		on_child(link, message, CHILD_EVENT_READY);
		return;
	case CONTROL_CHILD_STUCK:
		on_child(link, message, CHILD_EVENT_STUCK);
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
	};
	list_init(&link->unsynced);
}

static void forget(struct muxlink *link, struct children *backend)
{
	for (size_t i = 0; i < backend->count; i++) {
		struct child *child = &backend->items[i];

		child->announced_pid = 0;
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

void muxlink_note(struct muxlink *link, struct child *child)
{
	if (link->fd < 0)
		return;
	list_detach(&child->unsynced);
	if (child->announced_pid != child->pid)
		list_append(&link->unsynced, &child->unsynced);
	muxlink_sync(link);
}
