#ifndef BENCH_LOAD_CONNECTION_H
#define BENCH_LOAD_CONNECTION_H

#include "load_request.h"

/*
 * One of the load's connections with the requests on it: sends, reads, counts. A connection that
 * is closed opens itself for the next request. It never starts one by itself: it goes to the idle
 * list, and the run decides.
 */

enum { LOAD_READ_PIECE = PATTERN_MAX };

/* What all connections of a run share. */
struct load_shared {
	const struct load_options *options; /* borrowed */
	struct load_stats *stats;	    /* borrowed */
	struct load_recipe recipe;
	int epoll_fd;
	uint64_t now_ns; /* of the monotonic clock; renewed at each wake-up and each end */
	uint64_t end_ns; /* answers from then on are late */
	uint64_t last_answer_ns;
	uint64_t next_token;
	size_t outstanding;  /* requests under way */
	struct list idle;    /* connections with room for a request */
	struct list resting; /* were refused; the run brings them back after a while */
	uint8_t scratch[LOAD_READ_PIECE];
};

struct load_connection {
	struct list link; /* idle, resting, or to itself: no room */
	struct load_shared *shared;
	struct load_request *requests; /* owned; per_connection of them, of id 1, 2, ... */
	struct list free;	       /* of them */
	struct list unsent;	       /* of them, first in first out */
	size_t active;		       /* of them; each is one of shared->outstanding */
	int fd;
	uint32_t events; /* what epoll looks for; 0: not registered */
	bool is_connecting;
	bool is_shut;	/* takes no more requests, but may answer those that it has */
	bool has_tried; /* had a request ever */
	uint64_t answers;
	uint64_t answers_before; /* of them, over earlier sockets */
	struct walk walk;
	uint8_t end[RECORD_BEGIN_LEN - RECORD_HEADER_LEN]; /* an END_REQUEST that comes in pieces */
	uint8_t end_len;
};

uint64_t load_now_ns(void);

/* Idle, and closed. False: no memory; to be ended with _fini all the same. */
bool load_connection_init(struct load_connection *connection, struct load_shared *shared);
void load_connection_fini(struct load_connection *connection);

/* Only connects. 0 or -errno. */
int load_connection_open(struct load_connection *connection) __attribute__((warn_unused_result));

/* Sends a request of this class on an idle connection. It counts what becomes of it. */
void load_connection_start(struct load_connection *connection, uint64_t since_ns, unsigned class);

void load_connection_on_event(struct load_connection *connection, uint32_t events);

/* Gives up where a request is older than the time-out. */
void load_connection_expire(struct load_connection *connection);

#endif
