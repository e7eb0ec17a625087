/* A name server's reply: whatever it is, it is read to an end, and gives names that are names. */
#include "fuzz.h"

#include <stdbool.h>

#include "os/dns.h"

enum { RECORD_LEN_MIN = 11, RECORDS_MAX = 3 * 65535 };

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = strlen(name);

	return len < DNS_NAME_SIZE && strspn(name, allowed) == len &&
	       (len == 0 || (name[0] != '.' && name[len - 1] != '.' && !strstr(name, "..")));
}

static void check_record(const struct dns_record *record)
{
	CHECK(is_name(record->owner) && is_name(record->target));
	CHECK(record->ttl_s <= INT32_MAX);
	CHECK(record->section == DNS_ANSWER || record->section == DNS_ADDITIONAL);
	CHECK(record->type == DNS_A || record->type == DNS_AAAA || record->type == DNS_SRV ||
	      record->type == DNS_CNAME);
	CHECK(record->type == DNS_SRV || record->target[0] == '\0');
}

/* Records, up to the end or to what cannot be read. */
static unsigned count_records(const uint8_t *bytes, size_t len)
{
	struct dns_reader reader;
	struct dns_record record;
	unsigned count = 0;

	if (!dns_reader_init(&reader, bytes, len))
		return 0;
	while (dns_reader_next(&reader, &record) == DNS_RECORD) {
		check_record(&record);
		count++;
	}
	CHECK(count <= RECORDS_MAX && count <= len / RECORD_LEN_MIN);
	CHECK(dns_reader_next(&reader, &record) == DNS_END);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned count = count_records(bytes, len);
	uint8_t *part;

	if (len == 0)
		return 0;
	/* Without its end it has no more. */
	part = copy_bytes(bytes, len - 1);
	CHECK(count_records(part, len - 1) <= count);
	free(part);
	return 0;
}
