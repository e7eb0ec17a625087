#ifndef FCGI_RECORD_READER_H
#define FCGI_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cuts a stream of bytes into records, in place. Pure, as all here. */

/* What a reader may write before the bytes it is given. */
enum { RECORD_HEADROOM = 16 };

/*
 * What a stream of records ended with when the last bytes ran out: all that a connection has to
 * keep between two reads. All zero is the beginning of a connection.
 */
struct record_reader {
	uint8_t held[RECORD_HEADROOM]; /* a cut-off header, or a BEGIN or END cut off in its body;
					  or the header of the rest of a record that was given out
					  in part */
	uint8_t held_len;
	uint8_t padding_left; /* to skip before the next header */
};

/*
 * A piece is always a whole record by itself: where the bytes end inside a record, the header is
 * rewritten to what is there, and the rest comes as a record of its own with the next bytes. So
 * whoever passes pieces on stands between two records after each, and may put another record
 * there. BEGIN_REQUEST and END_REQUEST are never split. A piece is empty only where the record was.
 */
struct record_piece {
	uint8_t *record; /* header, content, padding, one after the other in the caller's bytes */
	size_t record_len;
	uint8_t *content;
	size_t content_len;
	uint16_t id;
	uint8_t type;
	bool last; /* ends its record */
};

enum record_result { RECORD_PIECE, RECORD_MORE, RECORD_BAD };

/* Where a pass over freshly received bytes stands. */
struct record_cursor {
	struct record_reader *reader;
	uint8_t *at;
	uint8_t *end;
};

/*
 * Begins a pass over len bytes just received. The RECORD_HEADROOM bytes before them must be
 * writable: what was held is put there.
 */
void record_reader_begin(struct record_cursor *cursor, struct record_reader *reader, uint8_t *bytes,
			 size_t len);

/*
 * The next piece; RECORD_MORE when the bytes are used up (the reader then holds the rest);
 * RECORD_BAD for a wrong version or a BEGIN or END_REQUEST that is not of its length
 * (3.3, 5.1, 5.5).
 */
enum record_result record_reader_next(struct record_cursor *cursor, struct record_piece *piece);

/* Whether the stream stands between two records: where a peer may close without loss. */
bool record_reader_is_between(const struct record_reader *reader);

#endif
