#ifndef MUX_QUESTION_H
#define MUX_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "fcgi/head.h"
#include "fcgi/record_reader.h"
#include "fcgi/values.h"

/*
 * What we ask ourselves of whatever speaks FastCGI, in place of a web server: its values, or a
 * page. Bytes only: the connection, which carries nothing else, and the time are the caller's.
 */
struct question {
	/* Of what is asked; all is borrowed. */
	const char *path;    /* of a page, with a query behind "?"; NULL: the values */
	const char *docroot; /* DOCUMENT_ROOT, which SCRIPT_FILENAME is below; NULL: none */
	/* What comes of the page, and its error stream; or NULL. */
	void (*on_body)(void *owner, const void *bytes, size_t len);
	void (*on_error)(void *owner, const void *bytes, size_t len);
	void *owner; /* of both */

	/* Of the answer. */
	struct record_reader reader;
	struct buffer held;   /* until the head is whole, or the values are */
	struct head head;     /* with has_head: of the page, and its status */
	struct values values; /* with has_values; a program may answer and know none */
	const char *fault;    /* why it is no answer */
	bool has_head;
	bool has_values;
	bool is_over; /* the answer is whole */
};

/* The rest of what is asked may be set after it. */
void question_init(struct question *question, const char *path);
void question_fini(struct question *question);

/* Appends all that is to be sent. 0, -ENOMEM, or -ENAMETOOLONG: the path. */
int question_encode(const struct question *question, struct buffer *out)
	__attribute__((warn_unused_result));

/*
 * Takes len bytes that have come; the RECORD_HEADROOM bytes before them are writable. 0, -ENOMEM,
 * or -EPROTO: it is no answer, as fault says. What comes after the end is not looked at.
 */
int question_take(struct question *question, uint8_t *bytes, size_t len)
	__attribute__((warn_unused_result));

#endif
