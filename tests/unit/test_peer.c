#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/peer.h"

/* A connection to a socket of the loopback of this family; *accepted is the other end. */
static int connect_to_self(int family, int *accepted)
{
	struct sockaddr_in6 address = {.sin6_family = (sa_family_t)family,
				       .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = family == AF_INET ? sizeof(ipv4) : sizeof(address);
	int listening = socket(family, SOCK_STREAM, 0);
	int connected = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET)
		memcpy(&address, &ipv4, sizeof(ipv4));
	assert_int_equal(bind(listening, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(connected, (struct sockaddr *)&address, len), 0);
	*accepted = accept(listening, NULL, NULL);
	assert_true(*accepted >= 0);
	close(listening);
	return connected;
}

static void check_address(int family, const char *text)
{
	uint8_t address[NETWORK_ADDRESS_LEN];
	char out[NETWORK_TEXT_SIZE];
	int accepted, connected = connect_to_self(family, &accepted);

	assert_int_equal(peer_address(accepted, address), 0);
	assert_string_equal(network_format(address, out), text);
	close(accepted);
	close(connected);
}

static void test_addresses(void **state)
{
	(void)state;
	check_address(AF_INET, "127.0.0.1");
	if (access("/proc/net/if_inet6", F_OK) == 0)
		check_address(AF_INET6, "::1");
}

static void test_users(void **state)
{
	uint32_t user = 12345;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(peer_user(pair[0], &user), 0);
	assert_int_equal(user, geteuid());
	close(pair[0]);
	close(pair[1]);
}

static void test_what_is_no_connection(void **state)
{
	uint8_t address[NETWORK_ADDRESS_LEN];
	uint32_t user;
	int pair[2];

	(void)state;
	assert_int_equal(peer_address(-1, address), -EBADF);
	assert_int_equal(peer_user(-1, &user), -EBADF);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(peer_address(pair[0], address), -EAFNOSUPPORT);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_what_is_no_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
