#include "mux/routing.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/map.h"
#include "fcgi/params.h"
#include "mux/authorizer.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/route.h"
#include "mux/sendfile.h"
#include "os/document.h"
#include "policy/retry.h"
#include "policy/rewrite.h"

static bool has_front(const struct backend_settings *settings, const struct address *front)
{
	return backend_has_mux(settings) && address_list_has(&settings->listen, front);
}

static int add_keys(struct routing *routing, const struct backend_settings *settings,
		    unsigned number)
{
	enum route_role role =
		settings->mode == BACKEND_AUTHORIZER ? ROUTE_AUTHORIZER : ROUTE_RESPONDER;
	int error = 0;

	if (settings->extension.count == 0)
		return route_table_add(&routing->table, role, "", number);
	for (size_t i = 0; i < settings->extension.count && error == 0; i++)
		error = route_table_add(&routing->table, role, settings->extension.items[i],
					number);
	return error;
}

static int add_maps(struct routing *routing, const struct backend_settings *settings)
{
	int error = 0;

	for (size_t i = 0; i < settings->map_extensions.count && error == 0; i++) {
		const char *map = settings->map_extensions.items[i];
		struct text_list *suffixes = &routing->suffixes;

		error = text_list_add(suffixes, strndup(map, map_from_len(map)));
		if (error == 0)
			error = route_table_map(&routing->table,
						suffixes->items[suffixes->count - 1],
						map_target(map));
	}
	return error;
}

static bool changes_nothing(const struct backend_settings *settings)
{
	return settings->mode == BACKEND_RESPONDER && !backend_checks_local(settings) &&
	       !settings->docroot && !settings->broken_scriptfilename &&
	       !settings->fix_root_scriptname && !settings->strip_request_uri;
}

static char *find_routes(struct routing *routing, struct mux *mux)
{
	struct route_table *table = &routing->table;

	routing->routes = calloc(table->count, sizeof(struct route *));
	if (!routing->routes)
		return text_new("out of memory");
	for (size_t i = 0; i < table->count; i++) {
		const struct route_key *key = &table->keys[i];

		routing->routes[i] = route_for(mux, key->backends, key->backend_count);
		if (!routing->routes[i])
			return text_new("out of memory");
	}
	routing->is_plain = table->count == 1 && table->keys[0].len == 0 &&
			    changes_nothing(routing->routes[0]->settings);
	return NULL;
}

char *routing_init(struct routing *routing, struct mux *mux, const struct address *front)
{
	const struct settings *settings = mux->settings;
	int error = 0;

	*routing = (struct routing){0};
	for (unsigned i = 0; i < settings->backend_count && error == 0; i++)
		if (has_front(settings->backends[i], front))
			error = add_keys(routing, settings->backends[i], i);
	for (size_t i = 0; i < settings->backend_count && error == 0; i++)
		if (has_front(settings->backends[i], front))
			error = add_maps(routing, settings->backends[i]);
	if (error < 0)
		return text_new("map-extensions: %s", strerror(-error));
	return find_routes(routing, mux);
}

void routing_fini(struct routing *routing)
{
	route_table_fini(&routing->table);
	text_list_fini(&routing->suffixes);
	free(routing->routes);
}

/* What of a request the decisions are made of; points into its records and the mux's path. */
struct facts {
	struct rewrite_text sent[REWRITE_VARIABLES];
	struct route_path path;
};

static struct rewrite_text text_of(const char *text)
{
	return (struct rewrite_text){.at = text, .len = text ? strlen(text) : 0};
}

/* SCRIPT_NAME and PATH_INFO one behind the other. Both came in one record: they have room. */
static void join_path(struct facts *facts, char path[RECORD_CONTENT_MAX + 1])
{
	const struct rewrite_text *script = &facts->sent[REWRITE_SCRIPT_NAME];
	const struct rewrite_text *info = &facts->sent[REWRITE_PATH_INFO];

	if (script->len > 0)
		memcpy(path, script->at, script->len);
	if (info->len > 0)
		memcpy(path + script->len, info->at, info->len);
	path[script->len + info->len] = '\0';
	facts->path = (struct route_path){
		.at = path, .len = script->len + info->len, .script_len = script->len};
}

static void find_facts(struct facts *facts, const struct request *request)
{
	const uint8_t *at = request_params(request);
	const uint8_t *end = at + request->params_len;
	struct param param;

	*facts = (struct facts){0};
	while (at < end && params_next(&at, end, &param) == PARAMS_PAIR) {
		enum rewrite_variable variable = rewrite_find(param.name, param.name_len);

		/* Of a name that comes twice the last counts, and the others are left out. */
		if (variable < REWRITE_VARIABLES)
			facts->sent[variable] = (struct rewrite_text){param.value, param.value_len};
	}
	join_path(facts, request->route->mux->path);
}

static bool append_pair(struct buffer *out, const struct param *param)
{
	size_t len = params_encoded_len(param->name_len, param->value_len);
	uint8_t *room = buffer_room(out, len);

	if (!room)
		return false;
	params_encode(room, param);
	buffer_grow(out, len);
	return true;
}

static bool append_value(struct buffer *out, enum rewrite_variable variable,
			 const struct rewrite_value *value)
{
	const char *name = rewrite_name(variable);
	size_t value_len = rewrite_value_len(value);
	size_t len = params_encoded_len(strlen(name), value_len);
	uint8_t *room = buffer_room(out, len);

	if (!room)
		return false;
	rewrite_value_write((char *)params_encode_name(room, name, strlen(name), value_len), value);
	buffer_grow(out, len);
	return true;
}

/* How the parameters of a request become those that its application gets. */
struct change {
	const struct facts *facts;
	const struct rewrite_plan *plan;
	const struct backend_settings *settings;
	const struct buffer *variables; /* of an authorizer: they replace those of their names */
};

static bool is_denied(const struct change *change, const char *name, size_t len)
{
	const struct text_list *denied = &change->settings->deny_params;

	return rewrite_is_denied(name, len, denied->items, denied->count);
}

static bool is_left_out(const struct change *change, const struct param *param)
{
	enum rewrite_variable variable = rewrite_find(param->name, param->name_len);

	if (variable < REWRITE_VARIABLES &&
	    (change->plan->values[variable].action != REWRITE_KEEP ||
	     change->facts->sent[variable].at != param->value))
		return true;
	return is_denied(change, param->name, param->name_len) ||
	       params_have(buffer_data(change->variables), change->variables->len, param);
}

static bool is_set(const struct change *change, enum rewrite_variable variable)
{
	const char *name = rewrite_name(variable);

	return change->plan->values[variable].action == REWRITE_SET &&
	       !is_denied(change, name, strlen(name));
}

static bool write_params(struct buffer *out, const struct request *request,
			 const struct change *change)
{
	const uint8_t *at = request_params(request);
	const uint8_t *end = at + request->params_len;
	const struct buffer *variables = change->variables;
	struct param param;
	bool is_good = true;

	while (is_good && at < end && params_next(&at, end, &param) == PARAMS_PAIR)
		if (!is_left_out(change, &param))
			is_good = append_pair(out, &param);
	for (enum rewrite_variable i = 0; is_good && i < REWRITE_VARIABLES; i++)
		if (is_set(change, i))
			is_good = append_value(out, i, &change->plan->values[i]);
	if (is_good && variables->len > 0)
		is_good = buffer_append(out, buffer_data(variables), variables->len) == 0;
	return is_good;
}

static struct rewrite_plan make_plan(const struct facts *facts, const struct route_match *match,
				     const struct backend_settings *settings, const char *docroot)
{
	const struct rewrite_facts rewrite_facts = {
		.path = {facts->path.at, facts->path.len},
		.sent_script_len = facts->sent[REWRITE_SCRIPT_NAME].len,
		.script_len = match->script_len,
		.is_root = match->is_root,
		.script_filename = facts->sent[REWRITE_SCRIPT_FILENAME],
		.document_root = facts->sent[REWRITE_DOCUMENT_ROOT],
		.request_uri = facts->sent[REWRITE_REQUEST_URI],
		.authorized_root = text_of(docroot),
	};
	const struct rewrite_rules rules = {
		.docroot = settings->docroot,
		.strip_request_uri = settings->strip_request_uri,
		.broken_scriptfilename = settings->broken_scriptfilename,
		.fix_root_scriptname = settings->fix_root_scriptname,
		.is_authorizer = settings->mode == BACKEND_AUTHORIZER,
	};
	struct rewrite_plan plan;

	(void)rewrite_decide(&plan, &rewrite_facts, &rules);
	return plan;
}

static struct route *route_of(const struct request *request, const struct route_match *match)
{
	const struct routing *routing = &request->connection->front->routing;

	return routing->routes[match->key - routing->table.keys];
}

/* What the application of this route gets in place of the request's own. False: answered. */
static bool rewrite(struct buffer *params, struct request *request, const struct facts *facts,
		    const struct route_match *match, const struct routing_pass *pass)
{
	const struct backend_settings *settings = route_of(request, match)->settings;
	struct rewrite_plan plan = make_plan(facts, match, settings, pass->docroot);
	struct change change = {facts, &plan, settings, &pass->variables};

	if (!write_params(params, request, &change))
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
	else if (params->len > RECORD_CONTENT_MAX)
		failure_answer(request, FAILURE_PARAMS_TOO_LARGE,
			       "the parameters take more than 65535 bytes");
	else
		return true;
	buffer_fini(params);
	return false;
}

static void refuse_document(struct request *request, enum document_result result)
{
	if (result == DOCUMENT_FAILED)
		failure_answer(request, FAILURE_NO_ROOM, "the script cannot be looked at");
	else if (result == DOCUMENT_ABSENT)
		failure_answer(request, FAILURE_NOT_FOUND, "the script is not there");
	else if (result == DOCUMENT_DENIED)
		failure_answer(request, FAILURE_FORBIDDEN, "the script cannot be read");
	else
		failure_answer(request, FAILURE_FORBIDDEN,
			       "the script is no file below the document root");
}

/* The disk says where the script ends. False: answered. */
static bool check_local(struct request *request, struct facts *facts, const char *docroot)
{
	struct rewrite_text root = docroot ? text_of(docroot) : facts->sent[REWRITE_DOCUMENT_ROOT];
	enum document_result result;

	if (root.len == 0) {
		failure_answer(request, FAILURE_FORBIDDEN,
			       "check-local needs the web server's DOCUMENT_ROOT");
		return false;
	}
	result = document_check(root.at, root.len, facts->path.at, facts->path.len,
				&facts->path.script_len);
	if (result != DOCUMENT_FOUND)
		refuse_document(request, result);
	return result == DOCUMENT_FOUND;
}

/* Who is responsible for a request: key NULL where nobody is. */
struct matches {
	struct route_match authorizer;
	struct route_match responder;
};

/* An authorizer comes first, and may have the responder look elsewhere. */
static bool want_file(const struct request *request, const struct matches *matches)
{
	const struct route_match *first =
		matches->authorizer.key ? &matches->authorizer : &matches->responder;

	return first->key && backend_checks_local(route_of(request, first)->settings);
}

/*
 * What the disk says of the script, where it is asked, decides for both: else a responder might be
 * reached past its authorizer. False: answered.
 */
static bool find_matches(struct matches *matches, struct request *request, struct facts *facts)
{
	const struct route_table *table = &request->connection->front->routing.table;

	matches->authorizer = route_find(table, ROUTE_AUTHORIZER, &facts->path);
	matches->responder = route_find(table, ROUTE_RESPONDER, &facts->path);
	if (!want_file(request, matches))
		return true;
	if (!check_local(request, facts, NULL))
		return false;
	matches->authorizer = route_find_script(table, ROUTE_AUTHORIZER, &facts->path);
	matches->responder = route_find_script(table, ROUTE_RESPONDER, &facts->path);
	return true;
}

/* The same for one that has been authorized, and may have got another root. */
static bool find_responder(struct matches *matches, struct request *request, struct facts *facts,
			   const struct routing_pass *pass)
{
	const struct route_table *table = &request->connection->front->routing.table;

	*matches = (struct matches){0};
	matches->responder = route_find(table, ROUTE_RESPONDER, &facts->path);
	if (!want_file(request, matches))
		return true;
	if (!check_local(request, facts, pass->docroot))
		return false;
	matches->responder = route_find_script(table, ROUTE_RESPONDER, &facts->path);
	return true;
}

/* What an authorizer has let pass to its docroot, and no responder takes. */
static bool is_for_file(const struct request *request, const struct facts *facts)
{
	return request->method == RETRY_SAFE_METHODS && strlen(facts->path.at) == facts->path.len;
}

static void respond(struct request *request, const struct facts *facts,
		    const struct route_match *match, const struct routing_pass *pass)
{
	struct buffer params = {0};

	if (!match->key && pass->docroot && is_for_file(request, facts)) {
		sendfile_answer(request, pass->docroot, facts->path.at);
		return;
	}
	if (!match->key) {
		failure_answer(request, FAILURE_NOT_FOUND, "no section has a key for this script");
		return;
	}
	if (!rewrite(&params, request, facts, match, pass))
		return;
	request->route = route_of(request, match);
	if (!request_replace_params(request, buffer_data(&params), params.len))
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
	buffer_fini(&params);
}

static const struct routing_pass no_pass;

static void ask_authorizer(struct request *request, const struct facts *facts,
			   const struct route_match *match)
{
	struct buffer params = {0};

	if (!rewrite(&params, request, facts, match, &no_pass))
		return;
	authorizer_ask(request, route_of(request, match), &params);
	buffer_fini(&params);
}

void routing_apply(struct request *request, bool has_denied)
{
	const struct routing *routing = &request->connection->front->routing;
	struct matches matches;
	struct facts facts;

	if (routing->is_plain && !has_denied)
		return;
	find_facts(&facts, request);
	if (!find_matches(&matches, request, &facts))
		return;
	/* A web server that asks for an authorizer gets that, where there is one. */
	if (!matches.authorizer.key)
		respond(request, &facts, &matches.responder, &no_pass);
	else if (request->role == RECORD_AUTHORIZER)
		respond(request, &facts, &matches.authorizer, &no_pass);
	else
		ask_authorizer(request, &facts, &matches.authorizer);
}

void routing_apply_authorized(struct request *request, const struct routing_pass *pass)
{
	struct matches matches;
	struct facts facts;

	find_facts(&facts, request);
	if (find_responder(&matches, request, &facts, pass))
		respond(request, &facts, &matches.responder, pass);
}
