#include "mux/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "fcgi/record.h"
#include "mux/backend.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/request.h"
#include "mux/route.h"

enum { LINE_SIZE = 256 };

#define HEAD "Content-Type: text/plain\r\nCache-Control: no-store\r\n\r\n"

bool status_is_asked(const struct mux *mux, const struct param *script_name)
{
	const char *path = mux->settings->status_path;

	return path && params_value_is(script_name, path);
}

/* A line lost to a shortage of memory is missing from the answer. */
__attribute__((format(printf, 2, 3))) static void add(struct buffer *text, const char *format, ...)
{
	uint8_t *room = buffer_room(text, LINE_SIZE);
	va_list arguments;
	int len;

	if (!room)
		return;
	va_start(arguments, format);
	len = vsnprintf((char *)room, LINE_SIZE, format, arguments);
	va_end(arguments);
	if (len > 0 && len < LINE_SIZE)
		buffer_grow(text, (size_t)len);
}

static void add_number(struct buffer *text, const char *name, uint64_t number)
{
	add(text, "%s: %llu\n", name, (unsigned long long)number);
}

static void add_proc_number(struct buffer *text, const struct proc *proc, const char *name,
			    uint64_t number)
{
	add(text, "fastcgi.backend.%s.%u.%s: %llu\n", proc->backend->settings->name,
	    proc->balance.number, name, (unsigned long long)number);
}

static void add_proc(struct buffer *text, const struct proc *proc)
{
	add_proc_number(text, proc, "connected", proc->counts.connected);
	add_proc_number(text, proc, "died", proc->counts.died);
	add_proc_number(text, proc, "disabled", proc->counts.disabled);
	add_proc_number(text, proc, "load", proc->balance.load);
	add_proc_number(text, proc, "overloaded", proc->counts.overloaded);
}

static void add_backend(struct buffer *text, const struct backend *backend)
{
	uint64_t load = 0, queued = 0;

	for (size_t i = 0; i < backend->proc_count; i++)
		load += backend->procs[i].balance.load;
	for (size_t i = 0; i < backend->route_count; i++)
		queued += backend->routes[i]->queue.count;
	add(text, "fastcgi.backend.%s.load: %llu\n", backend->settings->name,
	    (unsigned long long)load);
	add(text, "fastcgi.backend.%s.queued: %llu\n", backend->settings->name,
	    (unsigned long long)queued);
	for (size_t i = 0; i < backend->proc_count; i++)
		add_proc(text, &backend->procs[i]);
}

static void add_mux(struct buffer *text, const struct mux *mux)
{
	const struct mux_counts *counts = &mux->counts;

	add_number(text, "connections", mux->connection_count);
	add_number(text, "requests", counts->requests);
	add_number(text, "retries", counts->retries);
	add_number(text, "slow requests", counts->slow_requests);
	add_number(text, "bad clients", counts->bad_clients);
	add_number(text, "bad answers", counts->bad_answers);
	add_number(text, "broken answers", counts->broken_answers);
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		add(text, "answered %.3s: %llu\n", failure_status((enum failure_kind)kind),
		    (unsigned long long)counts->failures[kind]);
}

static void send_stdout(const struct request *request, const uint8_t *bytes, size_t len)
{
	uint8_t header[RECORD_HEADER_LEN];

	while (len > 0) {
		size_t part = len < RECORD_CONTENT_MAX ? len : RECORD_CONTENT_MAX;

		record_header_encode(header, RECORD_STDOUT, request->id, (uint16_t)part);
		front_connection_send(request->connection, header, sizeof(header));
		front_connection_send(request->connection, bytes, part);
		bytes += part;
		len -= part;
	}
}

static void send_end(const struct request *request)
{
	uint8_t records[RECORD_HEADER_LEN + RECORD_BEGIN_LEN];
	uint8_t *out = record_header_encode(records, RECORD_STDOUT, request->id, 0);

	record_end_encode(out, request->id, 0, RECORD_REQUEST_COMPLETE);
	front_connection_send(request->connection, records, sizeof(records));
}

void status_answer(struct request *request)
{
	const struct mux *mux = request->route->mux;
	struct buffer text = {0};

	add(&text, HEAD);
	add_mux(&text, mux);
	for (size_t i = 0; i < mux->backend_count; i++)
		add_backend(&text, &mux->backends[i]);
	send_stdout(request, buffer_data(&text), text.len);
	send_end(request);
	buffer_fini(&text);
	/* The client may have broken the connection, and all its requests have ended with it. */
	if (request_is_awaited(request))
		request_end(request);
}
