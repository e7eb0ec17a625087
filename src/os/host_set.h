#ifndef OS_HOST_SET_H
#define OS_HOST_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/dns.h"

/*
 * Hosts as they are found, in memory in proportion to what was really found; at the end each once.
 */

/* More are counted and not held. */
enum { HOST_SET_MAX = 65536 };

struct host_item {
	uint8_t literal[DNS_LITERAL_MAX]; /* A: the first 4, and zeros */
	enum dns_type type;		  /* DNS_A, DNS_AAAA */
	uint16_t port, priority, weight;
};

struct host_set {
	struct host_item *items; /* owned */
	size_t count;
	size_t size;
	size_t left_out;
};

/* 0 or -ENOMEM. A set of zeros is empty. */
int host_set_add(struct host_set *set, const struct host_item *item)
	__attribute__((warn_unused_result));
void host_set_fini(struct host_set *set);

/*
 * In the order of address and port, each once, with the least priority that was found for it, and
 * the greatest weight of these; the first max of them, so that it is the same ones each time.
 */
void host_set_finish(struct host_set *set, size_t max);

#endif
