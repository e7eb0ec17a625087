#ifndef CONFIG_SERVER_H
#define CONFIG_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/* A proc that others run, as it is written: "ADDR [weight=N] [backup]". */
struct server {
	struct address address;
	uint64_t weight; /* 1 .. SERVER_WEIGHT_MAX; the share that it gets beside others */
	bool is_backup;	 /* for when all others are gone */
};

enum { SERVER_WEIGHT_MAX = 256 };

/* NULL, or a sentence without a final stop that says what is wrong (static). */
const char *server_parse(const char *text, struct server *server)
	__attribute__((warn_unused_result));

/* Whether its hosts are to be found by a name server: neither a literal, nor localhost. */
bool server_is_name(const struct server *server);

/* A name server: "ADDR", or an IPv4 or IPv6 literal alone, at its port 53. The same sentences. */
const char *name_server_parse(const char *text, struct address *address)
	__attribute__((warn_unused_result));

/* The name of a service: labels of letters, digits, "-" and "_". NULL or what is wrong (static). */
const char *service_name_fault(const char *text);

#endif
