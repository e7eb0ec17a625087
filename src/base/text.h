#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bounded formatting, and numbers, sizes and durations as people write them. The parsers take the
 * whole string, with nothing before or after the number: -EINVAL where it is not of the form,
 * -ERANGE where it is outside min..max.
 */

/* Longest text of text_format_size and text_format_duration with its NUL. */
#define TEXT_UNIT_SIZE 32

/* Formats into out, always ends it with NUL. 0, or -ENOSPC where the text was cut. */
int text_format(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* malloced text, to be freed; NULL: no memory. */
char *text_new(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Decimal digits only. */
int text_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
	__attribute__((warn_unused_result));

/* Octal digits only. */
int text_parse_octal(const char *text, uint64_t max, uint64_t *number)
	__attribute__((warn_unused_result));

/* "512", "64k", "8m", "1g" (powers of 1024; either case) to bytes. */
int text_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *len)
	__attribute__((warn_unused_result));

/* "250ms", "10s", "5m", "2h"; a bare number is seconds. To milliseconds, as are min and max. */
int text_parse_duration(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *duration_ms)
	__attribute__((warn_unused_result));

/*
 * In the largest unit that divides it, with the unit unless it is bytes or nothing: the parser of
 * its kind reads the same number back. Returns out.
 */
const char *text_format_size(char out[TEXT_UNIT_SIZE], uint64_t len);
const char *text_format_duration(char out[TEXT_UNIT_SIZE], uint64_t duration_ms);

/*
 * Splits text into words as a shell does, without running one: blanks separate, '...' is literal,
 * "..." takes \" \\ \$ \`, a backslash takes the next byte. Returns a malloced, NULL-ended array to
 * be freed with text_free_words; NULL and errno EINVAL (quote not closed, backslash at the end) or
 * ENOMEM.
 */
char **text_split_words(const char *text);
void text_free_words(char **words);

/* Which of the count candidates is nearest to a misspelt word, or NULL where none is near. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

#endif
