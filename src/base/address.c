#include "base/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { PORT_MAX = 65535 };

const char *address_set_path(struct address *address, const char *path)
{
	size_t len = strlen(path);

	if (len == 0)
		return "the path is empty";
	if (len > ADDRESS_PATH_MAX)
		return "the path of a Unix socket is longer than 107 bytes";
	*address = (struct address){.kind = ADDRESS_UNIX};
	memcpy(address->name, path, len);
	return NULL;
}

static bool is_ipv6(const char *host)
{
	struct in6_addr ipv6;

	return inet_pton(AF_INET6, host, &ipv6) == 1;
}

static bool is_host_name(const char *host)
{
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr("-._", *host))
			return false;
	return true;
}

const char *address_set_host(struct address *address, const char *host, uint16_t port)
{
	size_t len = strlen(host);

	if (len == 0)
		return "the host is empty";
	if (len > ADDRESS_HOST_MAX)
		return "the name of the host is longer than 255 bytes";
	if (!is_ipv6(host) && !is_host_name(host))
		return "the host is neither an address nor a name";
	if (port == 0)
		return "the port is not a number from 1 to 65535";
	*address = (struct address){.kind = ADDRESS_TCP, .port = port};
	memcpy(address->name, host, len);
	return NULL;
}

static const char *parse_tcp(const char *text, const char *colon, struct address *address)
{
	char host[ADDRESS_HOST_MAX + 1];
	size_t len = (size_t)(colon - text);
	bool is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	uint64_t port;

	if (is_bracketed) {
		text++;
		len -= 2;
	}
	if (len > ADDRESS_HOST_MAX)
		return "the name of the host is longer than 255 bytes";
	memcpy(host, text, len);
	host[len] = '\0';
	if (is_bracketed && !is_ipv6(host))
		return "what stands in brackets is no IPv6 address";
	if (!is_bracketed && strchr(host, ':'))
		return "an IPv6 address is written in brackets: [::1]:9000";
	if (text_parse_number(colon + 1, 1, PORT_MAX, &port) < 0)
		return "the port is not a number from 1 to 65535";
	return address_set_host(address, host, (uint16_t)port);
}

const char *address_parse(const char *text, struct address *address)
{
	static const char prefix[] = "unix:";
	const char *colon;

	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		return address_set_path(address, text + sizeof(prefix) - 1);
	if (text[0] == '/')
		return address_set_path(address, text);
	colon = strrchr(text, ':');
	if (!colon)
		return "an address is /path, unix:/path, host:port or [v6]:port";
	return parse_tcp(text, colon, address);
}

const char *address_numbered(const struct address *base, size_t number, struct address *address)
{
	struct address numbered = *base;

	switch (base->kind) {
	case ADDRESS_UNIX:
		if (text_format(numbered.name, ADDRESS_PATH_MAX + 1, "%s-%zu", base->name, number) <
		    0)
			return "the path of a Unix socket is longer than 107 bytes with its number";
		break;
	case ADDRESS_TCP:
		if (number > (size_t)(PORT_MAX - base->port))
			return "there is no port beyond 65535";
		numbered.port = (uint16_t)(base->port + number);
		break;
	}
	*address = numbered;
	return NULL;
}

const char *address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	if (address->kind == ADDRESS_UNIX)
		(void)text_format(out, ADDRESS_TEXT_SIZE,
				  address->name[0] == '/' ? "%s" : "unix:%s", address->name);
	else if (strchr(address->name, ':'))
		(void)text_format(out, ADDRESS_TEXT_SIZE, "[%s]:%u", address->name, address->port);
	else
		(void)text_format(out, ADDRESS_TEXT_SIZE, "%s:%u", address->name, address->port);
	return out;
}

bool address_is_equal(const struct address *a, const struct address *b)
{
	return a->kind == b->kind && a->port == b->port && strcmp(a->name, b->name) == 0;
}

bool address_is_literal(const struct address *address)
{
	uint8_t ipv4[4];

	return address->kind == ADDRESS_TCP &&
	       (inet_pton(AF_INET, address->name, ipv4) == 1 || is_ipv6(address->name));
}

bool address_is_loopback(const struct address *address)
{
	uint8_t ipv4[4];
	struct in6_addr ipv6;

	if (address->kind == ADDRESS_UNIX || strcasecmp(address->name, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, address->name, ipv4) == 1)
		return ipv4[0] == IN_LOOPBACKNET;
	return inet_pton(AF_INET6, address->name, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
}
