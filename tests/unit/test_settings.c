#include "config.h"

#include "config/backend_procs.h"
#include "config/options.h"

static const struct origin line_1 = {.file = "a.ini", .line = 1};

static void set(struct backend_settings *backend, const char *key, const char *text)
{
	assert_null(option_set(option_find(key), backend, text, line_1));
}

static void test_defaults(void **state)
{
	struct fixture fixture;
	const struct backend_settings *defaults = &fixture.settings.defaults;

	(void)state;
	fixture_init(&fixture);
	assert_int_equal(defaults->max_procs, 4);
	assert_int_equal(defaults->listen_mode, 0660);
	assert_int_equal(defaults->listen_backlog, 1024);
	assert_int_equal(defaults->kill_signal, 15);
	assert_int_equal(defaults->umask, 022);
	assert_int_equal(defaults->balance, BALANCE_LEAST_LOAD);
	assert_int_equal(defaults->disable_time_ms, 1000);
	assert_int_equal(defaults->shutdown_timeout_ms, 10000);
	assert_int_equal(defaults->port, 0);
	assert_string_equal(fixture.settings.mux_user.name, "nobody");
	assert_int_equal(fixture.settings.request_buffer, 65536);
	assert_int_equal(fixture.settings.response_buffer, 524288);
	assert_null(fixture.settings.log);
	assert_null(option_origin_of("max-procs", defaults).file);
	fixture_fini(&fixture);
}

static void test_backends_copy_the_defaults(void **state)
{
	struct fixture fixture;
	struct backend_settings *first, *second;

	(void)state;
	fixture_init(&fixture);
	first = settings_add_backend(&fixture.settings, "first");
	set(first, "umask", "077");
	/* As from a file that was read later. */
	set(&fixture.settings.defaults, "max-procs", "7");
	set(&fixture.settings.defaults, "umask", "027");
	set(&fixture.settings.defaults, "bin-copy-environment", "");
	second = settings_add_backend(&fixture.settings, "second");
	assert_int_equal(settings_inherit(&fixture.settings), 0);
	assert_int_equal(first->max_procs, 7);
	assert_int_equal(first->umask, 077);
	assert_int_equal(second->umask, 027);
	assert_non_null(second->bin_copy_environment.items);
	assert_true(option_origin_of("umask", second).is_inherited);
	assert_ptr_equal(settings_find_backend(&fixture.settings, "second"), second);
	assert_null(settings_find_backend(&fixture.settings, "third"));
	fixture_fini(&fixture);
}

static void test_min_procs_is_max_procs(void **state)
{
	struct fixture fixture;
	struct backend_settings *first, *second;

	(void)state;
	fixture_init(&fixture);
	first = settings_add_backend(&fixture.settings, "first");
	second = settings_add_backend(&fixture.settings, "second");
	set(first, "bin-path", "/bin/x");
	set(second, "bin-path", "/bin/x");
	set(second, "min-procs", "0");
	assert_false(backend_scales(first));
	assert_true(backend_scales(second));
	settings_complete(&fixture.settings);
	assert_int_equal(first->min_procs, 4);
	assert_int_equal(second->min_procs, 0);
	fixture_fini(&fixture);
}

static void assert_address(const struct backend_settings *backend, size_t number,
			   const char *expected)
{
	struct address address;
	char text[ADDRESS_TEXT_SIZE];

	assert_null(backend_proc_address(backend, number, &address));
	assert_string_equal(address_format(&address, text), expected);
}

static void test_addresses_of_children(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend;
	struct address address;

	(void)state;
	fixture_init(&fixture);
	backend = settings_add_backend(&fixture.settings, "a");
	set(backend, "bin-path", "/bin/x");
	assert_true(backend_is_supervised(backend));
	assert_true(backend_has_mux(backend));
	assert_int_equal(backend_proc_count(backend), 4);
	assert_non_null(backend_proc_address(backend, 0, &address));
	set(backend, "socket", "/run/s");
	assert_address(backend, 0, "/run/s-0");
	assert_address(backend, 3, "/run/s-3");
	backend->balance = BALANCE_SHARED;
	assert_false(backend_has_mux(backend));
	fixture_fini(&fixture);
}

static void test_ports_of_children(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend;
	struct address address;

	(void)state;
	fixture_init(&fixture);
	backend = settings_add_backend(&fixture.settings, "a");
	set(backend, "bin-path", "/bin/x");
	set(backend, "host", "::1");
	set(backend, "port", "65534");
	assert_address(backend, 1, "[::1]:65535");
	assert_non_null(backend_proc_address(backend, 2, &address));
	fixture_fini(&fixture);
}

static void test_addresses_of_others(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend;

	(void)state;
	fixture_init(&fixture);
	backend = settings_add_backend(&fixture.settings, "a");
	assert_int_equal(backend_proc_count(backend), 0);
	set(backend, "server", "10.0.0.1:9000, /run/other");
	set(backend, "socket", "/run/s");
	assert_false(backend_is_supervised(backend));
	backend->balance = BALANCE_SHARED;
	assert_true(backend_has_mux(backend));
	assert_int_equal(backend_proc_count(backend), 3);
	assert_address(backend, 0, "10.0.0.1:9000");
	assert_address(backend, 1, "/run/other");
	assert_address(backend, 2, "/run/s");
	fixture_fini(&fixture);
}

static void assert_name(const struct backend_settings *backend, size_t number,
			const struct backend_name *expected)
{
	struct backend_name name;

	backend_name_at(backend, number, &name);
	assert_string_equal(name.text, expected->text);
	assert_int_equal(name.port, expected->port);
	assert_int_equal(name.weight, expected->weight);
	assert_int_equal(name.is_service, expected->is_service);
	assert_int_equal(name.is_backup, expected->is_backup);
}

/* What is looked up again and again is none of the procs that are known. */
static void test_names_of_others(void **state)
{
	struct fixture fixture;
	struct backend_settings *backend;
	struct server server;

	(void)state;
	fixture_init(&fixture);
	backend = settings_add_backend(&fixture.settings, "a");
	assert_false(backend_has_servers(backend));
	set(backend, "server", "php:9000 backup weight=2, 10.0.0.1:1 weight=3, localhost:2");
	set(backend, "srv", "_php._tcp.example.org");
	set(backend, "host", "own");
	set(backend, "port", "7");
	assert_true(backend_has_servers(backend));
	assert_int_equal(backend_proc_count(backend), 2);
	assert_address(backend, 0, "10.0.0.1:1");
	assert_address(backend, 1, "localhost:2");
	assert_null(backend_proc_server(backend, 0, &server));
	assert_int_equal(server.weight, 3);
	assert_int_equal(backend_name_count(backend), 3);
	assert_name(backend, 0, &(struct backend_name){"php", 9000, false, true, 2});
	assert_name(backend, 1, &(struct backend_name){"own", 7, false, false, 1});
	assert_name(backend, 2, &(struct backend_name){"_php._tcp.example.org", 0, true, false, 1});
	set(backend, "bin-path", "/bin/x");
	assert_int_equal(backend_proc_count(backend), 6);
	assert_null(backend_proc_server(backend, 4, &server));
	assert_int_equal(server.weight, 3);
	assert_int_equal(backend_name_count(backend), 2);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_backends_copy_the_defaults),
		cmocka_unit_test(test_min_procs_is_max_procs),
		cmocka_unit_test(test_addresses_of_children),
		cmocka_unit_test(test_ports_of_children),
		cmocka_unit_test(test_addresses_of_others),
		cmocka_unit_test(test_names_of_others),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
