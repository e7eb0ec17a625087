#include "config/ini.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/options.h"
#include "config/quoting.h"

/*
 * inih cuts lines at 200 bytes and names of sections at 49, knows no quotes, and says of one
 * mistake only, and late, where it is. So it is fed line by line with what decides the structure
 * (the key, the indentation), while the values are taken from our own copy of the line. A line that
 * it was given and made no call for is one that it did not understand.
 */

enum { SECTION_NAME_MAX = 64 };

struct source {
	struct settings *settings;
	struct complaints *complaints;
	FILE *in;
	const char *file; /* owned by settings */
	unsigned line;
	char text[INI_LINE_MAX + 2];	 /* the line, without its end; room for a CR */
	struct backend_settings *target; /* whose keys follow; NULL: of a section that is refused */
	const struct option_entry *option; /* whose value an indented line goes on with, or NULL */
	bool is_refused;		   /* the key above was, and so go its indented lines */
	bool is_pending;		   /* inih was given the line and has not called back */
};

/* Takes the sentence, also where it is NULL: all is well then. */
static void complain(struct source *source, char *sentence)
{
	if (sentence)
		complaints_add(source->complaints,
			       (struct origin){source->file, source->line, false}, sentence);
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* CR may be half of a line's end. */
static bool is_control(int byte)
{
	return (byte < ' ' && byte != '\t' && byte != '\r') || byte == 0x7f;
}

/* Takes off the rest of another system's line end, and a byte order mark. */
static void trim_line(struct source *source)
{
	static const char mark[] = "\xEF\xBB\xBF";
	char *text = source->text;
	size_t len = strlen(text);

	if (len && text[len - 1] == '\r')
		text[--len] = '\0';
	if (source->line == 1 && strncmp(text, mark, strlen(mark)) == 0)
		memmove(text, text + strlen(mark), len - strlen(mark) + 1);
}

/* Reads to the end of a line; returns its length, or EOF; source->text has its beginning. */
static long read_line(struct source *source)
{
	long len = 0;
	int byte;

	while ((byte = getc(source->in)) != EOF && byte != '\n') {
		/* At once: a file of nothing but NULs may have no end. */
		if (is_control(byte)) {
			complain(source,
				 sentence_new("there is a byte 0x%02x: this is not a text file",
					      byte));
			return EOF;
		}
		if (len <= INI_LINE_MAX)
			source->text[len] = (char)byte;
		len++;
	}
	source->text[len <= INI_LINE_MAX ? len : INI_LINE_MAX + 1] = '\0';
	if (byte == EOF && ferror(source->in))
		complain(source, sentence_new("cannot read on: %s", strerror(errno)));
	return byte == EOF && len == 0 ? EOF : len;
}

/* The next line to source->text, empty where it is refused; false: there is none. */
static bool take_line(struct source *source)
{
	long len;
	bool is_cut;

	source->line++;
	len = read_line(source);
	if (len == EOF)
		return false;
	is_cut = len > INI_LINE_MAX + 1;
	trim_line(source);
	if (is_cut || strlen(source->text) > INI_LINE_MAX) {
		complain(source,
			 sentence_new("the line is longer than %d bytes: go on in an indented line",
				      INI_LINE_MAX));
		source->text[0] = '\0';
	} else if (strchr(source->text, '\r')) {
		complain(source, sentence_new("there is a carriage return inside the line"));
		source->text[0] = '\0';
	}
	return true;
}

static const char *section_fault(const struct settings *settings, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

	if (!*name)
		return "a section needs a name: [NAME]";
	if (strlen(name) > SECTION_NAME_MAX)
		return "the name of a section has at most 64 bytes";
	if (name[strspn(name, allowed)])
		return "the name of a section is made of a-z, 0-9, \"_\", \".\" and \"-\"";
	return settings_find_backend(settings, name) ? "there is a section of this name already"
						     : NULL;
}

/* Takes the name out of "[name]" in place; NULL: it is not of this form. */
static char *section_name(char *text)
{
	char *end;

	quoting_strip_comment(text, false);
	end = strchr(text, ']');
	if (!end || end[1])
		return NULL;
	while (end > text + 1 && is_blank(end[-1]))
		end--;
	*end = '\0';
	return text + 1 + strspn(text + 1, " \t");
}

static void start_section(struct source *source)
{
	char *name = section_name(source->text);
	const char *fault = name ? section_fault(source->settings, name) : "expected [NAME]";

	source->option = NULL;
	source->is_refused = false;
	source->target = NULL;
	if (fault) {
		complain(source, sentence_new("%s", fault));
		return;
	}
	source->target = settings_add_backend(source->settings, name);
	if (source->target)
		source->target->origin = (struct origin){source->file, source->line, false};
	else
		complain(source, sentence_new("no memory"));
}

static bool is_between_keys(const char *text)
{
	text += strspn(text, " \t");
	return !*text || *text == ';' || *text == '#';
}

/* ini_reader: one line in the few bytes that inih needs of it. */
static char *feed_line(char *fed, int size, void *stream)
{
	struct source *source = stream;
	size_t key_len;

	if (source->is_pending)
		complain(source, sentence_new("expected KEY = VALUE"));
	source->is_pending = false;
	if (!take_line(source))
		return NULL;
	key_len = strcspn(source->text, "=:");
	if (is_between_keys(source->text)) {
		snprintf(fed, (size_t)size, "\n");
	} else if (source->text[0] == '[') {
		start_section(source);
		snprintf(fed, (size_t)size, "[section]\n"); /* where inih forgets the key above */
	} else {
		source->is_pending = true;
		if (is_blank(source->text[0]))
			snprintf(fed, (size_t)size, "\t=\n");
		else if (source->text[key_len])
			snprintf(fed, (size_t)size, "%.*s=\n", key_len < 100 ? (int)key_len : 100,
				 source->text);
		else
			snprintf(fed, (size_t)size, "no equals sign\n");
	}
	return fed;
}

static char *unknown_key(const char *name)
{
	const char *nearest = option_nearest(name);

	if (!*name)
		return sentence_new("expected KEY = VALUE");
	if (strpbrk(name, " \t"))
		return sentence_new("\"%s\" is not a key: is there a \"=\" missing?", name);
	if (nearest)
		return sentence_new("unknown key \"%s\": did you mean \"%s\"?", name, nearest);
	return sentence_new("unknown key \"%s\": fcgi-herd.ini(5) lists those there are", name);
}

/* Where this option's value goes, or NULL after a complaint. */
static void *find_target(struct source *source, const struct option_entry *option)
{
	if (option->scope == OPTION_BACKEND)
		return source->target;
	if (source->target == &source->settings->defaults)
		return source->settings;
	complain(source, sentence_new("%s is for the whole: it belongs before the first section",
				      option->name));
	return NULL;
}

static void set_key(struct source *source, const char *name)
{
	const struct option_entry *option = option_find(name);
	char *value = source->text + strcspn(source->text, "=:") + 1;
	void *target;

	source->option = NULL;
	source->is_refused = true;
	if (!option) {
		complain(source, unknown_key(name));
		return;
	}
	target = find_target(source, option);
	if (!target)
		return;
	value += strspn(value, " \t");
	quoting_strip_comment(value, option->type == OPTION_WORDS);
	source->option = option;
	source->is_refused = false;
	complain(source, option_set(option, target, value,
				    (struct origin){source->file, source->line, false}));
}

static void continue_key(struct source *source)
{
	const struct option_entry *option = source->option;
	char *value = source->text + strspn(source->text, " \t");
	void *target;

	if (source->is_refused || !source->target)
		return;
	if (!option) {
		complain(source,
			 sentence_new("an indented line goes on with the value above it, and "
				      "there is none: take the indentation away"));
		return;
	}
	if (option_find_before_equals(value)) {
		complain(source,
			 sentence_new("an indented line goes on with the value of %s above it: "
				      "take the indentation away",
				      option->name));
		return;
	}
	quoting_strip_comment(value, option->type == OPTION_WORDS);
	target = option->scope == OPTION_WHOLE ? (void *)source->settings : source->target;
	complain(source, option_continue(option, target, value));
}

/* ini_handler: the line that was fed is a key with its value, or goes on with one. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct source *source = user;

	(void)section;
	(void)value; /* from our own copy, as is the section */
	source->is_pending = false;
	if (is_blank(source->text[0]))
		continue_key(source);
	else
		set_key(source, name);
	return 1;
}

void ini_load_stream(struct settings *settings, FILE *in, const char *name,
		     struct complaints *complaints)
{
	struct source source = {
		.settings = settings, .complaints = complaints, .in = in, .file = name};

	source.target = &settings->defaults;
	if (text_list_add(&settings->files, strdup(name))) {
		complain(&source, sentence_new("no memory"));
		return;
	}
	source.file = settings->files.items[settings->files.count - 1];
	/* Its result is the line of the first mistake, which we have complained of; or, below 0: */
	if (ini_parse_stream(feed_line, &source, on_key, &source) < 0 || settings_inherit(settings))
		complain(&source, sentence_new("no memory"));
}

static void complain_of_path(struct complaints *complaints, const char *path, char *sentence)
{
	complaints_add(complaints, (struct origin){path, 0, false}, sentence);
}

static void load_file(struct settings *settings, const char *path, struct complaints *complaints)
{
	FILE *in = fopen(path, "re");
	struct stat status;

	if (!in || fstat(fileno(in), &status) < 0)
		complain_of_path(complaints, path,
				 sentence_new("cannot open: %s", strerror(errno)));
	else if (S_ISDIR(status.st_mode))
		complain_of_path(complaints, path,
				 sentence_new("is a directory, where a file should be"));
	else
		ini_load_stream(settings, in, path, complaints);
	if (in)
		fclose(in);
}

static int is_configuration(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".ini") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_directory(struct settings *settings, const char *path,
			   struct complaints *complaints)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_configuration, by_name);

	if (count < 0) {
		complain_of_path(complaints, path,
				 sentence_new("cannot read: %s", strerror(errno)));
		return;
	}
	if (count == 0)
		complain_of_path(complaints, path,
				 sentence_new("there is no file in it whose name ends in .ini"));
	for (int i = 0; i < count; i++) {
		char *file = sentence_new("%s/%s", path, entries[i]->d_name);

		load_file(settings, file, complaints);
		free(file);
		free(entries[i]);
	}
	free(entries);
}

void ini_load(struct settings *settings, const char *path, struct complaints *complaints)
{
	struct stat status;

	if (strcmp(path, "-") == 0)
		ini_load_stream(settings, stdin, "standard input", complaints);
	else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		load_directory(settings, path, complaints);
	else
		load_file(settings, path, complaints);
}

static void write_scope(enum option_scope scope, const void *target, FILE *out)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_entry *option = &option_table[i];

		if (option->scope != scope || !option_is_set(option, target))
			continue;
		fprintf(out, "%s = ", option->name);
		option_print(option, target, out);
		fputc('\n', out);
	}
}

void ini_write(const struct settings *settings, FILE *out)
{
	write_scope(OPTION_WHOLE, settings, out);
	for (size_t i = 0; i < settings->backend_count; i++) {
		fprintf(out, "\n[%s]\n", settings->backends[i]->name);
		write_scope(OPTION_BACKEND, settings->backends[i], out);
	}
}
