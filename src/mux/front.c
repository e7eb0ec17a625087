#include "mux/front.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "os/peer.h"

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
	if (!front->is_short)
		log_warnx("front %s: cannot accept: %s; trying again every %d ms", front->name,
			  reason, ACCEPT_PAUSE_MS);
	front->is_short = true;
	loop_io_set(&front->listening, 0);
	loop_timer_start(&front->pause, ACCEPT_PAUSE_MS);
}

static void on_pause_end(struct loop_timer *timer)
{
	struct front *front = container_of(timer, struct front, pause);

	loop_io_set(&front->listening, LOOP_READ);
}

/* All that waited have been accepted: the shortage is over, and not only for the next of them. */
static void front_recover(struct front *front)
{
	if (front->is_short)
		log_info("front %s: accepts again", front->name);
	front->is_short = false;
}

/* What is neither concerns one connection that has gone again. */
static void front_on_refusal(struct front *front, int error)
{
	if (is_shortage(error))
		front_pause(front, strerror(error));
	else if (error == EAGAIN)
		front_recover(front);
}

static bool front_refuse(const struct front *front, const char *kind, const char *name)
{
	front->mux->counts.refused_clients++;
	log_warnx("front %s: %s %s may not come in", front->name, kind, name);
	return false;
}

static bool front_admits_user(const struct front *front, int fd)
{
	char name[TEXT_UNIT_SIZE];
	uint32_t user;

	if (peer_user(fd, &user) < 0)
		return false;
	if (access_has_user(&front->access, user))
		return true;
	(void)text_format(name, sizeof(name), "%u", (unsigned)user);
	return front_refuse(front, "user", name);
}

static bool front_admits_address(const struct front *front, int fd)
{
	uint8_t address[NETWORK_ADDRESS_LEN];
	char name[NETWORK_TEXT_SIZE];

	if (peer_address(fd, address) < 0)
		return false;
	if (access_has_address(&front->access, address))
		return true;
	return front_refuse(front, "client", network_format(address, name));
}

/* Where all may come in the kernel is not asked who it is. */
static bool front_admits(const struct front *front, int fd)
{
	if (!front->access.is_limited)
		return true;
	return front->is_unix ? front_admits_user(front, fd) : front_admits_address(front, fd);
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
		if (front_admits(front, fd))
			front_connection_open(front, fd);
		else
			close(fd);
	}
}

/* 0 or -errno. The settings were checked, so that most often it is no memory. */
static int front_limit_access(struct front *front, const struct backend_settings *settings)
{
	const struct text_list *clients = &settings->allowed_clients;
	const struct text_list *users = &settings->allowed_users;

	if (front->is_unix && users->items)
		return access_limit_users(&front->access, users->items, users->count);
	if (!front->is_unix && clients->items)
		return access_limit_networks(&front->access, clients->items, clients->count);
	return 0;
}

char *front_init(struct front *front, struct mux *mux, int fd, const struct address *address,
		 const struct backend_settings *settings)
{
	int error;

	front->mux = mux;
	front->is_unix = address->kind == ADDRESS_UNIX;
	address_format(address, front->name);
	list_init(&front->fresh);
	list_init(&front->watched);
	list_init(&front->ending);
	loop_timer_init(&front->pause, on_pause_end);
	loop_io_init(&front->listening, fd, on_acceptable);
	loop_io_set(&front->listening, LOOP_READ);
	error = front_limit_access(front, settings);
	if (error < 0)
		return text_new("%s: cannot tell who may come in: %s", front->name,
				strerror(-error));
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
	access_fini(&front->access);
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
	/* What has come by now is served: nobody else may be there to take it. */
	if (loop_io_events(&front->listening))
		on_acceptable(&front->listening, LOOP_READ);
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
	if (!front->mux->is_draining)
		return;
	list_for_each (watched, next, &front->watched)
		front_connection_tick(container_of(watched, struct front_connection, link));
}
