#include "policy/retry.h"

#include <string.h>

bool retry_is_allowed(const struct retry_case *failure)
{
	if (failure->is_answered || !failure->is_whole)
		return false;
	if (failure->retries >= RETRY_MAX && !failure->is_unaccepted)
		return false;
	return failure->is_unsent || failure->connection_was_reused || failure->method_is_safe;
}

bool retry_method_is_safe(const char *method, size_t len)
{
	static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};

	for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		if (len == strlen(safe[i]) && memcmp(method, safe[i], len) == 0)
			return true;
	return false;
}
