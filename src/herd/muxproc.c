#include "herd/muxproc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "config/backend.h"
#include "config/ini.h"
#include "herd/children.h"
#include "os/appending.h"
#include "os/passed.h"

#define MUX_NAME "fcgi-mux"

/* Where it lies when it is not beside fcgi-herd: sbin is not in everybody's PATH. */
#define MUX_PATH "/usr/local/sbin:/usr/sbin:/sbin"

/* What the mux gets of our environment; it needs none of the applications' secrets. */
static const char *const copied[] = {"PATH", "TZ", "LANG", "LC_ALL", NULL};

static char *program_in(const char *directory, size_t len)
{
	char *path = text_new("%.*s/" MUX_NAME, (int)len, directory);

	if (path && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *program_beside_us(void)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	if (len < 0)
		return NULL;
	self[len] = '\0';
	slash = strrchr(self, '/');
	return slash ? program_in(self, (size_t)(slash - self)) : NULL;
}

static char *program_in_path(const char *path)
{
	char *found = NULL;

	while (path && !found) {
		size_t len = strcspn(path, ":");

		/* An empty entry would be the working directory: not for us. */
		if (len > 0)
			found = program_in(path, len);
		path = path[len] ? path + len + 1 : NULL;
	}
	return found;
}

static char *find_program(void)
{
	char *program = program_beside_us();

	if (!program)
		program = program_in_path(getenv("PATH"));
	return program ? program : program_in_path(MUX_PATH);
}

static char *write_configuration(struct muxproc *mux, const struct settings *settings)
{
	FILE *out;

	mux->configuration = memfd_create("fcgi-mux.ini", MFD_CLOEXEC);
	if (mux->configuration < 0)
		return text_new("cannot make a file in memory: %s", strerror(errno));
	out = fdopen(fcntl(mux->configuration, F_DUPFD_CLOEXEC, 0), "w");
	if (!out)
		return text_new("cannot write to a file in memory: %s", strerror(errno));
	ini_write(settings, out);
	if (fclose(out) != 0)
		return text_new("cannot write to a file in memory: %s", strerror(errno));
	return NULL;
}

/* The last place is the control socket's. */
static char *collect_fronts(struct muxproc *mux, const struct children *backend)
{
	if (!backend_has_mux(backend->settings))
		return NULL;
	for (size_t i = 0; i < backend->front_count; i++) {
		if (mux->front_count == SPAWN_PASSED_MAX - 1)
			return text_new("there are more than %d listen addresses",
					SPAWN_PASSED_MAX - 1);
		mux->passed[mux->front_count++] = backend->fronts[i].fd;
	}
	return NULL;
}

static char *make_environment(struct muxproc *mux)
{
	char *count = text_new("LISTEN_FDS=%zu", mux->front_count);
	char room[] = SPAWN_LISTEN_PID;
	char *set[] = {count, room, NULL};

	if (count)
		mux->environment = spawn_environment(environ, (char *const *)copied, set);
	free(count);
	return mux->environment ? NULL : text_new("%s", strerror(ENOMEM));
}

/* The control socket comes right after the fronts. */
static char *make_argv(struct muxproc *mux)
{
	static char config[] = "--config", standard_input[] = "-", control[] = "--control";

	mux->control_text = text_new("%zu", PASSED_FIRST_FD + mux->front_count);
	if (!mux->control_text)
		return text_new("%s", strerror(ENOMEM));
	mux->argv[0] = mux->program;
	mux->argv[1] = config;
	mux->argv[2] = standard_input;
	mux->argv[3] = control;
	mux->argv[4] = mux->control_text;
	return NULL;
}

static void make_plan(struct muxproc *mux, const struct settings *settings)
{
	mux->plan = (struct spawn_plan){
		.argv = mux->argv,
		.environment = mux->environment,
		.fd0 = mux->configuration,
		.fd1 = -1,
		.fd2 = -1,
		.passed = mux->passed,
		.passed_count = mux->front_count + 1,
		.announce_passed = true,
		.directory = "/",
		.umask = 077,
		.death_signal = SIGTERM,
	};
	mux->group = settings->mux_gid;
	mux->plan.privileges = (struct privileges_plan){
		.change = geteuid() == 0,
		.uid = settings->mux_user.id,
		.gid = settings->mux_gid,
		.groups = &mux->group,
		.group_count = 1,
	};
}

static struct spawn_result start(struct child *child)
{
	struct muxproc *mux = container_of(child, struct muxproc, child);
	struct spawn_result result = {.pid = -1, .stage = SPAWN_DESCRIPTORS};
	int control = muxlink_open(&mux->link);

	if (control < 0) {
		result.error = -control;
		return result;
	}
	/* The one before has read it to its end. */
	lseek(mux->configuration, 0, SEEK_SET);
	mux->passed[mux->front_count] = control;
	result = child_spawn(child, &mux->plan);
	close(control);
	if (result.stage != SPAWN_DONE)
		muxlink_close(&mux->link);
	return result;
}

static void on_pid(struct child *child)
{
	if (child->pid == 0)
		muxlink_close(&container_of(child, struct muxproc, child)->link);
}

static const struct child_kind mux_kind = {
	.start = start,
	.on_pid = on_pid,
	.log_has_levels = true,
};

/* It has to finish the requests of all backends. */
static uint64_t longest_stop_ms(const struct settings *settings)
{
	uint64_t longest_ms = 0;

	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend = settings->backends[i];

		if (backend_has_mux(backend) && backend->shutdown_timeout_ms > longest_ms)
			longest_ms = backend->shutdown_timeout_ms;
	}
	return longest_ms;
}

/* The mux itself could not: it has no right to a directory for logs. */
static char *open_access_log(struct muxproc *mux, const struct settings *settings)
{
	mux->access_log_path = settings->access_log;
	if (!settings->access_log)
		return NULL;
	mux->access_log = appending_open(settings->access_log);
	if (mux->access_log < 0)
		return text_new("cannot open the access log %s: %s", settings->access_log,
				strerror(-mux->access_log));
	muxlink_set_access_log(&mux->link, mux->access_log);
	return NULL;
}

static char *prepare(struct muxproc *mux, const struct settings *settings)
{
	char *sentence = NULL;

	mux->program = find_program();
	if (!mux->program)
		return text_new("cannot find " MUX_NAME ", neither beside fcgi-herd nor in PATH");
	mux->child.program = mux->program;
	for (size_t i = 0; i < settings->backend_count && !sentence; i++)
		sentence = collect_fronts(mux, &mux->link.backends[i]);
	if (!sentence)
		sentence = write_configuration(mux, settings);
	if (!sentence)
		sentence = open_access_log(mux, settings);
	if (!sentence)
		sentence = make_environment(mux);
	if (!sentence)
		sentence = make_argv(mux);
	if (!sentence)
		make_plan(mux, settings);
	return sentence;
}

char *muxproc_open(struct muxproc *mux, const struct settings *settings, struct children *backends,
		   struct outputs *outputs)
{
	char *name = strdup("mux");

	if (!name)
		return text_new("%s", strerror(ENOMEM));
	child_init(&mux->child, &mux_kind, name);
	mux->child.outputs = outputs;
	mux->child.stop_timeout_ms = longest_stop_ms(settings);
	mux->configuration = -1;
	mux->access_log = -1;
	muxlink_init(&mux->link, &mux->child, backends, settings->backend_count);
	return prepare(mux, settings);
}

int muxproc_reopen_log(struct muxproc *mux)
{
	int old = mux->access_log;
	int fd;

	if (!mux->access_log_path || appending_is_standard(mux->access_log_path))
		return 0;
	fd = appending_open(mux->access_log_path);
	if (fd < 0)
		return fd;
	mux->access_log = fd;
	muxlink_set_access_log(&mux->link, fd);
	close(old);
	return 0;
}

void muxproc_close(struct muxproc *mux)
{
	if (!mux->child.kind)
		return;
	muxlink_close(&mux->link);
	child_fini(&mux->child);
	if (mux->configuration >= 0)
		close(mux->configuration);
	if (mux->access_log >= 0)
		close(mux->access_log);
	free(mux->program);
	free(mux->control_text);
	spawn_environment_free(mux->environment);
}
