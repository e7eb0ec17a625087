#include "name_server.h"

#include "os/dns.h"

/* A message in memory of its own length, so that a byte too far is seen. */
static struct message message;

static void begin(const char *name, enum dns_type type)
{
	uint8_t query[HEADER_LEN + DNS_NAME_SIZE + 8] = {[5] = 1};

	message.len = 0;
	put_bytes(&message, query, HEADER_LEN);
	put_name(&message, name);
	put_number(&message, type, 2);
	put_number(&message, 1, 2);
	memcpy(query, message.bytes, message.len);
	begin_message(&message, query, message.len);
}

/* All that can be read of the first len bytes; the last record stays. DNS_END or DNS_BAD. */
static enum dns_result read_all(size_t len, struct dns_record *record, unsigned *count)
{
	uint8_t *bytes = malloc(len + (len == 0));
	struct dns_reader reader;
	struct dns_record next;
	enum dns_result result = DNS_BAD;

	assert_non_null(bytes);
	memcpy(bytes, message.bytes, len);
	*count = 0;
	if (dns_reader_init(&reader, bytes, len))
		while ((result = dns_reader_next(&reader, &next)) == DNS_RECORD) {
			*record = next;
			++*count;
		}
	free(bytes);
	return result;
}

static void test_records_of_all_kinds_are_read(void **state)
{
	struct dns_reader reader;
	struct dns_record record;

	(void)state;
	begin("_php.Example.test", DNS_SRV);
	put_alias(&message, "Other.test", 7);
	put_service(&message, 60, "10 20 9000 Host-1.Example.test");
	put_literal(&message, ADDITIONALS_AT, "HOST-1.example.test", 30, "192.0.2.1");
	put_literal(&message, ADDITIONALS_AT, "host-1.example.test", 31, "2001:db8::1");
	assert_true(dns_reader_init(&reader, message.bytes, message.len));

	assert_int_equal(dns_reader_next(&reader, &record), DNS_RECORD);
	assert_int_equal(record.type, DNS_CNAME);
	assert_int_equal(record.section, DNS_ANSWER);
	assert_int_equal(record.ttl_s, 7);
	assert_string_equal(record.owner, "_php.example.test");

	assert_int_equal(dns_reader_next(&reader, &record), DNS_RECORD);
	assert_int_equal(record.type, DNS_SRV);
	assert_int_equal(record.priority, 10);
	assert_int_equal(record.weight, 20);
	assert_int_equal(record.port, 9000);
	assert_string_equal(record.target, "host-1.example.test");

	assert_int_equal(dns_reader_next(&reader, &record), DNS_RECORD);
	assert_int_equal(record.type, DNS_A);
	assert_int_equal(record.section, DNS_ADDITIONAL);
	assert_memory_equal(record.literal, "\xc0\0\2\1", 4);
	assert_string_equal(record.owner, "host-1.example.test");

	assert_int_equal(dns_reader_next(&reader, &record), DNS_RECORD);
	assert_int_equal(record.type, DNS_AAAA);
	assert_memory_equal(record.literal, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(dns_reader_next(&reader, &record), DNS_END);
	assert_int_equal(dns_reader_next(&reader, &record), DNS_END);
}

static void test_what_is_not_asked_for_is_left_out(void **state)
{
	struct dns_record record;
	unsigned count;

	(void)state;
	begin("a.test", DNS_A);
	/* A text, an address of another class, and a name server's. */
	put_record(&message, "a.test", 16, 60, 3);
	put_bytes(&message, "\2hi", 3);
	count_record(&message, ANSWERS_AT);
	put_literal(&message, ANSWERS_AT, "a.test", 60, "192.0.2.3");
	message.bytes[message.len - 11] = 3;
	put_literal(&message, 8, "a.test", 60, "192.0.2.4");
	put_literal(&message, ADDITIONALS_AT, "b.test", 61, "192.0.2.5");
	assert_int_equal(read_all(message.len, &record, &count), DNS_END);
	assert_int_equal(count, 1);
	assert_string_equal(record.owner, "b.test");
	assert_int_equal(record.ttl_s, 61);
}

static void test_a_time_to_live_with_a_sign_is_none(void **state)
{
	struct dns_record record;
	unsigned count;

	(void)state;
	begin("a.test", DNS_A);
	put_answer(&message, 0x7fffffff, "192.0.2.1");
	assert_int_equal(read_all(message.len, &record, &count), DNS_END);
	assert_int_equal(record.ttl_s, 0x7fffffff);
	begin("a.test", DNS_A);
	put_answer(&message, 0x80000000u, "192.0.2.1");
	assert_int_equal(read_all(message.len, &record, &count), DNS_END);
	assert_int_equal(record.ttl_s, 0);
}

/* A record of A whose owner is these bytes. */
static enum dns_result read_owner(const char *bytes, size_t len, struct dns_record *record)
{
	unsigned count;

	begin("a.test", DNS_A);
	put_bytes(&message, bytes, len);
	put_bytes(&message, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
	count_record(&message, ANSWERS_AT);
	return read_all(message.len, record, &count);
}

#define READ_OWNER(bytes, record) read_owner(bytes, sizeof(bytes) - 1, record)

static void test_names_are_read_through_pointers(void **state)
{
	struct dns_record record;

	(void)state;
	/* To "a.test" of the question at 12, and to its "test" at 14. */
	assert_int_equal(READ_OWNER("\xc0\x0c", &record), DNS_END);
	assert_string_equal(record.owner, "a.test");
	assert_int_equal(READ_OWNER("\1b\xc0\x0e", &record), DNS_END);
	assert_string_equal(record.owner, "b.test");
	/* What is no name of a host; and the root. */
	assert_int_equal(READ_OWNER("\4a\n b\xc0\x0e", &record), DNS_END);
	assert_string_equal(record.owner, "");
	assert_int_equal(READ_OWNER("\3a.b\0", &record), DNS_END);
	assert_string_equal(record.owner, "");
	assert_int_equal(READ_OWNER("\0", &record), DNS_END);
	assert_string_equal(record.owner, "");
}

static void test_pointers_lead_back_and_never_around(void **state)
{
	struct dns_record record;

	(void)state;
	/* The question ends at 24, where the record begins. */
	assert_int_equal(READ_OWNER("\xc0\x18", &record), DNS_BAD);
	assert_int_equal(READ_OWNER("\1a\xc0\x18", &record), DNS_BAD);
	assert_int_equal(READ_OWNER("\1a\xc0\x1a", &record), DNS_BAD);
	assert_int_equal(READ_OWNER("\xc0\x19", &record), DNS_BAD);
	assert_int_equal(READ_OWNER("\xff\xff", &record), DNS_BAD);
	/* Kinds of labels that are not there any more. */
	assert_int_equal(READ_OWNER("\x41x\0", &record), DNS_BAD);
	assert_int_equal(READ_OWNER("\x80\x0c", &record), DNS_BAD);
}

static void test_a_name_that_is_too_long_is_bad(void **state)
{
	char name[300];
	size_t len = 0;
	struct dns_record record;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		name[len++] = 62;
		memset(name + len, 'x', 62);
		len += 62;
	}
	name[len] = '\0';
	assert_int_equal(read_owner(name, len + 1, &record), DNS_END);
	assert_int_equal(strlen(record.owner), 251);
	/* 255 fit, one more does not. */
	memcpy(name + len, "\3xxx", 5);
	assert_int_equal(read_owner(name, len + 5, &record), DNS_END);
	assert_int_equal(strlen(record.owner), 255);
	memcpy(name + len, "\4xxxx", 6);
	assert_int_equal(read_owner(name, len + 6, &record), DNS_BAD);
}

static void test_lengths_that_lie_are_bad(void **state)
{
	struct dns_record record;
	unsigned count;

	(void)state;
	begin("a.test", DNS_A);
	put_record(&message, "a.test", DNS_A, 60, 3);
	put_bytes(&message, "1234", 4);
	count_record(&message, ANSWERS_AT);
	assert_int_equal(read_all(message.len, &record, &count), DNS_BAD);

	begin("a.test", DNS_AAAA);
	put_record(&message, "a.test", DNS_AAAA, 60, 4);
	put_bytes(&message, "1234", 4);
	count_record(&message, ANSWERS_AT);
	assert_int_equal(read_all(message.len, &record, &count), DNS_BAD);

	/* The name of the target ends before its record does, and after. */
	for (size_t len = 0; len < 20; len++) {
		begin("a.test", DNS_SRV);
		put_record(&message, "a.test", DNS_SRV, 60, len);
		put_bytes(&message, "\0\1\0\2\0\3\1b\4test\0", 14);
		put_bytes(&message, "\0\0\0\0\0\0", 6);
		count_record(&message, ANSWERS_AT);
		assert_int_equal(read_all(message.len, &record, &count),
				 len == 14 ? DNS_END : DNS_BAD);
		assert_int_equal(count, len == 14);
	}
}

static void test_a_target_that_is_no_host_is_left_out(void **state)
{
	struct dns_record record;
	unsigned count;

	(void)state;
	begin("a.test", DNS_SRV);
	put_service(&message, 60, "1 2 3 b/c.test");
	put_service(&message, 60, "1 2 3 b.test");
	put_service(&message, 60, "1 2 3 d e.test");
	assert_int_equal(read_all(message.len, &record, &count), DNS_END);
	assert_int_equal(count, 1);
	assert_string_equal(record.target, "b.test");
	begin("a.test", DNS_SRV);
	put_service(&message, 60, "0 0 0 ");
	assert_int_equal(read_all(message.len, &record, &count), DNS_END);
	assert_int_equal(count, 1);
	assert_string_equal(record.target, "");
}

static void test_a_message_may_end_anywhere(void **state)
{
	struct dns_record record;
	unsigned count, most = 0;

	(void)state;
	begin("_php.test", DNS_SRV);
	put_service(&message, 60, "1 2 3 b.test");
	put_service(&message, 60, "1 2 3 c.test");
	put_literal(&message, ADDITIONALS_AT, "b.test", 60, "2001:db8::1");
	for (size_t len = 0; len < message.len; len++) {
		assert_int_equal(read_all(len, &record, &count), DNS_BAD);
		assert_true(count >= most && count <= most + 1);
		most = count;
	}
	assert_int_equal(read_all(message.len, &record, &count), DNS_END);
	assert_int_equal(count, 3);
}

static void test_a_question_is_no_reply(void **state)
{
	struct dns_reader reader;

	(void)state;
	begin("a.test", DNS_A);
	assert_true(dns_reader_init(&reader, message.bytes, message.len));
	message.bytes[2] &= 0x7f;
	assert_false(dns_reader_init(&reader, message.bytes, message.len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_of_all_kinds_are_read),
		cmocka_unit_test(test_what_is_not_asked_for_is_left_out),
		cmocka_unit_test(test_a_time_to_live_with_a_sign_is_none),
		cmocka_unit_test(test_names_are_read_through_pointers),
		cmocka_unit_test(test_pointers_lead_back_and_never_around),
		cmocka_unit_test(test_a_name_that_is_too_long_is_bad),
		cmocka_unit_test(test_lengths_that_lie_are_bad),
		cmocka_unit_test(test_a_target_that_is_no_host_is_left_out),
		cmocka_unit_test(test_a_message_may_end_anywhere),
		cmocka_unit_test(test_a_question_is_no_reply),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
