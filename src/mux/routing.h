#ifndef MUX_ROUTING_H
#define MUX_ROUTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/buffer.h"
#include "config/lists.h"
#include "policy/route.h"

struct backend;
struct mux;
struct request;
struct route;

/* Which route each request of a front is for, and what its application sees of it. */
struct routing {
	struct route_table table;
	struct route **routes;	   /* owned, they are the mux's: one for each key of the table */
	struct text_list suffixes; /* owned: what the table's maps begin with */
	bool is_plain;		   /* all go to the first, as they are */
};

/* What an authorizer has said of a request that may pass. */
struct routing_pass {
	struct buffer variables; /* owned: encoded name-value pairs */
	const char *docroot;	 /* borrowed; NULL: none */
};

/* For the sections that listen at an address. NULL, or a malloced sentence. */
char *routing_init(struct routing *routing, struct mux *mux, const struct address *front);
void routing_fini(struct routing *routing);

/*
 * All parameters of a request are there: finds its route, asks an authorizer where there is one,
 * and has its parameters rewritten. What may not pass is answered. has_denied: some of them are
 * kept from every application.
 */
void routing_apply(struct request *request, bool has_denied);

/* The same for one that an authorizer has let pass. */
void routing_apply_authorized(struct request *request, const struct routing_pass *pass);

#endif
