#include "load_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

uint64_t load_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Where the run finds it. The last used comes first, as in a web server's cache. */
static void settle(struct load_connection *connection)
{
	list_detach(&connection->link);
	if (!list_is_empty(&connection->free) && !connection->is_shut)
		list_prepend(&connection->shared->idle, &connection->link);
}

static void rest(struct load_connection *connection)
{
	list_detach(&connection->link);
	list_append(&connection->shared->resting, &connection->link);
}

static bool init_requests(struct load_connection *connection)
{
	size_t count = connection->shared->options->per_connection;

	connection->requests = calloc(count, sizeof(*connection->requests));
	if (!connection->requests)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct load_request *request = &connection->requests[i];

		if (!load_request_init(request, &connection->shared->recipe, (uint16_t)(i + 1)))
			return false;
		list_append(&connection->free, &request->link);
	}
	return true;
}

bool load_connection_init(struct load_connection *connection, struct load_shared *shared)
{
	*connection = (struct load_connection){.shared = shared, .fd = -1};
	list_init(&connection->link);
	list_init(&connection->free);
	list_init(&connection->unsent);
	if (!init_requests(connection))
		return false;
	list_append(&shared->idle, &connection->link);
	return true;
}

/* Closing takes it out of epoll too: nobody else has this descriptor. */
static void close_socket(struct load_connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->events = 0;
	connection->is_connecting = false;
	connection->is_shut = false;
	connection->walk = (struct walk){0};
	connection->end_len = 0;
}

void load_connection_fini(struct load_connection *connection)
{
	size_t count = connection->requests ? connection->shared->options->per_connection : 0;

	close_socket(connection);
	for (size_t i = 0; i < count; i++)
		load_request_fini(&connection->requests[i]);
	free(connection->requests);
}

/* The request is over, well or not. */
static void release(struct load_connection *connection, struct load_request *request)
{
	request->is_active = false;
	list_detach(&request->link);
	list_append(&connection->free, &request->link);
	connection->active--;
	connection->shared->outstanding--;
}

/* Everything on the connection is lost; what had not begun to be answered, too. */
static void fail(struct load_connection *connection, enum load_error error)
{
	size_t count = connection->shared->options->per_connection;

	close_socket(connection);
	connection->shared->stats->errors[error] += connection->active;
	for (size_t i = 0; i < count && connection->active > 0; i++)
		if (connection->requests[i].is_active)
			release(connection, &connection->requests[i]);
	settle(connection);
}

static void watch(struct load_connection *connection, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};
	int operation = connection->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == connection->events)
		return;
	if (epoll_ctl(connection->shared->epoll_fd, operation, connection->fd, &event) < 0)
		abort(); /* no memory in the kernel: no measurement */
	connection->events = events;
}

int load_connection_open(struct load_connection *connection)
{
	int fd = socket_connect(&connection->shared->options->address, &connection->is_connecting);

	if (fd < 0)
		return fd;
	connection->fd = fd;
	if (!connection->is_connecting)
		connection->shared->stats->connects++;
	return 0;
}

/*
 * A kept connection that takes not a byte of its next request was closed between the two: nobody
 * has got that request, and it goes over a new one, when those before it are answered.
 */
static bool is_refused(const struct load_connection *connection, const struct load_request *request)
{
	return errno == EPIPE && request->sent == 0 &&
	       (connection->active > 1 || connection->answers > connection->answers_before);
}

static bool waits_for_answers(const struct load_connection *connection)
{
	size_t waiting = connection->active;

	list_for_each (link, after, &connection->unsent)
		waiting--;
	return waiting > 0;
}

/* False: the socket takes no more now, or is broken (then all is lost). */
static bool send_some(struct load_connection *connection, struct load_request *request)
{
	const struct load_recipe *recipe = &connection->shared->recipe;
	size_t head_sent = walk_least(request->sent, recipe->head_len);
	size_t body_sent = request->sent - head_sent;
	struct iovec parts[2] = {
		{.iov_base = request->head + head_sent, .iov_len = recipe->head_len - head_sent},
		{.iov_base = (void *)(uintptr_t)(request->body + body_sent),
		 .iov_len = recipe->body_len - body_sent},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t len = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (len < 0 && errno != EAGAIN && errno != EINTR) {
		connection->is_shut = is_refused(connection, request);
		if (!connection->is_shut)
			fail(connection, LOAD_RESET);
	}
	if (len <= 0)
		return false;
	request->sent += (size_t)len;
	return true;
}

static void flush_unsent(struct load_connection *connection)
{
	const struct load_recipe *recipe = &connection->shared->recipe;
	struct list *link;

	while (!connection->is_connecting && !connection->is_shut &&
	       (link = list_first(&connection->unsent))) {
		struct load_request *request = container_of(link, struct load_request, link);

		if (!send_some(connection, request))
			break;
		if (request->sent == recipe->head_len + recipe->body_len)
			list_detach(&request->link);
	}
	if (connection->fd < 0)
		return;
	if (connection->is_connecting ||
	    (!list_is_empty(&connection->unsent) && !connection->is_shut))
		watch(connection, EPOLLIN | EPOLLOUT);
	else
		watch(connection, EPOLLIN);
}

/* Once the old one has brought all that it had. */
static void renew(struct load_connection *connection)
{
	bool is_useful = connection->answers > connection->answers_before;

	if (!connection->is_shut || waits_for_answers(connection))
		return;
	close_socket(connection);
	connection->answers_before = connection->answers;
	connection->shared->stats->reopened++;
	if (!is_useful || load_connection_open(connection) < 0) {
		fail(connection, LOAD_RESET);
		return;
	}
	settle(connection);
	flush_unsent(connection);
}

void load_connection_start(struct load_connection *connection, uint64_t since_ns, unsigned class)
{
	struct load_shared *shared = connection->shared;
	struct load_request *request;

	connection->has_tried = true;
	if (connection->fd < 0 && load_connection_open(connection) < 0) {
		shared->stats->errors[LOAD_REFUSED]++;
		rest(connection);
		return;
	}
	request =
		container_of(connection->free.next, struct load_request, link); /* idle: has one */
	request->since_ns = since_ns;
	request->class = class;
	load_request_start(request, &shared->recipe, shared->next_token++);
	list_detach(&request->link);
	list_append(&connection->unsent, &request->link);
	connection->active++;
	shared->outstanding++;
	settle(connection);
	flush_unsent(connection);
	renew(connection);
}

static void count_answer(struct load_connection *connection, const struct load_request *request)
{
	struct load_shared *shared = connection->shared;
	struct load_stats *stats = shared->stats;
	enum load_error error = load_request_end(request, &shared->recipe, connection->end);

	shared->now_ns = load_now_ns();
	if (error != LOAD_ERROR_COUNT) {
		stats->errors[error]++;
		return;
	}
	histogram_add(&stats->all, shared->now_ns - request->since_ns);
	histogram_add(&stats->classes[request->class], shared->now_ns - request->since_ns);
	stats->answers++;
	stats->answers_late += shared->now_ns > shared->end_ns;
	shared->last_answer_ns = shared->now_ns;
	connection->answers++;
}

/* At END_REQUEST. False: the connection is closed. */
static bool finish(struct load_connection *connection, struct load_request *request)
{
	/* Answered before it was sent in whole: what is sent next would be taken for the rest. */
	bool is_early = !list_is_empty(&request->link);

	count_answer(connection, request);
	connection->end_len = 0;
	release(connection, request);
	if (is_early || !connection->shared->options->keeps)
		fail(connection, LOAD_CUT_OFF);
	else
		settle(connection);
	return connection->fd >= 0;
}

/* False: the connection is closed. */
static bool take_end(struct load_connection *connection, struct load_request *request,
		     const struct walk_piece *piece)
{
	if (connection->end_len + piece->len > sizeof(connection->end)) {
		fail(connection, LOAD_WRONG);
		return false;
	}
	memcpy(connection->end + connection->end_len, piece->bytes, piece->len);
	connection->end_len = (uint8_t)(connection->end_len + piece->len);
	if (!piece->is_last)
		return true;
	if (connection->end_len == sizeof(connection->end))
		return finish(connection, request);
	fail(connection, LOAD_WRONG);
	return false;
}

/* False: the connection is closed. */
static bool take_piece(struct load_connection *connection, const struct walk_piece *piece)
{
	struct load_shared *shared = connection->shared;
	struct load_request *request = NULL;

	if (piece->id >= 1 && piece->id <= shared->options->per_connection)
		request = &connection->requests[piece->id - 1];
	if (request && request->is_active) {
		if (piece->type == RECORD_END_REQUEST)
			return take_end(connection, request, piece);
		if (piece->type == RECORD_STDERR)
			shared->stats->stderr_len += piece->len;
		if (piece->type == RECORD_STDOUT)
			load_request_take(request, &shared->recipe, piece->bytes, piece->len);
		if (piece->type == RECORD_STDOUT || piece->type == RECORD_STDERR)
			return true;
	}
	/* An answer to nothing that was asked. */
	shared->stats->errors[LOAD_WRONG] += connection->active == 0;
	fail(connection, LOAD_WRONG);
	return false;
}

static void take_bytes(struct load_connection *connection, size_t len)
{
	uint8_t *at = connection->shared->scratch, *end = at + len;
	struct walk_piece piece;
	enum walk_result result;

	while ((result = walk_next(&connection->walk, &at, end, &piece)) == WALK_PIECE)
		if (!take_piece(connection, &piece))
			return;
	if (result == WALK_BAD)
		fail(connection, LOAD_WRONG);
}

static void on_closed(struct load_connection *connection, ssize_t len)
{
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (connection->active == 0)
		connection->shared->stats->reopened++;
	fail(connection, len < 0 ? LOAD_RESET : LOAD_CUT_OFF);
}

static void read_answers(struct load_connection *connection)
{
	struct load_shared *shared = connection->shared;
	ssize_t len;

	do { /* a short read means that there is no more */
		len = recv(connection->fd, shared->scratch, sizeof(shared->scratch), 0);
		if (len <= 0)
			on_closed(connection, len);
		else
			take_bytes(connection, (size_t)len);
	} while (connection->fd >= 0 && len == (ssize_t)sizeof(shared->scratch));
}

static void on_connected(struct load_connection *connection)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		fail(connection, LOAD_REFUSED);
		rest(connection);
		return;
	}
	connection->is_connecting = false;
	connection->shared->stats->connects++;
}

void load_connection_on_event(struct load_connection *connection, uint32_t events)
{
	if (connection->is_connecting)
		on_connected(connection);
	if (connection->fd >= 0 && (events & EPOLLOUT))
		flush_unsent(connection);
	if (connection->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		read_answers(connection);
	if (connection->fd >= 0)
		renew(connection);
}

void load_connection_expire(struct load_connection *connection)
{
	const struct load_options *options = connection->shared->options;
	uint64_t limit_ns = options->timeout_ms * 1000000;

	for (size_t i = 0; i < options->per_connection && connection->active > 0; i++) {
		const struct load_request *request = &connection->requests[i];

		if (request->is_active && connection->shared->now_ns > request->since_ns + limit_ns)
			fail(connection, LOAD_TIMEOUT);
	}
}
