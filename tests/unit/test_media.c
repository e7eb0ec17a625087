#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/media.h"

static void test_types(void **state)
{
	static const char *const rows[][2] = {
		{"/srv/a.html", "text/html"},
		{"a.HTML", "text/html"},
		{"/srv/a.min.js", "text/javascript"},
		{"/srv/a.tar.gz", "application/gzip"},
		{"/a/.b.png", "image/png"},
		{"/srv/a.woff2", "font/woff2"},
		{"/srv/a.php", "application/octet-stream"},
		{"/srv/a.htmlx", "application/octet-stream"},
		{"/srv/a.", "application/octet-stream"},
		{"/srv/.html", "application/octet-stream"},
		{"/srv/html", "application/octet-stream"},
		{"/srv.html/a", "application/octet-stream"},
		{"/srv/a.html/", "application/octet-stream"},
		{"", "application/octet-stream"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(media_type(rows[i][0]), rows[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}
