#include "config/check_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/backend_procs.h"
#include "config/map.h"
#include "config/options.h"
#include "config/quoting.h"

/* A place where something of ours listens, or something of others is looked for. */
struct place {
	struct address address;
	const struct backend_settings *backend;
	bool is_front;
	bool is_child; /* neither: others run it */
	size_t number; /* in the order in which they were collected */
};

struct places {
	struct place *items;
	size_t count;
};

static void places_add(struct places *places, const struct place *place)
{
	struct place *items = reallocarray(places->items, places->count + 1, sizeof(*items));

	if (!items)
		abort(); /* as in sentence_new: nothing was started yet */
	places->items = items;
	items[places->count] = *place;
	items[places->count].number = places->count;
	places->count++;
}

/* The addresses of the procs, as far as they are said; complains of the first that cannot be. */
static void collect_procs(const struct backend_settings *backend, struct complaints *complaints,
			  struct places *places)
{
	bool is_known = backend->socket || (backend->host && backend->port);
	size_t unknown = backend_is_supervised(backend) && !is_known ? backend->max_procs : 0;

	if (backend->host && !backend->port)
		return;
	for (size_t i = unknown; i < backend_proc_count(backend); i++) {
		struct place place = {.backend = backend,
				      .is_child = i < backend_child_count(backend)};
		const char *fault = backend_proc_address(backend, i, &place.address);

		if (fault) {
			const char *key = backend->socket ? "socket" : "port";

			complaints_add_of(
				complaints, backend, key,
				sentence_new("%s: no address for process %zu: %s", key, i, fault));
			return;
		}
		places_add(places, &place);
	}
}

static void collect_fronts(const struct backend_settings *backend, struct places *places)
{
	for (size_t i = 0; i < backend->listen.count; i++)
		places_add(places, &(struct place){.address = backend->listen.items[i],
						   .backend = backend,
						   .is_front = true});
}

/* By address; equal ones in the order in which they were collected. */
static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = strcmp(left->address.name, right->address.name);

	if (!order)
		order = (int)left->address.kind - (int)right->address.kind;
	if (!order)
		order = left->address.port - right->address.port;
	if (!order)
		order = left->number < right->number ? -1 : 1;
	return order;
}

/* The value as a file has it; "" where it is unset. malloced. */
static char *value_text(const struct option_entry *option, const struct backend_settings *backend)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort(); /* as in sentence_new */
	option_print(option, backend, out);
	if (fclose(out) != 0)
		abort();
	return text;
}

/* Complains where two sections that share a front differ in one of the keys (NULL-ended). */
static void check_agreement(struct complaints *complaints, const struct place *first,
			    const struct place *second, const char *const *keys)
{
	char text[ADDRESS_TEXT_SIZE];

	for (; *keys; keys++) {
		char *one = value_text(option_find(*keys), first->backend);
		char *other = value_text(option_find(*keys), second->backend);

		if (strcmp(one, other) != 0)
			complaints_add_of(complaints, second->backend, *keys,
					  sentence_new("%s differs from that of section %s, which "
						       "shares the front %s: give both the same",
						       *keys, first->backend->name,
						       address_format(&first->address, text)));
		free(one);
		free(other);
	}
}

/* Whether certain requests go to both. Without extensions: all that come. */
static bool share_requests(const struct backend_settings *one, const struct backend_settings *other)
{
	if (one->mode != other->mode)
		return false;
	for (size_t i = 0; i < one->extension.count; i++)
		if (text_list_has(&other->extension, one->extension.items[i]))
			return true;
	return one->extension.count == 0 && other->extension.count == 0;
}

static void check_shared_front(struct complaints *complaints, const struct place *first,
			       const struct place *second)
{
	static const char *const socket_keys[] = {
		"listen-owner",	   "listen-group",  "listen-mode", "listen-backlog",
		"allowed-clients", "allowed-users", NULL};
	static const char *const request_keys[] = {"queue-limit",
						   "queue-timeout",
						   "max-request-size",
						   "queue-time-variable",
						   "check-local",
						   "docroot",
						   "broken-scriptfilename",
						   "deny-params",
						   "fix-root-scriptname",
						   "strip-request-uri",
						   NULL};

	check_agreement(complaints, first, second, socket_keys);
	if (share_requests(first->backend, second->backend))
		check_agreement(complaints, first, second, request_keys);
	else if (first->backend->extension.count == 0 &&
		 first->backend->mode == second->backend->mode)
		complaints_add_of(complaints, second->backend, "extension",
				  sentence_new("section %s is before this one and takes all "
					       "requests, as it has no extension: put it behind",
					       first->backend->name));
}

static bool can_share(const struct place *first, const struct place *second)
{
	return first->is_front && second->is_front && first->backend != second->backend &&
	       backend_has_mux(first->backend) && backend_has_mux(second->backend);
}

static void check_twins(struct complaints *complaints, const struct place *first,
			const struct place *second)
{
	const struct place *front = second->is_front || !first->is_front ? second : first;
	char text[ADDRESS_TEXT_SIZE];

	address_format(&front->address, text);
	if (can_share(first, second))
		check_shared_front(complaints, first, second);
	else if (first->backend == second->backend)
		complaints_add_of(
			complaints, front->backend, front->is_front ? "listen" : "server",
			sentence_new("%s is given twice for %s", text, front->backend->name));
	else if (first->is_front && second->is_front)
		complaints_add_of(
			complaints, front->backend, "listen",
			sentence_new("listen: %s belongs to section %s already: with balance = "
				     "shared they cannot share it",
				     text, first->backend->name));
	else if (first->is_front || second->is_front || first->is_child || second->is_child)
		complaints_add_of(complaints, front->backend, front->is_front ? "listen" : "server",
				  sentence_new("%s is used by section %s too", text,
					       front == second ? first->backend->name
							       : second->backend->name));
}

/* Each with all before it that have the same address. */
static void check_twins_of(struct complaints *complaints, const struct place *first,
			   const struct place *place)
{
	for (const struct place *before = place; before > first; before--) {
		if (!address_is_equal(&before[-1].address, &place->address))
			return;
		check_twins(complaints, &before[-1], place);
	}
}

static bool share_front(const struct address_list *one, const struct address_list *other)
{
	for (size_t i = 0; i < one->count; i++)
		if (address_list_has(other, &one->items[i]))
			return true;
	return false;
}

static bool has_extension(const struct settings *settings, const struct address_list *fronts,
			  const char *extension)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (share_front(&settings->backends[i]->listen, fronts) &&
		    text_list_has(&settings->backends[i]->extension, extension))
			return true;
	return false;
}

/* That what one suffix is mapped to is there, at a front of the section. */
static void check_maps(const struct settings *settings, const struct backend_settings *backend,
		       struct complaints *complaints)
{
	for (size_t i = 0; i < backend->map_extensions.count; i++) {
		const char *to = map_target(backend->map_extensions.items[i]);

		if (!has_extension(settings, &backend->listen, to))
			complaints_add_of(complaints, backend, "map-extensions",
					  sentence_new("map-extensions: no section at this front "
						       "has the extension %s",
						       to));
	}
}

void check_places(const struct settings *settings, struct complaints *complaints)
{
	struct places places = {0};

	for (size_t i = 0; i < settings->backend_count; i++) {
		collect_fronts(settings->backends[i], &places);
		collect_procs(settings->backends[i], complaints, &places);
		check_maps(settings, settings->backends[i], complaints);
	}
	if (places.count)
		qsort(places.items, places.count, sizeof(*places.items), compare_places);
	for (size_t i = 1; i < places.count; i++)
		check_twins_of(complaints, places.items, &places.items[i]);
	free(places.items);
}
