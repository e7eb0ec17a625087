#include "config/check_access.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/network.h"
#include "base/text.h"
#include "config/options.h"
#include "config/quoting.h"

/* FastCGI 1.0, 3.2: the addresses of web servers, with commas between them. */
#define VARIABLE "FCGI_WEB_SERVER_ADDRS"

struct check {
	struct backend_settings *backend;
	struct complaints *complaints;
	bool is_command;
};

/* These take the sentence. */
static void complain(const struct check *check, const char *key, char *sentence)
{
	complaints_add_of(check->complaints, check->backend, key, sentence);
}

static void warn(const struct check *check, const char *key, char *sentence)
{
	complaints_add_warning(check->complaints, option_origin_of(key, check->backend), sentence);
}

static bool has_front(const struct backend_settings *backend, enum address_kind kind)
{
	for (size_t i = 0; i < backend->listen.count; i++)
		if (backend->listen.items[i].kind == kind)
			return true;
	return false;
}

static void take_environment(const struct check *check)
{
	static const struct origin environment = {.file = VARIABLE};
	const struct option_entry *option = option_find("allowed-clients");
	const char *text = getenv(VARIABLE);
	char *fault;

	if (!text || !*text || option_is_set(option, check->backend) ||
	    !has_front(check->backend, ADDRESS_TCP))
		return;
	fault = option_set(option, check->backend, text, environment);
	if (fault)
		complaints_add(check->complaints, environment, fault);
}

/* A default for all sections need not be of use in each. */
static bool is_of_the_section(const struct check *check, const char *key)
{
	struct origin origin = option_origin_of(key, check->backend);

	return origin.file && !origin.is_inherited;
}

/* What can be wrong with either list; the fronts that it is for are of this kind. */
static void check_list(const struct check *check, const char *key, const struct text_list *list,
		       enum address_kind kind)
{
	/* What is missing may be what was refused. */
	if (list->items && list->count == 0 && check->complaints->sentences.count == 0)
		complain(check, key, sentence_new("%s: nobody could come in: name somebody", key));
	if (has_front(check->backend, kind) || !is_of_the_section(check, key))
		return;
	/* A warning: --check prints it in each section, and what it prints can be read again. */
	warn(check, key,
	     sentence_new("%s does nothing here: it is for %s, and there is none in listen", key,
			  kind == ADDRESS_TCP ? "TCP" : "Unix sockets"));
}

/* In place of each name its number: fcgi-mux looks nothing up. */
static void find_users(const struct check *check)
{
	const struct text_list *users = &check->backend->allowed_users;

	for (size_t i = 0; i < users->count; i++) {
		const struct passwd *entry;
		uint64_t number;

		if (!text_parse_number(users->items[i], 0, UINT32_MAX - 1, &number))
			continue;
		entry = getpwnam(users->items[i]);
		if (!entry) {
			complain(check, "allowed-users",
				 sentence_new("allowed-users: there is no user \"%s\" here",
					      users->items[i]));
			continue;
		}
		free(users->items[i]);
		users->items[i] = sentence_new("%u", (unsigned)entry->pw_uid);
	}
}

/* The list with commas, as children take it: malloced. NULL: all may come in. */
static char *children_list(const struct check *check)
{
	const struct text_list *clients = &check->backend->allowed_clients;
	char *text = sentence_new(VARIABLE "=");

	for (size_t i = 0; i < clients->count && text; i++) {
		char *longer = sentence_new("%s%s%s", text, i > 0 ? "," : "", clients->items[i]);

		free(text);
		text = longer;
		if (strcmp(clients->items[i], "all") == 0) {
			free(text);
			text = NULL;
		} else if (strchr(clients->items[i], '/')) {
			complain(
				check, "allowed-clients",
				sentence_new("allowed-clients: %s: with balance = shared it is the "
					     "children that look, and they know single addresses "
					     "only",
					     clients->items[i]));
		}
	}
	return text;
}

static bool has_variable(const struct text_list *variables)
{
	for (size_t i = 0; i < variables->count; i++)
		if (strncmp(variables->items[i], VARIABLE "=", strlen(VARIABLE "=")) == 0)
			return true;
	return false;
}

/* Takes the variable; the user's own goes before. */
static void set_variable(const struct check *check, char *variable)
{
	struct text_list *variables = &check->backend->bin_environment;

	if (has_variable(variables))
		free(variable);
	else if (text_list_add(variables, variable))
		complain(check, "allowed-clients", NULL);
}

static void tell_children(const struct check *check)
{
	char *text = check->backend->allowed_clients.items ? children_list(check) : NULL;

	if (!text)
		return;
	if (!check->is_command)
		warn(check, "allowed-clients",
		     sentence_new(
			     "allowed-clients: with balance = shared it is kept to by programs "
			     "that look at " VARIABLE ": those with libfcgi do, php-cgi does not"));
	set_variable(check, text);
}

/* Of no use at a Unix socket, but spawn-fcgi's children have it too, as all that is there. */
static void pass_environment_on(const struct check *check)
{
	const struct text_list *copied = &check->backend->bin_copy_environment;
	const char *text = getenv(VARIABLE);

	if (text && (!copied->items || text_list_has(copied, VARIABLE)))
		set_variable(check, sentence_new(VARIABLE "=%s", text));
}

static void check_shared(const struct check *check)
{
	if (check->backend->allowed_users.items && has_front(check->backend, ADDRESS_UNIX))
		complain(
			check, "allowed-users",
			sentence_new("allowed-users is not for balance = shared: nobody asks there "
				     "who a client is"));
	if (has_front(check->backend, ADDRESS_TCP))
		tell_children(check);
	else
		pass_environment_on(check);
}

static void check_reach(const struct check *check, const struct address *front)
{
	char text[ADDRESS_TEXT_SIZE], *sentence;

	if (address_is_loopback(front) || check->backend->allowed_clients.items)
		return;
	sentence = sentence_new("listen: whoever can connect to %s can run programs here: say with "
				"allowed-clients who may (all: everybody)",
				address_format(front, text));
	if (check->is_command)
		warn(check, "listen", sentence);
	else
		complain(check, "listen", sentence);
}

void check_access(struct backend_settings *backend, bool is_command, struct complaints *complaints)
{
	const struct check check = {backend, complaints, is_command};

	take_environment(&check);
	check_list(&check, "allowed-clients", &backend->allowed_clients, ADDRESS_TCP);
	check_list(&check, "allowed-users", &backend->allowed_users, ADDRESS_UNIX);
	find_users(&check);
	if (!backend_has_mux(backend))
		check_shared(&check);
	for (size_t i = 0; i < backend->listen.count; i++)
		check_reach(&check, &backend->listen.items[i]);
}
