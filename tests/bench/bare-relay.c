/*
 * bare-relay: the least that can stand between a web server and FastCGI processes: a kept
 * connection to each, one queue, one epoll. A yardstick, not a product: no time-outs, no request
 * ids, no process that ends; it ends itself with the first error. "bare-relay --help" tells more.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/list.h"
#include "walk.h"

enum { READ_PIECE = 131072, ACCEPTS_MAX = 64, EVENTS_MAX = 64, BACKLOG = 4096 };
enum { FLAGS_AT = 2 }; /* in the content of BEGIN_REQUEST */

/* A connection, to a web server or to a process. */
struct end {
	int fd;
	bool is_proc;
	bool is_registered;
	bool keeps;	   /* a web server's, after its request */
	bool has_ended;	   /* the request or the answer that it sends */
	struct walk walk;  /* through what it sends */
	struct end *other; /* whom it talks with; NULL: it waits, or is idle */
	struct list link;  /* of a front in `waiting`, of a proc in `idle` */
	uint8_t *held;	   /* owned: what the other has not taken yet */
	size_t held_len;
};

static struct {
	int loop, listener;
	struct list waiting, idle;
	uint8_t scratch[READ_PIECE];
} relay;

static const char help[] =
	"Usage: bare-relay FRONT PROC...\n"
	"\n"
	"Gives each request that comes to the Unix socket FRONT to a process that listens on one of\n"
	"the others and is idle: the least that a relay costs, for measurements. Requests must\n"
	"begin with a whole BEGIN_REQUEST, one at a time on a connection.\n";

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_FAILURE, "%s: too long", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	return address;
}

static int socket_new(int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		err(EXIT_FAILURE, "socket");
	return fd;
}

static struct end *end_new(int fd, bool is_proc)
{
	struct end *end = calloc(1, sizeof(*end));

	if (!end)
		err(EXIT_FAILURE, "memory");
	end->fd = fd;
	end->is_proc = is_proc;
	list_init(&end->link);
	return end;
}

static void end_close(struct end *end)
{
	close(end->fd);
	free(end->held);
	free(end);
}

static void watch(struct end *end, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = end};

	if (epoll_ctl(relay.loop, end->is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, end->fd,
		      &event) < 0)
		err(EXIT_FAILURE, "epoll_ctl");
	end->is_registered = true;
}

static void hold(struct end *end, const uint8_t *bytes, size_t len)
{
	uint8_t *held = malloc(len);

	if (!held)
		err(EXIT_FAILURE, "memory");
	memcpy(held, bytes, len);
	free(end->held);
	end->held = held;
	end->held_len = len;
}

/* To the other end; what that does not take now is held, and nothing more is read until it has. */
static void pass(struct end *end, const uint8_t *bytes, size_t len)
{
	ssize_t sent = send(end->other->fd, bytes, len, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		err(EXIT_FAILURE, "send");
	sent = sent < 0 ? 0 : sent;
	if ((size_t)sent == len)
		return;
	hold(end, bytes + sent, len - (size_t)sent);
	watch(end, 0);
	watch(end->other, EPOLLIN | EPOLLOUT);
}

static void pass_held(struct end *end)
{
	uint8_t *bytes = end->held;
	size_t len = end->held_len;

	end->held = NULL;
	end->held_len = 0;
	pass(end, bytes, len);
	free(bytes);
}

static void pair(struct end *front, struct end *proc)
{
	front->other = proc;
	proc->other = front;
	proc->has_ended = false;
}

/* The process has the next request before the answer to the last one is passed on. */
static void give_next(struct end *proc)
{
	struct list *first = list_first(&relay.waiting);
	struct end *front = first ? container_of(first, struct end, link) : NULL;

	if (!front) {
		list_prepend(&relay.idle, &proc->link);
		return;
	}
	list_detach(&front->link);
	pair(front, proc);
	pass_held(front);
	if (!front->held && !front->has_ended)
		watch(front, EPOLLIN);
}

/* The end of an answer. */
static void finish(struct end *front)
{
	front->other = NULL;
	front->has_ended = false;
	if (!front->keeps)
		end_close(front);
}

static void take_from_proc(struct end *proc, const uint8_t *bytes, size_t len)
{
	struct end *front = proc->other;

	if (!front)
		errx(EXIT_FAILURE, "a process answers without being asked");
	if (!proc->has_ended) {
		pass(proc, bytes, len);
		return;
	}
	proc->other = NULL;
	give_next(proc);
	/* A socket's buffer holds the last piece of an answer: no place for another rule. */
	if (send(front->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(EXIT_FAILURE, "send the end of an answer");
	finish(front);
}

static void take_from_front(struct end *front, const uint8_t *bytes, size_t len)
{
	struct list *first = list_first(&relay.idle);

	if (!front->other && first) {
		list_detach(first);
		pair(front, container_of(first, struct end, link));
	}
	if (front->other) {
		pass(front, bytes, len);
		return;
	}
	hold(front, bytes, len);
	list_append(&relay.waiting, &front->link);
	if (front->is_registered && !front->has_ended)
		watch(front, 0);
}

/* Sees where the request or the answer ends; the process is to keep its connection in any case. */
static void look_at(struct end *end, uint8_t *bytes, size_t len)
{
	uint8_t *at = bytes, *behind = bytes + len;
	struct walk_piece piece;
	enum walk_result result;

	while ((result = walk_next(&end->walk, &at, behind, &piece)) == WALK_PIECE) {
		if (piece.type == RECORD_BEGIN_REQUEST && piece.len > FLAGS_AT) {
			end->keeps = piece.bytes[FLAGS_AT] & RECORD_FLAG_KEEP_CONN;
			piece.bytes[FLAGS_AT] |= RECORD_FLAG_KEEP_CONN;
		}
		if (piece.type == RECORD_STDIN && piece.is_first && piece.is_last)
			end->has_ended |= piece.len == 0;
		else if (piece.type == RECORD_END_REQUEST)
			end->has_ended = piece.is_last;
	}
	if (result == WALK_BAD)
		errx(EXIT_FAILURE, "this is no FastCGI 1");
}

/* False: the end is closed. */
static bool receive(struct end *end)
{
	ssize_t len = recv(end->fd, relay.scratch, sizeof(relay.scratch), 0);

	if (len < 0 && errno == EAGAIN)
		return true;
	if (len <= 0) {
		if (end->is_proc || end->other)
			errx(EXIT_FAILURE, "a connection ends in the middle of a request");
		list_detach(&end->link);
		end_close(end);
		return false;
	}
	look_at(end, relay.scratch, (size_t)len);
	if (end->is_proc)
		take_from_proc(end, relay.scratch, (size_t)len);
	else
		take_from_front(end, relay.scratch, (size_t)len);
	return true;
}

/* Read at once, and registered only where there is more to come. */
static void accept_all(void)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(relay.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct end *front;

		if (fd < 0)
			return;
		front = end_new(fd, false);
		if (!receive(front) || front->is_registered)
			continue;
		if (front->has_ended ? front->keeps : !front->held)
			watch(front, EPOLLIN);
	}
}

static void on_ready(struct end *end, uint32_t events)
{
	if (events & EPOLLOUT) {
		struct end *sender = end->other;

		watch(end, EPOLLIN);
		pass_held(sender);
		if (!sender->held)
			watch(sender, EPOLLIN);
	} else if (events & (EPOLLIN | EPOLLHUP)) {
		(void)receive(end);
	}
}

static void open_front(const char *path)
{
	struct sockaddr_un address = unix_address(path);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	relay.listener = socket_new(SOCK_NONBLOCK);
	if (bind(relay.listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(relay.listener, BACKLOG) < 0 ||
	    epoll_ctl(relay.loop, EPOLL_CTL_ADD, relay.listener, &event) < 0)
		err(EXIT_FAILURE, "%s", path);
}

static void open_proc(const char *path)
{
	struct sockaddr_un address = unix_address(path);
	struct end *proc = end_new(socket_new(SOCK_NONBLOCK), true);

	if (connect(proc->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err(EXIT_FAILURE, "%s", path);
	watch(proc, EPOLLIN);
	list_append(&relay.idle, &proc->link);
}

static void run(void)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int count = epoll_wait(relay.loop, events, EVENTS_MAX, -1);

		if (count < 0 && errno != EINTR)
			err(EXIT_FAILURE, "epoll_wait");
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				on_ready(events[i].data.ptr, events[i].events);
			else
				accept_all();
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (argc < 3) {
		fputs(help, stderr);
		return EXIT_FAILURE;
	}
	relay.loop = epoll_create1(EPOLL_CLOEXEC);
	if (relay.loop < 0)
		err(EXIT_FAILURE, "epoll_create1");
	list_init(&relay.waiting);
	list_init(&relay.idle);
	open_front(argv[1]);
	for (int i = 2; i < argc; i++)
		open_proc(argv[i]);
	run();
}
