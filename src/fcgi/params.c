#include "fcgi/params.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

enum { LONG_LEN = 0x80, LONG_MASK = 0x7fffffff };

/* Inline for params_next, through which every parameter of every request goes. */
static inline bool next_len(const uint8_t **at, const uint8_t *end, size_t *len)
{
	if (*at == end)
		return false;
	if (!(**at & LONG_LEN)) {
		*len = *(*at)++;
		return true;
	}
	if (end - *at < 4)
		return false;
	*len = get_be32(*at) & LONG_MASK;
	*at += 4;
	return true;
}

bool params_next_len(const uint8_t **at, const uint8_t *end, size_t *len)
{
	return next_len(at, end, len);
}

enum params_result params_next(const uint8_t **at, const uint8_t *end, struct param *param)
{
	const uint8_t *bytes = *at;

	if (!next_len(&bytes, end, &param->name_len) || !next_len(&bytes, end, &param->value_len))
		return PARAMS_MORE;
	if ((size_t)(end - bytes) < param->name_len ||
	    (size_t)(end - bytes) - param->name_len < param->value_len)
		return PARAMS_MORE;
	param->name = (const char *)bytes;
	param->value = (const char *)bytes + param->name_len;
	*at = bytes + param->name_len + param->value_len;
	return PARAMS_PAIR;
}

/* The bytes of an empty buffer are NULL, to which C lets nobody add even 0. */
static const uint8_t *end_of(const uint8_t *bytes, size_t len)
{
	return len > 0 ? bytes + len : bytes;
}

bool params_is_valid(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = end_of(bytes, len);
	struct param param;

	while (bytes < end)
		if (params_next(&bytes, end, &param) != PARAMS_PAIR)
			return false;
	return true;
}

bool params_find(const uint8_t *bytes, size_t len, const char *name, struct param *param)
{
	const uint8_t *end = end_of(bytes, len);
	bool is_found = false;
	struct param next;

	while (params_next(&bytes, end, &next) == PARAMS_PAIR) {
		if (!params_name_is(&next, name))
			continue;
		*param = next;
		is_found = true;
	}
	return is_found;
}

bool params_value_is(const struct param *param, const char *value)
{
	return param->value_len == strlen(value) &&
	       memcmp(param->value, value, param->value_len) == 0;
}

static size_t len_len(size_t len)
{
	return len < LONG_LEN ? 1 : 4;
}

size_t params_encoded_len(size_t name_len, size_t value_len)
{
	return len_len(name_len) + len_len(value_len) + name_len + value_len;
}

static uint8_t *put_len(uint8_t *out, size_t len)
{
	if (len < LONG_LEN) {
		*out = (uint8_t)len;
		return out + 1;
	}
	assert(len <= LONG_MASK);
	put_be32(out, (uint32_t)len);
	*out |= LONG_LEN;
	return out + 4;
}

bool params_have(const uint8_t *bytes, size_t len, const struct param *param)
{
	const uint8_t *at = bytes;
	struct param other;

	while (len > 0 && params_next(&at, bytes + len, &other) == PARAMS_PAIR)
		if (other.name_len == param->name_len &&
		    memcmp(other.name, param->name, param->name_len) == 0)
			return true;
	return false;
}

uint8_t *params_encode_name(uint8_t *out, const char *name, size_t name_len, size_t value_len)
{
	out = put_len(out, name_len);
	out = put_len(out, value_len);
	memcpy(out, name, name_len);
	return out + name_len;
}

uint8_t *params_encode(uint8_t *out, const struct param *param)
{
	out = params_encode_name(out, param->name, param->name_len, param->value_len);
	memcpy(out, param->value, param->value_len);
	return out + param->value_len;
}
