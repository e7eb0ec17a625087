/* Items of map-extensions: both words of a good one are words, and nothing is looked at behind its
 * end. */
#include "fuzz.h"

#include "config/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	char *item = take_text(&input);
	size_t from_len = map_from_len(item);

	CHECK(from_len < strlen(item) + 1);
	if (from_len > 0) {
		const char *to = map_target(item);

		CHECK(to > item + from_len && *to && !strpbrk(to, " \t="));
		CHECK(strcspn(item, " \t=") == from_len);
	}
	free(item);
	return 0;
}
