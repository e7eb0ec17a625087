/* X-Sendfile and X-Sendfile2: a path that may be used leads nowhere else, and no range beyond its
 * file. */
#include "fuzz.h"

#include <stdbool.h>

#include "policy/media.h"
#include "policy/sendfile.h"

/* Absolute, with no name in it that is "", "." or "..". */
static void check_path(const char *path)
{
	char again[SENDFILE_PATH_SIZE];

	CHECK(path[0] == '/' && strlen(path) < SENDFILE_PATH_SIZE);
	CHECK(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
	memcpy(again, path, strlen(path) + 1);
	sendfile_simplify(again);
	CHECK(strcmp(again, path) == 0);
	CHECK(media_type(path));
}

static void check_permit(const char *path)
{
	static char srv[] = "/srv", inner[] = "/srv/files/", root[] = "/";
	char *const some[] = {inner, srv, NULL}, *const whole[] = {root, NULL};
	size_t which = 0;
	const char *below = sendfile_permit(some, path, &which);

	if (below) {
		CHECK(strncmp(path, "/srv/", 5) == 0 && which == 1);
		CHECK(below >= path + 5 && *below != '/');
	}
	below = sendfile_permit(whole, path, &which);
	CHECK(below && below > path && *below != '/');
}

static void check_part(const struct sendfile_part *part, uint64_t size)
{
	uint64_t len;

	CHECK(part->first <= part->last);
	if (sendfile_part_len(part, size, &len) != SENDFILE_OK) {
		CHECK(part->first > size);
		return;
	}
	CHECK(len <= size && part->first + len <= size);
	CHECK(part->last == UINT64_MAX || len <= part->last - part->first + 1);
}

static void check_parts(const uint8_t *value, size_t len, uint64_t size)
{
	struct sendfile_parts parts = {0};
	struct sendfile_part part;
	enum sendfile_result result;
	unsigned count = 0;

	sendfile_parts_set_value(&parts, (const char *)value, len);
	while ((result = sendfile_parts_next(&parts, &part)) == SENDFILE_OK) {
		CHECK(++count <= SENDFILE_PARTS_MAX);
		check_path(part.path);
		check_part(&part, size);
	}
	CHECK(parts.at <= parts.end);
	CHECK(result != SENDFILE_END || parts.at == parts.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	uint64_t size = take_number(&input) >> (take_byte(&input) % 64) & INT64_MAX;
	uint8_t *value = copy_bytes(input.at, input.len);
	char path[SENDFILE_PATH_SIZE];

	if (sendfile_decode(path, (const char *)value, input.len) == SENDFILE_OK) {
		check_path(path);
		check_permit(path);
	}
	check_parts(value, input.len, size);
	free(value);
	return 0;
}
