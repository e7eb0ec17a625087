#ifndef FCGI_VALUES_H
#define FCGI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * FCGI_GET_VALUES and its result (section 4.1): the three values of the specification, and three
 * more that an fcgi-mux tells of the front that it is asked at. Who does not know a name leaves it
 * out of the result.
 */
struct values {
	uint32_t max_conns;
	uint32_t max_reqs;
	uint32_t capacity; /* HERD_CAPACITY: requests that are taken at once; UINT32_MAX: any */
	uint32_t busy;	   /* HERD_BUSY: requests that procs have */
	uint32_t queued;   /* HERD_QUEUED: requests that wait for one */
	bool mpxs_conns;   /* more than one request at a time on a connection */
	bool knows_load;   /* a result: the last three were there, all of them */
};

/* The longest query and the longest result that are encoded here, in bytes. */
enum { VALUES_ENCODED_MAX = 160 };

/*
 * A query that may arrive in pieces: which of the names it asked for. All zero is the
 * beginning of a record.
 */
struct values_query {
	uint8_t asked;	     /* bits, one a name */
	uint8_t partial_len; /* of what is in partial */
	uint8_t partial[24]; /* a pair cut off by the end of a piece; none that we know is longer */
	uint32_t skip_len;   /* what is still to come of a pair that is none of ours */
};

/* Takes the next piece of the content. False: not name-value pairs. */
bool values_query_feed(struct values_query *query, const uint8_t *bytes, size_t len);

/*
 * Writes the whole record of the answer into out (VALUES_ENCODED_MAX bytes): the values of those
 * names that were asked for, no others. Returns behind it.
 */
uint8_t *values_result_encode(uint8_t *out, const struct values_query *query,
			      const struct values *values);

/* Whether the three were asked for that only another fcgi-mux wants to know. */
bool values_query_is_of_mux(const struct values_query *query);

/*
 * What an fcgi-mux tells another on each of its connections, unasked, when it is about to end: it
 * takes no more requests there. Writes the whole record into out (VALUES_ENCODED_MAX bytes) and
 * returns behind it; whether the content of a result is that.
 */
uint8_t *values_draining_encode(uint8_t *out);
bool values_are_draining(const uint8_t *bytes, size_t len);

/* Writes a record that asks for all of them. */
uint8_t *values_query_encode(uint8_t *out);

/*
 * Reads the content of a result. False: not name-value pairs, or a value that is no number; then
 * *values stays as it is, as do those of its numbers that are absent from the result.
 */
bool values_result_decode(const uint8_t *bytes, size_t len, struct values *values);

#endif
