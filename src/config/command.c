#include "config/command.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/quoting.h"

/* What getopt_long returns for long options that are no letters; the table's keys follow. */
enum { LONG_CONFIG = 256, LONG_CHECK, LONG_AS, LONG_STATUS, LONG_WATCH, LONG_CONTROL, LONG_KEY };

static const struct option common_options[] = {
	{"config", required_argument, NULL, LONG_CONFIG},
	{"check", no_argument, NULL, LONG_CHECK},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
};

static const struct option herd_options[] = {
	{"as", required_argument, NULL, LONG_AS},
	{"foreground", no_argument, NULL, 'n'},
	{"status", no_argument, NULL, LONG_STATUS},
	{"watch", no_argument, NULL, LONG_WATCH},
};

static const struct option mux_options[] = {
	{"control", required_argument, NULL, LONG_CONTROL},
};

enum {
	COMMON_OPTIONS = sizeof(common_options) / sizeof(*common_options),
	HERD_OPTIONS = sizeof(herd_options) / sizeof(*herd_options),
	MUX_OPTIONS = sizeof(mux_options) / sizeof(*mux_options),
	FIXED_MAX = COMMON_OPTIONS + HERD_OPTIONS + MUX_OPTIONS, /* beside the table's keys */
};

enum { CONTROL_FD_MAX = 1 << 20 };

/* A leading "+": what follows the first word that is no option is the application's. */
static const char herd_letters[] = "+:c:d:f:g:hna:p:b:u:vC:F:s:P:U:G:M:Sx:";
static const char mux_letters[] = "+:hv";

const struct origin command_line = {.file = "command line"};

void command_complain(struct command *command, char *sentence)
{
	complaints_add(command->complaints, command_line, sentence);
}

void command_init(struct command *command, struct cli *cli, struct settings *settings,
		  struct complaints *complaints)
{
	*command = (struct command){.cli = cli, .settings = settings, .complaints = complaints};
	*cli = (struct cli){.action = CLI_RUN, .control_fd = -1};
}

void command_fini(struct command *command)
{
	free(command->options);
	free(command->given);
	free(command->configs);
}

static const struct option_entry *option_of_letter(int letter)
{
	for (size_t i = 0; i < option_count; i++)
		if (letter && option_table[i].letter == letter)
			return &option_table[i];
	return NULL;
}

/* All long options of a program, ended as getopt_long wants it; to be freed. */
static struct option *long_options(bool is_mux)
{
	const struct option *own = is_mux ? mux_options : herd_options;
	size_t own_count = is_mux ? MUX_OPTIONS : HERD_OPTIONS;
	struct option *options = calloc(FIXED_MAX + option_count + 1, sizeof(*options));
	size_t count = COMMON_OPTIONS + own_count;

	if (!options)
		abort(); /* nothing was started yet */
	memcpy(options, common_options, sizeof(common_options));
	memcpy(options + COMMON_OPTIONS, own, own_count * sizeof(*own));
	for (size_t i = 0; i < option_count; i++)
		if (!is_mux || option_table[i].is_for_mux)
			options[count++] = (struct option){option_table[i].name, required_argument,
							   NULL, LONG_KEY + (int)i};
	return options;
}

/* word: of the command line, or its beginning up to a "=". */
static void complain_of_unknown(struct command *command, const char *word)
{
	const char *names[FIXED_MAX + SETTINGS_ORIGINS];
	char *name = sentence_new("%.*s", (int)strcspn(word, "="), word);
	size_t count = 0;
	const char *nearest;

	for (; command->options[count].name; count++)
		names[count] = command->options[count].name;
	nearest = text_nearest(name + strlen("--"), names, count);
	if (nearest)
		command_complain(command, sentence_new("unknown option %s: did you mean --%s?",
						       name, nearest));
	else
		command_complain(
			command,
			sentence_new("unknown option %s; --help shows those there are", name));
	free(name);
}

/* What getopt_long has no value for, by what it left in optopt. */
static void complain_of_option(struct command *command, const char *letters, const char *word)
{
	if (!optopt)
		complain_of_unknown(command, word);
	else if (optopt < LONG_CONFIG && !strchr(letters, optopt))
		command_complain(
			command,
			sentence_new("unknown option -%c; --help shows those there are", optopt));
	else
		command_complain(command, sentence_new("%s: this option takes no value", word));
}

static void take_control(struct command *command, const char *text)
{
	uint64_t fd;

	if (text_parse_number(text, STDERR_FILENO + 1, CONTROL_FD_MAX, &fd))
		command_complain(command,
				 sentence_new("--control: \"%s\" is not a descriptor", text));
	else
		command->cli->control_fd = (int)fd;
}

/* One option that getopt_long knows. */
static void take_option(struct command *command, int found)
{
	const struct option_entry *option =
		found >= LONG_KEY ? &option_table[found - LONG_KEY] : option_of_letter(found);

	if (option)
		command->given[command->given_count++] =
			(struct given){option, optarg, found < LONG_KEY};
	else if (found == LONG_CONFIG)
		command->configs[command->config_count++] = optarg;
	else if (found == LONG_AS)
		command->cli->as = optarg;
	else if (found == LONG_CONTROL)
		take_control(command, optarg);
	else if (found == LONG_CHECK)
		command->cli->action = CLI_CHECK;
	else if (found == LONG_WATCH)
		command->cli->action = CLI_WATCH;
	else if (found == LONG_STATUS && command->cli->action != CLI_WATCH)
		command->cli->action = CLI_STATUS;
	else if (found == 'h')
		command->cli->action = CLI_HELP;
	else if (found == 'v')
		command->cli->action = CLI_VERSION;
	else if (found == 'n')
		command->cli->foreground = true;
	else
		command->letters[found] = optarg ? optarg : "";
}

/* getopt_long also takes the beginning of a name; with the next option that may be another one. */
static bool is_whole_name(const struct option *option, char **argv)
{
	bool is_apart = optarg && optarg == argv[optind - 1];
	const char *word = argv[optind - (is_apart ? 2 : 1)] + strlen("--");

	return strlen(option->name) == strcspn(word, "=");
}

/* The next option to where it belongs; false: there is none. */
static bool take_next(struct command *command, int argc, char **argv, bool is_mux)
{
	const char *letters = is_mux ? mux_letters : herd_letters;
	const struct option *options = command->options;
	int found, index = -1;

	optopt = 0;
	found = getopt_long(argc, argv, letters, options, &index);
	/* "-?" is no letter of getopt's: it is found as an unknown one, by optopt. */
	if (found == '?' && optopt == '?')
		command->cli->action = CLI_HELP;
	else if (found == '?')
		complain_of_option(command, letters, argv[optind - 1]);
	else if (found == ':')
		command_complain(command, sentence_new("%s needs a value", argv[optind - 1]));
	else if (index >= 0 && !is_whole_name(&options[index], argv))
		complain_of_unknown(command, argv[optind - (optarg == argv[optind - 1] ? 2 : 1)]);
	else if (found != -1)
		take_option(command, found);
	return found != -1;
}

bool command_read(struct command *command, int argc, char **argv, bool is_mux)
{
	const enum cli_action *action = &command->cli->action;

	command->options = long_options(is_mux);
	/* A bundle of letters such as -nS has no values: there are no more of them than words. */
	command->given = calloc((size_t)argc + 1, sizeof(*command->given));
	command->configs = calloc((size_t)argc + 1, sizeof(*command->configs));
	if (!command->given || !command->configs)
		abort(); /* nothing was started yet */
	opterr = 0;
	optind = 0; /* begin anew, in the way of GNU */
	while (*action != CLI_HELP && *action != CLI_VERSION)
		if (!take_next(command, argc, argv, is_mux))
			break;
	/* Behind a mistake it may be an option's value. */
	command->application = argv + (command->complaints->sentences.count ? argc : optind);
	return *action != CLI_HELP && *action != CLI_VERSION;
}

bool command_has(const struct command *command, const char *name)
{
	for (size_t i = 0; i < command->given_count; i++)
		if (strcmp(command->given[i].option->name, name) == 0)
			return true;
	return false;
}
