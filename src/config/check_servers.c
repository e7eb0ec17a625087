#include "config/check_servers.h"

#include "config/backend_procs.h"
#include "config/options.h"
#include "config/quoting.h"

/* Whether the user wrote it into this section, or on the command line. */
static bool is_written(const char *key, const struct backend_settings *backend)
{
	struct origin origin = option_origin_of(key, backend);

	return origin.file && !origin.is_inherited;
}

static void warn_useless(struct complaints *complaints, const struct backend_settings *backend,
			 const char *key, const char *why)
{
	if (is_written(key, backend))
		complaints_add_warning_of(complaints, backend, key,
					  sentence_new("%s has no effect: %s", key, why));
}

static void check_useless(const struct backend_settings *backend, struct complaints *complaints)
{
	static const char *const for_servers[] = {
		"slow-start",	"probe-interval", "probe-timeout",   "probe-request",
		"probe-status", "spill-over",	  "tcp-user-timeout"};

	if (!backend_has_servers(backend))
		for (size_t i = 0; i < sizeof(for_servers) / sizeof(*for_servers); i++)
			warn_useless(complaints, backend, for_servers[i],
				     "there is no server of others");
	else if (!backend_is_supervised(backend))
		warn_useless(complaints, backend, "spill-over", "there are no children");
	if (!backend->probe_request)
		warn_useless(complaints, backend, "probe-status", "there is no probe-request");
	if (backend->retry == RETRY_NONE)
		warn_useless(complaints, backend, "retry-budget", "with retry = none");
}

static void check_backend(const struct backend_settings *backend, struct complaints *complaints)
{
	if (backend->probe_request && backend->probe_request[0] != '/')
		complaints_add_of(complaints, backend, "probe-request",
				  sentence_new("probe-request: the path must begin with \"/\": %s",
					       backend->probe_request));
	if (backend->balance != BALANCE_SHARED || !backend_is_supervised(backend))
		return;
	if (backend->server.count > 0)
		complaints_add_of(complaints, backend, "server",
				  sentence_new("server is not for balance = shared: requests go "
					       "to children alone"));
	if (backend->srv.count > 0)
		complaints_add_of(complaints, backend, "srv",
				  sentence_new("srv is not for balance = shared: requests go to "
					       "children alone"));
}

void check_servers(const struct settings *settings, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		check_backend(settings->backends[i], complaints);
}

void check_servers_use(const struct settings *settings, struct complaints *complaints)
{
	struct origin resolver = option_origin_of("resolver", settings);
	size_t names = 0;

	for (size_t i = 0; i < settings->backend_count; i++) {
		check_useless(settings->backends[i], complaints);
		names += backend_name_count(settings->backends[i]);
	}
	if (resolver.file && names == 0)
		complaints_add_warning(
			complaints, resolver,
			sentence_new("resolver has no effect: no server is given by a name"));
}
