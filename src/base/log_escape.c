#include "base/log_escape.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_control(unsigned char byte)
{
	return byte < ' ' || byte == 0x7f;
}

static size_t escape_hex(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[byte / 16];
	out[3] = digits[byte % 16];
	return 4;
}

size_t log_escape_plain(char *out, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (is_control(byte))
			used += escape_hex(out + used, byte);
		else
			out[used++] = (char)byte;
	}
	out[used] = '\0';
	return used;
}

/* Of those of log_escape_quoted: each request's line goes through it. */
static const bool is_special[UCHAR_MAX + 1] = {
	[0 ... ' ' - 1] = true, ['"'] = true, ['\\'] = true, [0x7f] = true};

size_t log_escape_quoted(char *out, const char *text, size_t len)
{
	char *at = out;

	for (const char *end = text + len; text < end; text++) {
		unsigned char byte = (unsigned char)*text;

		if (is_special[byte])
			at += escape_hex(at, byte);
		else
			*at++ = (char)byte;
	}
	*at = '\0';
	return (size_t)(at - out);
}

/*
 * Of the well-formed sequence of two to four bytes that text begins with; 0: there is none. What
 * the second byte may be keeps out longer forms than needed, surrogates and what is above U+10FFFF
 * (The Unicode Standard, table 3-7).
 */
static size_t sequence_len(const unsigned char *text, size_t len)
{
	static const struct {
		unsigned char first_min, first_max, second_min, second_max;
		size_t len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t form = 0;

	while (form < sizeof(forms) / sizeof(forms[0]) && text[0] > forms[form].first_max)
		form++;
	if (form == sizeof(forms) / sizeof(forms[0]) || text[0] < forms[form].first_min ||
	    len < forms[form].len || text[1] < forms[form].second_min ||
	    text[1] > forms[form].second_max)
		return 0;
	for (size_t i = 2; i < forms[form].len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return forms[form].len;
}

/* One byte of ASCII. Returns the length of what it became. */
static size_t escape_ascii(char *out, unsigned char byte)
{
	if (is_control(byte))
		return (size_t)snprintf(out, LOG_ESCAPED_LEN + 1, "\\u%04x", byte);
	if (byte == '"' || byte == '\\')
		*out++ = '\\';
	*out = (char)byte;
	return byte == '"' || byte == '\\' ? 2 : 1;
}

size_t log_escape_json(char *out, const char *text, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const unsigned char *bytes = (const unsigned char *)text;
	size_t used = 0, taken;

	for (size_t i = 0; i < len; i += taken ? taken : 1) {
		taken = bytes[i] < 0x80 ? 0 : sequence_len(bytes + i, len - i);
		if (bytes[i] < 0x80) {
			used += escape_ascii(out + used, bytes[i]);
		} else if (taken > 0) {
			memcpy(out + used, bytes + i, taken);
			used += taken;
		} else {
			memcpy(out + used, replacement, sizeof(replacement) - 1);
			used += sizeof(replacement) - 1;
		}
	}
	out[used] = '\0';
	return used;
}
