#ifndef OS_DNS_H
#define OS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

/*
 * The reply of a name server, taken apart (RFC 1035, RFC 2782, RFC 3596): bytes that anybody may
 * have sent, so that no length is believed. Nothing is allocated and nothing kept.
 */

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

/* Where a record stands; those about name servers are left out. */
enum dns_section { DNS_ANSWER, DNS_ADDITIONAL };

/* A name in small letters, without the dot at its end: "" is the root. */
#define DNS_NAME_SIZE (ADDRESS_HOST_MAX + 1)

enum { DNS_LITERAL_MAX = 16 };

/* Those of the Internet with a type of enum dns_type. */
struct dns_record {
	enum dns_section section;
	enum dns_type type;
	uint32_t ttl_s;			  /* RFC 2181: below 2^31 */
	char owner[DNS_NAME_SIZE];	  /* "": it is no name of a host */
	char target[DNS_NAME_SIZE];	  /* SRV: "": there is no such service */
	uint8_t literal[DNS_LITERAL_MAX]; /* A: the first 4; AAAA: all */
	uint16_t priority, weight, port;  /* SRV */
};

/* How far it has been read. */
struct dns_reader {
	const uint8_t *bytes; /* borrowed */
	size_t len;
	size_t at;
	uint16_t left[3]; /* records of answer, authority, additional */
};

/* false: it is no reply. */
bool dns_reader_init(struct dns_reader *reader, const uint8_t *bytes, size_t len)
	__attribute__((warn_unused_result));

enum dns_result { DNS_RECORD, DNS_END, DNS_BAD };

/*
 * The next record. A record of SRV whose target is no name of a host is left out. DNS_BAD: the rest
 * cannot be read; what came before it counts.
 */
enum dns_result dns_reader_next(struct dns_reader *reader, struct dns_record *record);

#endif
