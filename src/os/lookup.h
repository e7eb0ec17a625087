#ifndef OS_LOOKUP_H
#define OS_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "os/resolver.h"

/*
 * Which hosts a name stands for: /etc/hosts, then the name servers, with the search domains of
 * resolv.conf(5) as for any other program. Only where a server says that a name is not there the
 * next domain is tried: one that fails must not lead to another host of the same name.
 */

/* Hosts of one answer; what is beyond that is left out. */
enum { LOOKUP_HOSTS_MAX = 4096 };

/* Seconds: what /etc/hosts says has no time to live. */
enum { LOOKUP_FILE_TTL_S = 30 };

struct lookup_host {
	struct address address;	   /* a literal and a port */
	uint16_t priority, weight; /* of SRV; 0 and 1 where there are none */
};

/* Borrowed until the callback returns, with all in it. */
struct lookup_answer {
	const struct lookup_host *hosts; /* each address and port once, in their order */
	size_t count;
	size_t left_out;     /* hosts beyond LOOKUP_HOSTS_MAX */
	uint32_t ttl_s;	     /* the least of all records */
	bool is_partial;     /* there may be more, as a question of several had no reply */
	const char *failure; /* NULL: it is good; else part of a sentence, and count is 0 */
};

enum { LOOKUP_FAMILIES = 2 };

/*
 * Lives in its owner, and is used for one name again and again. Some name servers never reply to a
 * question for AAAA: that makes an answer partial only where there were such addresses once.
 */
struct lookup {
	void (*on_answer)(struct lookup *lookup, const struct lookup_answer *answer);
	struct resolver_user user;
	struct lookup_work *work; /* owned; NULL: it does not run, or there was no memory */
	bool is_running;
	bool had_hosts[LOOKUP_FAMILIES]; /* of A, of AAAA */
};

void lookup_init(struct lookup *lookup,
		 void (*on_answer)(struct lookup *, const struct lookup_answer *));

/*
 * These begin a lookup that does not run. on_answer comes once, in a later turn of the loop, also
 * for failures; it may begin the next one. name: of a host, as it was written; a literal is its own
 * answer. The addresses are those of its A and AAAA records.
 */
void lookup_hosts(struct lookup *lookup, struct resolver *resolver, const char *name,
		  uint16_t port);

/*
 * The SRV records of a name (RFC 2782), then the addresses of each target: those that came with
 * them, and questions for the rest.
 */
void lookup_services(struct lookup *lookup, struct resolver *resolver, const char *name);

bool lookup_is_running(const struct lookup *lookup);

/* No answer comes any more. Does no harm where none runs. */
void lookup_cancel(struct lookup *lookup);

#endif
