#ifndef OS_LOOKUP_WORK_H
#define OS_LOOKUP_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "os/dns.h"
#include "os/host_set.h"
#include "os/lookup.h"
#include "os/resolver.h"

/*
 * A lookup while it runs: what is asked of the name servers, and what they have said. Replies only
 * fill it in; what follows from them is done by its step, in the next turn of the loop. So it is
 * freed where no reply is being read.
 */

/* What there is of one type, A or AAAA, for a name. */
struct lookup_family {
	struct lookup_target *target;
	struct resolver_question question;
	bool is_known;
};

/* A name of which the addresses are wanted. */
struct lookup_target {
	struct lookup_work *work;
	char name[DNS_NAME_SIZE];
	struct lookup_family families[LOOKUP_FAMILIES];
	struct host_set literals;
};

/* Who serves at a port of a target; a lookup of hosts has one of these. */
struct lookup_service {
	char name[DNS_NAME_SIZE]; /* of the target */
	size_t target;
	uint16_t port, priority, weight;
};

struct lookup_work {
	struct lookup *lookup;
	struct resolver *resolver;
	char name[ADDRESS_HOST_MAX + 1]; /* as it was written */
	char full_name[ADDRESS_HOST_MAX +
		       1]; /* that of those it may stand for which is asked for */
	size_t candidate;  /* the next of these */

	void (*step)(struct lookup_work *work); /* what is done when replies are there */
	void (*ask)(struct lookup_work *work);	/* how the full name is asked for */

	struct resolver_question question; /* for the services */
	struct lookup_service *services;   /* owned, as are the targets */
	size_t service_count, service_size;
	struct lookup_target *targets; /* in the order of their names */
	size_t target_count;
	size_t next_family;	  /* to be asked, of all targets */
	unsigned running, failed; /* questions */

	uint32_t ttl_s;
	bool is_unknown[LOOKUP_FAMILIES]; /* a question for these had no reply */
	bool is_partial;
	bool is_short;	     /* of memory */
	const char *failure; /* why there is nothing, where there is nothing */
};

/* NULL: no memory. */
struct lookup_work *lookup_work_new(struct lookup *lookup, struct resolver *resolver,
				    const char *name);

/* No reply comes any more. NULL: nothing. */
void lookup_work_free(struct lookup_work *work);

void lookup_target_init(struct lookup_target *target, struct lookup_work *work, const char *name);
void lookup_target_add(struct lookup_target *target, const uint8_t *literal, enum dns_type type);

/* Asks for addresses of this name, which become those of the family's target; name is borrowed. */
void lookup_family_ask(struct lookup_family *family, const char *name);

/* Reads a reply that has records, its times to live, and notes what cannot be read of it. */
bool lookup_work_open(struct lookup_work *work, struct dns_reader *reader,
		      const struct resolver_reply *reply);
bool lookup_work_next(struct lookup_work *work, struct dns_reader *reader,
		      struct dns_record *record);

/* One of the questions that run is over. */
void lookup_work_count(struct lookup_work *work, const struct resolver_reply *reply);

/* Asks for the next of the full names, or finishes. */
void lookup_work_try(struct lookup_work *work);

/* Frees the work: the lookup is over, and its owner told. */
void lookup_work_finish(struct lookup_work *work);

/* The lookup is over; it may begin anew before this returns. */
void lookup_end(struct lookup *lookup, const struct lookup_answer *answer);

#endif
