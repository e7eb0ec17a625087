#include "fcgi/params.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

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
	return len < PARAMS_LONG_LEN ? 1 : 4;
}

size_t params_encoded_len(size_t name_len, size_t value_len)
{
	return len_len(name_len) + len_len(value_len) + name_len + value_len;
}

static uint8_t *put_len(uint8_t *out, size_t len)
{
	if (len < PARAMS_LONG_LEN) {
		*out = (uint8_t)len;
		return out + 1;
	}
	assert(len <= PARAMS_LONG_MASK);
	put_be32(out, (uint32_t)len);
	*out |= PARAMS_LONG_LEN;
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
