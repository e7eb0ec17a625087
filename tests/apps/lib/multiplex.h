#ifndef LIB_MULTIPLEX_H
#define LIB_MULTIPLEX_H

#include <pthread.h>
#include <unistd.h>

#include "responder.h"

/*
 * Many requests at once on a connection, and many connections: a thread for each, so that every
 * command may take its time. ABORT_REQUEST ends the command that is under way, and then the
 * request. A peer that breaks the rules for ids is told of on stderr and loses its connection.
 */

static struct {
	bool (*answer)(struct request *request); /* whether the connection stays */
	unsigned long max_reqs;			 /* more at once are refused */
	atomic_ulong count;			 /* of requests, on all connections */
} multiplex;

struct shared {
	int fd;
	unsigned long number;
	pthread_mutex_t lock;	  /* of what follows, and for sending */
	struct request *requests; /* owned, by next */
	unsigned users;		  /* threads that know it */
};

static void start_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument) != 0) {
		perror("misbehave: thread");
		_exit(1);
	}
	pthread_detach(thread);
}

/* The following want the lock held. */

static struct request *shared_find(const struct shared *shared, uint16_t id)
{
	struct request *request = shared->requests;

	while (request != NULL && (request->id != id || request->is_over))
		request = request->next;
	return request;
}

static void shared_note_count(struct shared *shared)
{
	unsigned count = 0;

	for (struct request *request = shared->requests; request != NULL; request = request->next)
		count += !request->is_over;
	for (struct request *request = shared->requests; request != NULL; request = request->next)
		if (count > request->at_once_max)
			request->at_once_max = count;
}

static void shared_remove(struct shared *shared, struct request *request)
{
	struct request **link = &shared->requests;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	if (!request->is_over)
		multiplex.count--;
	request_fini(request);
	free(request);
}

static void shared_add(struct shared *shared, const struct wire_record *record)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		abort();
	(void)request_take(request, record);
	request->connection = shared->fd;
	request->connection_number = shared->number;
	request->shared = shared;
	request->lock = &shared->lock;
	request->count = &multiplex.count;
	request->next = shared->requests;
	shared->requests = request;
	shared_note_count(shared);
}

/* Gives the lock up, and the connection with its last user. */
static void shared_leave(struct shared *shared)
{
	unsigned users = --shared->users;

	pthread_mutex_unlock(&shared->lock);
	if (users > 0)
		return;
	while (shared->requests != NULL)
		shared_remove(shared, shared->requests);
	close(shared->fd);
	pthread_mutex_destroy(&shared->lock);
	free(shared);
}

static void *run_request(void *argument)
{
	struct request *request = argument;
	struct shared *shared = request->shared;

	if (!multiplex.answer(request))
		shutdown(shared->fd, SHUT_RDWR);
	pthread_mutex_lock(&shared->lock);
	shared_remove(shared, request);
	shared_leave(shared);
	return NULL;
}

/* Whether the connection stays. */
static bool shared_begin(struct shared *shared, const struct wire_record *record)
{
	struct bytes out = {0};

	if (shared_find(shared, record->id) != NULL) {
		dprintf(2, "id %u began again before its end\n", record->id);
		return false;
	}
	if (++multiplex.count <= multiplex.max_reqs) {
		shared_add(shared, record);
		return true;
	}
	multiplex.count--;
	dprintf(2, "more requests than it takes\n");
	wire_add_end(&out, record->id, 0, WIRE_OVERLOADED);
	(void)wire_send(shared->fd, out.at, out.len);
	free(out.at);
	return true;
}

static void shared_abort(struct shared *shared, struct request *request)
{
	struct bytes out = {0};

	dprintf(2, "aborted id=%u\n", request->id);
	request->is_aborted = true;
	if (request->is_started)
		return;
	wire_add_end(&out, request->id, 0, 0);
	(void)wire_send(shared->fd, out.at, out.len);
	free(out.at);
	shared_remove(shared, request);
}

/* Whether the connection stays. */
static bool shared_take(struct shared *shared, const struct wire_record *record)
{
	struct request *request = shared_find(shared, record->id);

	if (record->type == WIRE_BEGIN_REQUEST)
		return shared_begin(shared, record);
	if (request != NULL && record->type == WIRE_ABORT_REQUEST) {
		shared_abort(shared, request);
	} else if (request != NULL && !request->is_started && request_take(request, record)) {
		request->is_started = true;
		shared->users++;
		start_thread(run_request, request);
	}
	return true;
}

static struct shared *shared_open(int fd)
{
	static atomic_ulong number;
	struct shared *shared = calloc(1, sizeof(*shared));

	if (shared == NULL)
		abort();
	shared->fd = fd;
	shared->number = ++number;
	shared->users = 1;
	pthread_mutex_init(&shared->lock, NULL);
	return shared;
}

/* Reads until the connection ends; take_values as in misbehave.c. */
static void shared_serve(struct shared *shared,
			 bool (*take_values)(int fd, struct wire_record *record))
{
	struct wire_record *record = malloc(sizeof(*record));
	bool stays = true;

	while (record != NULL && stays && wire_receive_record(shared->fd, record) == 0) {
		pthread_mutex_lock(&shared->lock);
		stays = record->id == 0 ? take_values(shared->fd, record)
					: shared_take(shared, record);
		pthread_mutex_unlock(&shared->lock);
	}
	free(record);
	shutdown(shared->fd, SHUT_RDWR);
	pthread_mutex_lock(&shared->lock);
	for (struct request *request = shared->requests; request != NULL; request = request->next)
		request->is_gone = true;
	shared_leave(shared);
}

#endif
