#ifndef FCGI_PARAMS_H
#define FCGI_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/*
 * Name-value pairs (section 3.4) in the content of a stream, put together without its record
 * headers. A length below 128 takes one byte, a longer one four with the top bit set.
 */
struct param {
	const char *name; /* neither ends in NUL; both point into the given bytes */
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* How a length that does not fit in seven bits is marked. */
enum { PARAMS_LONG_LEN = 0x80, PARAMS_LONG_MASK = 0x7fffffff };

/*
 * Reads the length at *at and moves *at behind it. False: the bytes end before it does. This and
 * the next are inline, as every parameter of every request goes through them.
 */
static inline bool params_next_len(const uint8_t **at, const uint8_t *end, size_t *len)
{
	if (*at == end)
		return false;
	if (!(**at & PARAMS_LONG_LEN)) {
		*len = *(*at)++;
		return true;
	}
	if (end - *at < 4)
		return false;
	*len = get_be32(*at) & PARAMS_LONG_MASK;
	*at += 4;
	return true;
}

enum params_result { PARAMS_PAIR, PARAMS_MORE };

/*
 * Reads the pair at *at and moves *at behind it. PARAMS_MORE: the bytes end before the pair does
 * (also at the very end: *at == end says which).
 */
static inline enum params_result params_next(const uint8_t **at, const uint8_t *end,
					     struct param *param)
{
	const uint8_t *bytes = *at;

	/* Nearly all are short. */
	if (end - bytes >= 2 && ((bytes[0] | bytes[1]) & PARAMS_LONG_LEN) == 0) {
		param->name_len = *bytes++;
		param->value_len = *bytes++;
	} else if (!params_next_len(&bytes, end, &param->name_len) ||
		   !params_next_len(&bytes, end, &param->value_len)) {
		return PARAMS_MORE;
	}
	/* Two lengths of 31 bits: their sum does not overflow. */
	if ((size_t)(end - bytes) < param->name_len + param->value_len)
		return PARAMS_MORE;
	param->name = (const char *)bytes;
	param->value = (const char *)bytes + param->name_len;
	*at = bytes + param->name_len + param->value_len;
	return PARAMS_PAIR;
}

/* Whether the bytes are nothing but whole pairs. */
bool params_is_valid(const uint8_t *bytes, size_t len);

/* The last value of a name (as a web server that repeats a name means it). False: not there. */
bool params_find(const uint8_t *bytes, size_t len, const char *name, struct param *param);

/* Inline, so that the lengths of names written in the code are known to the compiler. */
static inline bool params_name_is(const struct param *param, const char *name)
{
	return param->name_len == strlen(name) && memcmp(param->name, name, param->name_len) == 0;
}
bool params_value_is(const struct param *param, const char *value);

/* Bytes that a pair takes. */
size_t params_encoded_len(size_t name_len, size_t value_len);

/* Whether there is a pair of the same name as param. */
bool params_have(const uint8_t *bytes, size_t len, const struct param *param);

/* Writes a pair up to its value, which is to be of value_len bytes; returns where that goes. */
uint8_t *params_encode_name(uint8_t *out, const char *name, size_t name_len, size_t value_len);

/* Writes a pair (lengths of 31 bits at most) into params_encoded_len bytes; returns behind it. */
uint8_t *params_encode(uint8_t *out, const struct param *param);

#endif
