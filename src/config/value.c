#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/network.h"
#include "base/text.h"
#include "config/map.h"
#include "config/quoting.h"
#include "config/server.h"

/* Behind this column a list, or the words of a command, go on in an indented line. */
enum { PRINT_WIDTH = 80 };

/* What the field of a type is. */
enum storage { STORAGE_NUMBER, STORAGE_TEXT, STORAGE_ACCOUNT, STORAGE_TEXTS, STORAGE_ADDRESSES };

static enum storage storage_of(const struct option_entry *option)
{
	switch (option->type) {
	case OPTION_TEXT:
		return STORAGE_TEXT;
	case OPTION_ACCOUNT:
		return STORAGE_ACCOUNT;
	case OPTION_WORDS:
	case OPTION_ITEMS:
	case OPTION_NAMES:
	case OPTION_MAPS:
	case OPTION_VARIABLES:
	case OPTION_NETWORKS:
	case OPTION_SERVERS:
	case OPTION_SERVICES:
	case OPTION_RESOLVERS:
		return STORAGE_TEXTS;
	case OPTION_ADDRESSES:
		return STORAGE_ADDRESSES;
	case OPTION_NUMBER:
	case OPTION_OCTAL:
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_SIGNAL:
	case OPTION_CHOICE:
		break;
	}
	return STORAGE_NUMBER; /* an uint64_t */
}

static const struct {
	const char *name;
	int number;
} signal_table[] = {
	{"SIGHUP", SIGHUP},	  {"SIGINT", SIGINT},	{"SIGQUIT", SIGQUIT},
	{"SIGILL", SIGILL},	  {"SIGTRAP", SIGTRAP}, {"SIGABRT", SIGABRT},
	{"SIGBUS", SIGBUS},	  {"SIGFPE", SIGFPE},	{"SIGKILL", SIGKILL},
	{"SIGUSR1", SIGUSR1},	  {"SIGSEGV", SIGSEGV}, {"SIGUSR2", SIGUSR2},
	{"SIGPIPE", SIGPIPE},	  {"SIGALRM", SIGALRM}, {"SIGTERM", SIGTERM},
	{"SIGCHLD", SIGCHLD},	  {"SIGCONT", SIGCONT}, {"SIGSTOP", SIGSTOP},
	{"SIGTSTP", SIGTSTP},	  {"SIGTTIN", SIGTTIN}, {"SIGTTOU", SIGTTOU},
	{"SIGURG", SIGURG},	  {"SIGXCPU", SIGXCPU}, {"SIGXFSZ", SIGXFSZ},
	{"SIGVTALRM", SIGVTALRM}, {"SIGPROF", SIGPROF}, {"SIGWINCH", SIGWINCH},
	{"SIGIO", SIGIO},	  {"SIGPWR", SIGPWR},	{"SIGSYS", SIGSYS},
};

enum { SIGNAL_COUNT = sizeof(signal_table) / sizeof(*signal_table) };

const char *value_signal_name(uint64_t number)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		if ((uint64_t)signal_table[i].number == number)
			return signal_table[i].name;
	return NULL;
}

static int parse_signal(const char *text, const struct option_entry *option, uint64_t *number)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		const char *name = signal_table[i].name;

		if (strcasecmp(text, name) == 0 || strcasecmp(text, name + strlen("SIG")) == 0) {
			*number = (uint64_t)signal_table[i].number;
			return 0;
		}
	}
	return text_parse_number(text, option->min, option->max, number);
}

static int parse_choice(const char *text, const struct option_entry *option, uint64_t *number)
{
	for (size_t i = 0; option->choices[i]; i++) {
		if (strcmp(text, option->choices[i]) == 0) {
			*number = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_number(const char *text, const struct option_entry *option, uint64_t *number)
{
	if (option->type == OPTION_OCTAL)
		return text_parse_octal(text, option->max, number);
	if (option->type == OPTION_SIZE)
		return text_parse_size(text, option->min, option->max, number);
	if (option->type == OPTION_DURATION)
		return text_parse_duration(text, option->min, option->max, number);
	if (option->type == OPTION_SIGNAL)
		return parse_signal(text, option, number);
	if (option->type == OPTION_CHOICE)
		return parse_choice(text, option, number);
	return text_parse_number(text, option->min, option->max, number);
}

static char *choice_sentence(const struct option_entry *option, const char *text)
{
	char *sentence = sentence_new("\"%s\" is not %s", text, option->choices[0]), *longer;
	const char *nearest;
	size_t count = 1;

	for (; option->choices[count]; count++) {
		const char *comma = option->choices[count + 1] ? ", " : " or ";

		longer = sentence_new("%s%s%s", sentence, comma, option->choices[count]);
		free(sentence);
		sentence = longer;
	}
	nearest = text_nearest(text, option->choices, count);
	if (!nearest)
		return sentence;
	longer = sentence_new("%s: did you mean \"%s\"?", sentence, nearest);
	free(sentence);
	return longer;
}

static char *number_sentence(const struct option_entry *option, const char *text)
{
	char min[TEXT_UNIT_SIZE], max[TEXT_UNIT_SIZE];

	if (option->type == OPTION_OCTAL)
		return sentence_new("\"%s\" is not an octal number up to 0%" PRIo64, text,
				    option->max);
	if (option->type == OPTION_SIZE)
		return sentence_new("\"%s\" is not a size from %s to %s (such as 512, 64k, 8m)",
				    text, text_format_size(min, option->min),
				    text_format_size(max, option->max));
	if (option->type == OPTION_DURATION)
		return sentence_new("\"%s\" is not a time from %s to %s (such as 250ms, 10s, 5m)",
				    text, text_format_duration(min, option->min),
				    text_format_duration(max, option->max));
	if (option->type == OPTION_SIGNAL)
		return sentence_new("\"%s\" is not a signal (such as SIGTERM, USR1, 15)", text);
	if (option->type == OPTION_CHOICE)
		return choice_sentence(option, text);
	return sentence_new("\"%s\" is not a number from %" PRIu64 " to %" PRIu64, text,
			    option->min, option->max);
}

static char *read_number(const struct option_entry *option, uint64_t *field, const char *text)
{
	return parse_number(text, option, field) ? number_sentence(option, text) : NULL;
}

static char *read_text(char **field, const char *text)
{
	char *item = quoting_take(&text, '\0');

	if (!item)
		return sentence_new("a quote is not closed");
	free(*field);
	*field = item;
	return NULL;
}

/* What is wrong with an item of a list of this type: NULL or the reason. */
static const char *item_fault(enum option_type type, const char *item)
{
	const char *equals = strchr(item, '=');
	struct network network;
	struct server server;
	struct address address;

	if (!*item)
		return "there is a comma too many";
	if (type == OPTION_NAMES && equals)
		return "only the name, without \"=\" and a value";
	if (type == OPTION_MAPS && map_from_len(item) == 0)
		return "not of the form .from => .to";
	if (type == OPTION_VARIABLES && (!equals || equals == item))
		return "not of the form NAME=value";
	if (type == OPTION_NETWORKS)
		return network_parse(item, &network);
	if (type == OPTION_SERVERS)
		return server_parse(item, &server);
	if (type == OPTION_SERVICES)
		return service_name_fault(item);
	if (type == OPTION_RESOLVERS)
		return name_server_parse(item, &address);
	return NULL;
}

/* Takes out the variable of this one's name, so that the last one counts. */
static void drop_variable(struct text_list *list, const char *variable)
{
	size_t len = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < list->count; i++) {
		if (strncmp(list->items[i], variable, len) == 0) {
			text_list_remove(list, i);
			return;
		}
	}
}

static char *add_item(enum option_type type, void *field, const char *item)
{
	const char *fault = item_fault(type, item);
	struct address address;
	int error;

	if (!fault && type == OPTION_ADDRESSES)
		fault = address_parse(item, &address);
	if (fault)
		return sentence_new("\"%s\": %s", item, fault);
	if (type == OPTION_VARIABLES)
		drop_variable(field, item);
	if (type == OPTION_ADDRESSES)
		error = address_list_add(field, &address);
	else
		error = text_list_add(field, strdup(item));
	return error ? sentence_new("no memory") : NULL;
}

static char *read_list(enum option_type type, void *field, const char *text)
{
	char *sentence = NULL;

	/* "bin-copy-environment =" is a list of nothing: a clean environment. */
	if (type != OPTION_ADDRESSES && text_list_set(field))
		return sentence_new("no memory");
	if (!*text)
		return NULL;
	while (!sentence) {
		char *item = quoting_take(&text, ',');

		sentence =
			item ? add_item(type, field, item) : sentence_new("a quote is not closed");
		free(item);
		if (!*text)
			break;
		text++;
	}
	return sentence;
}

static char *read_words(struct text_list *list, const char *text)
{
	char **words = text_split_words(text);
	int error = words ? 0 : errno;

	for (size_t i = 0; words && !error && words[i]; i++)
		error = -text_list_add(list, strdup(words[i]));
	text_free_words(words);
	if (error == EINVAL)
		return sentence_new("a quote is not closed, or a backslash ends the line");
	return error ? sentence_new("no memory") : NULL;
}

/* Set to nothing is not the same as not set. */
static bool may_be_nothing(const struct option_entry *option)
{
	switch (option->type) {
	case OPTION_ITEMS:
	case OPTION_NAMES:
	case OPTION_MAPS:
	case OPTION_VARIABLES:
	case OPTION_NETWORKS:
		return true;
	default:
		return false;
	}
}

char *value_read(const struct option_entry *option, void *field, const char *text, bool adds)
{
	text += strspn(text, " \t");
	if (!*text && !may_be_nothing(option))
		return sentence_new("needs a value");
	if (!adds)
		value_fini(option, field);
	switch (storage_of(option)) {
	case STORAGE_TEXT:
		return read_text(field, text);
	case STORAGE_ACCOUNT:
		return read_text(&((struct account *)field)->name, text);
	case STORAGE_TEXTS:
		if (option->type == OPTION_WORDS)
			return read_words(field, text);
		return read_list(option->type, field, text);
	case STORAGE_ADDRESSES:
		return read_list(option->type, field, text);
	case STORAGE_NUMBER:
		break;
	}
	return read_number(option, field, text);
}

bool value_is_set(const struct option_entry *option, const void *field)
{
	switch (storage_of(option)) {
	case STORAGE_TEXT:
		return *(char *const *)field != NULL;
	case STORAGE_ACCOUNT:
		return ((const struct account *)field)->name != NULL;
	case STORAGE_TEXTS:
		return ((const struct text_list *)field)->items != NULL;
	case STORAGE_ADDRESSES:
		return ((const struct address_list *)field)->items != NULL;
	case STORAGE_NUMBER:
		break;
	}
	/* A number that may be 0 has a default. */
	return option->value_default || *(const uint64_t *)field;
}

static void print_number(const struct option_entry *option, uint64_t number, FILE *out)
{
	char text[TEXT_UNIT_SIZE];
	const char *name = option->type == OPTION_SIGNAL ? value_signal_name(number) : NULL;

	if (option->type == OPTION_OCTAL)
		fprintf(out, "0%" PRIo64, number);
	else if (option->type == OPTION_SIZE)
		fputs(text_format_size(text, number), out);
	else if (option->type == OPTION_DURATION)
		fputs(text_format_duration(text, number), out);
	else if (option->type == OPTION_CHOICE)
		fputs(option->choices[number], out);
	else if (name)
		fputs(name, out);
	else
		fprintf(out, "%" PRIu64, number);
}

/* One more item of a list: behind separator, or in a line of its own where the line is full. */
static void print_item(FILE *out, char *item, const char *separator, size_t *column)
{
	size_t len = strlen(item);

	if (*column && *column + len > PRINT_WIDTH) {
		fputs("\n\t", out);
		*column = 8;
	} else if (*column) {
		fputs(separator, out);
		*column += strlen(separator);
	}
	*column += len;
	fputs(item, out);
	free(item);
}

static void print_texts(const struct option_entry *option, const struct text_list *list, FILE *out)
{
	bool is_words = option->type == OPTION_WORDS;
	size_t column = 0;

	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];
		/* It may come to stand first in a line. */
		bool is_like_key = option_find_before_equals(item) != NULL;

		print_item(out,
			   is_words ? quoting_word(item, is_like_key)
				    : quoting_item(item, is_like_key),
			   is_words ? " " : ", ", &column);
	}
}

static void print_addresses(const struct address_list *list, FILE *out)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t column = 0;

	for (size_t i = 0; i < list->count; i++)
		print_item(out, quoting_item(address_format(&list->items[i], text), false), ", ",
			   &column);
}

void value_print(const struct option_entry *option, const void *field, FILE *out)
{
	const char *text = NULL;
	char *quoted;

	switch (storage_of(option)) {
	case STORAGE_TEXT:
		text = *(char *const *)field;
		break;
	case STORAGE_ACCOUNT:
		text = ((const struct account *)field)->name;
		break;
	case STORAGE_TEXTS:
		print_texts(option, field, out);
		return;
	case STORAGE_ADDRESSES:
		print_addresses(field, out);
		return;
	case STORAGE_NUMBER:
		print_number(option, *(const uint64_t *)field, out);
		return;
	}
	quoted = quoting_item(text, false);
	fputs(quoted, out);
	free(quoted);
}

int value_copy(const struct option_entry *option, void *field, const void *from)
{
	const struct account *account = from;
	char *const *text = from;

	switch (storage_of(option)) {
	case STORAGE_TEXT:
		*(char **)field = *text ? strdup(*text) : NULL;
		return *text && !*(char **)field ? -ENOMEM : 0;
	case STORAGE_ACCOUNT:
		((struct account *)field)->name = account->name ? strdup(account->name) : NULL;
		((struct account *)field)->id = account->id;
		return account->name && !((struct account *)field)->name ? -ENOMEM : 0;
	case STORAGE_TEXTS:
		return text_list_copy(field, from);
	case STORAGE_ADDRESSES:
		return address_list_copy(field, from);
	case STORAGE_NUMBER:
		break;
	}
	*(uint64_t *)field = *(const uint64_t *)from;
	return 0;
}

void value_fini(const struct option_entry *option, void *field)
{
	switch (storage_of(option)) {
	case STORAGE_TEXT:
		free(*(char **)field);
		*(char **)field = NULL;
		return;
	case STORAGE_ACCOUNT:
		free(((struct account *)field)->name);
		*(struct account *)field = (struct account){0};
		return;
	case STORAGE_TEXTS:
		text_list_fini(field);
		return;
	case STORAGE_ADDRESSES:
		address_list_fini(field);
		return;
	case STORAGE_NUMBER:
		break;
	}
	*(uint64_t *)field = 0;
}
