#include "config/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What a check looks at, and where it complains to. */
struct check {
	const struct backend_settings *backend;
	struct complaints *complaints;
};

/* Complains of the value of this key; takes the sentence. */
static void complain(const struct check *check, const char *key, char *sentence)
{
	struct origin origin = option_origin_of(key, check->backend);

	complaints_add(check->complaints, origin.file ? origin : check->backend->origin, sentence);
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
	};
	const struct {
		const char *key;
		const char *text;
	} texts[] = {
		{"socket", backend->socket},
		{"host", backend->host},
		{"chroot", backend->chroot},
		{"directory", backend->directory},
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
	    is_given(check, "server", backend->server.count))
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
	if (backend_is_supervised(backend) && backend->server.count)
		complain(check, "server",
			 sentence_new("server is not for balance = shared: requests go to children "
				      "alone"));
	if (backend->listen.count > 1)
		complain(check, "listen",
			 sentence_new("balance = shared: the children can share one address only"));
}

static void check_signal(const struct check *check)
{
	const int stopping[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD};

	for (size_t i = 0; i < sizeof(stopping) / sizeof(*stopping); i++)
		if (check->backend->kill_signal == (uint64_t)stopping[i])
			complain(check, "kill-signal",
				 sentence_new("kill-signal: this signal does not end a process"));
}

static void check_backend(const struct check *check)
{
	check_listen(check);
	check_procs(check);
	check_shared(check);
	check_signal(check);
	check_texts(check);
}

/* A place where something of ours listens, or something of others is looked for. */
struct place {
	struct address address;
	const struct backend_settings *backend;
	bool is_front;
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
static void collect_procs(const struct check *check, struct places *places)
{
	const struct backend_settings *backend = check->backend;
	bool is_known = backend->socket || (backend->host && backend->port);
	size_t unknown = backend_is_supervised(backend) && !is_known ? backend->max_procs : 0;

	if (backend->host && !backend->port)
		return;
	for (size_t i = unknown; i < backend_proc_count(backend); i++) {
		struct place place = {.backend = backend};
		const char *fault = backend_proc_address(backend, i, &place.address);

		if (fault) {
			const char *key = backend->socket ? "socket" : "port";

			complain(check, key,
				 sentence_new("%s: no address for process %zu: %s", key, i, fault));
			return;
		}
		places_add(places, &place);
	}
}

static void collect_fronts(const struct check *check, struct places *places)
{
	for (size_t i = 0; i < check->backend->listen.count; i++)
		places_add(places, &(struct place){.address = check->backend->listen.items[i],
						   .backend = check->backend,
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

/* What belongs to a front, or to the queue behind it, is the same for all sections that share it.
 */
static void check_shared_front(struct complaints *complaints, const struct place *first,
			       const struct place *second)
{
	static const char *const keys[] = {
		"listen-owner", "listen-group",	 "listen-mode",	     "listen-backlog",
		"queue-limit",	"queue-timeout", "max-request-size", "queue-time-variable",
	};
	struct check check = {second->backend, complaints};
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char *one = value_text(option_find(keys[i]), first->backend);
		char *other = value_text(option_find(keys[i]), second->backend);

		if (strcmp(one, other) != 0)
			complain(&check, keys[i],
				 sentence_new("%s differs from that of section %s, which shares "
					      "the front %s: give both the same",
					      keys[i], first->backend->name,
					      address_format(&first->address, text)));
		free(one);
		free(other);
	}
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
	struct check check = {front->backend, complaints};
	char text[ADDRESS_TEXT_SIZE];

	address_format(&front->address, text);
	if (can_share(first, second))
		check_shared_front(complaints, first, second);
	else if (first->backend == second->backend)
		complain(&check, front->is_front ? "listen" : "server",
			 sentence_new("%s is given twice for %s", text, front->backend->name));
	else if (first->is_front && second->is_front)
		complain(&check, "listen",
			 sentence_new("listen: %s belongs to section %s already: with balance = "
				      "shared they cannot share it",
				      text, first->backend->name));
	else
		complain(&check, front->is_front ? "listen" : "server",
			 sentence_new("%s is used by section %s too", text,
				      front == second ? first->backend->name
						      : second->backend->name));
}

static void check_places(struct places *places, struct complaints *complaints)
{
	if (places->count)
		qsort(places->items, places->count, sizeof(*places->items), compare_places);
	for (size_t i = 1; i < places->count; i++)
		if (address_is_equal(&places->items[i - 1].address, &places->items[i].address))
			check_twins(complaints, &places->items[i - 1], &places->items[i]);
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
			complaints, (struct origin){0},
			sentence_new("there is no section: each backend needs one, such as [php]"));
}

void check_settings(const struct settings *settings, struct complaints *complaints)
{
	struct places places = {0};

	check_whole(settings, complaints);
	for (size_t i = 0; i < settings->backend_count; i++) {
		struct check check = {settings->backends[i], complaints};

		/* As above: what is missing may be what was refused. */
		if (is_command_line(check.backend) && complaints->sentences.count)
			continue;
		check_backend(&check);
		collect_fronts(&check, &places);
		collect_procs(&check, &places);
	}
	check_places(&places, complaints);
	free(places.items);
}
