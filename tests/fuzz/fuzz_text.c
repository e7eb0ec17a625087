/* Numbers, sizes, durations, words: what was read is within its limits, and is written and read
 * again. */
#include "fuzz.h"

#include "base/text.h"

static void check_number(const char *text, uint64_t a, uint64_t b)
{
	uint64_t min = a < b ? a : b, max = a < b ? b : a;
	uint64_t number;

	if (text_parse_number(text, min, max, &number) == 0)
		CHECK(number >= min && number <= max && strspn(text, "0123456789") == strlen(text));
	if (text_parse_octal(text, max, &number) == 0)
		CHECK(number <= max && strspn(text, "01234567") == strlen(text));
}

static void check_units(const char *text, uint64_t any)
{
	char out[TEXT_UNIT_SIZE];
	uint64_t number, again;

	if (text_parse_size(text, 0, UINT64_MAX, &number) == 0) {
		CHECK(text_parse_size(text_format_size(out, number), 0, UINT64_MAX, &again) == 0);
		CHECK(again == number);
	}
	if (text_parse_duration(text, 0, UINT64_MAX, &number) == 0) {
		CHECK(text_parse_duration(text_format_duration(out, number), 0, UINT64_MAX,
					  &again) == 0);
		CHECK(again == number);
	}
	CHECK(text_parse_size(text_format_size(out, any), 0, UINT64_MAX, &again) == 0);
	CHECK(again == any);
	CHECK(text_parse_duration(text_format_duration(out, any), 0, UINT64_MAX, &again) == 0);
	CHECK(again == any);
}

static void check_words(const char *text)
{
	char **words = text_split_words(text);
	size_t len = 0, count = 0;

	for (; words && words[count]; count++)
		len += strlen(words[count]);
	CHECK(len <= strlen(text));
	if (words && count > 0) {
		const char *nearest =
			text_nearest(text, (const char *const *)(const void *)words, count);

		CHECK(!nearest || strlen(nearest) <= strlen(text));
	}
	text_free_words(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	uint64_t a = take_number(&input), b = take_number(&input);
	char *text = take_text(&input);

	check_number(text, a, b);
	check_units(text, a >> b % 64);
	check_words(text);
	free(text);
	return 0;
}
