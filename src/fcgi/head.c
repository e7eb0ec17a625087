#include "fcgi/head.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "fcgi/params.h"

#define VARIABLE "Variable-"
enum { VARIABLE_LEN = sizeof(VARIABLE) - 1, STATUS_LEN = 3, DELETE = 0x7f };

static const struct {
	const char *name;
	enum head_kind kind;
} known[] = {
	{"Status", HEAD_STATUS},
	{"Location", HEAD_LOCATION},
	{"Content-Type", HEAD_CONTENT_TYPE},
	{"Content-Length", HEAD_LENGTH},
	{"Transfer-Encoding", HEAD_LENGTH},
	{"X-Sendfile", HEAD_SENDFILE},
	{"X-LIGHTTPD-send-file", HEAD_SENDFILE1},
	{"X-Sendfile2", HEAD_SENDFILE2},
};

void head_init(struct head *head, size_t max_len)
{
	*head = (struct head){.max_len = max_len};
}

static enum head_kind kind_of(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len == strlen(known[i].name) && strncasecmp(name, known[i].name, len) == 0)
			return known[i].kind;
	if (len >= VARIABLE_LEN && strncasecmp(name, VARIABLE, VARIABLE_LEN) == 0)
		return HEAD_VARIABLE;
	return HEAD_OTHER;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* nginx takes more than the token of RFC 9110, such as "X(A)", and no harm is in it. */
static bool is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == DELETE)
			return false;
	return len > 0;
}

/* Of the control characters only these change what others read (RFC 9110, section 5.5). */
static bool is_value(const char *value, size_t len)
{
	return !memchr(value, '\0', len) && !memchr(value, '\r', len);
}

static bool field_decode(struct head_field *field, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;

	if (!colon)
		return false;
	field->name = line;
	field->name_len = (size_t)(colon - line);
	field->value = colon + 1;
	while (field->value < end && is_blank(*field->value))
		field->value++;
	while (end > field->value && is_blank(end[-1]))
		end--;
	field->value_len = (size_t)(end - field->value);
	field->kind = kind_of(field->name, field->name_len);
	return is_name(field->name, field->name_len) && is_value(field->value, field->value_len);
}

/* "200", "200 OK". Another one must say the same: web servers take the first or the last. */
static bool take_status(struct head *head, const char *text, size_t len)
{
	unsigned status = 0;

	if (len < STATUS_LEN || (len > STATUS_LEN && !is_blank(text[STATUS_LEN])))
		return false;
	for (size_t i = 0; i < STATUS_LEN; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		status = 10 * status + (unsigned)(text[i] - '0');
	}
	if (status < 100 || (head->status > 0 && head->status != status))
		return false;
	head->status = status;
	head->kinds |= HEAD_SET(HEAD_STATUS);
	return true;
}

/* "HTTP/1.1 404 Not Found", as PHP has it with cgi.rfc2616_headers. */
static bool is_status_line(const char *line, size_t len)
{
	return len >= 5 && memcmp(line, "HTTP/", 5) == 0;
}

static bool take_status_line(struct head *head, const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);

	return blank && is_value(line, len) &&
	       take_status(head, blank + 1, (size_t)(line + len - blank - 1));
}

static bool take_field(struct head *head, const char *line, size_t len)
{
	struct head_field field;

	if (!field_decode(&field, line, len))
		return false;
	head->kinds |= HEAD_SET(field.kind);
	return field.kind != HEAD_STATUS || take_status(head, field.value, field.value_len);
}

/* Without its LF and the CR before it. */
static size_t line_len(const uint8_t *line, const uint8_t *lf)
{
	return (size_t)(lf - line) - (lf > line && lf[-1] == '\r');
}

static enum head_result take_end(struct head *head)
{
	if (head->status == 0)
		head->status = head->kinds & HEAD_SET(HEAD_LOCATION) ? 302 : 200;
	return HEAD_COMPLETE;
}

static enum head_result take_line(struct head *head, const uint8_t *bytes, const uint8_t *lf)
{
	const char *line = (const char *)bytes + head->len;
	size_t len = line_len(bytes + head->len, lf);
	bool is_first = head->len == 0;
	bool is_good;

	head->len = head->at = (size_t)(lf + 1 - bytes);
	if (len == 0)
		return take_end(head);
	head->count++;
	if (is_first && is_status_line(line, len)) {
		head->fields_at = head->len;
		is_good = take_status_line(head, line, len);
	} else {
		/* It would be the first one where the fields before it are left out. */
		is_good = !is_status_line(line, len) && take_field(head, line, len);
	}
	return is_good ? HEAD_MORE : HEAD_MALFORMED;
}

enum head_result head_read(struct head *head, const uint8_t *bytes, size_t len)
{
	size_t end = len < head->max_len ? len : head->max_len;

	while (head->at < end) {
		const uint8_t *lf = memchr(bytes + head->at, '\n', end - head->at);
		enum head_result result;

		if (!lf) {
			head->at = end;
			break;
		}
		result = take_line(head, bytes, lf);
		if (result != HEAD_MORE)
			return result;
	}
	return end < head->max_len ? HEAD_MORE : HEAD_TOO_LONG;
}

bool head_next(const struct head *head, const uint8_t *bytes, size_t *at, struct head_field *field)
{
	const uint8_t *line, *lf;
	size_t len;

	if (*at < head->fields_at)
		*at = head->fields_at;
	line = bytes + *at;
	lf = memchr(line, '\n', head->len - *at);
	len = lf ? line_len(line, lf) : 0;
	if (len == 0)
		return false;
	*at = (size_t)(lf + 1 - bytes);
	return field_decode(field, (const char *)line, len);
}

bool head_find(const struct head *head, const uint8_t *bytes, enum head_kind kind,
	       struct head_field *field)
{
	size_t at = 0;

	if (!(head->kinds & HEAD_SET(kind)))
		return false;
	while (head_next(head, bytes, &at, field))
		if (field->kind == kind && field->value_len > 0)
			return true;
	return false;
}

size_t head_variable_len(const struct head_field *field)
{
	return params_encoded_len(field->name_len - VARIABLE_LEN, field->value_len);
}

uint8_t *head_variable_encode(uint8_t *out, const struct head_field *field)
{
	struct param param = {
		.name = field->name + VARIABLE_LEN,
		.name_len = field->name_len - VARIABLE_LEN,
		.value = field->value,
		.value_len = field->value_len,
	};
	uint8_t *end, *name;

	if (param.name_len == 0)
		return out;
	end = params_encode(out, &param);
	name = end - param.value_len - param.name_len;
	for (size_t i = 0; i < param.name_len; i++)
		name[i] = isalnum(name[i]) ? (uint8_t)toupper(name[i]) : '_';
	return end;
}

/* A status line stands before the fields. */
static size_t copy_status_line(const struct head *head, const uint8_t *bytes, unsigned without,
			       uint8_t *out)
{
	size_t len = without & HEAD_SET(HEAD_STATUS) ? 0 : head->fields_at;

	memcpy(out, bytes, len);
	return len;
}

int head_copy(const struct head *head, const uint8_t *bytes, unsigned without, struct buffer *out)
{
	uint8_t *room = buffer_room(out, head->len);
	struct head_field field;
	size_t from = head->fields_at;
	size_t len;

	if (!room)
		return -ENOMEM;
	len = copy_status_line(head, bytes, without, room);
	for (size_t at = from; head_next(head, bytes, &at, &field); from = at) {
		if (without & HEAD_SET(field.kind))
			continue;
		memcpy(room + len, bytes + from, at - from);
		len += at - from;
	}
	buffer_grow(out, len);
	return 0;
}

int head_add(struct buffer *out, const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(": ") + strlen(value) + strlen("\r\n");
	uint8_t *room = buffer_room(out, len);

	if (!room)
		return -ENOMEM;
	room = mempcpy(room, name, strlen(name));
	room = mempcpy(room, ": ", 2);
	room = mempcpy(room, value, strlen(value));
	memcpy(room, "\r\n", 2);
	buffer_grow(out, len);
	return 0;
}

int head_end(struct buffer *out)
{
	return buffer_append(out, "\r\n", 2);
}
