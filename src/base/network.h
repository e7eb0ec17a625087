#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A block of IP addresses, as somebody wrote it: one address, or those that have a prefix in
 * common. All are IPv6 here; an IPv4 one is the ::ffff:a.b.c.d that stands for it, so that a client
 * is the same whichever socket it came through.
 */

enum { NETWORK_ADDRESS_LEN = 16 };

/* Longest text of network_format with its NUL, as INET6_ADDRSTRLEN. */
enum { NETWORK_TEXT_SIZE = 46 };

struct network {
	uint8_t address[NETWORK_ADDRESS_LEN];
	unsigned bits; /* of the prefix: 0 .. 128; 0: every address */
};

/*
 * Reads "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" or "all". Returns NULL, or a sentence without
 * a final stop that says what is wrong (static).
 */
const char *network_parse(const char *text, struct network *network)
	__attribute__((warn_unused_result));

bool network_has(const struct network *network, const uint8_t address[NETWORK_ADDRESS_LEN]);

/* The IPv6 address that stands for an IPv4 one, in network byte order. */
void network_map_ipv4(const uint8_t ipv4[4], uint8_t address[NETWORK_ADDRESS_LEN]);

/* As people write it: IPv4 with dots. Returns out. */
const char *network_format(const uint8_t address[NETWORK_ADDRESS_LEN], char out[NETWORK_TEXT_SIZE]);

#endif
