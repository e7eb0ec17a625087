#include "mux/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log_escape.h"

/* Nearly all that is printed is shorter. */
enum { PIECE_SIZE = 512 };

/* An HTML reference such as &#34; is as short as what the others make of a byte. */
enum { ESCAPED_LEN = LOG_ESCAPED_LEN };

void page_fini(struct page *page)
{
	buffer_fini(&page->bytes);
}

static char *page_room(struct page *page, size_t len)
{
	uint8_t *room = page->is_lost ? NULL : buffer_room(&page->bytes, len);

	page->is_lost = !room;
	return (char *)room;
}

/* Returns the length of the whole text; what has no room was not printed. */
static __attribute__((format(printf, 3, 0))) size_t
print_piece(struct page *page, size_t size, const char *format, va_list arguments)
{
	char *room = page_room(page, size);
	int len;

	if (!room)
		return 0;
	len = vsnprintf(room, size, format, arguments);
	if (len < 0)
		page->is_lost = true;
	else if ((size_t)len < size)
		buffer_grow(&page->bytes, (size_t)len);
	return len < 0 ? 0 : (size_t)len;
}

void page_print(struct page *page, const char *format, ...)
{
	va_list arguments;
	size_t len;

	va_start(arguments, format);
	len = print_piece(page, PIECE_SIZE, format, arguments);
	va_end(arguments);
	if (len < PIECE_SIZE)
		return;
	va_start(arguments, format);
	(void)print_piece(page, len + 1, format, arguments);
	va_end(arguments);
}

static size_t escape_html(char *out, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte < ' ')
			out[used++] = '?';
		else if (strchr("&<>\"'", byte))
			used += (size_t)snprintf(out + used, ESCAPED_LEN + 1, "&#%d;", (int)byte);
		else
			out[used++] = (char)byte;
	}
	return used;
}

static size_t escape_terminal(char *out, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte >= ' ' && byte <= '~')
			out[used++] = (char)byte;
		else
			used += (size_t)snprintf(out + used, ESCAPED_LEN + 1, "\\x%02x", byte);
	}
	return used;
}

void page_escape(struct page *page, enum page_form form, const char *text, size_t len)
{
	char *room = page_room(page, len * ESCAPED_LEN + 1);
	size_t used = 0;

	if (!room)
		return;
	switch (form) {
	case PAGE_TEXT:
		used = log_escape_plain(room, text, len);
		break;
	case PAGE_JSON:
		used = log_escape_json(room, text, len);
		break;
	case PAGE_HTML:
		used = escape_html(room, text, len);
		break;
	case PAGE_TERMINAL:
		used = escape_terminal(room, text, len);
		break;
	}
	buffer_grow(&page->bytes, used);
}

void page_cut(struct page *page, char byte)
{
	struct buffer *bytes = &page->bytes;

	if (bytes->len > 0 && (char)buffer_data(bytes)[bytes->len - 1] == byte)
		bytes->len--;
}

void page_seconds(struct page *page, uint64_t ms)
{
	page_print(page, "%llu.%03llu", (unsigned long long)(ms / 1000),
		   (unsigned long long)(ms % 1000));
}
