#include "policy/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct route_key *find_key(const struct route_table *table, enum route_role role,
				  const char *text)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->keys[i].role == role && strcmp(table->keys[i].text, text) == 0)
			return &table->keys[i];
	return NULL;
}

void route_table_fini(struct route_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->keys[i].backends);
	free(table->keys);
	free(table->maps);
	*table = (struct route_table){0};
}

static struct route_key *add_key(struct route_table *table, enum route_role role, const char *text)
{
	struct route_key *keys = reallocarray(table->keys, table->count + 1, sizeof(*keys));

	if (!keys)
		return NULL;
	table->keys = keys;
	keys[table->count] = (struct route_key){.text = text, .len = strlen(text), .role = role};
	return &keys[table->count++];
}

int route_table_add(struct route_table *table, enum route_role role, const char *text,
		    unsigned backend)
{
	struct route_key *key = find_key(table, role, text);
	unsigned *backends;

	if (!key)
		key = add_key(table, role, text);
	if (!key)
		return -ENOMEM;
	backends = reallocarray(key->backends, key->backend_count + 1, sizeof(*backends));
	if (!backends)
		return -ENOMEM;
	backends[key->backend_count++] = backend;
	key->backends = backends;
	return 0;
}

int route_table_map(struct route_table *table, const char *from, const char *to)
{
	struct route_map *maps;

	if (!find_key(table, ROUTE_RESPONDER, to) && !find_key(table, ROUTE_AUTHORIZER, to))
		return -ENOENT;
	maps = reallocarray(table->maps, table->map_count + 1, sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	maps[table->map_count++] = (struct route_map){.from = from, .to = to};
	table->maps = maps;
	return 0;
}

static bool ends_with(const char *text, size_t len, const char *suffix, size_t suffix_len)
{
	return suffix_len <= len &&
	       (suffix_len == 0 || memcmp(text + len - suffix_len, suffix, suffix_len) == 0);
}

/* The script is what the web server says, or else the whole path. */
static bool has_suffix(const struct route_path *path, const char *suffix, size_t *script_len)
{
	size_t suffix_len = strlen(suffix);

	*script_len = path->script_len;
	if (ends_with(path->at, path->script_len, suffix, suffix_len))
		return true;
	*script_len = path->len;
	return ends_with(path->at, path->len, suffix, suffix_len);
}

static bool has_prefix(const struct route_path *path, const struct route_key *key,
		       size_t *script_len)
{
	const char *slash;

	if (path->len < key->len || memcmp(path->at, key->text, key->len) != 0)
		return false;
	slash = memchr(path->at + key->len, '/', path->len - key->len);
	*script_len = slash ? (size_t)(slash - path->at) : path->len;
	return true;
}

/* As lighttpd does, the first map decides, also where nobody of this role has its key. */
static const struct route_key *find_mapped(const struct route_table *table, enum route_role role,
					   const struct route_path *path, size_t *script_len)
{
	for (size_t i = 0; i < table->map_count; i++)
		if (has_suffix(path, table->maps[i].from, script_len))
			return find_key(table, role, table->maps[i].to);
	return NULL;
}

static const struct route_key *find_in_order(const struct route_table *table, enum route_role role,
					     const struct route_path *path, size_t *script_len)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct route_key *key = &table->keys[i];

		if (key->role != role)
			continue;
		if (key->text[0] == '/' ? has_prefix(path, key, script_len)
					: has_suffix(path, key->text, script_len))
			return key;
	}
	return NULL;
}

static struct route_match find(const struct route_table *table, enum route_role role,
			       const struct route_path *path)
{
	struct route_match match = {0};

	match.key = find_mapped(table, role, path, &match.script_len);
	if (!match.key)
		match.key = find_in_order(table, role, path, &match.script_len);
	return match;
}

/* The path without its last '/' and what follows it. False: it has none. */
static bool shorten(struct route_path *path)
{
	const char *slash = path->len > 0 ? memrchr(path->at, '/', path->len) : NULL;

	if (!slash)
		return false;
	path->len = path->script_len = (size_t)(slash - path->at);
	return true;
}

struct route_match route_find(const struct route_table *table, enum route_role role,
			      const struct route_path *path)
{
	struct route_match match = find(table, role, path);
	struct route_path shorter = *path;

	/* No prefix of the whole path is a key, so none of a shorter one is. */
	while (!match.key && shorten(&shorter))
		match = find(table, role, &shorter);
	if (role == ROUTE_AUTHORIZER)
		match.script_len = path->script_len;
	else
		match.is_root = match.key && strcmp(match.key->text, "/") == 0;
	return match;
}

struct route_match route_find_script(const struct route_table *table, enum route_role role,
				     const struct route_path *path)
{
	struct route_path script = *path;
	struct route_match match;

	script.len = path->script_len;
	match = find(table, role, &script);
	match.script_len = path->script_len;
	return match;
}
