#include "config/cli.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/command.h"
#include "config/ini.h"
#include "config/options.h"
#include "config/quoting.h"

enum { CHILDREN_MAX = 1024 };

/* The text that option_set reads for what was given. */
static char *given_text(const struct given *given)
{
	bool is_free = given->option->type == OPTION_TEXT || given->option->type == OPTION_ACCOUNT;

	if (given->is_letter && is_free)
		return quoting_item(given->text, false);
	return sentence_new("%s", given->text);
}

/* Sets an option in every backend, or in the whole. */
static void set_everywhere(struct command *command, const struct option_entry *option,
			   const char *text)
{
	struct settings *settings = command->settings;
	bool is_whole = option->scope == OPTION_WHOLE;
	void *first = is_whole ? (void *)settings : &settings->defaults;
	char *fault = option_set(option, first, text, command_line);

	if (fault)
		command_complain(command, fault);
	for (size_t i = 0; !fault && !is_whole && i < settings->backend_count; i++)
		/* It was good for the defaults. */
		free(option_set(option, settings->backends[i], text, command_line));
}

static void set_by_name(struct command *command, const char *name, const char *text)
{
	set_everywhere(command, option_find(name), text);
}

static void set_given(struct command *command)
{
	for (size_t i = 0; i < command->given_count; i++) {
		char *text = given_text(&command->given[i]);

		set_everywhere(command, command->given[i].option, text);
		free(text);
	}
}

static void load_configs(struct command *command)
{
	command->cli->has_config = true;
	for (size_t i = 0; i < command->config_count; i++)
		ini_load(command->settings, command->configs[i], command->complaints);
}

/* The one backend of a command line without --config. */
static bool add_main(struct command *command)
{
	struct backend_settings *backend = settings_add_backend(command->settings, "main");

	if (backend)
		backend->origin = command_line;
	else
		command_complain(command, sentence_new("no memory"));
	return backend != NULL;
}

/* path from the root on: below directory, or where we are. */
static char *absolute_path(const char *directory, const char *path)
{
	char *here = directory || path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *absolute;

	if (directory)
		absolute = sentence_new("%s%s%s", directory, path[0] == '/' ? "" : "/", path);
	else
		absolute = sentence_new("%s%s%s", here ? here : "", here ? "/" : "", path);
	free(here);
	return absolute;
}

/* -s, with -c and -S: the path as it is outside of the chroot. */
static const char *socket_address(struct command *command, const char *path,
				  struct address *address)
{
	struct backend_settings *backend = command->settings->backends[0];
	bool is_inside = backend->chroot && !command->letters['S'] && geteuid() == 0;
	char *absolute = absolute_path(is_inside ? backend->chroot : NULL, path);
	const char *fault = address_set_path(address, absolute);

	free(absolute);
	return fault;
}

static const char *port_address(struct command *command, const char *text, struct address *address)
{
	const char *host = command->letters['a'] ? command->letters['a'] : "127.0.0.1";
	unsigned char bytes[sizeof(struct in6_addr)];
	uint64_t port;

	if (text_parse_number(text, 1, UINT16_MAX, &port))
		return "not a number from 1 to 65535";
	if (inet_pton(AF_INET, host, bytes) != 1 && inet_pton(AF_INET6, host, bytes) != 1)
		return "-a is not an IPv4 or IPv6 address";
	return address_set_host(address, host, (uint16_t)port);
}

/* -s, -p and -a to listen. */
static void set_listen(struct command *command)
{
	const char *path = command->letters['s'], *port = command->letters['p'];
	struct address address;
	char text[ADDRESS_TEXT_SIZE];
	const char *fault;
	char *quoted;

	if (!!path + !!port + command_has(command, "listen") > 1)
		command_complain(command,
				 sentence_new("-s, -p and --listen exclude each other: give one"));
	if (command->letters['a'] && !port)
		complaints_add_warning(command->complaints, command_line,
				       sentence_new("-a is ignored: it goes with -p"));
	if (!path && !port)
		return;
	fault = path ? socket_address(command, path, &address)
		     : port_address(command, port, &address);
	if (fault) {
		command_complain(command, sentence_new("%s %s: %s", path ? "-s" : "-p",
						       path ? path : port, fault));
		return;
	}
	quoted = quoting_item(address_format(&address, text), false);
	set_by_name(command, "listen", quoted);
	free(quoted);
}

/* One word more to the text of a command. */
static void add_word(char **text, const char *word)
{
	char *quoted = quoting_word(word, false);
	char *longer = *text ? sentence_new("%s %s", *text, quoted) : sentence_new("%s", quoted);

	free(*text);
	free(quoted);
	*text = longer;
}

/* -f: the shell takes it apart. "-x FILE" goes behind, in quotes of the shell's. */
static void add_shell_words(struct command *command, char **text)
{
	const char *ini = command->letters['x'];
	char *quoted = ini ? quoting_word(ini, true) : NULL;
	char *script = sentence_new("exec %s%s%s", command->letters['f'], quoted ? " -c " : "",
				    quoted ? quoted : "");

	add_word(text, "/bin/sh");
	add_word(text, "-c");
	add_word(text, script);
	free(script);
	free(quoted);
}

/* The application behind the options, or -f, to bin-path. */
static void set_program(struct command *command)
{
	const char *ini = command->letters['x'];
	char *text = NULL;

	if (command->application[0]) {
		add_word(&text, command->application[0]);
		if (ini) {
			add_word(&text, "-c");
			add_word(&text, ini);
		}
		for (char **word = command->application + 1; *word; word++)
			add_word(&text, *word);
	} else if (command->letters['f']) {
		add_shell_words(command, &text);
	}
	if (text)
		set_by_name(command, "bin-path", text);
	else if (ini)
		command_complain(command,
				 sentence_new("-x needs an application behind the options, or -f"));
	free(text);
}

/* -F and max-procs: children that share the front, as spawn-fcgi has them, or ours behind a mux. */
static void set_procs(struct command *command)
{
	const char *forks = command->letters['F'];
	bool has_procs = command_has(command, "max-procs");

	if (forks && (has_procs || command_has(command, "balance"))) {
		command_complain(
			command,
			sentence_new("-F makes children that share the front socket: it excludes "
				     "--max-procs and --balance"));
		return;
	}
	if (!has_procs)
		set_by_name(command, "max-procs", forks ? forks : "1");
	if (!has_procs && !command_has(command, "balance") &&
	    backend_is_supervised(command->settings->backends[0]))
		set_by_name(command, "balance", "shared");
}

/* -C */
static void set_children(struct command *command)
{
	const char *children = command->letters['C'];
	uint64_t count;
	char *text;

	if (!children)
		return;
	if (text_parse_number(children, 0, CHILDREN_MAX, &count)) {
		command_complain(command, sentence_new("-C: \"%s\" is not a number from 0 to %d",
						       children, CHILDREN_MAX));
		return;
	}
	text = sentence_new("PHP_FCGI_CHILDREN=%s", children);
	set_by_name(command, "bin-environment", text);
	free(text);
}

/* A relative chroot becomes absolute: the front's path begins with it. */
static void set_chroot(struct command *command)
{
	const char *chroot = command->settings->backends[0]->chroot;
	char *absolute, *quoted;

	if (command->letters['S'] && geteuid() != 0)
		complaints_add_warning(command->complaints, command_line,
				       sentence_new("-S is ignored: only root can do this"));
	if (!chroot || chroot[0] == '/')
		return;
	absolute = absolute_path(NULL, chroot);
	quoted = quoting_item(absolute, false);
	set_by_name(command, "chroot", quoted);
	free(quoted);
	free(absolute);
}

static void refuse_spawn_letters(struct command *command)
{
	for (const char *letter = "aCfFpsSx"; *letter; letter++)
		if (command->letters[(size_t)*letter])
			command_complain(command,
					 sentence_new("-%c is not for use with --config", *letter));
	if (command->application[0])
		command_complain(
			command,
			sentence_new("%s: an application is not for use with --config: bin-path "
				     "says it there",
				     command->application[0]));
}

static void parse_spawn_form(struct command *command)
{
	if (!add_main(command))
		return;
	set_given(command);
	set_chroot(command);
	set_listen(command);
	set_program(command);
	set_children(command);
	set_procs(command);
}

static bool is_look(const struct cli *cli)
{
	return cli->action == CLI_STATUS || cli->action == CLI_WATCH;
}

/* --status and --watch without --config: the one word is the address of a front. */
static void take_address(struct command *command)
{
	set_given(command);
	if (!command->application[0] || command->application[1])
		command_complain(command, sentence_new("--status and --watch take --config FILE, "
						       "or the address of a front"));
	else
		command->cli->address = command->application[0];
}

void cli_parse_herd(struct cli *cli, struct settings *settings, int argc, char **argv,
		    struct complaints *complaints)
{
	struct command command;

	command_init(&command, cli, settings, complaints);
	if (argc < 2) {
		cli->action = CLI_HELP;
		command_complain(&command, sentence_new("nothing is given to start"));
	} else if (!command_read(&command, argc, argv, false)) {
		/* help or version */
	} else if (command.config_count) {
		load_configs(&command);
		refuse_spawn_letters(&command);
		set_given(&command);
	} else if (is_look(cli)) {
		take_address(&command);
	} else {
		parse_spawn_form(&command);
	}
	if (cli->as && cli->action == CLI_RUN)
		command_complain(&command, sentence_new("--as goes with --check"));
	settings_complete(settings);
	command_fini(&command);
}

void cli_parse_mux(struct cli *cli, struct settings *settings, int argc, char **argv,
		   struct complaints *complaints)
{
	struct command command;

	command_init(&command, cli, settings, complaints);
	if (argc < 2) {
		cli->action = CLI_HELP;
		command_complain(&command, sentence_new("nothing is given to listen at"));
	} else if (command_read(&command, argc, argv, true)) {
		if (command.application[0])
			command_complain(
				&command,
				sentence_new("%s: fcgi-mux starts no programs: fcgi-herd does",
					     command.application[0]));
		if (command.config_count)
			load_configs(&command);
		if (command.config_count || add_main(&command))
			set_given(&command);
	}
	command_fini(&command);
}
