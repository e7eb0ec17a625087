#include "config/libraries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/quoting.h"
#include "config/walk.h"

#define SEARCH_VARIABLE "LD_LIBRARY_PATH="

/* Takes the item. Without memory the list is short, and what it would have held is not sure. */
static void add(struct libraries *libraries, struct text_list *list, char *item)
{
	if (text_list_add(list, item))
		libraries->is_sure = false;
}

static bool is_there(const struct libraries *libraries, const char *path)
{
	struct walk walk;

	return walk_to(&walk, libraries->root, path, NULL) == WALK_THERE;
}

/* A directory of a search list, with $ORIGIN in it for that of the file that has the list. */
static char *place_of(struct libraries *libraries, const char *text, size_t len, const char *file)
{
	static const char *const names[] = {"$ORIGIN", "${ORIGIN}"};
	size_t directory_len = file ? (size_t)(strrchr(file, '/') - file) : 0;

	for (size_t i = 0; file && i < sizeof(names) / sizeof(*names); i++) {
		size_t name_len = strlen(names[i]);

		if (len >= name_len && strncmp(text, names[i], name_len) == 0)
			return sentence_new("%.*s%.*s", (int)directory_len, file,
					    (int)(len - name_len), text + name_len);
	}
	/* $LIB and $PLATFORM are the loader's own business. */
	if (memchr(text, '$', len))
		libraries->is_sure = false;
	return sentence_new("%.*s", (int)len, text);
}

/* Those of a list with colons. file: the one that has it, or NULL. */
static void add_places(struct libraries *libraries, struct text_list *places, const char *list,
		       const char *file)
{
	while (list && *list) {
		size_t len = strcspn(list, ":");

		if (len > 0)
			add(libraries, places, place_of(libraries, list, len, file));
		list += len + strspn(list + len, ":");
	}
}

/* /lib/x86_64-linux-gnu and the like. */
static void add_directories_of(struct libraries *libraries, const char *parent)
{
	struct walk walk;
	const struct dirent *entry;
	DIR *directory;

	if (walk_to(&walk, libraries->root, parent, NULL) != WALK_THERE)
		return;
	directory = opendir(walk.path);
	while (directory && (entry = readdir(directory)) != NULL)
		if (strstr(entry->d_name, "-linux-"))
			add(libraries, &libraries->places,
			    sentence_new("%s/%s", parent, entry->d_name));
	if (directory)
		closedir(directory);
}

/* The lines of a file that name directories, as ldconfig(8) takes them. */
static void add_configured(struct libraries *libraries, const char *path)
{
	struct walk walk;
	FILE *in = NULL;
	char *line = NULL;
	size_t room = 0;

	if (walk_to(&walk, libraries->root, path, NULL) == WALK_THERE &&
	    S_ISREG(walk.status.st_mode))
		in = fopen(walk.path, "re");
	while (in && getline(&line, &room, in) >= 0)
		if (line[0] == '/')
			add(libraries, &libraries->places,
			    sentence_new("%.*s", (int)strcspn(line, " \t\n#"), line));
	free(line);
	if (in)
		fclose(in);
}

static void add_all_configured(struct libraries *libraries)
{
	static const char parent[] = "/etc/ld.so.conf.d";
	struct walk walk;
	const struct dirent *entry;
	DIR *directory;

	add_configured(libraries, "/etc/ld.so.conf");
	if (walk_to(&walk, libraries->root, parent, NULL) != WALK_THERE)
		return;
	directory = opendir(walk.path);
	while (directory && (entry = readdir(directory)) != NULL) {
		char *path = sentence_new("%s/%s", parent, entry->d_name);

		add_configured(libraries, path);
		free(path);
	}
	if (directory)
		closedir(directory);
}

/* What the environment of the program says. */
static const char *search_variable(const struct backend_settings *backend)
{
	const struct text_list *set = &backend->bin_environment;
	const struct text_list *copied = &backend->bin_copy_environment;

	for (size_t i = 0; i < set->count; i++)
		if (strncmp(set->items[i], SEARCH_VARIABLE, strlen(SEARCH_VARIABLE)) == 0)
			return set->items[i] + strlen(SEARCH_VARIABLE);
	if (copied->items && !text_list_has(copied, "LD_LIBRARY_PATH"))
		return NULL;
	return getenv("LD_LIBRARY_PATH");
}

/* Where every library is looked for, and the loader's own directory, where its kin are. */
static void collect_places(struct libraries *libraries, const struct backend_settings *backend,
			   const char *loader)
{
	static const char *const usual[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64",
					    "/usr/local/lib"};
	const char *slash;
	struct walk walk;

	add_places(libraries, &libraries->places, search_variable(backend), NULL);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		add(libraries, &libraries->places, strdup(usual[i]));
	add_directories_of(libraries, "/lib");
	add_directories_of(libraries, "/usr/lib");
	if (walk_to(&walk, libraries->root, loader, NULL) == WALK_THERE)
		loader = walk_inside(&walk);
	slash = strrchr(loader, '/');
	if (slash)
		add(libraries, &libraries->places,
		    sentence_new("%.*s", (int)(slash - loader), loader));
	add_all_configured(libraries);
}

/* True: found. */
static bool look_in(struct libraries *libraries, const struct text_list *places, const char *name)
{
	for (size_t i = 0; i < places->count; i++) {
		char *path = sentence_new("%s/%s", places->items[i], name);

		if (is_there(libraries, path)) {
			add(libraries, &libraries->unlooked, path);
			return true;
		}
		free(path);
	}
	return false;
}

static void find_one(struct libraries *libraries, const struct text_list *own, const char *name)
{
	bool is_found;

	if (text_list_has(&libraries->found, name) || text_list_has(&libraries->missing, name))
		return;
	if (strchr(name, '/'))
		is_found = is_there(libraries, name);
	else
		is_found = look_in(libraries, own, name) ||
			   look_in(libraries, &libraries->places, name);
	add(libraries, is_found ? &libraries->found : &libraries->missing, strdup(name));
}

/* Those that this file needs itself. */
static void find_needs(struct libraries *libraries, const char *path, const struct elf *elf)
{
	struct text_list own = {0};

	add_places(libraries, &own, elf->search, path);
	for (size_t i = 0; i < elf->libraries.count; i++)
		find_one(libraries, &own, elf->libraries.items[i]);
	text_list_fini(&own);
}

/* What cannot be read needs nothing. */
static void find_needs_of(struct libraries *libraries, const char *path)
{
	struct walk walk;
	struct elf elf;
	int fd = -1;

	if (walk_to(&walk, libraries->root, path, NULL) == WALK_THERE)
		fd = open(walk.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (elf_read(&elf, fd) == 0)
		find_needs(libraries, walk_inside(&walk), &elf);
	elf_fini(&elf);
	close(fd);
}

void libraries_find(struct libraries *libraries, const struct backend_settings *backend,
		    const char *path, const struct elf *elf)
{
	*libraries = (struct libraries){.root = backend->chroot, .is_sure = true};
	if (is_there(libraries, "/etc/ld.so.cache") || strstr(elf->loader, "musl"))
		libraries->is_sure = false;
	collect_places(libraries, backend, elf->loader);
	/* Older programs hand their own search list on to their libraries. */
	add_places(libraries, &libraries->places, elf->search, path);
	find_needs(libraries, path, elf);
	for (size_t i = 0; i < libraries->unlooked.count; i++)
		find_needs_of(libraries, libraries->unlooked.items[i]);
}

void libraries_fini(struct libraries *libraries)
{
	text_list_fini(&libraries->places);
	text_list_fini(&libraries->found);
	text_list_fini(&libraries->missing);
	text_list_fini(&libraries->unlooked);
}

char *libraries_missing(const struct libraries *libraries)
{
	char *text = NULL;

	for (size_t i = 0; i < libraries->missing.count; i++) {
		char *longer = sentence_new("%s%s%s", text ? text : "", text ? ", " : "",
					    libraries->missing.items[i]);

		free(text);
		text = longer;
	}
	return text;
}
