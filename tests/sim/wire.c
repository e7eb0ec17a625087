#include "wire.h"

#include <string.h>

#include "sim.h"

enum { HEADER_LEN = 8 };

void wire_open(struct wire *wire, struct sim_socket *socket)
{
	uint8_t *in = wire->in;

	*wire = (struct wire){.socket = socket, .in = in};
	if (!wire->in)
		wire->in = malloc(WIRE_RECORD_MAX);
	MUST(wire->in, "no memory for the test");
}

void wire_close(struct wire *wire, bool is_reset)
{
	if (wire->socket)
		sim_close(wire->socket, is_reset);
	wire->socket = NULL;
	buffer_fini(&wire->out);
	wire->len = 0;
}

void wire_put_raw(struct wire *wire, const void *bytes, size_t len)
{
	MUST(buffer_append(&wire->out, bytes, len) == 0, "no memory for the test");
}

void wire_put(struct wire *wire, const struct wire_record *record, unsigned padding_len)
{
	const uint8_t header[HEADER_LEN] = {
		1,
		record->type,
		(uint8_t)(record->id >> 8),
		(uint8_t)record->id,
		(uint8_t)(record->len >> 8),
		(uint8_t)record->len,
		(uint8_t)padding_len,
	};
	static const uint8_t padding[UINT8_MAX];

	wire_put_raw(wire, header, sizeof(header));
	wire_put_raw(wire, record->content, record->len);
	wire_put_raw(wire, padding, padding_len);
}

void wire_put_stream(struct wire *wire, uint8_t type, uint16_t id, const struct buffer *content)
{
	struct wire_record record = {.type = type, .id = id, .content = buffer_data(content)};
	size_t left = content->len;

	while (left > 0) {
		size_t most = sim_choose(4) == 0 ? 1 + sim_choose(64) : UINT16_MAX;

		record.len = left < most ? left : most;
		wire_put(wire, &record, sim_choose(3) == 0 ? sim_choose(UINT8_MAX + 1) : 0);
		record.content += record.len;
		left -= record.len;
	}
}

void wire_flush(struct wire *wire, size_t max)
{
	size_t len = wire->out.len < max ? wire->out.len : max;

	len = len > 0 ? sim_put(wire->socket, buffer_data(&wire->out), len) : 0;
	wire->sent += len;
	if (len > 0)
		buffer_consume(&wire->out, len);
}

void wire_fill(struct wire *wire, size_t max)
{
	size_t room = WIRE_RECORD_MAX - wire->len;

	wire->len += sim_get(wire->socket, wire->in + wire->len, room < max ? room : max);
}

/* How long the record is that wire->in begins with; 0: that is not known yet. */
static size_t record_len_of(const struct wire *wire)
{
	const uint8_t *in = wire->in;

	if (wire->len < HEADER_LEN)
		return 0;
	return (size_t)HEADER_LEN + (size_t)in[4] * 256 + in[5] + in[6];
}

bool wire_next(const struct wire *wire, struct wire_record *record)
{
	size_t len = record_len_of(wire);

	if (len == 0 || wire->len < len)
		return false;
	MUST(wire->in[0] == 1, "a record of version %u", wire->in[0]);
	*record = (struct wire_record){
		.type = wire->in[1],
		.id = (uint16_t)(wire->in[2] * 256 + wire->in[3]),
		.content = wire->in + HEADER_LEN,
		.len = (size_t)wire->in[4] * 256 + wire->in[5],
	};
	return true;
}

void wire_drop(struct wire *wire)
{
	size_t len = record_len_of(wire);

	wire->len -= len;
	memmove(wire->in, wire->in + len, wire->len);
}

bool wire_has_ended(const struct wire *wire)
{
	return sim_has_ended(wire->socket) ||
	       (sim_readable(wire->socket) == 0 && sim_is_left(wire->socket));
}
