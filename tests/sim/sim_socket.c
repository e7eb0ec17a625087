#include "sim_socket.h"

#include <string.h>

#include "os/loop.h"
#include "sim.h"

/* Descriptors that no process has. */
enum { FIRST_FD = 1 << 24 };

static struct sim_socket sockets[SIM_SOCKETS_MAX];
static uint8_t rooms[SIM_SOCKETS_MAX][SIM_PIPE_LEN];
static size_t used_end; /* behind the last one that was in use */

static const size_t capacities[] = {512, 4096, SIM_PIPE_LEN, SIM_PIPE_LEN};

static void clear(struct sim_socket *socket)
{
	*socket = (struct sim_socket){0};
}

void sim_sockets_reset(void)
{
	for (size_t i = 0; i < used_end; i++)
		clear(&sockets[i]);
	used_end = 0;
}

static struct sim_socket *take(enum sim_kind kind)
{
	size_t i = 0;

	while (i < SIM_SOCKETS_MAX && sockets[i].kind != SIM_FREE)
		i++;
	MUST(i < SIM_SOCKETS_MAX, "too many sockets");
	if (i >= used_end)
		used_end = i + 1;
	clear(&sockets[i]);
	sockets[i].kind = kind;
	sockets[i].capacity = capacities[sim_choose(sizeof(capacities) / sizeof(capacities[0]))];
	sockets[i].bytes = rooms[i];
	return &sockets[i];
}

/* One that both sides have closed is nobody's. */
static void free_where_closed(struct sim_socket *socket)
{
	struct sim_socket *peer = socket->peer;

	if (!socket->is_closed || (peer && !peer->is_closed))
		return;
	if (peer)
		clear(peer);
	clear(socket);
}

static struct sim_socket *take_pair(enum sim_kind kind)
{
	struct sim_socket *ours = take(kind);
	struct sim_socket *theirs = take(kind);

	ours->peer = theirs;
	theirs->peer = ours;
	ours->is_ours = true;
	return ours;
}

struct sim_socket *sim_listen_front(void)
{
	struct sim_socket *socket = take(SIM_LISTENING);

	socket->is_ours = true;
	socket->backlog = SIM_BACKLOG;
	return socket;
}

struct sim_socket *sim_listen(const char *path, bool is_remote)
{
	struct sim_socket *socket = take(SIM_LISTENING);

	socket->path = path;
	socket->is_remote = is_remote;
	socket->backlog = 4 + sim_choose(SIM_BACKLOG - 4);
	return socket;
}

int sim_socket_fd(struct sim_socket *socket)
{
	return FIRST_FD + (int)(socket - sockets);
}

struct sim_socket *sim_control_pair(int *fd)
{
	struct sim_socket *ours = take_pair(SIM_MESSAGES);

	ours->capacity = ours->peer->capacity = 512;
	*fd = sim_socket_fd(ours);
	return ours->peer;
}

struct sim_socket *sim_connect(struct sim_socket *front)
{
	struct sim_socket *ours;

	if (front->pending_count >= front->backlog)
		return NULL;
	ours = take_pair(SIM_STREAM);
	/* Not before it is accepted. */
	ours->is_ours = false;
	front->pending[front->pending_count++] = ours;
	return ours->peer;
}

struct sim_socket *sim_accept(struct sim_socket *listening)
{
	struct sim_socket *first = listening->pending[0];

	if (listening->pending_count == 0)
		return NULL;
	listening->pending_count--;
	memmove(&listening->pending[0], &listening->pending[1],
		listening->pending_count * sizeof(listening->pending[0]));
	return first;
}

void sim_finish_connecting(struct sim_socket *socket, int error)
{
	if (!socket->peer)
		return;
	socket->peer->is_connecting = false;
	socket->peer->error = error;
}

size_t sim_readable(const struct sim_socket *socket)
{
	return socket->len;
}

size_t sim_room(const struct sim_socket *socket)
{
	const struct sim_socket *peer = socket->peer;

	return peer && !peer->is_closed && !peer->has_shut_input ? peer->capacity - peer->len : 0;
}

static void put(struct sim_socket *to, const uint8_t *bytes, size_t len)
{
	size_t at = (to->start + to->len) % SIM_PIPE_LEN;
	size_t first = len < SIM_PIPE_LEN - at ? len : SIM_PIPE_LEN - at;

	if (first > 0)
		memcpy(to->bytes + at, bytes, first);
	if (len > first)
		memcpy(to->bytes, bytes + first, len - first);
	to->len += len;
}

size_t sim_put(struct sim_socket *socket, const void *bytes, size_t len)
{
	size_t room = sim_room(socket);

	if (len > room)
		len = room;
	if (len > 0)
		put(socket->peer, bytes, len);
	return len;
}

size_t sim_peek(const struct sim_socket *socket, void *bytes, size_t size)
{
	uint8_t *room = bytes;
	size_t len = socket->len < size ? socket->len : size;
	size_t first = len < SIM_PIPE_LEN - socket->start ? len : SIM_PIPE_LEN - socket->start;

	if (first > 0)
		memcpy(room, socket->bytes + socket->start, first);
	if (len > first)
		memcpy(room + first, socket->bytes, len - first);
	return len;
}

size_t sim_get(struct sim_socket *socket, void *room, size_t size)
{
	size_t len = sim_peek(socket, room, size);

	socket->start = (socket->start + len) % SIM_PIPE_LEN;
	socket->len -= len;
	socket->taken += len;
	if (socket->taken_note)
		*socket->taken_note = socket->taken;
	return len;
}

bool sim_put_message(struct sim_socket *socket, const void *bytes, size_t len)
{
	const uint8_t head = (uint8_t)len;

	if (sim_room(socket) < len + 1)
		return false;
	put(socket->peer, &head, 1);
	put(socket->peer, bytes, len);
	return true;
}

/* What does not fit is lost, as recv(2) has it. */
size_t sim_get_message(struct sim_socket *socket, void *room, size_t size)
{
	uint8_t packet[UINT8_MAX], len;

	if (sim_get(socket, &len, 1) == 0)
		return 0;
	(void)sim_get(socket, packet, len);
	memcpy(room, packet, len < size ? len : size);
	return len;
}

void sim_shut(struct sim_socket *socket)
{
	socket->has_shut = true;
	if (socket->peer)
		socket->peer->has_end = true;
}

void sim_shut_input(struct sim_socket *socket)
{
	socket->has_shut_input = true;
	socket->has_end = true;
}

void sim_close(struct sim_socket *socket, bool is_reset)
{
	struct sim_socket *peer = socket->peer;

	MUST(!socket->is_closed, "a socket is closed twice");
	/* What nobody will read resets the connection. */
	is_reset |= socket->len > 0;
	sim_shut(socket);
	socket->is_closed = true;
	if (peer)
		peer->is_reset |= is_reset;
	/* Nobody will accept them. */
	while (socket->pending_count > 0)
		sim_close(socket->pending[--socket->pending_count], true);
	free_where_closed(socket);
}

bool sim_has_ended(const struct sim_socket *socket)
{
	return socket->len == 0 && socket->has_end;
}

bool sim_is_left(const struct sim_socket *socket)
{
	return !socket->peer || socket->peer->is_closed;
}

int sim_socket_number(int fd)
{
	int number = fd - FIRST_FD;

	if (fd < FIRST_FD)
		return -1;
	MUST(number < SIM_SOCKETS_MAX, "no descriptor: %d", fd);
	MUST(sockets[number].kind != SIM_FREE && sockets[number].is_ours &&
		     (sockets[number].kind == SIM_LISTENING || !sockets[number].is_closed),
	     "a descriptor is used that is closed");
	return number;
}

int sim_socket_events(int number)
{
	const struct sim_socket *socket = &sockets[number];
	bool is_readable = socket->kind == SIM_LISTENING
				   ? socket->pending_count > 0
				   : socket->len > 0 || socket->has_end || socket->is_reset;
	bool is_writable = sim_is_left(socket) || sim_room(socket) > 0;

	if (socket->is_connecting)
		return 0;
	return (is_readable ? LOOP_READ : 0) | (is_writable || socket->error ? LOOP_WRITE : 0);
}

size_t sim_open_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < used_end; i++)
		count += sockets[i].is_ours && !sockets[i].is_closed &&
			 (sockets[i].kind == SIM_STREAM || sockets[i].kind == SIM_MESSAGES);
	return count;
}

struct sim_socket *sim_socket_of(int fd)
{
	return &sockets[sim_socket_number(fd)];
}

struct sim_socket *sim_find_listening(const char *path)
{
	for (size_t i = 0; i < used_end; i++)
		if (sockets[i].kind == SIM_LISTENING && sockets[i].path &&
		    strcmp(sockets[i].path, path) == 0)
			return &sockets[i];
	return NULL;
}

struct sim_socket *sim_connect_to(struct sim_socket *listening)
{
	struct sim_socket *ours;

	if (listening->pending_count >= listening->backlog)
		return NULL;
	ours = take_pair(SIM_STREAM);
	ours->is_connecting = listening->is_remote;
	listening->pending[listening->pending_count++] = ours->peer;
	return ours;
}
