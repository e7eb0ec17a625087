/* How values are written: any text, quoted, is taken for the same text again, also in a list. */
#include "fuzz.h"

#include "base/text.h"
#include "config/quoting.h"

static void check_item(const char *text, bool always)
{
	char *quoted = quoting_item(text, always);
	char *list = sentence_new("%s, %s", quoted, quoted);
	const char *at = list;

	for (int i = 0; i < 2; i++) {
		char *taken = quoting_take(&at, ',');

		CHECK(taken && strcmp(taken, text) == 0);
		CHECK(*at == (i == 0 ? ',' : '\0'));
		at += *at == ',';
		free(taken);
	}
	free(list);
	free(quoted);
}

static void check_word(const char *text, bool always)
{
	char *quoted = quoting_word(text, always);
	char *line = sentence_new("%s %s", quoted, quoted);
	char **words = text_split_words(line);

	CHECK(words && words[0] && words[1] && !words[2]);
	CHECK(strcmp(words[0], text) == 0 && strcmp(words[1], text) == 0);
	text_free_words(words);
	free(line);
	free(quoted);
}

/* A comment behind a value does not change it, and without one nothing is cut but blanks. */
static void check_comment(const char *text, bool is_words)
{
	char *quoted = is_words ? quoting_word(text, false) : quoting_item(text, false);
	char *line = sentence_new("%s ; and more", quoted);

	quoting_strip_comment(line, is_words);
	CHECK(strcmp(line, quoted) == 0);
	free(line);
	free(quoted);
}

static void check_any(const char *text)
{
	const char *at = text;
	char *taken = quoting_take(&at, ',');
	char *line = sentence_new("%s", text);

	CHECK(at >= text && at <= text + strlen(text));
	quoting_strip_comment(line, strlen(text) % 2);
	CHECK(strlen(line) <= strlen(text));
	free(line);
	free(taken);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	char *text = take_text(&input);

	for (int i = 0; i < 2; i++) {
		check_item(text, i);
		check_word(text, i);
		check_comment(text, i);
	}
	check_any(text);
	free(text);
	return 0;
}
