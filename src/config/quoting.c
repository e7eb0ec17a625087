#include "config/quoting.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

char *sentence_new(const char *format, ...)
{
	va_list args;
	char *sentence;

	va_start(args, format);
	/* A NULL would read as "all is well": rather end than start something half configured. */
	if (vasprintf(&sentence, format, args) < 0)
		abort();
	va_end(args);
	return sentence;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

char *quoting_take(const char **text, char end)
{
	const char *at = *text + strspn(*text, " \t");
	char *item = sentence_new("%s", at);
	size_t len = 0, kept = 0; /* kept: behind the last byte that is no outer blank */
	bool quoted = false;

	for (; *at && (quoted || *at != end); at++) {
		if (*at == '"') {
			quoted = !quoted;
			kept = len;
			continue;
		}
		if (quoted && at[0] == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		item[len++] = *at;
		if (quoted || !is_blank(*at))
			kept = len;
	}
	item[kept] = '\0';
	*text = at;
	if (!quoted)
		return item;
	free(item);
	return NULL;
}

/* "text" with a backslash before each byte of special. */
static char *quote(const char *text, const char *special)
{
	char *quoted = sentence_new("%s%s\"\"", text, text); /* longer than it can get */
	size_t len = 0;

	quoted[len++] = '"';
	for (; *text; text++) {
		if (strchr(special, *text))
			quoted[len++] = '\\';
		quoted[len++] = *text;
	}
	quoted[len++] = '"';
	quoted[len] = '\0';
	return quoted;
}

char *quoting_item(const char *item, bool always)
{
	size_t len = strlen(item);
	bool is_plain = len && item[0] != '#' && !strpbrk(item, ",\";") && !is_blank(item[0]) &&
			!is_blank(item[len - 1]);

	return is_plain && !always ? sentence_new("%s", item) : quote(item, "\"\\");
}

char *quoting_word(const char *word, bool always)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_@%+=:,./-";
	bool is_plain = *word && !word[strspn(word, plain)];

	return is_plain && !always ? sentence_new("%s", word) : quote(word, "\"\\$`");
}

void quoting_strip_comment(char *value, bool is_words)
{
	char *end = value;    /* behind the last byte that stays */
	char open = '\0';     /* the quote that we are in */
	bool is_start = true; /* of a word */

	for (char *at = value; *at && (open || !is_start || *at != ';'); at++) {
		bool is_escape = *at == '\\' && at[1] && open != '\'' && (open || is_words);

		if (is_escape)
			at++;
		else if (open ? *at == open : *at == '"' || (is_words && *at == '\''))
			open = open ? '\0' : *at;
		is_start = !is_escape && !open && is_blank(*at);
		if (!is_start)
			end = at + 1;
	}
	*end = '\0';
}
