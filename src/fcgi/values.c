#include "fcgi/values.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/params.h"
#include "fcgi/record.h"

/* Each has a bit in values_query.asked. */
enum value_name { MAX_CONNS, MAX_REQS, MPXS_CONNS, CAPACITY, BUSY, QUEUED, VALUE_NAMES };

static const char *const names[VALUE_NAMES] = {
	[MAX_CONNS] = "FCGI_MAX_CONNS",
	[MAX_REQS] = "FCGI_MAX_REQS",
	[MPXS_CONNS] = "FCGI_MPXS_CONNS",
	[CAPACITY] = "HERD_CAPACITY",
	[BUSY] = "HERD_BUSY",
	[QUEUED] = "HERD_QUEUED",
};

static const char draining_name[] = "HERD_DRAINING";

/* The longest decimal of 32 bits with its NUL. */
enum { NUMBER_SIZE = 11 };

static void note_pair(struct values_query *query, const struct param *param)
{
	for (unsigned i = 0; i < VALUE_NAMES; i++)
		if (params_name_is(param, names[i]))
			query->asked |= (uint8_t)(1u << i);
}

/*
 * Bytes of the pair that begins in partial, or 0 while its lengths are cut off. 64 bits: the sum of
 * two lengths of 31 bits and what these take themselves does not fit 32.
 */
static uint64_t pair_len(const struct values_query *query)
{
	const uint8_t *at = query->partial;
	const uint8_t *end = at + query->partial_len;
	size_t name_len, value_len;

	if (!params_next_len(&at, end, &name_len) || !params_next_len(&at, end, &value_len))
		return 0;
	return (uint64_t)(at - query->partial) + name_len + value_len;
}

static bool take_byte(struct values_query *query, uint8_t byte)
{
	const uint8_t *at = query->partial;
	struct param param;
	uint64_t len;

	if (query->skip_len > 0) {
		query->skip_len--;
		return true;
	}
	query->partial[query->partial_len++] = byte;
	len = pair_len(query);
	if (len == 0)
		return true;
	if (len > RECORD_CONTENT_MAX)
		return false;
	if (len > sizeof(query->partial)) {
		query->skip_len = (uint32_t)(len - query->partial_len);
		query->partial_len = 0;
	} else if (params_next(&at, query->partial + query->partial_len, &param) == PARAMS_PAIR) {
		note_pair(query, &param);
		query->partial_len = 0;
	}
	return true;
}

bool values_query_feed(struct values_query *query, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!take_byte(query, bytes[i]))
			return false;
	return true;
}

static uint8_t *put_pair(uint8_t *out, const char *name, const char *value)
{
	struct param param = {name, strlen(name), value, strlen(value)};

	return params_encode(out, &param);
}

static void list_numbers(uint32_t numbers[VALUE_NAMES], const struct values *values)
{
	numbers[MAX_CONNS] = values->max_conns;
	numbers[MAX_REQS] = values->max_reqs;
	numbers[MPXS_CONNS] = values->mpxs_conns;
	numbers[CAPACITY] = values->capacity;
	numbers[BUSY] = values->busy;
	numbers[QUEUED] = values->queued;
}

uint8_t *values_result_encode(uint8_t *out, const struct values_query *query,
			      const struct values *values)
{
	uint32_t numbers[VALUE_NAMES];
	uint8_t *content = out + RECORD_HEADER_LEN;
	uint8_t *end = content;
	char text[NUMBER_SIZE];

	list_numbers(numbers, values);
	for (unsigned i = 0; i < VALUE_NAMES; i++) {
		if (!(query->asked & (1u << i)))
			continue;
		(void)snprintf(text, sizeof(text), "%u", numbers[i]);
		end = put_pair(end, names[i], text);
	}
	record_header_encode(out, RECORD_GET_VALUES_RESULT, 0, (uint16_t)(end - content));
	return end;
}

bool values_query_is_of_mux(const struct values_query *query)
{
	return query->asked & (1u << CAPACITY);
}

uint8_t *values_draining_encode(uint8_t *out)
{
	uint8_t *content = out + RECORD_HEADER_LEN;
	uint8_t *end = put_pair(content, draining_name, "1");

	record_header_encode(out, RECORD_GET_VALUES_RESULT, 0, (uint16_t)(end - content));
	return end;
}

bool values_are_draining(const uint8_t *bytes, size_t len)
{
	struct param param;

	return params_is_valid(bytes, len) && params_find(bytes, len, draining_name, &param);
}

uint8_t *values_query_encode(uint8_t *out)
{
	uint8_t *content = out + RECORD_HEADER_LEN;
	uint8_t *end = content;

	for (unsigned i = 0; i < VALUE_NAMES; i++)
		end = put_pair(end, names[i], "");
	record_header_encode(out, RECORD_GET_VALUES, 0, (uint16_t)(end - content));
	return end;
}

static bool read_number(const struct param *param, uint32_t *number)
{
	uint64_t read = 0;

	if (param->value_len == 0)
		return false;
	for (size_t i = 0; i < param->value_len; i++) {
		char digit = param->value[i];

		if (digit < '0' || digit > '9')
			return false;
		read = read * 10 + (uint64_t)(digit - '0');
		if (read > UINT32_MAX)
			return false;
	}
	*number = (uint32_t)read;
	return true;
}

bool values_result_decode(const uint8_t *bytes, size_t len, struct values *values)
{
	bool is_there[VALUE_NAMES];
	uint32_t numbers[VALUE_NAMES];
	struct param param;

	if (!params_is_valid(bytes, len))
		return false;
	list_numbers(numbers, values);
	for (unsigned i = 0; i < VALUE_NAMES; i++) {
		is_there[i] = params_find(bytes, len, names[i], &param);
		if (is_there[i] && !read_number(&param, &numbers[i]))
			return false;
	}
	*values = (struct values){
		.max_conns = numbers[MAX_CONNS],
		.max_reqs = numbers[MAX_REQS],
		.mpxs_conns = numbers[MPXS_CONNS] != 0,
		.capacity = numbers[CAPACITY],
		.busy = numbers[BUSY],
		.queued = numbers[QUEUED],
		.knows_load = is_there[CAPACITY] && is_there[BUSY] && is_there[QUEUED],
	};
	return true;
}
