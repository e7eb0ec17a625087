#include "config/check.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config/backend_procs.h"
#include "config/check_places.h"
#include "config/check_servers.h"
#include "config/ini.h"
#include "config/options.h"
#include "config/quoting.h"

void complaints_init(struct complaints *complaints)
{
	*complaints = (struct complaints){0};
}

void complaints_fini(struct complaints *complaints)
{
	text_list_fini(&complaints->sentences);
	text_list_fini(&complaints->warnings);
}

static void add(struct text_list *list, struct origin origin, char *sentence)
{
	const char *text = sentence ? sentence : "no memory";
	char *full;

	if (!origin.file)
		full = sentence_new("%s", text);
	else if (!origin.line)
		full = sentence_new("%s: %s", origin.file, text);
	else
		full = sentence_new("%s:%u: %s", origin.file, origin.line, text);
	free(sentence);
	/* A complaint lost would start what must not be started. */
	if (text_list_add(list, full))
		abort();
}

void complaints_add(struct complaints *complaints, struct origin origin, char *sentence)
{
	add(&complaints->sentences, origin, sentence);
}

void complaints_add_warning(struct complaints *complaints, struct origin origin, char *sentence)
{
	add(&complaints->warnings, origin, sentence);
}

static struct origin origin_of(const struct backend_settings *backend, const char *key)
{
	struct origin origin = option_origin_of(key, backend);

	return origin.file ? origin : backend->origin;
}

void complaints_add_of(struct complaints *complaints, const struct backend_settings *backend,
		       const char *key, char *sentence)
{
	complaints_add(complaints, origin_of(backend, key), sentence);
}

void complaints_add_warning_of(struct complaints *complaints,
			       const struct backend_settings *backend, const char *key,
			       char *sentence)
{
	complaints_add_warning(complaints, origin_of(backend, key), sentence);
}

/* What a check looks at, and where it complains to. */
struct check {
	const struct backend_settings *backend;
	struct complaints *complaints;
};

/* Complains of the value of this key; takes the sentence. */
static void complain(const struct check *check, const char *key, char *sentence)
{
	complaints_add_of(check->complaints, check->backend, key, sentence);
}

/* Complains of the backend as a whole. */
static void complain_of_all(const struct check *check, char *sentence)
{
	complaints_add(check->complaints, check->backend->origin, sentence);
}

/*
 * What is wrong with a value that a line of a configuration cannot hold, or NULL: fcgi-mux gets its
 * settings as such lines. Only the command line has the means to say such a thing.
 */
static const char *text_fault(const char *text)
{
	char *quoted = quoting_word(text, true);
	bool is_long = strlen(quoted) > INI_LINE_MAX - 64; /* with room for the key */

	free(quoted);
	for (const char *at = text; *at; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
			return "there is a control byte or a line end in it: make it a script";
	return is_long ? "a part of it is longer than a line can be: put this into a script" : NULL;
}

static void check_text(const struct check *check, const char *key, const char *text)
{
	const char *fault = text ? text_fault(text) : NULL;

	if (fault)
		complain(check, key, sentence_new("%s: %s", key, fault));
}

static void check_texts(const struct check *check)
{
	const struct backend_settings *backend = check->backend;
	const struct {
		const char *key;
		const struct text_list *list;
	} lists[] = {
		{"bin-path", &backend->bin_path},
		{"bin-environment", &backend->bin_environment},
		{"bin-copy-environment", &backend->bin_copy_environment},
		{"extension", &backend->extension},
		{"map-extensions", &backend->map_extensions},
		{"deny-params", &backend->deny_params},
		{"x-sendfile-docroot", &backend->x_sendfile_docroot},
	};
	const struct {
		const char *key;
		const char *text;
	} texts[] = {
		{"socket", backend->socket},
		{"host", backend->host},
		{"chroot", backend->chroot},
		{"directory", backend->directory},
		{"docroot", backend->docroot},
		{"strip-request-uri", backend->strip_request_uri},
		{"queue-time-variable", backend->queue_time_variable},
		{"probe-request", backend->probe_request},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (size_t j = 0; j < lists[i].list->count; j++)
			check_text(check, lists[i].key, lists[i].list->items[j]);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check_text(check, texts[i].key, texts[i].text);
}

/* It has no section then, and other words for the same. */
static bool is_command_line(const struct backend_settings *backend)
{
	return !backend->origin.line;
}

/* It has a value, or got one that was refused: one complaint is enough. */
static bool is_given(const struct check *check, const char *key, size_t count)
{
	return count || option_origin_of(key, check->backend).file;
}

static void check_listen(const struct check *check)
{
	const struct backend_settings *backend = check->backend;

	if (is_given(check, "listen", backend->listen.count))
		return;
	if (is_command_line(backend))
		complain_of_all(check,
				sentence_new("no place to listen at is given: --listen, -s or -p"));
	else
		complain_of_all(check,
				sentence_new("%s: listen is missing: where do web servers connect?",
					     backend->name));
}

/* Whether there are procs, and one way to find them. */
static void check_procs(const struct check *check)
{
	const struct backend_settings *backend = check->backend;
	bool is_named = backend->socket || backend->host;

	if (backend->host && !backend->port)
		complain(check, "host", sentence_new("host needs port too"));
	if (backend->port && !backend->host)
		complain(check, "port", sentence_new("port needs host too"));
	if (backend->socket && backend->host)
		complain(check, "host", sentence_new("socket and host exclude each other"));
	if (is_given(check, "bin-path", backend->bin_path.count) || is_named ||
	    is_given(check, "server", backend->server.count) ||
	    is_given(check, "srv", backend->srv.count))
		return;
	if (is_command_line(backend))
		complain_of_all(check,
				sentence_new("no application is given, and no --server either"));
	else
		complain_of_all(
			check,
			sentence_new("%s: bin-path is missing (or server, for what others run)",
				     backend->name));
}

static void check_shared(const struct check *check)
{
	const struct backend_settings *backend = check->backend;

	if (backend->balance != BALANCE_SHARED)
		return;
	if (!backend_is_supervised(backend))
		complain(check, "balance",
			 sentence_new(
				 "balance = shared needs bin-path: it is the children that share"));
	if (backend->socket || backend->host)
		complain(check, backend->socket ? "socket" : "host",
			 sentence_new(
				 "%s is not for balance = shared: the children listen at the front",
				 backend->socket ? "socket" : "host"));
	if (backend->listen.count > 1)
		complain(check, "listen",
			 sentence_new("balance = shared: the children can share one address only"));
}

static void check_scaling(const struct check *check)
{
	const struct backend_settings *backend = check->backend;
	const struct {
		const char *key;
		bool is_used;
	} keys[] = {
		{"min-procs", backend_scales(backend)},
		{"max-requests", backend->max_requests > 0},
		{"max-age", backend->max_age_ms > 0},
		{"max-memory", backend->max_memory > 0},
	};

	if (is_given(check, "min-procs", 0) && backend->min_procs > backend->max_procs)
		complain(check, "min-procs", sentence_new("min-procs is more than max-procs"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && !backend_has_mux(backend); i++)
		if (keys[i].is_used)
			complain(check, keys[i].key,
				 sentence_new("%s is not for balance = shared: nobody looks at the "
					      "load there",
					      keys[i].key));
}

static void check_signal(const struct check *check)
{
	const int stopping[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD};

	for (size_t i = 0; i < sizeof(stopping) / sizeof(*stopping); i++)
		if (check->backend->kill_signal == (uint64_t)stopping[i])
			complain(check, "kill-signal",
				 sentence_new("kill-signal: this signal does not end a process"));
}

/* Paths that are prefixes of others, or that are below nothing of ours. */
static void check_absolute(const struct check *check, const char *key, const char *path)
{
	if (path && path[0] != '/')
		complain(check, key,
			 sentence_new("%s: the path must begin with \"/\": %s", key, path));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* What files are compared with, name by name. */
static void check_plain(const struct check *check, const char *key, const char *path)
{
	check_absolute(check, key, path);
	if (strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../") ||
	    ends_with(path, "/.") || ends_with(path, "/.."))
		complain(check, key,
			 sentence_new("%s: write it without \"//\", \".\" and \"..\": %s", key,
				      path));
}

static void check_routing(const struct check *check)
{
	static const char *const keys[] = {"extension",	  "map-extensions",
					   "docroot",	  "strip-request-uri",
					   "deny-params", "x-sendfile-docroot"};
	const struct backend_settings *backend = check->backend;

	check_absolute(check, "docroot", backend->docroot);
	check_absolute(check, "strip-request-uri", backend->strip_request_uri);
	for (size_t i = 0; i < backend->x_sendfile_docroot.count; i++)
		check_plain(check, "x-sendfile-docroot", backend->x_sendfile_docroot.items[i]);
	if (backend_has_mux(backend))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (option_is_set(option_find(keys[i]), backend))
			complain(check, keys[i],
				 sentence_new("%s is not for balance = shared: nobody looks at the "
					      "requests there",
					      keys[i]));
	if (backend->mode == BACKEND_AUTHORIZER)
		complain(check, "mode",
			 sentence_new("mode = authorizer is not for balance = shared"));
}

static void check_backend(const struct check *check)
{
	check_listen(check);
	check_procs(check);
	check_shared(check);
	check_scaling(check);
	check_signal(check);
	check_routing(check);
	check_texts(check);
}

/* NULL where none was read. */
static const char *last_file(const struct settings *settings)
{
	size_t count = settings->files.count;

	return count ? settings->files.items[count - 1] : NULL;
}

static void check_whole(const struct settings *settings, struct complaints *complaints)
{
	const char *const keys[] = {"pid-file", "log"};
	const char *const texts[] = {settings->pid_file, settings->log};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *fault = texts[i] ? text_fault(texts[i]) : NULL;

		if (fault)
			complaints_add(complaints, option_origin_of(keys[i], settings),
				       sentence_new("%s: %s", keys[i], fault));
	}
	/* With mistakes known, it was most often meant to be there. */
	if (!settings->backend_count && !complaints->sentences.count)
		complaints_add(
			complaints, (struct origin){.file = last_file(settings)},
			sentence_new("there is no section: each backend needs one, such as [php]"));
}

void check_settings(const struct settings *settings, struct complaints *complaints)
{
	check_whole(settings, complaints);
	for (size_t i = 0; i < settings->backend_count; i++) {
		struct check check = {settings->backends[i], complaints};

		/* As above: what is missing may be what was refused. */
		if (is_command_line(check.backend) && complaints->sentences.count)
			return;
		check_backend(&check);
	}
	check_servers(settings, complaints);
	check_places(settings, complaints);
}
