#ifndef POLICY_ACCESS_H
#define POLICY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/network.h"

/*
 * Who may come in through a front: clients from certain networks where it is a TCP one, certain
 * users where it is a Unix socket. Without a limit all may, and nobody has to be asked who they
 * are.
 */

struct access {
	bool is_limited;
	struct network *networks; /* owned */
	size_t network_count;
	uint32_t *users; /* owned: their ids */
	size_t user_count;
};

/* All may come in; access_fini has nothing to do. */
void access_init(struct access *access);

/*
 * Limits it to what count texts say, as network_parse takes them, or numbers of users. 0; -EINVAL:
 * one is not of the form; -ENOMEM. Then it lets nobody in.
 */
int access_limit_networks(struct access *access, char *const *texts, size_t count)
	__attribute__((warn_unused_result));
int access_limit_users(struct access *access, char *const *texts, size_t count)
	__attribute__((warn_unused_result));
void access_fini(struct access *access);

bool access_has_address(const struct access *access, const uint8_t address[NETWORK_ADDRESS_LEN]);

/* Root always may: it could be any of the others. */
bool access_has_user(const struct access *access, uint32_t user);

#endif
