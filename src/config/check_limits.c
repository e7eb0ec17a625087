#include "config/check_limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "config/backend_procs.h"
#include "config/options.h"
#include "config/quoting.h"

#define BACKLOG_FILE "/proc/sys/net/core/somaxconn"
#define CHILDREN_VARIABLE "PHP_FCGI_CHILDREN"

/*
 * Descriptors that the supervisor needs at least: of a child its socket, the socket's directory and
 * two pipes, of a front its socket and directory.
 */
enum { OF_CHILD = 4, OF_FRONT = 2 };

/* What was not written is as much as there is of it. */
static bool is_written(const char *key, const struct backend_settings *backend)
{
	return option_origin_of(key, backend).file != NULL;
}

/* UINT64_MAX: the kernel does not say. */
static uint64_t backlog_limit(void)
{
	uint64_t limit = UINT64_MAX;
	char line[TEXT_UNIT_SIZE];
	FILE *in = fopen(BACKLOG_FILE, "re");

	if (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (text_parse_number(line, 0, UINT32_MAX, &limit))
			limit = UINT64_MAX;
	}
	if (in)
		fclose(in);
	return limit;
}

static void check_backlog(const struct backend_settings *backend, uint64_t limit,
			  struct complaints *complaints)
{
	if (backend->listen_backlog > limit && is_written("listen-backlog", backend))
		complaints_add_warning_of(
			complaints, backend, "listen-backlog",
			sentence_new("listen-backlog: the kernel cuts %" PRIu64 " to %" PRIu64
				     ": sysctl net.core.somaxconn=%" PRIu64,
				     backend->listen_backlog, limit, backend->listen_backlog));
}

/* The value that the program will find, or NULL. */
static const char *children_variable(const struct backend_settings *backend)
{
	static const char name[] = CHILDREN_VARIABLE;
	const struct text_list *set = &backend->bin_environment;
	const struct text_list *copied = &backend->bin_copy_environment;

	for (size_t i = 0; i < set->count; i++)
		if (strncmp(set->items[i], CHILDREN_VARIABLE "=", sizeof(name)) == 0)
			return set->items[i] + sizeof(name);
	return copied->items && !text_list_has(copied, name) ? NULL : getenv(name);
}

static void check_children(const struct backend_settings *backend, struct complaints *complaints)
{
	const char *text = children_variable(backend);
	uint64_t count;

	if (!backend_is_supervised(backend) || backend->max_procs < 2 || !text ||
	    text_parse_number(text, 2, UINT16_MAX, &count))
		return;
	complaints_add_warning_of(
		complaints, backend, "bin-environment",
		sentence_new(CHILDREN_VARIABLE " = %" PRIu64 " in each of max-procs = %" PRIu64
					       " processes makes %" PRIu64
					       " workers: set one of the two to 1",
			     count, backend->max_procs, count * backend->max_procs));
}

/* Hosts that a name stands for: as many as this, until a name server says more. */
enum { HOSTS_OF_NAME = 16 };

/* How many requests the procs of a backend run at once. One that says so itself: as one. */
static uint64_t running_max(const struct backend_settings *backend)
{
	uint64_t procs = backend_proc_count(backend) + HOSTS_OF_NAME * backend_name_count(backend);

	return procs * (backend->capacity ? backend->capacity : 1);
}

/* What fcgi-mux needs for as many requests as may be running and waiting: a connection each, and
 * one to a process for those that run. */
static uint64_t mux_need(const struct settings *settings)
{
	uint64_t waiting = 0, running = 0;

	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend = settings->backends[i];

		if (!backend_has_mux(backend))
			continue;
		running += running_max(backend);
		if (is_written("queue-limit", backend) && backend->queue_limit > waiting)
			waiting = backend->queue_limit;
	}
	return waiting + 2 * running;
}

/* Sockets are all open from the start; descriptors are a few more. */
static uint64_t socket_count(const struct settings *settings, unsigned of_front, unsigned of_child)
{
	uint64_t count = 0;

	for (size_t i = 0; i < settings->backend_count; i++)
		count += settings->backends[i]->listen.count * of_front +
			 backend_child_count(settings->backends[i]) * of_child;
	return count;
}

static char *descriptors_sentence(const char *program, uint64_t need, uint64_t limit)
{
	return sentence_new("%s needs %" PRIu64 " descriptors and gets %" PRIu64
			    " at most: raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower "
			    "max-procs, capacity or queue-limit",
			    program, need, limit);
}

static void check_descriptors(const struct settings *settings, uint64_t limit,
			      struct complaints *complaints)
{
	const struct origin whole = {0};
	uint64_t sockets = socket_count(settings, 1, 1);
	uint64_t herd = socket_count(settings, OF_FRONT, OF_CHILD), mux = mux_need(settings);

	if (sockets > limit)
		complaints_add(complaints, whole, descriptors_sentence("fcgi-herd", herd, limit));
	else if (herd > limit)
		complaints_add_warning(complaints, whole,
				       descriptors_sentence("fcgi-herd", herd, limit));
	if (mux > limit)
		complaints_add_warning(complaints, whole,
				       descriptors_sentence("fcgi-mux at its busiest", mux, limit));
}

void check_limits(const struct settings *settings, struct complaints *complaints)
{
	uint64_t backlog = backlog_limit();
	struct rlimit descriptors;

	for (size_t i = 0; i < settings->backend_count; i++) {
		check_backlog(settings->backends[i], backlog, complaints);
		if (settings->files.count)
			check_children(settings->backends[i], complaints);
	}
	if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_max != RLIM_INFINITY)
		check_descriptors(settings, descriptors.rlim_max, complaints);
}
