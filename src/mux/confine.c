#include "mux/confine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/backend_procs.h"
#include "config/settings.h"
#include "os/sandbox.h"

enum { DNS_PORT = 53 };

/* What is left open, as it is collected. */
struct needs {
	struct text_list paths;	      /* of the places */
	struct sandbox_place *places; /* owned */
	size_t place_count;
	uint16_t *ports; /* owned */
	size_t port_count;
	const char *anywhere; /* the key for which all files may be read; NULL: none */
	const char *any_port; /* that for which all ports may be connected to */
	bool resolves;	      /* names of hosts */
	bool is_short;	      /* of memory */
};

/* Takes the path. */
static void add_place(struct needs *needs, char *path, int rights)
{
	struct sandbox_place *places =
		reallocarray(needs->places, needs->place_count + 1, sizeof(*places));

	if (places)
		needs->places = places;
	if (text_list_add(&needs->paths, path) < 0 || !places) {
		needs->is_short = true;
		return;
	}
	places[needs->place_count++] = (struct sandbox_place){
		.path = needs->paths.items[needs->paths.count - 1],
		.rights = rights,
	};
}

/* The directory that the file of this path is in. */
static void add_directory_of(struct needs *needs, const char *path, int rights)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!slash)
		add_place(needs, strdup("."), rights);
	else
		add_place(needs, strndup(path, len ? len : 1), rights);
}

/* Where a document root is, the web server says with each request. */
static void add_documents(struct needs *needs, const struct backend_settings *backend)
{
	const struct text_list *roots = &backend->x_sendfile_docroot;

	if (backend_checks_local(backend))
		needs->anywhere = "check-local";
	if (backend->mode == BACKEND_AUTHORIZER && backend->docroot)
		add_place(needs, strdup(backend->docroot), SANDBOX_READ);
	if (!backend->allow_x_send_file)
		return;
	if (roots->count == 0)
		needs->anywhere = "allow-x-send-file without x-sendfile-docroot";
	for (size_t i = 0; i < roots->count; i++)
		add_place(needs, strdup(roots->items[i]), SANDBOX_READ);
}

static void add_port(struct needs *needs, uint16_t port)
{
	uint16_t *ports = reallocarray(needs->ports, needs->port_count + 1, sizeof(*ports));

	if (!ports) {
		needs->is_short = true;
		return;
	}
	needs->ports = ports;
	ports[needs->port_count++] = port;
}

static void add_ports(struct needs *needs, const struct backend_settings *backend)
{
	struct address address;

	for (size_t i = 0; i < backend_proc_count(backend); i++)
		if (!backend_proc_address(backend, i, &address) && address.kind == ADDRESS_TCP)
			add_port(needs, address.port);
}

/* The ports of services are in the records that are yet to come. */
static void add_names(struct needs *needs, const struct backend_settings *backend)
{
	struct backend_name name;

	for (size_t i = 0; i < backend_name_count(backend); i++) {
		backend_name_at(backend, i, &name);
		needs->resolves = true;
		if (name.is_service)
			needs->any_port = "srv";
		else
			add_port(needs, name.port);
	}
}

/* Answers that are too long for UDP come by TCP. */
static void add_name_servers(struct needs *needs, const struct settings *settings)
{
	struct address address;

	add_place(needs, strdup("/etc/hosts"), SANDBOX_READ);
	if (settings->resolver.count == 0)
		add_port(needs, DNS_PORT);
	for (size_t i = 0; i < settings->resolver.count; i++)
		if (!name_server_parse(settings->resolver.items[i], &address))
			add_port(needs, address.port);
}

static void add_sockets(struct needs *needs, const struct address_list *fronts)
{
	for (size_t i = 0; i < fronts->count; i++)
		if (fronts->items[i].kind == ADDRESS_UNIX)
			add_directory_of(needs, fronts->items[i].name, SANDBOX_REMOVE);
}

static bool is_file(const char *log)
{
	return log && strcmp(log, "stdout") != 0 && strcmp(log, "stderr") != 0 &&
	       strcmp(log, "syslog") != 0;
}

static void collect(struct needs *needs, const struct settings *settings, bool is_alone)
{
	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend = settings->backends[i];

		if (!backend_has_mux(backend))
			continue;
		add_documents(needs, backend);
		add_ports(needs, backend);
		add_names(needs, backend);
		if (is_alone)
			add_sockets(needs, &backend->listen);
	}
	if (needs->resolves)
		add_name_servers(needs, settings);
	if (needs->anywhere)
		add_place(needs, strdup("/"), SANDBOX_READ);
	/* The memory of children, which it shows. */
	if (settings->status_path)
		add_place(needs, strdup("/proc"), SANDBOX_READ);
	if (is_alone && is_file(settings->log))
		add_directory_of(needs, settings->log, SANDBOX_APPEND);
	if (is_alone && is_file(settings->access_log))
		add_directory_of(needs, settings->access_log, SANDBOX_APPEND);
}

static void needs_fini(struct needs *needs)
{
	text_list_fini(&needs->paths);
	free(needs->places);
	free(needs->ports);
}

static void tell_missing(const char *what, int error)
{
	if (error < 0)
		log_warnx("sandbox: %s is not in force: %s", what, strerror(-error));
}

static void tell(const struct sandbox *sandbox, const struct needs *needs)
{
	const char *anywhere = needs->anywhere, *any_port = needs->any_port;

	tell_missing("seccomp", sandbox->seccomp_error);
	tell_missing("Landlock", sandbox->landlock_error);
	if (sandbox->seccomp_error == 0)
		log_info("sandbox: seccomp");
	if (sandbox->landlock_error == 0)
		log_info("sandbox: Landlock, version %d%s%s%s%s", sandbox->landlock_abi,
			 anywhere ? "; all files may be read, as is needed for " : "",
			 anywhere ? anywhere : "",
			 any_port ? "; all TCP ports may be connected to, as is needed for " : "",
			 any_port ? any_port : "");
}

void confine_mux(const struct settings *settings, bool is_alone)
{
	struct needs needs = {0};
	struct sandbox sandbox;

	if (!settings->sandbox) {
		log_info("sandbox: disabled");
		return;
	}
	collect(&needs, settings, is_alone);
	if (needs.is_short) {
		log_warnx("sandbox: not in force: out of memory");
	} else {
		const struct sandbox_plan plan = {
			.places = needs.places,
			.place_count = needs.place_count,
			.ports = needs.ports,
			.port_count = needs.port_count,
			.has_any_port = needs.any_port,
			.resolves = needs.resolves,
		};

		sandbox_enter(&plan, &sandbox);
		tell(&sandbox, &needs);
	}
	needs_fini(&needs);
}
