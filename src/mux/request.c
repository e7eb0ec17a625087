#include "mux/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "mux/access_log.h"
#include "mux/authorizer.h"
#include "mux/backend.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "mux/request_records.h"
#include "mux/response.h"
#include "mux/route.h"
#include "mux/sendfile.h"

/* The id that nearly all have at their proc. */
enum { FIRST_PROC_ID = 1 };

static struct mux *request_mux(const struct request *request)
{
	return request->route->mux;
}

static bool is_blocked_now(const struct request *request)
{
	switch ((enum request_state)request->state) {
	case REQUEST_RECEIVING:
	case REQUEST_SENDING:
	case REQUEST_ABANDONED:
	case REQUEST_DONE:
		return false;
	case REQUEST_AUTHORIZING:
		return !request->has_input &&
		       request_buffered_len(request) >=
			       request_mux(request)->settings->request_buffer;
	case REQUEST_QUEUED:
		return !request->has_input;
	case REQUEST_RUNNING:
		return !request->has_input && request->proc &&
		       proc_connection_is_full(request->proc);
	}
	return false;
}

void request_update_blocked(struct request *request)
{
	struct front_connection *connection = request->connection;
	bool is_blocked = is_blocked_now(request);

	if (is_blocked == request->is_blocked)
		return;
	request->is_blocked = is_blocked;
	connection->blocked += is_blocked ? 1 : -1U;
	front_connection_update(connection);
}

/* Into the queue; its head is for those that have been out already. */
static void join_queue(struct request *request)
{
	struct queue *queue = &request->route->queue;

	list_detach(&request->running);
	if (request->state == REQUEST_RECEIVING)
		queue_append(queue, &request->ticket, &request->connection->source, loop_now_ms());
	else
		queue_return(queue, &request->ticket);
}

/* Off its connection, and what was received for the proc or the client is needed no more. */
static void leave_front(struct request *request)
{
	if (!list_is_empty(&request->link))
		request->connection->request_count--;
	list_detach(&request->link);
	buffer_fini(&request->records);
	response_free(request->response);
	request->response = NULL;
	sendfile_free(request->files, request->connection);
	request->files = NULL;
}

void request_set_state(struct request *request, enum request_state state)
{
	queue_remove(&request->route->queue, &request->ticket);
	switch (state) {
	case REQUEST_RECEIVING:
	case REQUEST_AUTHORIZING:
		break;
	case REQUEST_QUEUED:
		join_queue(request);
		break;
	case REQUEST_RUNNING:
		list_append(&request->proc->proc->backend->running, &request->running);
		request->running_since_ms = loop_now_ms();
		request->trace.proc = request->proc->proc;
		request->trace.pid = (int32_t)request->proc->proc->pid;
		break;
	case REQUEST_SENDING:
		list_detach(&request->running);
		break;
	case REQUEST_ABANDONED:
		leave_front(request);
		break;
	case REQUEST_DONE:
		leave_front(request);
		list_detach(&request->running);
		list_append(&request_mux(request)->ended_requests, &request->link);
		break;
	}
	request->state = (uint8_t)state;
	request_update_blocked(request);
	if (state == REQUEST_ABANDONED)
		request->connection = NULL;
}

bool request_is_awaited(const struct request *request)
{
	return request->state < REQUEST_ABANDONED;
}

void request_end(struct request *request)
{
	struct front_connection *connection = request->connection;
	struct proc_connection *proc = request->proc;

	if (request_mux(request)->access_log)
		access_log_add(request_mux(request)->access_log, request);
	if (!request->has_input)
		connection->is_lingering = true;
	if (!request->keep || request_mux(request)->is_draining)
		connection->is_over = true;
	authorizer_drop(request);
	if (proc)
		proc_connection_abandon(request);
	request_set_state(request, request->proc ? REQUEST_ABANDONED : REQUEST_DONE);
	/* What this one could not take held up the others there. */
	if (request->proc)
		proc_connection_update(proc);
	front_connection_update(connection);
}

static struct request *request_alloc(struct front_connection *connection, struct route *route,
				     uint16_t role)
{
	/* Not calloc(), which does not look into the thread's cache of what was freed just now. */
	struct request *request = malloc(sizeof(*request));

	if (!request)
		return NULL;
	*request = (struct request){.connection = connection, .route = route, .role = role};
	request->trace.began_ms = loop_now_ms();
	if (!buffer_room(&request->records, REQUEST_PARAMS_AT)) {
		free(request);
		return NULL;
	}
	/* The headers follow when what is in them is known. */
	buffer_grow(&request->records, REQUEST_PARAMS_AT);
	request->head_len = REQUEST_PARAMS_AT;
	request->proc_id = FIRST_PROC_ID;
	queue_ticket_init(&request->ticket);
	list_init(&request->link);
	list_init(&request->running);
	list_init(&request->carried);
	return request;
}

struct request *request_new(struct front_connection *connection, uint16_t id,
			    const struct record_begin *begin)
{
	struct route *first = connection->front->routing.routes[0];
	struct request *request = request_alloc(connection, first, begin->role);

	if (!request)
		return NULL;
	request->id = id;
	request->keep = begin->flags & RECORD_FLAG_KEEP_CONN;
	list_append(&connection->requests, &request->link);
	connection->request_count++;
	return request;
}

struct request *request_new_question(struct request *asker, struct route *route)
{
	struct request *question = request_alloc(asker->connection, route, RECORD_AUTHORIZER);

	if (!question)
		return NULL;
	question->asker = asker;
	question->method = RETRY_SAFE_METHODS;
	question->has_params = true;
	question->has_input = true;
	return question;
}

void request_free(struct request *request)
{
	assert(request->state == REQUEST_DONE);
	free(request);
}

void request_abort(struct request *request, const char *reason)
{
	struct param name = request_name(request);

	log_debug("request %.*s: dropped: %s", (int)name.value_len, name.value, reason);
	if (request->trace.ending == REQUEST_ENDED_WELL)
		request->trace.ending = REQUEST_ENDED_ABORTED;
	request_end(request);
}
