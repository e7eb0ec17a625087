#include "base/network.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"

enum { IPV4_LEN = 4, BITS_MAX = NETWORK_ADDRESS_LEN * CHAR_BIT };

/* RFC 4291, 2.5.5.2. */
static const uint8_t mapped_prefix[NETWORK_ADDRESS_LEN - IPV4_LEN] = {[10] = 0xff, [11] = 0xff};

void network_map_ipv4(const uint8_t ipv4[IPV4_LEN], uint8_t address[NETWORK_ADDRESS_LEN])
{
	memcpy(address, mapped_prefix, sizeof(mapped_prefix));
	memcpy(address + sizeof(mapped_prefix), ipv4, IPV4_LEN);
}

/* How many of the bits in front of the prefix are there for IPv6 alone, or -1. */
static int parse_address(const char *text, uint8_t address[NETWORK_ADDRESS_LEN])
{
	uint8_t ipv4[IPV4_LEN];

	if (inet_pton(AF_INET, text, ipv4) == 1) {
		network_map_ipv4(ipv4, address);
		return sizeof(mapped_prefix) * CHAR_BIT;
	}
	return inet_pton(AF_INET6, text, address) == 1 ? 0 : -1;
}

/* The bits of the byte at this place that belong to the prefix. */
static uint8_t mask_at(unsigned bits, size_t at)
{
	size_t before = at * CHAR_BIT;

	if (bits <= before)
		return 0;
	return bits - before >= CHAR_BIT ? UCHAR_MAX
					 : (uint8_t)(UCHAR_MAX << (CHAR_BIT - (bits - before)));
}

static bool has_bits_behind(const struct network *network)
{
	for (size_t i = 0; i < NETWORK_ADDRESS_LEN; i++)
		if (network->address[i] & (uint8_t)~mask_at(network->bits, i))
			return true;
	return false;
}

const char *network_parse(const char *text, struct network *network)
{
	char address[NETWORK_TEXT_SIZE] = "";
	size_t len = strcspn(text, "/");
	uint64_t bits;
	int skipped = -1;

	*network = (struct network){.bits = BITS_MAX};
	if (strcmp(text, "all") == 0) {
		network->bits = 0;
		return NULL;
	}
	if (len < sizeof(address)) {
		memcpy(address, text, len);
		skipped = parse_address(address, network->address);
	}
	if (skipped < 0)
		return "not an address such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, nor all";
	if (text[len] == '\0')
		return NULL;
	if (text_parse_number(text + len + 1, 0, (uint64_t)(BITS_MAX - skipped), &bits) < 0)
		return "what follows the slash is no length of a prefix";
	network->bits = (unsigned)bits + (unsigned)skipped;
	return has_bits_behind(network) ? "there are bits behind the prefix" : NULL;
}

bool network_has(const struct network *network, const uint8_t address[NETWORK_ADDRESS_LEN])
{
	for (size_t i = 0; i < NETWORK_ADDRESS_LEN; i++)
		if ((network->address[i] ^ address[i]) & mask_at(network->bits, i))
			return false;
	return true;
}

const char *network_format(const uint8_t address[NETWORK_ADDRESS_LEN], char out[NETWORK_TEXT_SIZE])
{
	bool is_ipv4 = memcmp(address, mapped_prefix, sizeof(mapped_prefix)) == 0;
	const void *from = is_ipv4 ? address + sizeof(mapped_prefix) : address;

	/* There is room for the longest. */
	(void)inet_ntop(is_ipv4 ? AF_INET : AF_INET6, from, out, NETWORK_TEXT_SIZE);
	return out;
}
