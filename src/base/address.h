#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest path of a Unix socket: sun_path holds 108 bytes with the NUL, unix(7). */
#define ADDRESS_PATH_MAX 107
#define ADDRESS_HOST_MAX 255
/* Longest text of address_format with its NUL: [host]:port. */
#define ADDRESS_TEXT_SIZE (ADDRESS_HOST_MAX + 9)

enum address_kind { ADDRESS_UNIX, ADDRESS_TCP };

/* A place to listen at or to connect to, as somebody wrote it: nothing is looked up. */
struct address {
	enum address_kind kind;
	uint16_t port; /* 1..65535; ADDRESS_TCP only */
	char name[ADDRESS_HOST_MAX +
		  1]; /* a path; or a host: a name, an IPv4 or IPv6 literal without brackets */
};

/*
 * Reads "unix:/path", "/path", "host:port" or "[v6]:port". Returns NULL, or a sentence without a
 * final stop that says what is wrong (static).
 */
const char *address_parse(const char *text, struct address *address)
	__attribute__((warn_unused_result));

/* From parts: a path, or a host (IPv6 without brackets) with a port. NULL or the sentence. */
const char *address_set_path(struct address *address, const char *path)
	__attribute__((warn_unused_result));
const char *address_set_host(struct address *address, const char *host, uint16_t port)
	__attribute__((warn_unused_result));

/*
 * The address of the proc of this number where a backend's procs have consecutive ones: PATH-0,
 * PATH-1, ... or PORT, PORT+1, ... NULL or the sentence (path too long, port beyond 65535).
 */
const char *address_numbered(const struct address *base, size_t number, struct address *address)
	__attribute__((warn_unused_result));

/* The text that address_parse reads back, but for a host named "unix"; returns out. */
const char *address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);

bool address_is_equal(const struct address *a, const struct address *b);

/* An IPv4 or IPv6 address: there is nothing to be looked up. */
bool address_is_literal(const struct address *address);

/* 127.0.0.0/8, ::1, localhost, or a Unix socket. */
bool address_is_loopback(const struct address *address);

#endif
