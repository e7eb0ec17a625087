/*
 * Keys, maps and the variables that an application sees: the script is always a part of the path,
 * and the two parts that are written make up the path again.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "policy/rewrite.h"
#include "policy/route.h"

enum { TEXTS = 12, KEYS_MAX = 6, MAPS_MAX = 2 };

/* Of an input: texts and what they are for. */
struct site {
	char *texts[TEXTS]; /* owned */
	size_t used;
	struct route_table table;
	unsigned flags;
};

static const char *next_text(struct site *site)
{
	return site->texts[site->used++ % TEXTS];
}

static void make_site(struct site *site, struct input *input)
{
	unsigned shape = take_byte(input);

	*site = (struct site){.flags = take_byte(input)};
	for (size_t i = 0; i < TEXTS; i++)
		site->texts[i] = take_text(input);
	for (unsigned i = 0; i < shape % KEYS_MAX; i++)
		CHECK(route_table_add(&site->table,
				      shape & 1U << i ? ROUTE_AUTHORIZER : ROUTE_RESPONDER,
				      next_text(site), i) == 0);
	for (unsigned i = 0; i < site->flags % (MAPS_MAX + 1); i++) {
		const char *from = next_text(site);

		(void)!route_table_map(&site->table, from, next_text(site));
	}
}

static void free_site(struct site *site)
{
	route_table_fini(&site->table);
	for (size_t i = 0; i < TEXTS; i++)
		free(site->texts[i]);
}

static struct rewrite_text text_of(const char *text, bool is_there)
{
	return (struct rewrite_text){.at = is_there ? text : NULL,
				     .len = is_there ? strlen(text) : 0};
}

static struct rewrite_text write_value(const struct rewrite_value *value)
{
	size_t len = rewrite_value_len(value);
	char *out = malloc(len + 1);

	CHECK(out && rewrite_value_write(out, value) == out + len);
	return (struct rewrite_text){.at = out, .len = len};
}

/* What the application sees as script and info is the path, where the script is not the root. */
static void check_parts(const struct rewrite_plan *plan, const struct rewrite_facts *facts)
{
	const struct rewrite_value *script = &plan->values[REWRITE_SCRIPT_NAME];
	const struct rewrite_value *info = &plan->values[REWRITE_PATH_INFO];
	struct rewrite_text first, second = {0};

	if (script->action != REWRITE_SET || info->action == REWRITE_KEEP)
		return;
	first = write_value(script);
	if (info->action == REWRITE_SET)
		second = write_value(info);
	CHECK(first.len + second.len == facts->path.len);
	CHECK(first.len == 0 || memcmp(first.at, facts->path.at, first.len) == 0);
	CHECK(second.len == 0 || memcmp(second.at, facts->path.at + first.len, second.len) == 0);
	free((char *)(uintptr_t)first.at);
	free((char *)(uintptr_t)second.at);
}

static void check_plan(const struct rewrite_plan *plan, bool has_changes)
{
	bool changes = false;

	for (enum rewrite_variable i = 0; i < REWRITE_VARIABLES; i++) {
		const char *name = rewrite_name(i);

		CHECK(rewrite_find(name, strlen(name)) == i);
		changes |= plan->values[i].action != REWRITE_KEEP;
		if (plan->values[i].action == REWRITE_SET)
			free((char *)(uintptr_t)write_value(&plan->values[i]).at);
	}
	CHECK(has_changes || !changes);
}

static void rewrite(struct site *site, const struct route_path *path,
		    const struct route_match *match)
{
	const struct rewrite_facts facts = {
		.path = {path->at, path->len},
		.sent_script_len = path->script_len,
		.script_len = match->script_len,
		.is_root = match->is_root,
		.script_filename = text_of(next_text(site), site->flags & 1),
		.document_root = text_of(next_text(site), site->flags & 2),
		.request_uri = text_of(next_text(site), site->flags & 4),
		.authorized_root = text_of(next_text(site), site->flags & 8),
	};
	const struct rewrite_rules rules = {
		.docroot = site->flags & 16 ? next_text(site) : NULL,
		.strip_request_uri = site->flags & 32 ? next_text(site) : NULL,
		.broken_scriptfilename = site->flags & 64,
		.fix_root_scriptname = site->flags & 128,
		.is_authorizer = match->key && match->key->role == ROUTE_AUTHORIZER,
	};
	struct rewrite_plan plan;

	check_plan(&plan, rewrite_decide(&plan, &facts, &rules));
	if (!rules.is_authorizer)
		check_parts(&plan, &facts);
}

static bool has_key(const struct route_match *match, const struct route_path *path)
{
	const char *key = match->key->text;
	size_t len = match->key->len;

	if (key[0] == '/')
		return len <= path->len && memcmp(path->at, key, len) == 0;
	return len <= match->script_len &&
	       memcmp(path->at + match->script_len - len, key, len) == 0;
}

static void check_match(struct site *site, enum route_role role, const struct route_path *path,
			struct route_match match)
{
	CHECK(match.script_len <= path->len);
	CHECK(!match.key || match.key->role == role);
	/* A map leads to a key that the path need not have; an authorizer's path is not split. */
	if (match.key && site->table.map_count == 0 && role == ROUTE_RESPONDER)
		CHECK(has_key(&match, path));
	if (match.key)
		rewrite(site, path, &match);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	size_t cut = take_byte(&input);
	struct route_path path;
	struct site site;
	char *text;

	make_site(&site, &input);
	text = take_text(&input);
	path = (struct route_path){.at = text, .len = strlen(text)};
	path.script_len = cut % (path.len + 1);
	for (enum route_role role = ROUTE_RESPONDER; role <= ROUTE_AUTHORIZER; role++) {
		check_match(&site, role, &path, route_find(&site.table, role, &path));
		check_match(&site, role, &path, route_find_script(&site.table, role, &path));
	}
	free(text);
	free_site(&site);
	return 0;
}
