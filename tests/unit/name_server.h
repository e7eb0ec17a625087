#ifndef UNIT_NAME_SERVER_H
#define UNIT_NAME_SERVER_H

/*
 * A name server inside the test: on the loop, on the loopback, by UDP and TCP. What it answers
 * functions of the test make up, byte by byte where they like.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/bytes.h"
#include "os/dns.h"
#include "os/loop.h"

enum { MESSAGE_SIZE = 65535, HEADER_LEN = 12 };
enum { RCODE_FAILED = 2, RCODE_NO_NAME = 3, RCODE_REFUSED = 5 };
enum { FLAG_TRUNCATED = 0x02 };
enum { NAME_SERVER_PATIENCE_MS = 20000 };
enum { ANSWERS_AT = 6, ADDITIONALS_AT = 10 };

struct message {
	char name[DNS_NAME_SIZE]; /* that was asked for */
	enum dns_type type;
	bool is_tcp;
	bool is_dropped; /* nothing is sent */
	uint8_t bytes[MESSAGE_SIZE];
	size_t len;
};

struct zone {
	const char *name;
	void (*answer)(struct message *message);
};

static struct name_server {
	const struct zone *zones; /* ended by one without a name */
	struct loop_io udp, listener, connection;
	struct address address;
	unsigned asked; /* questions, all and of these types */
	unsigned asked_a, asked_aaaa, asked_srv, asked_tcp;
	unsigned most_at_once;
	char last[DNS_NAME_SIZE];
} name_server;

static inline void put_bytes(struct message *message, const void *bytes, size_t len)
{
	assert_true(message->len + len <= MESSAGE_SIZE);
	memcpy(message->bytes + message->len, bytes, len);
	message->len += len;
}

static inline void put_number(struct message *message, uint32_t number, size_t len)
{
	uint8_t bytes[4];

	put_be32(bytes, number);
	put_bytes(message, bytes + 4 - len, len);
}

static inline void put_name(struct message *message, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		put_number(message, (uint32_t)len, 1);
		put_bytes(message, name, len);
		name += len + (name[len] == '.');
	}
	put_number(message, 0, 1);
}

static inline void count_record(struct message *message, size_t at)
{
	put_be16(message->bytes + at, (uint16_t)(get_be16(message->bytes + at) + 1));
}

/* All of a record but its value, of which this is the length. */
static inline void put_record(struct message *message, const char *owner, unsigned type,
			      uint32_t ttl_s, size_t len)
{
	put_name(message, owner);
	put_number(message, type, 2);
	put_number(message, 1, 2);
	put_number(message, ttl_s, 4);
	put_number(message, (uint32_t)len, 2);
}

/* An address of either family, as a record of this section. */
static inline void put_literal(struct message *message, size_t section, const char *owner,
			       uint32_t ttl_s, const char *literal)
{
	uint8_t bytes[16];
	bool is_v6 = strchr(literal, ':');

	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, literal, bytes), 1);
	put_record(message, owner, is_v6 ? DNS_AAAA : DNS_A, ttl_s, is_v6 ? 16 : 4);
	put_bytes(message, bytes, is_v6 ? 16 : 4);
	count_record(message, section);
}

static inline void put_answer(struct message *message, uint32_t ttl_s, const char *literal)
{
	put_literal(message, ANSWERS_AT, message->name, ttl_s, literal);
}

static inline void put_alias(struct message *message, const char *target, uint32_t ttl_s)
{
	put_record(message, message->name, DNS_CNAME, ttl_s, strlen(target) + 2);
	put_name(message, target);
	count_record(message, ANSWERS_AT);
}

/* "priority weight port target", as in a zone file. */
static inline void put_service(struct message *message, uint32_t ttl_s, const char *text)
{
	char *target;
	uint32_t numbers[3];

	for (size_t i = 0; i < 3; i++, text = target)
		numbers[i] = (uint32_t)strtoul(text, &target, 10);
	text += 1;
	put_record(message, message->name, DNS_SRV, ttl_s, 6 + (*text ? strlen(text) + 2 : 1));
	for (size_t i = 0; i < 3; i++)
		put_number(message, numbers[i], 2);
	put_name(message, text);
	count_record(message, ANSWERS_AT);
}

static inline void set_rcode(struct message *message, unsigned rcode)
{
	message->bytes[3] = (uint8_t)((message->bytes[3] & 0xf0) | rcode);
}

/* The question of a query becomes the beginning of the message. */
static inline void begin_message(struct message *message, const uint8_t *query, size_t len)
{
	size_t at = HEADER_LEN, name_len = 0;

	assert_true(len > HEADER_LEN);
	while (query[at] != 0) {
		assert_true(at + 1 + query[at] < len);
		if (name_len > 0)
			message->name[name_len++] = '.';
		memcpy(message->name + name_len, query + at + 1, query[at]);
		name_len += query[at];
		at += 1 + query[at];
	}
	message->name[name_len] = '\0';
	message->type = get_be16(query + at + 1);
	message->len = 0;
	put_bytes(message, query, at + 5);
	message->bytes[2] = 0x81;
	message->bytes[3] = 0x80;
	memset(message->bytes + ANSWERS_AT, 0, 6);
}

static inline void note_question(const struct message *message)
{
	name_server.asked++;
	name_server.asked_a += message->type == DNS_A;
	name_server.asked_aaaa += message->type == DNS_AAAA;
	name_server.asked_srv += message->type == DNS_SRV;
	name_server.asked_tcp += message->is_tcp;
	(void)snprintf(name_server.last, sizeof(name_server.last), "%s", message->name);
}

static inline void answer(struct message *message, const uint8_t *query, size_t len)
{
	begin_message(message, query, len);
	note_question(message);
	for (const struct zone *zone = name_server.zones; zone->name; zone++)
		if (strcasecmp(zone->name, message->name) == 0) {
			zone->answer(message);
			return;
		}
	set_rcode(message, RCODE_NO_NAME);
}

/* false: there is no question. */
static inline bool answer_datagram(int fd)
{
	static struct message message;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t query[512];
	ssize_t len = recvfrom(fd, query, sizeof(query), MSG_DONTWAIT, (struct sockaddr *)&from,
			       &from_len);

	if (len <= 0)
		return false;
	message.is_tcp = message.is_dropped = false;
	answer(&message, query, (size_t)len);
	if (!message.is_dropped)
		(void)sendto(fd, message.bytes, message.len, 0, (struct sockaddr *)&from, from_len);
	return true;
}

static inline void on_datagram(struct loop_io *io, int events)
{
	unsigned count = 0;

	(void)events;
	while (answer_datagram(io->watcher.fd))
		count++;
	if (count > name_server.most_at_once)
		name_server.most_at_once = count;
}

static inline void close_watch(struct loop_io *io)
{
	loop_io_set(io, 0);
	if (io->watcher.fd >= 0)
		close(io->watcher.fd);
	loop_io_init(io, -1, io->on_ready);
}

static inline void answer_by_tcp(int fd, const uint8_t *query, size_t len)
{
	static struct message message;
	uint8_t head[2];

	message.is_tcp = true;
	message.is_dropped = false;
	answer(&message, query, len);
	put_be16(head, (uint16_t)message.len);
	assert_int_equal(send(fd, head, 2, MSG_MORE), 2);
	assert_int_equal(send(fd, message.bytes, message.len, MSG_NOSIGNAL), message.len);
}

/* Queries come whole: they are small. */
static inline void on_connection(struct loop_io *io, int events)
{
	uint8_t bytes[4096];
	ssize_t len = recv(io->watcher.fd, bytes, sizeof(bytes), 0);
	size_t at = 0;

	(void)events;
	if (len <= 0) {
		close_watch(io);
		return;
	}
	while (at + 2 < (size_t)len) {
		size_t query_len = get_be16(bytes + at);

		assert_true(at + 2 + query_len <= (size_t)len);
		answer_by_tcp(io->watcher.fd, bytes + at + 2, query_len);
		at += 2 + query_len;
	}
}

static inline void on_connect(struct loop_io *io, int events)
{
	int fd = accept4(io->watcher.fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	assert_true(fd >= 0);
	close_watch(&name_server.connection);
	loop_io_init(&name_server.connection, fd, on_connection);
	loop_io_set(&name_server.connection, LOOP_READ);
}

/* A socket of the loopback at the port of the address, or where that is 0 at one that it gets. */
static inline int bind_socket(int type, struct address *address)
{
	struct sockaddr_in own = {.sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(address->port)};
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&own, len) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	address->port = ntohs(own.sin_port);
	return fd;
}

static inline void name_server_open(void)
{
	int udp = -1, tcp = -1;

	name_server.address = (struct address){.kind = ADDRESS_TCP, .name = "127.0.0.1"};
	while (udp < 0) {
		name_server.address.port = 0;
		tcp = bind_socket(SOCK_STREAM, &name_server.address);
		udp = bind_socket(SOCK_DGRAM, &name_server.address);
		if (udp < 0)
			close(tcp);
	}
	assert_int_equal(listen(tcp, 4), 0);
	loop_io_init(&name_server.udp, udp, on_datagram);
	loop_io_init(&name_server.listener, tcp, on_connect);
	loop_io_init(&name_server.connection, -1, on_connection);
	loop_io_set(&name_server.udp, LOOP_READ);
	loop_io_set(&name_server.listener, LOOP_READ);
}

static inline void name_server_close(void)
{
	close_watch(&name_server.udp);
	close_watch(&name_server.listener);
	close_watch(&name_server.connection);
}

/* What was asked so far is forgotten. */
static inline void name_server_set(const struct zone *zones)
{
	name_server.zones = zones;
	name_server.asked = name_server.asked_a = name_server.asked_aaaa = 0;
	name_server.asked_srv = name_server.asked_tcp = 0;
	name_server.most_at_once = 0;
	name_server.last[0] = '\0';
}

static inline void name_server_on_patience_end(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("no answer in %d ms", NAME_SERVER_PATIENCE_MS);
}

/* The loop, which what is answered stops. */
static inline void name_server_run(void)
{
	struct loop_timer patience;

	loop_timer_init(&patience, name_server_on_patience_end);
	loop_timer_start(&patience, NAME_SERVER_PATIENCE_MS);
	loop_run();
	loop_timer_stop(&patience);
}

#endif
