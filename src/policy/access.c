#include "policy/access.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"

void access_init(struct access *access)
{
	*access = (struct access){0};
}

/* Nobody, until it is said who. */
static int limit(struct access *access, void *room)
{
	access->is_limited = true;
	return room ? 0 : -ENOMEM;
}

int access_limit_networks(struct access *access, char *const *texts, size_t count)
{
	access->networks = calloc(count + 1, sizeof(*access->networks));
	if (limit(access, access->networks) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct network *network = &access->networks[access->network_count];

		if (network_parse(texts[i], network))
			return -EINVAL;
		access->network_count++;
		if (network->bits == 0)
			access->is_limited = false;
	}
	return 0;
}

int access_limit_users(struct access *access, char *const *texts, size_t count)
{
	access->users = calloc(count + 1, sizeof(*access->users));
	if (limit(access, access->users) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t number;

		if (text_parse_number(texts[i], 0, UINT32_MAX - 1, &number) < 0)
			return -EINVAL;
		access->users[access->user_count++] = (uint32_t)number;
	}
	return 0;
}

void access_fini(struct access *access)
{
	free(access->networks);
	free(access->users);
	access_init(access);
}

bool access_has_address(const struct access *access, const uint8_t address[NETWORK_ADDRESS_LEN])
{
	for (size_t i = 0; i < access->network_count; i++)
		if (network_has(&access->networks[i], address))
			return true;
	return !access->is_limited;
}

bool access_has_user(const struct access *access, uint32_t user)
{
	for (size_t i = 0; i < access->user_count; i++)
		if (access->users[i] == user)
			return true;
	return !access->is_limited || user == 0;
}
