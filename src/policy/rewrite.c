#include "policy/rewrite.h"

#include <assert.h>
#include <string.h>

static const struct rewrite_text slash = {.at = "/", .len = 1};

/* The facts after the rules that concern the path. */
struct paths {
	struct rewrite_text script, info; /* info.len 0: there is none */
	struct rewrite_text whole;	  /* both */
	struct rewrite_text root;	  /* at NULL: unknown */
	bool is_moved;			  /* the script ends elsewhere than was sent */
	bool is_rerooted;		  /* the root is not the one that was sent */
	bool is_whole_file;		  /* SCRIPT_FILENAME has the PATH_INFO too */
};

static struct rewrite_text text_of(const char *text)
{
	return (struct rewrite_text){.at = text, .len = text ? strlen(text) : 0};
}

static struct rewrite_text first(struct rewrite_text text, size_t len)
{
	return (struct rewrite_text){.at = text.at, .len = len};
}

static struct rewrite_text after(struct rewrite_text text, size_t len)
{
	return (struct rewrite_text){.at = len > 0 ? text.at + len : text.at,
				     .len = text.len - len};
}

static bool starts_with(struct rewrite_text text, struct rewrite_text prefix)
{
	return prefix.len <= text.len && memcmp(text.at, prefix.at, prefix.len) == 0;
}

static bool ends_with(struct rewrite_text text, struct rewrite_text suffix)
{
	return suffix.len <= text.len && starts_with(after(text, text.len - suffix.len), suffix);
}

static struct rewrite_text without_slashes(struct rewrite_text text)
{
	while (text.len > 0 && text.at[text.len - 1] == '/')
		text.len--;
	return text;
}

static void set(struct rewrite_value *value, struct rewrite_text text)
{
	*value = (struct rewrite_value){.action = REWRITE_SET, .pieces = {text}};
}

/* A path below the root, with one slash between the two. */
static void set_below(struct rewrite_value *value, struct rewrite_text root,
		      struct rewrite_text path)
{
	set(value, without_slashes(root));
	if (!starts_with(path, slash))
		value->pieces[1] = slash;
	value->pieces[2] = path;
}

static void drop(struct rewrite_value *value)
{
	*value = (struct rewrite_value){.action = REWRITE_DROP};
}

static struct rewrite_text root_of(const struct rewrite_facts *facts,
				   const struct rewrite_rules *rules)
{
	if (rules->docroot)
		return text_of(rules->docroot);
	return facts->authorized_root.at ? facts->authorized_root : facts->document_root;
}

static struct paths paths_of(const struct rewrite_facts *facts, const struct rewrite_rules *rules)
{
	size_t script_len = rules->fix_root_scriptname && facts->is_root ? 0 : facts->script_len;

	assert(script_len <= facts->path.len);
	return (struct paths){
		.script = first(facts->path, script_len),
		.info = after(facts->path, script_len),
		.whole = facts->path,
		.root = root_of(facts, rules),
		.is_moved = script_len != facts->sent_script_len,
		.is_rerooted = rules->docroot || facts->authorized_root.at,
		.is_whole_file = rules->broken_scriptfilename && !rules->docroot,
	};
}

static void plan_path(struct rewrite_plan *plan, const struct paths *paths)
{
	if (!paths->is_moved)
		return;
	set(&plan->values[REWRITE_SCRIPT_NAME], paths->script);
	if (paths->info.len > 0)
		set(&plan->values[REWRITE_PATH_INFO], paths->info);
	else
		drop(&plan->values[REWRITE_PATH_INFO]);
}

static void plan_translated(struct rewrite_plan *plan, const struct paths *paths)
{
	struct rewrite_value *value = &plan->values[REWRITE_PATH_TRANSLATED];

	if (!paths->is_moved && !paths->is_rerooted)
		return;
	if (paths->info.len > 0 && paths->root.at)
		set_below(value, paths->root, paths->info);
	else
		drop(value);
}

/* With its slash; none where the script is empty. */
static struct rewrite_text last_name(struct rewrite_text script)
{
	const char *at = script.len > 0 ? memrchr(script.at, '/', script.len) : NULL;

	return at ? after(script, (size_t)(at - script.at)) : (struct rewrite_text){0};
}

static bool cut(struct rewrite_text *text, struct rewrite_text end)
{
	if (end.len == 0 || !ends_with(*text, end))
		return false;
	text->len -= end.len;
	return true;
}

static void plan_file(struct rewrite_plan *plan, struct rewrite_text sent,
		      const struct paths *paths)
{
	struct rewrite_value *value = &plan->values[REWRITE_SCRIPT_FILENAME];
	struct rewrite_text name = last_name(paths->script);
	struct rewrite_text name_and_info = {name.at,
					     name.len > 0 ? name.len + paths->info.len : 0};
	bool adds_info = paths->is_whole_file && paths->info.len > 0;

	if (!paths->is_rerooted && !paths->is_moved && !adds_info)
		return;
	/* It may have been sent with the PATH_INFO. */
	if (!paths->is_rerooted && (cut(&sent, name_and_info) || cut(&sent, name))) {
		set(value, sent);
		value->pieces[1] = adds_info ? name_and_info : name;
	} else if (paths->root.at) {
		set_below(value, paths->root, adds_info ? paths->whole : paths->script);
	}
}

static void plan_uri(struct rewrite_plan *plan, const struct rewrite_facts *facts,
		     const struct rewrite_rules *rules)
{
	struct rewrite_text prefix = without_slashes(text_of(rules->strip_request_uri));
	struct rewrite_text rest;

	if (prefix.len == 0 || !starts_with(facts->request_uri, prefix))
		return;
	rest = after(facts->request_uri, prefix.len);
	if (starts_with(rest, slash))
		set(&plan->values[REWRITE_REQUEST_URI], rest);
}

/* The specification, section 6.3. */
static void plan_authorizer(struct rewrite_plan *plan)
{
	drop(&plan->values[REWRITE_SCRIPT_NAME]);
	drop(&plan->values[REWRITE_PATH_INFO]);
	drop(&plan->values[REWRITE_PATH_TRANSLATED]);
	drop(&plan->values[REWRITE_CONTENT_LENGTH]);
}

bool rewrite_decide(struct rewrite_plan *plan, const struct rewrite_facts *facts,
		    const struct rewrite_rules *rules)
{
	struct paths paths = paths_of(facts, rules);

	*plan = (struct rewrite_plan){0};
	plan_path(plan, &paths);
	plan_translated(plan, &paths);
	plan_file(plan, facts->script_filename, &paths);
	plan_uri(plan, facts, rules);
	if (paths.is_rerooted)
		set(&plan->values[REWRITE_DOCUMENT_ROOT], paths.root);
	if (rules->is_authorizer)
		plan_authorizer(plan);
	for (size_t i = 0; i < REWRITE_VARIABLES; i++)
		if (plan->values[i].action != REWRITE_KEEP)
			return true;
	return false;
}

static const char *const names[REWRITE_VARIABLES] = {
	[REWRITE_SCRIPT_NAME] = "SCRIPT_NAME",
	[REWRITE_PATH_INFO] = "PATH_INFO",
	[REWRITE_SCRIPT_FILENAME] = "SCRIPT_FILENAME",
	[REWRITE_PATH_TRANSLATED] = "PATH_TRANSLATED",
	[REWRITE_DOCUMENT_ROOT] = "DOCUMENT_ROOT",
	[REWRITE_REQUEST_URI] = "REQUEST_URI",
	[REWRITE_CONTENT_LENGTH] = "CONTENT_LENGTH",
};

const char *rewrite_name(enum rewrite_variable variable)
{
	return names[variable];
}

static bool is_name(const char *name, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(name, other, len) == 0;
}

enum rewrite_variable rewrite_find(const char *name, size_t len)
{
	enum rewrite_variable variable = REWRITE_SCRIPT_NAME;

	while (variable < REWRITE_VARIABLES && !is_name(name, len, names[variable]))
		variable++;
	return variable;
}

size_t rewrite_value_len(const struct rewrite_value *value)
{
	size_t len = 0;

	for (size_t i = 0; i < REWRITE_PIECES; i++)
		len += value->pieces[i].len;
	return len;
}

char *rewrite_value_write(char *out, const struct rewrite_value *value)
{
	for (size_t i = 0; i < REWRITE_PIECES; i++)
		if (value->pieces[i].len > 0)
			out = mempcpy(out, value->pieces[i].at, value->pieces[i].len);
	return out;
}

bool rewrite_is_listed(const char *name, size_t len, char *const *denied, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_name(name, len, denied[i]))
			return true;
	return false;
}
