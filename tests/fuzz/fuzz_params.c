/* Name-value pairs: what is decoded can be encoded and is the same again; the last of a name
 * counts. */
#include "fuzz.h"

#include <stdbool.h>

#include "fcgi/params.h"

static bool is_equal(const struct param *a, const struct param *b)
{
	return a->name_len == b->name_len && a->value_len == b->value_len &&
	       memcmp(a->name, b->name, a->name_len) == 0 &&
	       memcmp(a->value, b->value, a->value_len) == 0;
}

static void check_round_trip(const struct param *param)
{
	size_t len = params_encoded_len(param->name_len, param->value_len);
	uint8_t *out = malloc(len);
	const uint8_t *at = out;
	struct param again;

	CHECK(out);
	CHECK(params_encode(out, param) == out + len);
	CHECK(params_next(&at, out + len, &again) == PARAMS_PAIR);
	CHECK(at == out + len && is_equal(param, &again));
	/* One byte less is not the pair. */
	at = out;
	CHECK(params_next(&at, out + len - 1, &again) == PARAMS_MORE && at == out);
	free(out);
}

static void check_find(const uint8_t *bytes, size_t len, const struct param *param)
{
	char *name = malloc(param->name_len + 1);
	struct param found;

	CHECK(name);
	memcpy(name, param->name, param->name_len);
	name[param->name_len] = '\0';
	if (strlen(name) == param->name_len) {
		CHECK(params_find(bytes, len, name, &found));
		CHECK(params_name_is(&found, name) && found.value >= param->value);
	}
	CHECK(params_have(bytes, len, param));
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes;
	struct param param;
	unsigned count = 0;

	while (at < bytes + len && params_next(&at, bytes + len, &param) == PARAMS_PAIR) {
		check_round_trip(&param);
		/* Each looks at all: enough of them are looked for. */
		if (count++ < 16)
			check_find(bytes, len, &param);
	}
	CHECK(params_is_valid(bytes, len) == (at == bytes + len));
	return 0;
}
