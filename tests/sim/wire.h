#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "sim_socket.h"

/*
 * FastCGI as a peer of the mux reads and writes it, on the test's end of a connection. Written
 * apart from src/fcgi, so that a mistake there is not made twice. What it reads has to be records.
 */

enum { WIRE_RECORD_MAX = 8 + 65535 + 255 };

struct wire {
	struct sim_socket *socket; /* owned; NULL: closed */
	struct buffer out;	   /* not sent yet */
	uint64_t sent;		   /* bytes, so far */
	size_t len;		   /* of what came and was not taken */
	uint8_t *in;		   /* owned: WIRE_RECORD_MAX bytes */
};

/* One that has come; content is valid until it is dropped. */
struct wire_record {
	uint8_t type;
	uint16_t id;
	const uint8_t *content;
	size_t len;
};

void wire_open(struct wire *wire, struct sim_socket *socket);
void wire_close(struct wire *wire, bool is_reset);

/* Queue a record with so much padding; or any bytes. */
void wire_put(struct wire *wire, const struct wire_record *record, unsigned padding_len);
void wire_put_raw(struct wire *wire, const void *bytes, size_t len);

/* A stream's content in records of any length, without its end. */
void wire_put_stream(struct wire *wire, uint8_t type, uint16_t id, const struct buffer *content);

/* Sends up to max bytes of what is queued. */
void wire_flush(struct wire *wire, size_t max);

/* Receives up to max bytes. */
void wire_fill(struct wire *wire, size_t max);

/* The next record of what was received, until it is dropped: false where it is not whole yet. */
bool wire_next(const struct wire *wire, struct wire_record *record);
void wire_drop(struct wire *wire);

/* All that was received is taken, and the other side has ended. */
bool wire_has_ended(const struct wire *wire);

#endif
