/* Lines of the log: nothing in a text ends its line or its JSON string. */
#include "fuzz.h"

#include <stdbool.h>

#include "base/log_escape.h"

static void check_no_control(const char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		CHECK((unsigned char)out[i] >= ' ' && out[i] != 0x7f);
}

/* Every quote has a backslash before it, and every backslash escapes something. */
static void check_string(const char *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		CHECK(out[i] != '"');
		if (out[i] != '\\')
			continue;
		i++;
		CHECK(i < len && strchr("\"\\u", out[i]) && out[i]);
		if (out[i] == 'u')
			CHECK(i + 4 < len && strspn(out + i + 1, "0123456789abcdef") >= 4);
	}
}

/* Escaped again, well-formed UTF-8 without quotes and the like is as it was. */
static void check_again(const char *out, size_t len)
{
	char *again = malloc(len * LOG_ESCAPED_LEN + 1);

	CHECK(again);
	if (!memchr(out, '\\', len)) {
		CHECK(log_escape_json(again, out, len) == len);
		CHECK(memcmp(again, out, len) == 0);
	}
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *out = malloc(len * LOG_ESCAPED_LEN + 1);
	size_t used;

	CHECK(out);
	used = log_escape_plain(out, (const char *)bytes, len);
	CHECK(used >= len && used <= len * LOG_ESCAPED_LEN && out[used] == '\0');
	check_no_control(out, used);
	used = log_escape_json(out, (const char *)bytes, len);
	CHECK(used >= len && used <= len * LOG_ESCAPED_LEN && out[used] == '\0');
	check_no_control(out, used);
	check_string(out, used);
	check_again(out, used);
	free(out);
	return 0;
}
