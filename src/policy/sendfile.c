#include "policy/sendfile.h"

#include <stdbool.h>
#include <string.h>

/* The value of a hexadecimal digit, or -1. */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Takes one byte from *at, as it is or as "%2c" stands for it. */
static char next_byte(const char **at, const char *end)
{
	if (**at == '%' && end - *at > 2 && digit_of((*at)[1]) >= 0 && digit_of((*at)[2]) >= 0) {
		*at += 3;
		return (char)(digit_of((*at)[-2]) * 16 + digit_of((*at)[-1]));
	}
	return *(*at)++;
}

/* How many bytes the character at text takes, or 0 where it is not UTF-8 (RFC 3629). */
static size_t utf8_len(const char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *bytes = (const uint8_t *)text;
	uint32_t code = bytes[0];
	size_t len;

	if (code < 0x80)
		return 1;
	if (code < 0xc0 || code > 0xf4)
		return 0;
	len = code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
	code &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return len;
}

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t len = utf8_len(text);

		if (len == 0)
			return false;
		text += len;
	}
	return true;
}

enum sendfile_result sendfile_decode(char path[SENDFILE_PATH_SIZE], const char *value, size_t len)
{
	const char *end = value + len;
	size_t count = 0;

	while (value < end && count < SENDFILE_PATH_SIZE) {
		path[count] = next_byte(&value, end);
		/* It would end the path early, after what was checked: "/srv/a.php%00.png". */
		if (path[count++] == '\0')
			return SENDFILE_BAD;
	}
	if (count == SENDFILE_PATH_SIZE)
		return SENDFILE_FORBIDDEN;
	path[count] = '\0';
	if (!is_utf8(path))
		return SENDFILE_BAD;
	if (path[0] != '/')
		return SENDFILE_FORBIDDEN;
	sendfile_simplify(path);
	return SENDFILE_OK;
}

static bool name_is(const char *name, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(name, other, len) == 0;
}

void sendfile_simplify(char *path)
{
	char *out = path;
	const char *at = path;

	while (*at) {
		const char *name = at + strspn(at, "/");
		size_t len = strcspn(name, "/");
		bool is_parent = name_is(name, len, "..");

		at = name + len;
		while (is_parent && out > path && *--out != '/')
			;
		if (len > 0 && !is_parent && !name_is(name, len, ".")) {
			*out++ = '/';
			memmove(out, name, len);
			out += len;
		} else if (*at == '\0') {
			*out++ = '/';
		}
	}
	*out = '\0';
}

/* What of the path is below the directory, or NULL. "/srv/a" is not above "/srv/ab". */
static const char *below(const char *directory, const char *path)
{
	size_t len = strlen(directory);

	while (len > 0 && directory[len - 1] == '/')
		len--;
	if (strncmp(path, directory, len) != 0 || path[len] != '/')
		return NULL;
	return path + len + strspn(path + len, "/");
}

const char *sendfile_permit(char *const *directories, const char *path, size_t *which)
{
	const char *longest = NULL;

	for (size_t i = 0; directories[i]; i++) {
		const char *rest = below(directories[i], path);

		if (!rest || (longest && rest >= longest))
			continue;
		longest = rest;
		*which = i;
	}
	return longest;
}

void sendfile_parts_set_value(struct sendfile_parts *parts, const char *value, size_t len)
{
	parts->at = value;
	parts->end = value + len;
}

static void skip_blanks(struct sendfile_parts *parts)
{
	while (parts->at < parts->end && *parts->at == ' ')
		parts->at++;
}

static bool skip(struct sendfile_parts *parts, char c)
{
	if (parts->at == parts->end || *parts->at != c)
		return false;
	parts->at++;
	return true;
}

static bool has_digit(const struct sendfile_parts *parts)
{
	return parts->at < parts->end && *parts->at >= '0' && *parts->at <= '9';
}

/* An offset in a file. False: no digit, or beyond all files. */
static bool next_number(struct sendfile_parts *parts, uint64_t *number)
{
	bool is_any = has_digit(parts);

	*number = 0;
	while (has_digit(parts)) {
		if (*number > (INT64_MAX - 9) / 10)
			return false;
		*number = *number * 10 + (uint64_t)(*parts->at++ - '0');
	}
	return is_any;
}

/* "2-4", "2-" */
static bool next_range(struct sendfile_parts *parts, struct sendfile_part *part)
{
	part->last = UINT64_MAX;
	if (!next_number(parts, &part->first) || !skip(parts, '-'))
		return false;
	if (has_digit(parts) && !next_number(parts, &part->last))
		return false;
	return part->first <= part->last;
}

enum sendfile_result sendfile_parts_next(struct sendfile_parts *parts, struct sendfile_part *part)
{
	const char *path, *blank;

	skip_blanks(parts);
	if (parts->at == parts->end)
		return SENDFILE_END;
	path = parts->at;
	blank = memchr(path, ' ', (size_t)(parts->end - path));
	if (!blank || parts->count++ == SENDFILE_PARTS_MAX)
		return SENDFILE_BAD;
	parts->at = blank + 1;
	if (!next_range(parts, part))
		return SENDFILE_BAD;
	skip_blanks(parts);
	if (parts->at < parts->end && !skip(parts, ','))
		return SENDFILE_BAD;
	return sendfile_decode(part->path, path, (size_t)(blank - path));
}

enum sendfile_result sendfile_part_len(const struct sendfile_part *part, uint64_t size,
				       uint64_t *len)
{
	if (part->first > size)
		return SENDFILE_BAD;
	*len = (part->last < size ? part->last + 1 : size) - part->first;
	return SENDFILE_OK;
}
