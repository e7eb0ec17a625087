#include "mux/access_line.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/log_escape.h"

enum { DIGITS_MAX = 20 };

/* More than the names of all fields, the time, the numbers and the words. */
enum { REST_SIZE = 1024 };

static_assert(ACCESS_LINE_SIZE >= 3 * ACCESS_VALUE_LEN_MAX * LOG_ESCAPED_LEN +
					  ADDRESS_TEXT_SIZE * LOG_ESCAPED_LEN + REST_SIZE,
	      "the longest line has room");

/*
 * A line in the making. By hand and inline, with the lengths of all names known where they are
 * written: by printf a line would cost as much as a tenth of its request; it does a thirtieth.
 */
struct writer {
	char *at;
	bool is_json;
};

#define INLINE static inline __attribute__((always_inline))

INLINE void put(struct writer *writer, const char *text, size_t len)
{
	memcpy(writer->at, text, len);
	writer->at += len;
}

INLINE void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

/* A name in each of the two forms. */
#define NAME(name) " " name "=", ",\"" name "\":"

INLINE void put_name(struct writer *writer, const char *plain, const char *json)
{
	if (writer->is_json)
		put_text(writer, json);
	else
		put_text(writer, plain);
}

INLINE void put_none(struct writer *writer)
{
	if (writer->is_json)
		put_text(writer, "null");
	else
		put_text(writer, "-");
}

static void put_digits(struct writer *writer, uint64_t number)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);

	for (; number > 9; number /= 10)
		digits[--at] = (char)('0' + number % 10);
	digits[--at] = (char)('0' + number);
	put(writer, digits + at, sizeof(digits) - at);
}

/* Most numbers are small. */
INLINE void put_number(struct writer *writer, uint64_t number)
{
	if (number == ACCESS_NONE)
		put_none(writer);
	else if (number > 9)
		put_digits(writer, number);
	else
		*writer->at++ = (char)('0' + number);
}

INLINE void put_seconds(struct writer *writer, uint64_t ms)
{
	unsigned rest = (unsigned)(ms % 1000);

	if (ms == ACCESS_NONE) {
		put_none(writer);
		return;
	}
	put_number(writer, ms / 1000);
	writer->at[0] = '.';
	writer->at[1] = (char)('0' + rest / 100);
	writer->at[2] = (char)('0' + rest / 10 % 10);
	writer->at[3] = (char)('0' + rest % 10);
	writer->at += 4;
}

INLINE void put_escaped(struct writer *writer, const char *text, size_t len)
{
	if (writer->is_json)
		writer->at += log_escape_json(writer->at, text, len);
	else
		writer->at += log_escape_quoted(writer->at, text, len);
}

INLINE void put_value(struct writer *writer, const struct param *param)
{
	size_t len = param->value_len;

	if (len == 0) {
		put_none(writer);
		return;
	}
	*writer->at++ = '"';
	put_escaped(writer, param->value, len < ACCESS_VALUE_LEN_MAX ? len : ACCESS_VALUE_LEN_MAX);
	*writer->at++ = '"';
}

INLINE void put_quote(struct writer *writer)
{
	if (writer->is_json)
		*writer->at++ = '"';
}

/* As it is configured, where no line can end: only JSON would mind what else may be in it. */
INLINE void put_address(struct writer *writer, const char *address)
{
	put_quote(writer);
	if (writer->is_json)
		put_escaped(writer, address, strlen(address));
	else
		put_text(writer, address);
	put_quote(writer);
}

/* A word of ours, or the name of a section: there is nothing in it to escape. */
INLINE void put_word(struct writer *writer, const char *word)
{
	if (!word) {
		put_none(writer);
		return;
	}
	put_quote(writer);
	put_text(writer, word);
	put_quote(writer);
}

INLINE void put_fields(struct writer *writer, const struct access_line *line)
{
	put_name(writer, NAME("front"));
	put_address(writer, line->front);
	put_name(writer, NAME("backend"));
	put_word(writer, line->backend);
	put_name(writer, NAME("proc"));
	put_number(writer, line->proc);
	put_name(writer, NAME("pid"));
	put_number(writer, line->pid == 0 ? ACCESS_NONE : line->pid);
	put_name(writer, NAME("method"));
	put_value(writer, &line->method);
	put_name(writer, NAME("uri"));
	put_value(writer, &line->uri);
	put_name(writer, NAME("script"));
	put_value(writer, &line->script);
	put_name(writer, NAME("status"));
	put_number(writer, line->status);
	put_name(writer, NAME("body"));
	put_number(writer, line->body_len);
	put_name(writer, NAME("sent"));
	put_number(writer, line->sent_len);
	put_name(writer, NAME("waited"));
	put_seconds(writer, line->waited_ms);
	put_name(writer, NAME("first"));
	put_seconds(writer, line->first_ms);
	put_name(writer, NAME("total"));
	put_seconds(writer, line->total_ms);
	put_name(writer, NAME("retries"));
	put_number(writer, line->retries);
	put_name(writer, NAME("end"));
	put_word(writer, line->end);
}

size_t access_line_plain(char out[ACCESS_LINE_SIZE], const struct access_line *line)
{
	struct writer writer = {.at = out, .is_json = false};

	put_text(&writer, line->time);
	put_fields(&writer, line);
	put_text(&writer, "\n");
	return (size_t)(writer.at - out);
}

size_t access_line_json(char out[ACCESS_LINE_SIZE], const struct access_line *line)
{
	struct writer writer = {.at = out, .is_json = true};

	put_text(&writer, "{\"time\":\"");
	put_text(&writer, line->time);
	put_text(&writer, "\"");
	put_fields(&writer, line);
	put_text(&writer, "}\n");
	return (size_t)(writer.at - out);
}
