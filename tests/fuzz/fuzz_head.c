/*
 * Heads of answers: what comes in pieces is read as what comes in one; a head that is written again
 * says the same.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "fcgi/head.h"
#include "fcgi/params.h"

enum { HEAD_MAX = 512 };

static enum head_result read_whole(struct head *head, const uint8_t *bytes, size_t len)
{
	head_init(head, HEAD_MAX);
	return head_read(head, bytes, len);
}

static enum head_result read_cut(struct head *head, const uint8_t *bytes, size_t len,
				 uint64_t random)
{
	enum head_result result = HEAD_MORE;
	size_t here = 0;

	head_init(head, HEAD_MAX);
	while (here < len && result == HEAD_MORE) {
		uint8_t *copy;

		here += next_cut(&random, len - here);
		copy = copy_bytes(bytes, here);
		result = head_read(head, copy, here);
		free(copy);
	}
	return result;
}

static void check_variable(const struct head_field *field)
{
	size_t len = head_variable_len(field);
	uint8_t *out = malloc(len + 1);
	const uint8_t *at = out, *end;
	struct param param;

	CHECK(out);
	end = head_variable_encode(out, field);
	CHECK(end == out || end == out + len);
	if (end > out) {
		CHECK(params_next(&at, end, &param) == PARAMS_PAIR && at == end);
		CHECK(!memchr(param.name, '-', param.name_len));
	}
	free(out);
}

static void check_fields(const struct head *head, const uint8_t *bytes)
{
	struct head_field field, first;
	unsigned kinds = 0;
	size_t at = 0;

	while (head_next(head, bytes, &at, &field)) {
		CHECK(at <= head->len && field.name_len > 0);
		CHECK(field.name >= (const char *)bytes);
		CHECK(field.value + field.value_len <= (const char *)bytes + head->len);
		kinds |= HEAD_SET(field.kind);
		if (field.kind == HEAD_VARIABLE)
			check_variable(&field);
		if (field.value_len > 0)
			CHECK(head_find(head, bytes, field.kind, &first) &&
			      first.name <= field.name);
	}
	CHECK((kinds & ~head->kinds) == 0);
}

/* What is left out is not there any more, and all else is. */
static void check_copy(const struct head *head, const uint8_t *bytes, unsigned without)
{
	struct buffer out = {0};
	struct head again;

	CHECK(head_copy(head, bytes, without, &out) == 0);
	CHECK(head_add(&out, "X-Added", "1") == 0 && head_end(&out) == 0);
	head_init(&again, SIZE_MAX);
	CHECK(head_read(&again, buffer_data(&out), out.len) == HEAD_COMPLETE);
	CHECK(again.len == out.len);
	CHECK((again.kinds & without) == 0);
	CHECK((again.kinds | without | HEAD_SET(HEAD_OTHER)) ==
	      (head->kinds | without | HEAD_SET(HEAD_OTHER)));
	if (!(without & (HEAD_SET(HEAD_STATUS) | HEAD_SET(HEAD_LOCATION))))
		CHECK(again.status == head->status);
	buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	uint64_t random = seed_random(take_byte(&input));
	struct head whole, cut;
	enum head_result result = read_whole(&whole, input.at, input.len);

	CHECK(read_cut(&cut, input.at, input.len, random) == result);
	CHECK(whole.len == cut.len && whole.kinds == cut.kinds && whole.status == cut.status);
	if (result != HEAD_COMPLETE)
		return 0;
	CHECK(whole.len <= HEAD_MAX && whole.status >= 100 && whole.status <= 999);
	check_fields(&whole, input.at);
	check_copy(&whole, input.at, 0);
	check_copy(&whole, input.at, HEAD_SENDFILES);
	check_copy(&whole, input.at, HEAD_SENDFILES | HEAD_SET(HEAD_LENGTH));
	return 0;
}
