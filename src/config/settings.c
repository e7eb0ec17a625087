#include "config/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"

static void set_defaults(enum option_scope scope, void *target)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_entry *option = &option_table[i];
		char *fault;

		if (option->scope != scope || !option->value_default)
			continue;
		fault = option_set(option, target, option->value_default, (struct origin){0});
		assert(!fault); /* the table's own mistake */
		free(fault);
	}
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){0};
	set_defaults(OPTION_WHOLE, settings);
	set_defaults(OPTION_BACKEND, &settings->defaults);
}

static void backend_free(struct backend_settings *backend)
{
	options_fini(OPTION_BACKEND, backend);
	free(backend->name);
	free(backend);
}

void settings_fini(struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		backend_free(settings->backends[i]);
	free(settings->backends);
	options_fini(OPTION_BACKEND, &settings->defaults);
	options_fini(OPTION_WHOLE, settings);
	text_list_fini(&settings->files);
	*settings = (struct settings){0};
}

struct backend_settings *settings_find_backend(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (strcmp(settings->backends[i]->name, name) == 0)
			return settings->backends[i];
	return NULL;
}

/* A place for one backend more. */
static int grow(struct settings *settings)
{
	struct backend_settings **backends = reallocarray(
		settings->backends, settings->backend_count + 1, sizeof(struct backend_settings *));

	if (!backends)
		return -ENOMEM;
	settings->backends = backends;
	return 0;
}

struct backend_settings *settings_add_backend(struct settings *settings, const char *name)
{
	struct backend_settings *backend = calloc(1, sizeof(*backend));

	if (!backend || grow(settings))
		goto fail;
	backend->name = strdup(name);
	if (!backend->name || options_inherit(backend, &settings->defaults))
		goto fail;
	settings->backends[settings->backend_count++] = backend;
	return backend;
fail:
	if (backend)
		backend_free(backend);
	return NULL;
}

int settings_inherit(struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (options_inherit(settings->backends[i], &settings->defaults))
			return -ENOMEM;
	return 0;
}

void settings_complete(struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++) {
		struct backend_settings *backend = settings->backends[i];

		if (!option_origin_of("min-procs", backend).file)
			backend->min_procs = backend->max_procs;
	}
}

bool settings_opens_front(const struct settings *settings, size_t backend, size_t address)
{
	const struct address *front = &settings->backends[backend]->listen.items[address];

	for (size_t i = 0; i < backend; i++)
		if (address_list_has(&settings->backends[i]->listen, front))
			return false;
	return true;
}
