#ifndef MUX_PAGE_H
#define MUX_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * An answer that the mux writes itself, piece by piece. Where memory runs out it is lost as a
 * whole: half a page would be taken for the whole. All zero is an empty one.
 */
struct page {
	struct buffer bytes;
	bool is_lost;
};

/* What is escaped, so that text from anywhere stays inside its place. */
enum page_form {
	PAGE_TEXT,     /* a line */
	PAGE_JSON,     /* the inside of a string */
	PAGE_HTML,     /* the same of an element or a quoted attribute */
	PAGE_TERMINAL, /* a line in ASCII: each byte is a column, and none controls anything */
};

void page_fini(struct page *page);

void page_print(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_escape(struct page *page, enum page_form form, const char *text, size_t len);

/* Takes the last byte back where it is this one: a separator behind the last of a list. */
void page_cut(struct page *page, char byte);

/* Milliseconds as seconds: "1.250". */
void page_seconds(struct page *page, uint64_t ms);

#endif
