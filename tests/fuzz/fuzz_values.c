/* FCGI_GET_VALUES: a query in pieces asks for what the whole asks for; results are numbers or
 * refused. */
#include "fuzz.h"

#include <stdbool.h>

#include "fcgi/record.h"
#include "fcgi/values.h"

static bool feed(struct values_query *query, const uint8_t *bytes, size_t len, uint64_t *random)
{
	while (len > 0) {
		size_t part = random ? next_cut(random, len) : len;

		if (!values_query_feed(query, bytes, part))
			return false;
		bytes += part;
		len -= part;
	}
	return true;
}

static void check_query(const uint8_t *bytes, size_t len, uint64_t random)
{
	struct values values = {.max_conns = (uint32_t)random, .max_reqs = UINT32_MAX};
	struct values_query whole = {0}, cut = {0};
	uint8_t result[VALUES_ENCODED_MAX];
	uint8_t *end;

	CHECK(feed(&whole, bytes, len, NULL) == feed(&cut, bytes, len, &random));
	CHECK(whole.asked == cut.asked && whole.skip_len == cut.skip_len);
	end = values_result_encode(result, &whole, &values);
	CHECK((size_t)(end - result) <= sizeof(result));
	CHECK(record_len(result) == (size_t)(end - result));
}

static void check_result(const uint8_t *bytes, size_t len)
{
	const struct values before = {.max_conns = 7, .max_reqs = 8, .mpxs_conns = true};
	struct values_query all = {.asked = 63};
	struct values values = before, again = {0};
	uint8_t result[VALUES_ENCODED_MAX];
	uint8_t *end;

	if (!values_result_decode(bytes, len, &values)) {
		CHECK(values.max_conns == before.max_conns && values.max_reqs == before.max_reqs &&
		      values.mpxs_conns == before.mpxs_conns);
		return;
	}
	end = values_result_encode(result, &all, &values);
	CHECK(values_result_decode(result + RECORD_HEADER_LEN,
				   (size_t)(end - result) - RECORD_HEADER_LEN, &again));
	CHECK(again.max_conns == values.max_conns && again.max_reqs == values.max_reqs);
	CHECK(again.mpxs_conns == values.mpxs_conns && again.capacity == values.capacity);
	CHECK(again.busy == values.busy && again.queued == values.queued && again.knows_load);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	uint64_t random = seed_random(take_byte(&input));

	check_query(input.at, input.len, random);
	check_result(input.at, input.len);
	return 0;
}
