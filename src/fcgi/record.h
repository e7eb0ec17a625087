#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Records of FastCGI 1.0 (section numbers below are those of its specification). Pure: no
 * allocation, no I/O.
 *
 *   byte   0        1      2 3    4 5              6                7          8 ...
 *          version  type   id     content length   padding length   reserved   content, padding
 */
enum {
	RECORD_VERSION = 1,
	RECORD_HEADER_LEN = 8,
	RECORD_CONTENT_MAX = 65535,
	RECORD_BEGIN_LEN = 16, /* BEGIN_REQUEST and END_REQUEST with their header */
};

/* Where the fields of a header are. */
enum {
	RECORD_AT_VERSION = 0,
	RECORD_AT_TYPE = 1,
	RECORD_AT_ID = 2,
	RECORD_AT_CONTENT_LEN = 4,
	RECORD_AT_PADDING_LEN = 6,
};

/* Section 8. */
enum record_type {
	RECORD_BEGIN_REQUEST = 1,
	RECORD_ABORT_REQUEST,
	RECORD_END_REQUEST,
	RECORD_PARAMS,
	RECORD_STDIN,
	RECORD_STDOUT,
	RECORD_STDERR,
	RECORD_DATA,
	RECORD_GET_VALUES,
	RECORD_GET_VALUES_RESULT,
	RECORD_UNKNOWN_TYPE,
};

enum record_role { RECORD_RESPONDER = 1, RECORD_AUTHORIZER, RECORD_FILTER };

enum record_status {
	RECORD_REQUEST_COMPLETE,
	RECORD_CANT_MPX_CONN,
	RECORD_OVERLOADED,
	RECORD_UNKNOWN_ROLE
};

enum { RECORD_FLAG_KEEP_CONN = 1 };

/* Writes the header of a record. Returns the first byte behind it, as all encoders do. */
uint8_t *record_header_encode(uint8_t *out, uint8_t type, uint16_t id, uint16_t content_len);
uint8_t *record_begin_encode(uint8_t *out, uint16_t id, uint16_t role, uint8_t flags);
uint8_t *record_end_encode(uint8_t *out, uint16_t id, uint32_t app_status, uint8_t status);
uint8_t *record_unknown_type_encode(uint8_t *out, uint8_t type);

/* Bytes of an encoded record, with header and padding. */
size_t record_len(const uint8_t *record);

/* Puts another request id into an encoded record. */
void record_set_id(uint8_t *record, uint16_t id);

/* The bodies of BEGIN_REQUEST and END_REQUEST, from a record that is there in whole. */
struct record_begin {
	uint16_t role;
	uint8_t flags;
};
struct record_end {
	uint32_t app_status;
	uint8_t status;
};
struct record_begin record_begin_decode(const uint8_t *record);
struct record_end record_end_decode(const uint8_t *record);

#endif
