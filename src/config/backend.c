#include "config/backend.h"

#include <assert.h>

bool backend_checks_local(const struct backend_settings *backend)
{
	if (backend->check_local == CHECK_LOCAL_AUTO)
		return backend->extension.count > 0;
	return backend->check_local == CHECK_LOCAL_ENABLE;
}

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

/* Where there are no children, it is one more proc that others run. */
static bool has_own_proc(const struct backend_settings *backend)
{
	return !backend_is_supervised(backend) && (backend->socket || backend->host);
}

size_t backend_proc_count(const struct backend_settings *backend)
{
	return backend_child_count(backend) + backend->server.count + has_own_proc(backend);
}

const char *backend_proc_address(const struct backend_settings *backend, size_t number,
				 struct address *address)
{
	size_t children = backend_child_count(backend);
	struct address base;
	const char *fault;

	assert(number < backend_proc_count(backend));
	if (number >= children + backend->server.count)
		return own_address(backend, address);
	if (number >= children) {
		*address = backend->server.items[number - children];
		return NULL;
	}
	fault = own_address(backend, &base);
	return fault ? fault : address_numbered(&base, number, address);
}
