#include "config/backend.h"

#include <assert.h>

bool backend_is_supervised(const struct backend_settings *backend)
{
	return backend->bin_path.count > 0;
}

bool backend_has_mux(const struct backend_settings *backend)
{
	return backend->balance == BALANCE_LEAST_LOAD || !backend_is_supervised(backend);
}

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

size_t backend_proc_count(const struct backend_settings *backend)
{
	if (backend_is_supervised(backend))
		return backend->max_procs;
	return backend->server.count + (backend->socket || backend->host);
}

const char *backend_proc_address(const struct backend_settings *backend, size_t number,
				 struct address *address)
{
	struct address base;
	const char *fault;

	assert(number < backend_proc_count(backend));
	if (!backend_is_supervised(backend)) {
		if (number >= backend->server.count)
			return own_address(backend, address);
		*address = backend->server.items[number];
		return NULL;
	}
	fault = own_address(backend, &base);
	return fault ? fault : address_numbered(&base, number, address);
}
