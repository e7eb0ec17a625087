#ifndef MUX_AUTHORIZER_H
#define MUX_AUTHORIZER_H

#include "base/buffer.h"
#include "fcgi/record_reader.h"

struct request;
struct route;

/*
 * Asks an authorizer (FastCGI 1.0, section 6.3) whether a request may pass. The question is a
 * request of its own, on no front connection: it waits in its route's queue, runs, is sent again or
 * fails as all others do, and whatever is not a whole answer that allows it lets nothing through.
 */

/*
 * The request is AUTHORIZING until the procs of the route have answered; then routing goes on with
 * it, or it ends. params: what they get, encoded.
 */
void authorizer_ask(struct request *request, struct route *route, const struct buffer *params);

/* A piece of the answer to a question that somebody waits for. */
void authorizer_take(struct request *question, const struct record_piece *piece);

/* That answer is complete, and the proc is released. */
void authorizer_finish(struct request *question);

/* The client has become slow, or takes more again, while this request may be asking. */
void authorizer_update(const struct request *request);

/* Nobody waits for the question any more. Returns the request that asked. */
struct request *authorizer_part(struct request *question);

/* The same for a request that ends while it asks. */
void authorizer_drop(struct request *request);

#endif
