#include "fcgi/record.h"

#include <string.h>

#include "base/bytes.h"

/* BEGIN_REQUEST, END_REQUEST and UNKNOWN_TYPE have bodies of one length. */
enum { BODY_LEN = RECORD_BEGIN_LEN - RECORD_HEADER_LEN };

uint8_t *record_header_encode(uint8_t *out, uint8_t type, uint16_t id, uint16_t content_len)
{
	out[RECORD_AT_VERSION] = RECORD_VERSION;
	out[RECORD_AT_TYPE] = type;
	put_be16(out + RECORD_AT_ID, id);
	put_be16(out + RECORD_AT_CONTENT_LEN, content_len);
	out[RECORD_AT_PADDING_LEN] = 0;
	out[RECORD_HEADER_LEN - 1] = 0;
	return out + RECORD_HEADER_LEN;
}

uint8_t *record_begin_encode(uint8_t *out, uint16_t id, uint16_t role, uint8_t flags)
{
	out = record_header_encode(out, RECORD_BEGIN_REQUEST, id, BODY_LEN);
	memset(out, 0, BODY_LEN);
	put_be16(out, role);
	out[2] = flags;
	return out + BODY_LEN;
}

uint8_t *record_end_encode(uint8_t *out, uint16_t id, uint32_t app_status, uint8_t status)
{
	out = record_header_encode(out, RECORD_END_REQUEST, id, BODY_LEN);
	memset(out, 0, BODY_LEN);
	put_be32(out, app_status);
	out[4] = status;
	return out + BODY_LEN;
}

uint8_t *record_unknown_type_encode(uint8_t *out, uint8_t type)
{
	out = record_header_encode(out, RECORD_UNKNOWN_TYPE, 0, BODY_LEN);
	memset(out, 0, BODY_LEN);
	out[0] = type;
	return out + BODY_LEN;
}

size_t record_len(const uint8_t *record)
{
	return RECORD_HEADER_LEN + (size_t)get_be16(record + RECORD_AT_CONTENT_LEN) +
	       record[RECORD_AT_PADDING_LEN];
}

void record_set_id(uint8_t *record, uint16_t id)
{
	put_be16(record + RECORD_AT_ID, id);
}

struct record_begin record_begin_decode(const uint8_t *record)
{
	const uint8_t *body = record + RECORD_HEADER_LEN;

	return (struct record_begin){.role = get_be16(body), .flags = body[2]};
}

struct record_end record_end_decode(const uint8_t *record)
{
	const uint8_t *body = record + RECORD_HEADER_LEN;

	return (struct record_end){.app_status = get_be32(body), .status = body[4]};
}
