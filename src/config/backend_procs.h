#ifndef CONFIG_BACKEND_PROCS_H
#define CONFIG_BACKEND_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "config/server.h"

struct backend_settings;

/*
 * The procs of a backend, by number: its children, then those that others run at an address that is
 * known, then, without a number, those whose names are to be looked up again and again.
 */

/* Children; and all procs that are known. */
size_t backend_child_count(const struct backend_settings *backend);
size_t backend_proc_count(const struct backend_settings *backend);

/* Children that run however little there is to do; and whether there can be more. */
size_t backend_child_min(const struct backend_settings *backend);
bool backend_scales(const struct backend_settings *backend);

/*
 * Where the proc of this number (0 .. backend_proc_count - 1) listens. NULL, or a sentence that
 * says why there is no such address. A supervised backend needs socket, or host and port, to be
 * set.
 */
const char *backend_proc_address(const struct backend_settings *backend, size_t number,
				 struct address *address) __attribute__((warn_unused_result));

/* The proc of this number, which is no child; NULL or the sentence. */
const char *backend_proc_server(const struct backend_settings *backend, size_t number,
				struct server *server) __attribute__((warn_unused_result));

/* A name that stands for more procs: that of hosts, or of a service (SRV records). */
struct backend_name {
	char text[ADDRESS_HOST_MAX + 1];
	uint16_t port; /* 0: that of each record */
	bool is_service;
	bool is_backup;
	uint64_t weight; /* of each host, or of one whose record has the weight 1 */
};

size_t backend_name_count(const struct backend_settings *backend);
void backend_name_at(const struct backend_settings *backend, size_t number,
		     struct backend_name *name);

/* Whether there are procs that others run, or names of some. */
bool backend_has_servers(const struct backend_settings *backend);

#endif
