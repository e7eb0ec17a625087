#include "policy/retry.h"

#include <string.h>

bool retry_is_allowed(const struct retry_case *failure)
{
	bool is_repeatable = failure->method <= failure->methods;

	if (failure->is_answered || !failure->is_whole)
		return false;
	if (failure->is_unaccepted && is_repeatable)
		return true;
	if (failure->retries >= RETRY_MAX)
		return false;
	if (failure->is_unsent || is_repeatable)
		return true;
	return failure->connection_was_reused && failure->methods != RETRY_NO_METHODS;
}

enum retry_methods retry_class(const char *method, size_t len)
{
	static const struct {
		const char *name;
		enum retry_methods class;
	} known[] = {
		{"GET", RETRY_SAFE_METHODS},	   {"HEAD", RETRY_SAFE_METHODS},
		{"OPTIONS", RETRY_SAFE_METHODS},   {"TRACE", RETRY_SAFE_METHODS},
		{"PUT", RETRY_IDEMPOTENT_METHODS}, {"DELETE", RETRY_IDEMPOTENT_METHODS},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len == strlen(known[i].name) && memcmp(method, known[i].name, len) == 0)
			return known[i].class;
	return RETRY_ALL_METHODS;
}
