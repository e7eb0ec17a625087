#include "config/map.h"

#include <string.h>

static const char blanks[] = " \t";
static const char arrow[] = "=>";

const char *map_target(const char *item)
{
	const char *to = strstr(item, arrow) + strlen(arrow);

	return to + strspn(to, blanks);
}

size_t map_from_len(const char *item)
{
	size_t from_len = strcspn(item, " \t=");
	const char *behind = item + from_len + strspn(item + from_len, blanks);
	const char *to;

	if (strncmp(behind, arrow, strlen(arrow)) != 0)
		return 0;
	to = map_target(item);
	return *to && !to[strcspn(to, " \t=")] ? from_len : 0;
}
