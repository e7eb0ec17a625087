#include "config/backend.h"

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
	return backend->balance != BALANCE_SHARED || !backend_is_supervised(backend);
}
