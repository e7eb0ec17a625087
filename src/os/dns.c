#include "os/dns.h"

#include <ctype.h>
#include <string.h>

#include "base/bytes.h"

/* RFC 1035, 4.1: the header, and what stands behind the name of a question and of a record. */
enum { HEADER_LEN = 12, QUESTION_LEN = 4, FIXED_LEN = 10 };
enum { IS_REPLY = 0x80 };
enum { CLASS_INTERNET = 1 };
enum { A_LEN = 4, AAAA_LEN = 16, SRV_FIXED_LEN = 6 };
enum { AUTHORITY = 1, SECTIONS = 3 };

/* A length, or with both of these bits set the place where the name goes on. */
enum { POINTER = 0xc0, POINTER_PLACE = 0x3fff };

#define TTL_SIGN 0x80000000u

/* A name as it is put together. */
struct name {
	char *text;
	size_t len;
	bool is_host;
};

/* false: it gets too long. */
static bool add_label(struct name *name, const uint8_t *label, size_t len)
{
	if (name->len + len + 2 > DNS_NAME_SIZE)
		return false;
	if (name->len > 0)
		name->text[name->len++] = '.';
	for (size_t i = 0; i < len; i++) {
		if (!isalnum(label[i]) && label[i] != '-' && label[i] != '_')
			name->is_host = false;
		name->text[name->len++] = (char)tolower(label[i]);
	}
	return true;
}

/* The label at *at, and *at behind it. false: it ends beyond the message. */
static bool take_label(const struct dns_reader *reader, size_t *at, struct name *name)
{
	size_t len = reader->bytes[*at];
	const uint8_t *label = reader->bytes + *at + 1;

	*at += 1 + len;
	return *at <= reader->len && add_label(name, label, len);
}

/*
 * Goes on where the pointer at *at says. Each leads further back than all before it, or it could
 * lead around for ever.
 */
static bool follow(const struct dns_reader *reader, size_t *at, size_t *first)
{
	size_t place;

	if (*at + 2 > reader->len)
		return false;
	place = get_be16(reader->bytes + *at) & POINTER_PLACE;
	if (place >= *first)
		return false;
	*first = *at = place;
	return true;
}

/* The name at *at, and *at behind it; what is no name of a host becomes "" too. */
static bool read_name(const struct dns_reader *reader, size_t *at, struct name *name)
{
	size_t place = *at, first = place, end = 0;
	bool is_good = true;

	while (is_good && place < reader->len && reader->bytes[place] != 0) {
		bool is_pointer = (reader->bytes[place] & POINTER) == POINTER;

		if (is_pointer && end == 0)
			end = place + 2;
		/* Lengths of 64 and more were never given a meaning that lasted. */
		if (is_pointer)
			is_good = follow(reader, &place, &first);
		else
			is_good = (reader->bytes[place] & POINTER) == 0 &&
				  take_label(reader, &place, name);
	}
	*at = end > 0 ? end : place + 1;
	name->text[name->is_host ? name->len : 0] = '\0';
	return is_good && place < reader->len;
}

static bool skip_questions(struct dns_reader *reader, unsigned count)
{
	char text[DNS_NAME_SIZE];

	for (; count > 0; count--) {
		struct name name = {.text = text};

		if (!read_name(reader, &reader->at, &name) ||
		    reader->at + QUESTION_LEN > reader->len)
			return false;
		reader->at += QUESTION_LEN;
	}
	return true;
}

bool dns_reader_init(struct dns_reader *reader, const uint8_t *bytes, size_t len)
{
	*reader = (struct dns_reader){.bytes = bytes, .len = len, .at = HEADER_LEN};
	if (len < HEADER_LEN || !(bytes[2] & IS_REPLY))
		return false;
	for (size_t i = 0; i < SECTIONS; i++)
		reader->left[i] = get_be16(bytes + 6 + 2 * i);
	return skip_questions(reader, get_be16(bytes + 4));
}

static enum dns_result take_literal(struct dns_record *record, const uint8_t *value, size_t len,
				    size_t wanted)
{
	if (len != wanted)
		return DNS_BAD;
	memcpy(record->literal, value, len);
	return DNS_RECORD;
}

static enum dns_result take_service(const struct dns_reader *reader, struct dns_record *record,
				    size_t at, size_t len)
{
	struct name target = {.text = record->target, .is_host = true};
	size_t end = at + SRV_FIXED_LEN;

	if (len <= SRV_FIXED_LEN || !read_name(reader, &end, &target) || end != at + len)
		return DNS_BAD;
	record->priority = get_be16(reader->bytes + at);
	record->weight = get_be16(reader->bytes + at + 2);
	record->port = get_be16(reader->bytes + at + 4);
	return target.is_host ? DNS_RECORD : DNS_END;
}

/* DNS_END: it is none that matters. */
static enum dns_result take_value(const struct dns_reader *reader, struct dns_record *record,
				  size_t at, size_t len)
{
	switch (record->type) {
	case DNS_A:
		return take_literal(record, reader->bytes + at, len, A_LEN);
	case DNS_AAAA:
		return take_literal(record, reader->bytes + at, len, AAAA_LEN);
	case DNS_SRV:
		return take_service(reader, record, at, len);
	case DNS_CNAME:
		return DNS_RECORD;
	}
	return DNS_END;
}

/* The record that the reader stands at, and the reader behind it. DNS_END: none that matters. */
static enum dns_result take_record(struct dns_reader *reader, struct dns_record *record)
{
	struct name owner = {.text = record->owner, .is_host = true};
	const uint8_t *fixed;
	size_t at, len;

	if (!read_name(reader, &reader->at, &owner) || reader->at + FIXED_LEN > reader->len)
		return DNS_BAD;
	fixed = reader->bytes + reader->at;
	at = reader->at + FIXED_LEN;
	len = get_be16(fixed + 8);
	if (at + len > reader->len)
		return DNS_BAD;
	reader->at = at + len;
	if (get_be16(fixed + 2) != CLASS_INTERNET)
		return DNS_END;
	record->type = get_be16(fixed);
	record->ttl_s = get_be32(fixed + 4);
	/* RFC 2181, 8: as if it were 0. */
	if (record->ttl_s & TTL_SIGN)
		record->ttl_s = 0;
	return take_value(reader, record, at, len);
}

enum dns_result dns_reader_next(struct dns_reader *reader, struct dns_record *record)
{
	enum dns_result result = DNS_END;
	size_t section = 0;

	while (result == DNS_END && section < SECTIONS) {
		if (reader->left[section] == 0) {
			section++;
			continue;
		}
		reader->left[section]--;
		*record = (struct dns_record){
			.section = section == 0 ? DNS_ANSWER : DNS_ADDITIONAL,
		};
		result = take_record(reader, record);
		if (result == DNS_RECORD && section == AUTHORITY)
			result = DNS_END;
	}
	/* Where one ends nobody knows where the next begins. */
	if (result == DNS_BAD)
		memset(reader->left, 0, sizeof(reader->left));
	return result;
}
