#include "herd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* Of one read: the size of a pipe. */
enum { OUTPUT_READ_LEN = 64 * 1024 };

/* What a pipe can hold at most, several times over: the end of a herd waits for no longer. */
enum { OUTPUT_LAST_READS = 64 };

void outputs_init(struct outputs *outputs)
{
	list_init(&outputs->open);
	list_init(&outputs->done);
}

/* "<4>text": the levels of syslog(3) are ours in pairs. */
static enum log_level take_level(const char **line, size_t *len)
{
	static const enum log_level levels[] = {
		LOG_LEVEL_ERROR,   LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, LOG_LEVEL_ERROR,
		LOG_LEVEL_WARNING, LOG_LEVEL_INFO,  LOG_LEVEL_INFO,  LOG_LEVEL_DEBUG,
	};
	const char *text = *line;

	if (*len < 3 || text[0] != '<' || text[1] < '0' || text[1] > '7' || text[2] != '>')
		return LOG_LEVEL_INFO;
	*line += 3;
	*len -= 3;
	return levels[text[1] - '0'];
}

static void log_line(const struct output *output, const char *line, size_t len)
{
	enum log_level level = output->has_levels ? take_level(&line, &len) : LOG_LEVEL_INFO;

	log_foreign(level, output->name, output->pid, line, (int)len);
}

static void flush_line(struct output *output)
{
	const char *line = (const char *)buffer_data(&output->line);

	if (!line || output->line.len == 0)
		return;
	log_line(output, line, output->line.len);
	buffer_consume(&output->line, output->line.len);
}

/* Keeps the start of a line; passes it on in pieces where it is too long, or memory too short. */
static void hold(struct output *output, const char *bytes, size_t len)
{
	if (output->line.len + len > OUTPUT_LINE_MAX)
		flush_line(output);
	if (len == 0 || buffer_append(&output->line, bytes, len) == 0)
		return;
	flush_line(output);
	log_line(output, bytes, len);
}

static void end_line(struct output *output, const char *bytes, size_t len)
{
	if (output->line.len == 0) {
		log_line(output, bytes, len);
		return;
	}
	hold(output, bytes, len);
	flush_line(output);
}

static void take(struct output *output, const char *bytes, size_t len)
{
	const char *end;

	while ((end = memchr(bytes, '\n', len))) {
		size_t line_len = (size_t)(end - bytes);

		end_line(output, bytes, line_len);
		bytes += line_len + 1;
		len -= line_len + 1;
	}
	hold(output, bytes, len);
}

/* Whether there may be more: now (1) or later (0); -1 at the end. */
static int read_some(struct output *output)
{
	char bytes[OUTPUT_READ_LEN];
	ssize_t len = read(output->fd, bytes, sizeof(bytes));

	if (len > 0)
		take(output, bytes, (size_t)len);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return len > 0 ? 1 : -1;
}

/* The end of the pipe: the rest is the last line. The end of the turn frees the output. */
static void finish(struct outputs *outputs, struct output *output)
{
	flush_line(output);
	loop_io_set(&output->io, 0);
	list_detach(&output->link);
	list_append(&outputs->done, &output->link);
}

/* One read a turn: a child that writes without end cannot starve the others. */
static void on_ready(struct loop_io *io, int events)
{
	struct output *output = container_of(io, struct output, io);

	(void)events;
	if (read_some(output) < 0)
		finish(output->outputs, output);
}

static void output_free(struct output *output)
{
	if (!output)
		return;
	if (output->fd >= 0) {
		loop_io_set(&output->io, 0);
		close(output->fd);
	}
	list_detach(&output->link);
	buffer_fini(&output->line);
	free(output->name);
	free(output);
}

void outputs_free_done(struct outputs *outputs)
{
	list_for_each (link, after, &outputs->done)
		output_free(container_of(link, struct output, link));
}

void outputs_fini(struct outputs *outputs)
{
	list_for_each (link, after, &outputs->open) {
		struct output *output = container_of(link, struct output, link);

		for (int reads = 0; reads < OUTPUT_LAST_READS && read_some(output) > 0; reads++)
			;
		finish(outputs, output);
	}
	outputs_free_done(outputs);
}

static struct output *output_new(struct outputs *outputs, int fd, const char *name)
{
	struct output *output = calloc(1, sizeof(*output));
	char *copy = strdup(name);

	if (!output || !copy) {
		free(output);
		free(copy);
		return NULL;
	}
	output->outputs = outputs;
	output->fd = fd;
	output->name = copy;
	buffer_init(&output->line);
	list_init(&output->link);
	list_append(&outputs->open, &output->link);
	loop_io_init(&output->io, fd, on_ready);
	loop_io_set(&output->io, LOOP_READ);
	return output;
}

int outputs_open(struct outputs *outputs, struct output **opened, const char *name, bool has_levels)
{
	int ends[2];

	/* Only our end is non-blocking: a program does not expect EAGAIN from its stdout. */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		*opened = output_new(outputs, ends[0], name);
	else
		*opened = NULL;
	if (!*opened) {
		close(ends[0]);
		close(ends[1]);
		return -ENOMEM;
	}
	(*opened)->has_levels = has_levels;
	return ends[1];
}

int outputs_adopt(struct outputs *outputs, int fd, const char *name, pid_t pid, bool has_levels)
{
	struct output *output = NULL;

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		output = output_new(outputs, fd, name);
	if (!output) {
		close(fd);
		return -ENOMEM;
	}
	output->pid = pid;
	output->has_levels = has_levels;
	return 0;
}
