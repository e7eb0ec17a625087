#ifndef FCGI_HEAD_H
#define FCGI_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * The head of a CGI answer (RFC 3875, section 6): lines that end with LF or CRLF, the last of them
 * empty. It is read as it comes in, each byte once; the caller holds the bytes.
 *
 * Malformed is what web servers do not read alike: a line without a colon, with nothing, a blank or
 * a control character before it, or with a NUL or a CR in it; one that begins with a blank, to go
 * on with the one before; a status that is not of three digits; two that differ; a status line that
 * is not the first.
 */

enum head_kind {
	HEAD_OTHER,
	HEAD_STATUS, /* also a status line as HTTP has it, in place of the first field */
	HEAD_LOCATION,
	HEAD_CONTENT_TYPE,
	HEAD_LENGTH,	/* Content-Length, Transfer-Encoding: void when the body is replaced */
	HEAD_SENDFILE,	/* X-Sendfile */
	HEAD_SENDFILE1, /* X-LIGHTTPD-send-file, its old name */
	HEAD_SENDFILE2, /* X-Sendfile2 */
	HEAD_VARIABLE,	/* Variable-NAME, of an authorizer (FastCGI, section 6.3) */
};

/* Sets of kinds. */
#define HEAD_SET(kind) (1u << (kind))
enum {
	HEAD_SENDFILES =
		HEAD_SET(HEAD_SENDFILE) | HEAD_SET(HEAD_SENDFILE1) | HEAD_SET(HEAD_SENDFILE2),
};

struct head {
	size_t max_len;	  /* no longer than this, with the empty line */
	size_t len;	  /* of the lines read; complete: of the head, with the empty line */
	size_t at;	  /* looked at; the line that is not whole yet is not looked at again */
	size_t fields_at; /* where the fields begin: behind a status line */
	size_t count;	  /* of fields, and of a status line */
	unsigned kinds;	  /* the set of those that are there */
	unsigned status;  /* complete: 200 unless given, 302 with a Location (6.2.3, 6.3.3) */
};

enum head_result { HEAD_MORE, HEAD_COMPLETE, HEAD_TOO_LONG, HEAD_MALFORMED };

void head_init(struct head *head, size_t max_len);

/*
 * Reads on: bytes are all that came since the beginning, those of earlier calls at the same
 * offsets. An answer that ends while it says HEAD_MORE has no head. To be called until it says
 * otherwise.
 */
enum head_result head_read(struct head *head, const uint8_t *bytes, size_t len);

/* The functions below take a complete head and its bytes; slices are of these bytes. */

struct head_field {
	enum head_kind kind;
	const char *name; /* neither ends in NUL */
	size_t name_len;
	const char *value; /* without blanks around it */
	size_t value_len;
};

/* The field at *at, which begins as 0, and moves *at behind it. False: there are no more. */
bool head_next(const struct head *head, const uint8_t *bytes, size_t *at, struct head_field *field);

/* The first field of a kind, empty ones left out as if they were not there. False: none. */
bool head_find(const struct head *head, const uint8_t *bytes, enum head_kind kind,
	       struct head_field *field);

/*
 * The variable that a field of HEAD_VARIABLE sets, as a name-value pair: its name as names of
 * variables are, in capitals, digits and '_'. Writes at most head_variable_len bytes, and returns
 * behind them. A field without a name writes nothing.
 */
size_t head_variable_len(const struct head_field *field);
uint8_t *head_variable_encode(uint8_t *out, const struct head_field *field);

/*
 * Write a head again: first what was in the old one but for a set of kinds, as it was written; then
 * what is to be added; then the empty line. 0 or -ENOMEM.
 */
int head_copy(const struct head *head, const uint8_t *bytes, unsigned without, struct buffer *out)
	__attribute__((warn_unused_result));
int head_add(struct buffer *out, const char *name, const char *value)
	__attribute__((warn_unused_result));
int head_end(struct buffer *out) __attribute__((warn_unused_result));

#endif
