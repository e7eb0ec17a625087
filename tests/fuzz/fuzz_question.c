/* An answer to one of our own questions: any bytes, and cut anywhere it is the same answer. */
#include "fuzz.h"

#include <stdbool.h>

#include "mux/question.h"

enum { ANSWER_MAX = 8192 };

/* As the caller's scratch buffer: what is before and behind it must not be touched. */
static int take(struct question *question, const uint8_t *bytes, size_t len)
{
	uint8_t *room = malloc(RECORD_HEADROOM + len);
	int error;

	CHECK(room);
	if (len > 0)
		memcpy(room + RECORD_HEADROOM, bytes, len);
	error = question_take(question, room + RECORD_HEADROOM, len);
	free(room);
	return error;
}

static int take_in_pieces(struct question *question, const uint8_t *bytes, size_t len,
			  uint64_t random)
{
	int error = 0;

	while (len > 0 && error == 0 && !question->is_over) {
		size_t part = next_cut(&random, len);

		error = take(question, bytes, part);
		bytes += part;
		len -= part;
	}
	return error;
}

static void check_same(const struct question *whole, const struct question *cut)
{
	CHECK(whole->is_over == cut->is_over && whole->has_head == cut->has_head);
	CHECK(!whole->has_head || whole->head.status == cut->head.status);
	CHECK(whole->has_values == cut->has_values);
	CHECK(whole->values.max_conns == cut->values.max_conns);
	CHECK(whole->values.knows_load == cut->values.knows_load);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	unsigned kind = take_byte(&input);
	struct question whole, cut;

	if (input.len > ANSWER_MAX)
		return 0;
	question_init(&whole, kind % 2 ? "/" : NULL);
	question_init(&cut, whole.path);
	if (take(&whole, input.at, input.len) == 0) {
		CHECK(take_in_pieces(&cut, input.at, input.len, seed_random(kind)) == 0);
		check_same(&whole, &cut);
	} else {
		CHECK(whole.fault && !whole.is_over);
	}
	question_fini(&whole);
	question_fini(&cut);
	return 0;
}
