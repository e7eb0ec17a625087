#include "mux/front.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "mux/front_connection.h"
#include "mux/mux.h"

/* Connections accepted in one go: a flood of them must not keep answers waiting. */
enum { ACCEPT_MAX = 64 };
enum { ACCEPT_PAUSE_MS = 100 };

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* The kernel keeps those that come meanwhile. */
static void front_pause(struct front *front, const char *reason)
{
	log_warnx("front %s: cannot accept: %s; trying again in %d ms", front->name, reason,
		  ACCEPT_PAUSE_MS);
	loop_io_set(&front->listening, 0);
	loop_timer_start(&front->pause, ACCEPT_PAUSE_MS);
}

static void on_pause_end(struct loop_timer *timer)
{
	struct front *front = container_of(timer, struct front, pause);

	loop_io_set(&front->listening, LOOP_READ);
}

/* What is no shortage concerns one connection that has gone again, or none is there. */
static void front_on_refusal(struct front *front, int error)
{
	if (is_shortage(error))
		front_pause(front, strerror(error));
}

static void on_acceptable(struct loop_io *io, int events)
{
	struct front *front = container_of(io, struct front, listening);

	(void)events;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int fd;

		if (front->mux->connection_count >= front->mux->connections_max) {
			front_pause(front, "half of all descriptors are in use");
			return;
		}
		fd = accept4(io->watcher.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			front_on_refusal(front, errno);
			return;
		}
		front_connection_open(front, fd);
	}
}

char *front_init(struct front *front, struct mux *mux, int fd, const struct address *address)
{
	front->mux = mux;
	address_format(address, front->name);
	list_init(&front->fresh);
	list_init(&front->watched);
	list_init(&front->ending);
	loop_timer_init(&front->pause, on_pause_end);
	loop_io_init(&front->listening, fd, on_acceptable);
	loop_io_set(&front->listening, LOOP_READ);
	return routing_init(&front->routing, mux, address);
}

static void front_stop_listening(struct front *front)
{
	loop_timer_stop(&front->pause);
	loop_io_set(&front->listening, 0);
	if (front->listening.watcher.fd >= 0)
		close(front->listening.watcher.fd);
	loop_io_init(&front->listening, -1, on_acceptable);
}

static void close_all(struct list *connections, const char *reason)
{
	struct list *link;

	while ((link = list_first(connections)))
		front_connection_close(container_of(link, struct front_connection, link), reason);
}

void front_fini(struct front *front)
{
	front_stop_listening(front);
	close_all(&front->fresh, "the front is closed");
	close_all(&front->watched, "the front is closed");
	close_all(&front->ending, "the front is closed");
	routing_fini(&front->routing);
}

static void end_when_done(struct list *connections)
{
	list_for_each (link, after, connections) {
		struct front_connection *connection =
			container_of(link, struct front_connection, link);

		front_connection_drain(connection);
	}
}

void front_drain(struct front *front)
{
	front_stop_listening(front);
	end_when_done(&front->fresh);
	end_when_done(&front->watched);
}

bool front_is_empty(const struct front *front)
{
	return list_is_empty(&front->fresh) && list_is_empty(&front->watched) &&
	       list_is_empty(&front->ending);
}

void front_tick(struct front *front)
{
	list_for_each (link, after, &front->fresh)
		front_connection_tick(container_of(link, struct front_connection, link));
	list_for_each (ending, behind, &front->ending)
		front_connection_tick(container_of(ending, struct front_connection, link));
}
