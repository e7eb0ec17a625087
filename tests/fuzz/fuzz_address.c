/* Addresses: what was read is written so that it is read back to the same. */
#include "fuzz.h"

#include "base/address.h"

static void check_round_trip(const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address again;

	CHECK(strlen(address_format(address, text)) < sizeof(text));
	CHECK(!address_parse(text, &again));
	CHECK(address_is_equal(address, &again));
	CHECK(address_is_loopback(address) == address_is_loopback(&again));
}

static void check_numbered(const struct address *base, size_t number)
{
	struct address numbered;

	if (!address_numbered(base, number, &numbered))
		check_round_trip(&numbered);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	size_t number = take_byte(&input) * 300;
	uint16_t port = (uint16_t)take_number(&input);
	char *text = take_text(&input);
	struct address address;

	if (!address_parse(text, &address)) {
		check_round_trip(&address);
		check_numbered(&address, number);
	}
	if (!address_set_path(&address, text))
		check_round_trip(&address);
	/* As text, a host of this name is a Unix socket. */
	if (!address_set_host(&address, text, port) && strcmp(text, "unix") != 0)
		check_round_trip(&address);
	free(text);
	return 0;
}
