#ifndef BASE_LOG_ESCAPE_H
#define BASE_LOG_ESCAPE_H

#include <stddef.h>

/*
 * Text from anywhere, made fit for a line of the log: nothing in it can end that line or look like
 * another. out has room for LOG_ESCAPED_LEN bytes for each of text and a NUL; text need not end in
 * one. All return the length.
 */

/* The most that one byte takes: \u001f. */
enum { LOG_ESCAPED_LEN = 6 };

/* Control bytes as \xNN, all others as they are. */
size_t log_escape_plain(char *out, const char *text, size_t len);

/* The inside of quotes: quotes and backslashes too. */
size_t log_escape_quoted(char *out, const char *text, size_t len);

/*
 * The inside of a JSON string (RFC 8259): quotes, backslashes and control bytes escaped, and each
 * byte that is not part of well-formed UTF-8 replaced with U+FFFD.
 */
size_t log_escape_json(char *out, const char *text, size_t len);

#endif
