#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int text_format(char *out, size_t size, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(out, size, format, arguments);
	va_end(arguments);
	return len < 0 || (size_t)len >= size ? -ENOSPC : 0;
}

char *text_new(const char *format, ...)
{
	va_list arguments;
	char *text;
	int len;

	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	return len < 0 ? NULL : text;
}

/*
 * Digits of a base at *at, up to the first that is none; also with -ERANGE, for what follows may
 * not be of the form, and that is to be said first.
 */
static int read_digits(const char **at, unsigned base, uint64_t *number)
{
	int error = -EINVAL;

	for (*number = 0; **at >= '0' && **at < (char)('0' + base); (*at)++) {
		unsigned digit = (unsigned)(**at - '0');

		if (error == -ERANGE || *number > (UINT64_MAX - digit) / base) {
			error = -ERANGE;
			continue;
		}
		*number = *number * base + digit;
		error = 0;
	}
	return error;
}

static int read_whole(const char *text, unsigned base, uint64_t *number)
{
	int error = read_digits(&text, base, number);

	return *text == '\0' ? error : -EINVAL;
}

static int within(uint64_t read, uint64_t min, uint64_t max, uint64_t *number)
{
	if (read < min || read > max)
		return -ERANGE;
	*number = read;
	return 0;
}

int text_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t read = 0;
	int error = read_whole(text, 10, &read);

	return error < 0 ? error : within(read, min, max, number);
}

int text_parse_octal(const char *text, uint64_t max, uint64_t *number)
{
	uint64_t read = 0;
	int error = read_whole(text, 8, &read);

	return error < 0 ? error : within(read, 0, max, number);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, for writing. */
static const struct unit sizes[] = {
	{"g", 1024 * 1024 * 1024}, {"m", 1024 * 1024}, {"k", 1024}, {"", 1}, {NULL, 0}};
static const struct unit durations[] = {
	{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};

static int parse_with_unit(const char *text, const struct unit *units, uint64_t *number)
{
	int error = read_digits(&text, 10, number);

	if (error == -EINVAL)
		return error;
	for (; units->name; units++) {
		if (strcasecmp(text, units->name) != 0)
			continue;
		if (error < 0 || *number > UINT64_MAX / units->factor)
			return -ERANGE;
		*number *= units->factor;
		return 0;
	}
	return -EINVAL;
}

int text_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *len)
{
	uint64_t read = 0;
	int error = parse_with_unit(text, sizes, &read);

	return error < 0 ? error : within(read, min, max, len);
}

int text_parse_duration(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *duration_ms)
{
	uint64_t read = 0;
	int error = text_parse_number(text, 0, UINT64_MAX / 1000, &read);

	if (error == 0)
		read *= 1000;
	else if (error == -EINVAL)
		error = parse_with_unit(text, durations, &read);
	return error < 0 ? error : within(read, min_ms, max_ms, duration_ms);
}

static const char *format_with_unit(char *out, uint64_t number, const struct unit *units)
{
	while (number % units->factor != 0)
		units++;
	/* Nothing is the same in every unit. */
	(void)text_format(out, TEXT_UNIT_SIZE, "%llu%s",
			  (unsigned long long)(number / units->factor),
			  number > 0 ? units->name : "");
	return out;
}

const char *text_format_size(char out[TEXT_UNIT_SIZE], uint64_t len)
{
	return format_with_unit(out, len, sizes);
}

const char *text_format_duration(char out[TEXT_UNIT_SIZE], uint64_t duration_ms)
{
	return format_with_unit(out, duration_ms, durations);
}

/* A word as it is put together; the text it comes from is as long at least. */
struct splitter {
	const char *at;
	char **words;
	size_t count;
	char *word;
	size_t len;
};

/* Takes what a pair of quotes holds. False: not closed. */
static bool take_quoted(struct splitter *splitter)
{
	char quote = *splitter->at++;

	while (*splitter->at && *splitter->at != quote) {
		if (quote == '"' && *splitter->at == '\\' && splitter->at[1] &&
		    strchr("\"\\$`", splitter->at[1]))
			splitter->at++;
		splitter->word[splitter->len++] = *splitter->at++;
	}
	return *splitter->at++ == quote;
}

/* Takes a byte outside of quotes. False: a backslash with nothing behind it. */
static bool take_byte(struct splitter *splitter)
{
	if (*splitter->at == '\\' && *++splitter->at == '\0')
		return false;
	splitter->word[splitter->len++] = *splitter->at++;
	return true;
}

static bool take_word(struct splitter *splitter)
{
	while (*splitter->at && !isspace((unsigned char)*splitter->at)) {
		bool is_quote = *splitter->at == '\'' || *splitter->at == '"';

		if (is_quote ? !take_quoted(splitter) : !take_byte(splitter))
			return false;
	}
	return true;
}

static bool keep_word(struct splitter *splitter)
{
	splitter->word[splitter->len] = '\0';
	splitter->words[splitter->count] = text_new("%s", splitter->word);
	return splitter->words[splitter->count++] != NULL;
}

static int split(struct splitter *splitter)
{
	for (;;) {
		while (isspace((unsigned char)*splitter->at))
			splitter->at++;
		if (*splitter->at == '\0')
			return 0;
		splitter->len = 0;
		if (!take_word(splitter))
			return -EINVAL;
		if (!keep_word(splitter))
			return -ENOMEM;
	}
}

char **text_split_words(const char *text)
{
	struct splitter splitter = {.at = text};
	size_t len = strlen(text);
	int error = -ENOMEM;

	splitter.word = malloc(len + 1);
	/* A word is a byte and what ends it; then NULL. */
	splitter.words = calloc(len / 2 + 2, sizeof(*splitter.words));
	if (splitter.word && splitter.words)
		error = split(&splitter);
	free(splitter.word);
	if (error == 0)
		return splitter.words;
	text_free_words(splitter.words);
	errno = -error;
	return NULL;
}

void text_free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

enum { NEAREST_LEN = 64 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and changes of a byte that make one word the other (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NEAREST_LEN + 1];
	size_t len = strlen(b);

	if (len > NEAREST_LEN)
		return UINT32_MAX;
	for (unsigned n = 0; n <= len; n++)
		row[n] = n;
	for (unsigned m = 1; *a; a++, m++) {
		unsigned diagonal = row[0];

		row[0] = m;
		for (size_t n = 1; n <= len; n++) {
			unsigned change = diagonal + (*a != b[n - 1]);

			diagonal = row[n];
			row[n] = least(change, least(row[n], row[n - 1]) + 1);
		}
	}
	return row[len];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	unsigned limit = strlen(word) > 6 ? (unsigned)(strlen(word) / 3) : 2;
	const char *nearest = NULL;

	if (strlen(word) > NEAREST_LEN)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned steps = distance(word, candidates[i]);

		if (steps > limit)
			continue;
		nearest = candidates[i];
		limit = steps > 0 ? steps - 1 : 0;
	}
	return nearest;
}
