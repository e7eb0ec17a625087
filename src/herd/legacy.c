#include "herd/legacy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "herd/herd.h"
#include "os/passed.h"

/* -- What is handed over: a line for each thing */

enum { WORDS_MAX = 6 };

static bool keep(struct legacy_kept *kept, int fd)
{
	int *fds = reallocarray(kept->fds, kept->count + 1, sizeof(*fds));

	if (!fds)
		return false;
	kept->fds = fds;
	fds[kept->count++] = fd;
	return true;
}

static bool write_listeners(FILE *out, struct legacy_kept *kept, const struct listener *listeners,
			    size_t count)
{
	for (size_t i = 0; listeners && i < count; i++) {
		const struct listener *listener = &listeners[i];

		fprintf(out, "socket %d %" PRIuMAX " %" PRIuMAX "\n", listener->fd,
			(uintmax_t)listener->device, (uintmax_t)listener->inode);
		if (!keep(kept, listener->fd))
			return false;
	}
	return true;
}

static void write_child(FILE *out, const struct child *child)
{
	if (child->pid > 0)
		fprintf(out, "process %d %d %" PRIu64 " %" PRIu32 " %" PRIu32 " %s\n",
			(int)child->pid, child_state_is_ending(child->state), child->started_ms,
			child->backend, child->number, child->name);
}

static bool write_outputs(FILE *out, struct legacy_kept *kept, const struct outputs *outputs)
{
	list_for_each (link, after, &outputs->open) {
		const struct output *output = container_of(link, struct output, link);

		fprintf(out, "output %d %d %d %s\n", output->fd, (int)output->pid,
			output->has_levels, output->name);
		if (!keep(kept, output->fd))
			return false;
	}
	return true;
}

static bool write_herd(FILE *out, struct legacy_kept *kept, const struct herd *herd)
{
	if (herd->directory)
		fprintf(out, "directory %s\n", herd->directory);
	for (size_t i = 0; i < herd->backend_count; i++) {
		const struct children *children = &herd->backends[i];

		if (!write_listeners(out, kept, children->fronts, children->front_count) ||
		    !write_listeners(out, kept, children->sockets, children->count))
			return false;
		for (size_t j = 0; j < children->count; j++)
			write_child(out, &children->items[j]);
	}
	if (herd->has_mux && herd->mux.link.fd >= 0) {
		write_child(out, &herd->mux.child);
		fprintf(out, "control %d\n", herd->mux.link.fd);
		if (!keep(kept, herd->mux.link.fd))
			return false;
	}
	return write_outputs(out, kept, &herd->outputs);
}

char *legacy_write(const struct herd *herd, struct legacy_kept *kept)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool is_good;

	if (!out)
		return NULL;
	fprintf(out, "begun %" PRIu64 "\n", herd->takeover.begun_ms);
	is_good = write_herd(out, kept, herd);
	if (fclose(out) == 0 && is_good)
		return text;
	free(text);
	return NULL;
}

/* -- What is taken over */

static bool parse_numbers(char **words, size_t count, uint64_t *numbers)
{
	for (size_t i = 0; i < count; i++)
		if (text_parse_number(words[i], 0, UINT64_MAX, &numbers[i]) < 0)
			return false;
	return true;
}

static bool take_begun(struct takeover *takeover, char **words)
{
	return parse_numbers(words, 1, &takeover->begun_ms);
}

static bool take_directory(struct takeover *takeover, char **words)
{
	takeover->directory = strdup(words[0]);
	return takeover->directory;
}

static bool take_socket(struct takeover *takeover, char **words)
{
	uint64_t numbers[3];

	(void)takeover;
	return parse_numbers(words, 3, numbers) &&
	       passed_add((int)numbers[0], (dev_t)numbers[1], (ino_t)numbers[2]) == 0;
}

static bool take_process(struct takeover *takeover, char **words)
{
	struct legacy_process *processes =
		reallocarray(takeover->processes, takeover->process_count + 1, sizeof(*processes));
	uint64_t numbers[5];
	char *name = strdup(words[5]);

	if (processes)
		takeover->processes = processes;
	if (!processes || !name || !parse_numbers(words, 5, numbers)) {
		free(name);
		return false;
	}
	processes[takeover->process_count++] = (struct legacy_process){
		.name = name,
		.pid = (pid_t)numbers[0],
		.is_ending = numbers[1] > 0,
		.started_ms = numbers[2],
		.backend = (uint32_t)numbers[3],
		.number = (uint32_t)numbers[4],
	};
	return true;
}

static bool take_output(struct takeover *takeover, char **words)
{
	struct legacy_output *outputs =
		reallocarray(takeover->outputs, takeover->output_count + 1, sizeof(*outputs));
	uint64_t numbers[3];
	char *name = strdup(words[3]);

	if (outputs)
		takeover->outputs = outputs;
	if (!outputs || !name || !parse_numbers(words, 3, numbers)) {
		free(name);
		return false;
	}
	outputs[takeover->output_count++] = (struct legacy_output){
		.fd = (int)numbers[0],
		.pid = (pid_t)numbers[1],
		.has_levels = numbers[2] > 0,
		.name = name,
	};
	return true;
}

static bool take_control(struct takeover *takeover, char **words)
{
	uint64_t fd;

	if (!parse_numbers(words, 1, &fd))
		return false;
	takeover->control = (int)fd;
	return fcntl(takeover->control, F_SETFD, FD_CLOEXEC) == 0;
}

/* The last of the words may have blanks: it is the rest of the line. */
static const struct line_kind {
	const char *name;
	size_t word_count;
	bool (*take)(struct takeover *takeover, char **words);
} line_kinds[] = {
	{"begun", 1, take_begun},   {"control", 1, take_control}, {"directory", 1, take_directory},
	{"socket", 3, take_socket}, {"process", 6, take_process}, {"output", 4, take_output},
};

static const struct line_kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(line_kinds) / sizeof(*line_kinds); i++)
		if (strcmp(line_kinds[i].name, name) == 0)
			return &line_kinds[i];
	return NULL;
}

static bool take_line(struct takeover *takeover, char *line)
{
	const struct line_kind *kind = find_kind(strsep(&line, " "));
	char *words[WORDS_MAX];

	for (size_t i = 0; kind && i < kind->word_count; i++) {
		if (!line)
			return false;
		words[i] = i + 1 < kind->word_count ? strsep(&line, " ") : line;
	}
	return kind && kind->take(takeover, words);
}

bool legacy_read(struct takeover *takeover, const char *text)
{
	char *copy = strdup(text);
	char *rest = copy, *line;
	bool is_good = copy != NULL;

	while (is_good && (line = strsep(&rest, "\n")))
		is_good = !*line || take_line(takeover, line);
	free(copy);
	return is_good;
}
