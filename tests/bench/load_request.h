#ifndef BENCH_LOAD_REQUEST_H
#define BENCH_LOAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "load_options.h"
#include "load_stats.h"
#include "pattern.h"
#include "walk.h"

/*
 * One request: the bytes to send, which are made once and then only get a new token and service
 * time, and the check of the answer as it comes. No descriptors here.
 */

enum { TOKEN_LEN = 16, ANSWER_HEAD_MAX = 512 };

/* What all requests of a run share. */
struct load_recipe {
	const struct load_options *options; /* borrowed */
	struct pattern pattern;
	uint8_t *head; /* owned: BEGIN to the end of PARAMS, for id 1 */
	size_t head_len;
	size_t token_at, sleep_at; /* in head */
	uint8_t **bodies;	   /* owned: STDIN to its end, for id 1, 2, ...; made when needed */
	size_t body_len;	   /* of each, with its headers */
	char verdict[64];	   /* what follows the token in an answer */
	size_t verdict_len;
};

struct load_request {
	struct list link; /* among those not sent yet; to itself when it is sent */
	uint8_t *head;	  /* owned; the recipe's with this id, token and service time */
	const uint8_t *body;
	size_t sent; /* of head and body together */
	uint64_t since_ns;
	unsigned class;
	bool is_active;

	/* The answer so far. */
	char answer_head[ANSWER_HEAD_MAX]; /* up to the line with the token */
	size_t answer_head_len;
	size_t body_place; /* of the pattern behind it */
	bool is_in_body;   /* the head is over, status is valid */
	bool is_wrong;
	unsigned status;
};

/* False: no memory. */
bool load_recipe_init(struct load_recipe *recipe, const struct load_options *options);
void load_recipe_fini(struct load_recipe *recipe);

/* For the request of this id. False: no memory. */
bool load_request_init(struct load_request *request, struct load_recipe *recipe, uint16_t id);
void load_request_fini(struct load_request *request);

/* Begins anew with a token of its own. */
void load_request_start(struct load_request *request, const struct load_recipe *recipe,
			uint64_t token);

/* Some of the answer's STDOUT. */
void load_request_take(struct load_request *request, const struct load_recipe *recipe,
		       const uint8_t *bytes, size_t len);

/* Judges the answer at its END_REQUEST record's content; LOAD_ERROR_COUNT: it is good. */
enum load_error load_request_end(const struct load_request *request,
				 const struct load_recipe *recipe, const uint8_t *end);

#endif
