#include "config/backend_procs.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "config/backend.h"

/* The one proc that socket, or host and port, name: the base of numbered ones where it has
 * children. */
static const char *own_address(const struct backend_settings *backend, struct address *address)
{
	if (backend->socket)
		return address_set_path(address, backend->socket);
	if (backend->host && backend->port)
		return address_set_host(address, backend->host, (uint16_t)backend->port);
	return "there is neither a socket nor a host and port for it";
}

/* Where there are no children, it is one more proc that others run. */
static bool has_own_server(const struct backend_settings *backend)
{
	return !backend_is_supervised(backend) && (backend->socket || backend->host);
}

static size_t count_servers(const struct backend_settings *backend)
{
	return backend->server.count + has_own_server(backend);
}

/* Of all, in the order in which they are written. */
static const char *server_at(const struct backend_settings *backend, size_t number,
			     struct server *server)
{
	if (number < backend->server.count)
		return server_parse(backend->server.items[number], server);
	*server = (struct server){.weight = 1};
	return own_address(backend, &server->address);
}

/* Of those that are names, or of the others; what is wrong is none. */
static size_t count_kind(const struct backend_settings *backend, bool is_name)
{
	struct server server;
	size_t count = 0;

	for (size_t i = 0; i < count_servers(backend); i++)
		count += (!server_at(backend, i, &server) && server_is_name(&server)) == is_name;
	return count;
}

static const char *kind_at(const struct backend_settings *backend, bool is_name, size_t number,
			   struct server *server)
{
	const char *fault = NULL;
	size_t i = 0;

	for (; i < count_servers(backend); i++) {
		fault = server_at(backend, i, server);
		if ((!fault && server_is_name(server)) == is_name && number-- == 0)
			break;
	}
	assert(i < count_servers(backend));
	return fault;
}

size_t backend_child_count(const struct backend_settings *backend)
{
	return backend_is_supervised(backend) ? backend->max_procs : 0;
}

size_t backend_child_min(const struct backend_settings *backend)
{
	size_t max = backend_child_count(backend);

	return backend->min_procs < max ? backend->min_procs : max;
}

bool backend_scales(const struct backend_settings *backend)
{
	return backend_child_min(backend) < backend_child_count(backend);
}

size_t backend_proc_count(const struct backend_settings *backend)
{
	return backend_child_count(backend) + count_kind(backend, false);
}

const char *backend_proc_server(const struct backend_settings *backend, size_t number,
				struct server *server)
{
	return kind_at(backend, false, number - backend_child_count(backend), server);
}

const char *backend_proc_address(const struct backend_settings *backend, size_t number,
				 struct address *address)
{
	struct server server;
	struct address base;
	const char *fault;

	assert(number < backend_proc_count(backend));
	if (number >= backend_child_count(backend)) {
		fault = backend_proc_server(backend, number, &server);
		*address = server.address;
		return fault;
	}
	fault = own_address(backend, &base);
	return fault ? fault : address_numbered(&base, number, address);
}

size_t backend_name_count(const struct backend_settings *backend)
{
	return count_kind(backend, true) + backend->srv.count;
}

void backend_name_at(const struct backend_settings *backend, size_t number,
		     struct backend_name *name)
{
	size_t hosts = count_kind(backend, true);
	struct server server = {.weight = 1};

	*name = (struct backend_name){.is_service = number >= hosts};
	if (name->is_service) {
		(void)text_format(name->text, sizeof(name->text), "%s",
				  backend->srv.items[number - hosts]);
	} else {
		(void)!kind_at(backend, true, number, &server);
		memcpy(name->text, server.address.name, sizeof(name->text));
		name->port = server.address.port;
	}
	name->weight = server.weight;
	name->is_backup = server.is_backup;
}

bool backend_has_servers(const struct backend_settings *backend)
{
	return count_servers(backend) > 0 || backend->srv.count > 0;
}
