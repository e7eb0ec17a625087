/* fcgi-mux(8): gives each FastCGI request to the process with the least load. Wires and runs. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "config/check.h"
#include "config/cli.h"
#include "config/ini.h"
#include "config/settings.h"
#include "mux/confine.h"
#include "mux/get.h"
#include "mux/mux.h"
#include "os/appending.h"
#include "os/listen.h"
#include "os/loop.h"
#include "os/passed.h"
#include "os/privileges.h"

/* The fronts: passed by a supervisor or service manager, or opened here and removed at the end. */
struct fronts {
	int *fds;
	struct listener *listeners; /* NULL where they were passed */
	size_t count;
};

static void exit_on_complaints(const struct complaints *complaints)
{
	for (size_t i = 0; i < complaints->warnings.count; i++)
		log_every(LOG_LEVEL_WARNING, "%s", complaints->warnings.items[i]);
	for (size_t i = 0; i < complaints->sentences.count; i++)
		log_every(LOG_LEVEL_ERROR, "%s", complaints->sentences.items[i]);
	if (complaints->sentences.count > 0)
		exit(EX_CONFIG);
}

static void read_settings(struct cli *cli, struct settings *settings, int argc, char **argv)
{
	struct complaints complaints;

	complaints_init(&complaints);
	settings_init(settings);
	cli_parse_mux(cli, settings, argc, argv, &complaints);
	if (cli->action == CLI_RUN || cli->action == CLI_CHECK) {
		if (complaints.sentences.count == 0)
			check_settings(settings, &complaints);
		/* A supervisor has looked already, and its mux may not be able to. */
		if (complaints.sentences.count == 0 && cli->control_fd < 0)
			check_machine(settings, &complaints);
	}
	exit_on_complaints(&complaints);
	complaints_fini(&complaints);
}

/* Actions other than running end here. */
static void act(const struct cli *cli, const struct settings *settings)
{
	switch (cli->action) {
	case CLI_RUN:
		return;
	case CLI_CHECK:
		ini_write(settings, stdout);
		break;
	case CLI_HELP:
		cli_print_help_mux(stdout);
		break;
	case CLI_VERSION:
		printf("fcgi-mux %s\n", VERSION);
		break;
	case CLI_STATUS:
	case CLI_WATCH:
		return;
	}
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EX_IOERR);
}

static void open_log(const struct cli *cli, const struct settings *settings)
{
	const char *target = settings->log ? settings->log : "stderr";

	log_set_level((enum log_level)settings->log_level);
	log_init("fcgi-mux",
		 cli->control_fd >= 0 ? LOG_FORM_TAGGED : (enum log_form)settings->log_format);
	if (cli->control_fd < 0 && log_open(target) < 0)
		fatal(EX_CANTCREAT, "cannot open the log %s", target);
}

/* A supervisor does, and sends it. */
static int open_access_log(const struct cli *cli, const struct settings *settings)
{
	int fd;

	if (cli->control_fd >= 0 || !settings->access_log)
		return -1;
	fd = appending_open(settings->access_log);
	if (fd < 0)
		fatalx(EX_CANTCREAT, "cannot open the access log %s: %s", settings->access_log,
		       strerror(-fd));
	return fd;
}

/* Connections cost a descriptor each: as many as the system lets us have. */
static size_t raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fatal(EX_OSERR, "cannot find the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		fatal(EX_OSERR, "cannot raise the limit of descriptors");
	return limit.rlim_cur;
}

static size_t count_fronts(const struct settings *settings)
{
	size_t count = 0;

	for (size_t i = 0; i < settings->backend_count; i++)
		for (size_t n = 0; n < settings->backends[i]->listen.count; n++)
			count += settings_opens_front(settings, i, n);
	return count;
}

static void close_fronts(struct fronts *fronts)
{
	for (size_t i = 0; fronts->listeners && i < fronts->count; i++)
		listener_close(&fronts->listeners[i]);
	free(fronts->listeners);
	free(fronts->fds);
}

static struct listen_plan plan_front(const struct backend_settings *backend, size_t number)
{
	const struct account *owner = &backend->listen_owner;
	const struct account *group = &backend->listen_group;

	return (struct listen_plan){
		.address = backend->listen.items[number],
		.owner = owner->name ? owner->id : (uid_t)-1,
		.group = group->name ? group->id : (gid_t)-1,
		.mode = (mode_t)backend->listen_mode,
		.backlog = (int)backend->listen_backlog,
	};
}

static void open_front(struct fronts *fronts, const struct listen_plan *plan)
{
	struct listener *listener = &fronts->listeners[fronts->count];
	char *error = listener_open(listener, plan);

	if (error) {
		close_fronts(fronts);
		fatalx(EX_UNAVAILABLE, "%s", error);
	}
	/* The mux closes it; what is left to do is to remove it. */
	fronts->fds[fronts->count++] = listener->fd;
	listener->fd = -1;
}

static void open_fronts_of(struct fronts *fronts, const struct settings *settings, size_t backend)
{
	for (size_t i = 0; i < settings->backends[backend]->listen.count; i++) {
		struct listen_plan plan = plan_front(settings->backends[backend], i);

		if (settings_opens_front(settings, backend, i))
			open_front(fronts, &plan);
	}
}

static void open_fronts(struct fronts *fronts, const struct settings *settings)
{
	fronts->listeners = calloc(fronts->count, sizeof(*fronts->listeners));
	if (!fronts->listeners)
		fatalx(EX_OSERR, "out of memory");
	fronts->count = 0;
	for (size_t i = 0; i < settings->backend_count; i++)
		open_fronts_of(fronts, settings, i);
}

static void get_fronts(struct fronts *fronts, const struct settings *settings)
{
	int passed = passed_take();

	if (passed < 0)
		fatalx(EX_CONFIG, "the passed sockets (LISTEN_FDS) cannot be used");
	fronts->count = passed > 0 ? (size_t)passed : count_fronts(settings);
	fronts->fds = calloc(fronts->count, sizeof(*fronts->fds));
	if (!fronts->fds)
		fatalx(EX_OSERR, "out of memory");
	if (passed == 0) {
		open_fronts(fronts, settings);
		return;
	}
	for (int i = 0; i < passed; i++)
		fronts->fds[i] = PASSED_FIRST_FD + i;
}

/* From here on an unprivileged user without capabilities; a supervisor has seen to that. */
static void drop_privileges(const struct settings *settings)
{
	struct privileges_plan plan = {
		.change = geteuid() == 0,
		.uid = settings->mux_user.id,
		.gid = settings->mux_gid,
	};
	enum privileges_stage stage = privileges_drop(&plan);

	if (stage != PRIVILEGES_DONE)
		fatal(EX_NOPERM, "cannot become the user %s (stage %d)", settings->mux_user.name,
		      stage);
}

static void serve(const struct cli *cli, const struct settings *settings, struct fronts *fronts)
{
	struct mux_plan plan = {
		.settings = settings,
		.front_fds = fronts->fds,
		.front_count = fronts->count,
		.control_fd = cli->control_fd,
		.access_log_fd = open_access_log(cli, settings),
		.descriptors_max = raise_descriptor_limit(),
	};
	char *error;
	struct mux *mux = mux_new(&plan, &error);

	if (!mux) {
		close_fronts(fronts);
		fatalx(EX_CONFIG, "%s", error ? error : "out of memory");
	}
	if (cli->control_fd < 0)
		drop_privileges(settings);
	confine_mux(settings, cli->control_fd < 0);
	if (cli->control_fd < 0)
		log_info("ready");
	loop_run();
	mux_free(mux);
}

/* A client, and nothing of the rest: --get ADDR PATH, --values ADDR. */
static int run_values(int argc, char **argv)
{
	if (argc != 3)
		fatalx(EX_USAGE, "--values takes an address, and nothing else");
	return get_values_run(argv[2]);
}

static int run_get(int argc, char **argv)
{
	if (argc != 4)
		fatalx(EX_USAGE, "--get takes an address and a path, and nothing else");
	return get_run(argv[2], argv[3]);
}

int main(int argc, char **argv)
{
	struct cli cli;
	struct settings settings;
	struct fronts fronts = {0};

	/* A reader of the log that goes away must not take us along. */
	signal(SIGPIPE, SIG_IGN);
	log_init("fcgi-mux", LOG_FORM_FULL);
	if (argc > 1 && strcmp(argv[1], "--get") == 0)
		return run_get(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--values") == 0)
		return run_values(argc, argv);
	read_settings(&cli, &settings, argc, argv);
	act(&cli, &settings);
	open_log(&cli, &settings);
	if (!loop_init())
		fatalx(EX_OSERR, "the kernel has no epoll");
	get_fronts(&fronts, &settings);
	serve(&cli, &settings, &fronts);
	close_fronts(&fronts);
	settings_fini(&settings);
	return EXIT_SUCCESS;
}
