#ifndef LIB_RESPONDER_H
#define LIB_RESPONDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "wire.h"

struct shared;

/*
 * One request of a responder, from its first record to its answer. Alone on its connection, or one
 * of those that share it (lib/multiplex.h).
 */

struct request {
	int connection;
	uint16_t id;
	bool is_authorizer; /* has no body */
	bool keep;
	bool head_sent;
	struct bytes params;
	struct bytes body;   /* of the request */
	struct bytes answer; /* text for STDOUT, not sent yet */
	unsigned status;     /* of HTTP */
	uint32_t app_status;
	unsigned long number;		 /* of the requests of this process, from 1 */
	int exit_status;		 /* to exit with once answered; -1: no exit */
	unsigned long connection_number; /* of the connections of this process, from 1 */

	/* Where it shares its connection. */
	struct shared *shared; /* borrowed; else NULL */
	struct request *next;  /* of those on it */
	pthread_mutex_t *lock; /* for sending; else NULL */
	atomic_ulong *count;   /* of all requests not over; else NULL */
	unsigned at_once_max;  /* most requests on the connection since it began */
	bool is_started, is_over;
	bool is_deaf;			 /* does not care that it was aborted */
	atomic_bool is_aborted, is_gone; /* gone: with the connection */
};

/* Its connection may carry another one then. */
static inline void request_fini(struct request *request)
{
	const struct request next = {.connection = request->connection,
				     .connection_number = request->connection_number};

	free(request->params.at);
	free(request->body.at);
	free(request->answer.at);
	memcpy(request, &next, sizeof(next));
}

struct param_search {
	const char *name;
	char *found; /* malloced */
};

static inline void param_match(void *context, const char *name, int name_len, const char *value,
			       int value_len)
{
	struct param_search *search = context;

	if ((size_t)name_len != strlen(search->name) ||
	    memcmp(name, search->name, (size_t)name_len) != 0)
		return;
	free(search->found);
	search->found = strndup(value, (size_t)value_len);
}

/* A param's value, malloced; empty where there is none. */
static inline char *request_param(const struct request *request, const char *name)
{
	struct param_search search = {.name = name};

	(void)wire_each_pair(&request->params, &search, param_match);
	return search.found != NULL ? search.found : strdup("");
}

/* Whole records, and nothing of another request between them. 0 or -1. */
static inline int request_send(struct request *request, const struct bytes *out, bool is_last)
{
	int result;

	if (request->lock != NULL)
		pthread_mutex_lock(request->lock);
	/* As soon as this has come, its id may be used again, and there is room for one more. */
	request->is_over = is_last;
	if (is_last && request->count != NULL)
		--*request->count;
	result = wire_send(request->connection, out->at, out->len);
	if (request->lock != NULL)
		pthread_mutex_unlock(request->lock);
	return result;
}

/* What was said so far, after the head, as records. */
static inline void request_add_answer(struct request *request, struct bytes *out)
{
	char head[64];

	if (!request->head_sent) {
		int len =
			snprintf(head, sizeof(head),
				 "Status: %u\r\nContent-Type: text/plain\r\n\r\n", request->status);

		wire_add_record(out, WIRE_STDOUT, request->id, head, (size_t)len);
		request->head_sent = true;
	}
	wire_add_stream(out, WIRE_STDOUT, request->id, &request->answer);
	request->answer.len = 0;
}

/* Sends what was said so far. 0 or -1. */
static inline int request_flush(struct request *request)
{
	struct bytes out = {0};
	int result;

	request_add_answer(request, &out);
	result = request_send(request, &out, false);
	free(out.at);
	return result;
}

/* The rest, the end of STDOUT and of the request, in one go. 0 or -1. */
static inline int request_end(struct request *request)
{
	struct bytes out = {0};
	int result;

	request_add_answer(request, &out);
	wire_add_record(&out, WIRE_STDOUT, request->id, NULL, 0);
	wire_add_end(&out, request->id, request->app_status, 0);
	result = request_send(request, &out, true);
	free(out.at);
	return result;
}

/*
 * Takes a record of a request into account. Returns true when the whole request is there:
 * BEGIN_REQUEST, all PARAMS and, unless it is for an authorizer, all of STDIN.
 */
static inline bool request_take(struct request *request, const struct wire_record *record)
{
	switch (record->type) {
	case WIRE_BEGIN_REQUEST:
		request_fini(request);
		request->id = record->id;
		request->is_authorizer = record->content[1] == WIRE_AUTHORIZER;
		request->keep = record->content[2] & WIRE_KEEP_CONN;
		request->status = 200;
		return false;
	case WIRE_PARAMS:
		bytes_add(&request->params, record->content, record->len);
		return record->len == 0 && request->is_authorizer;
	case WIRE_STDIN:
		bytes_add(&request->body, record->content, record->len);
		return record->len == 0 && !request->is_authorizer;
	default:
		return false;
	}
}

#endif
