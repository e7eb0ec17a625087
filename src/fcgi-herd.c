/* main of the supervisor: reads settings, wires and runs. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/text.h"
#include "config/check.h"
#include "config/cli.h"
#include "config/ini.h"
#include "config/settings.h"
#include "herd/herd.h"
#include "os/listen.h"
#include "os/loop.h"
#include "os/notify.h"
#include "os/privileges.h"
#include "os/spawn.h"

/* Exit statuses: as of spawn-fcgi; with --config EX_CONFIG for mistakes, and 1 for a failed start.
 */
enum { STATUS_ERROR = 255, STATUS_NOT_STARTED = 1 };

static int not_started(const struct cli *cli)
{
	return cli->has_config ? STATUS_NOT_STARTED : STATUS_ERROR;
}

static void print_sentences(const struct text_list *sentences, const char *kind)
{
	for (size_t i = 0; i < sentences->count; i++)
		fprintf(stderr, "fcgi-herd: %s%s\n", kind, sentences->items[i]);
}

/* Does not return where there is nothing to run. */
static void read_settings(struct cli *cli, struct settings *settings, int argc, char **argv)
{
	struct complaints complaints;
	bool is_good;

	complaints_init(&complaints);
	cli_parse_herd(cli, settings, argc, argv, &complaints);
	if (cli->action == CLI_RUN || cli->action == CLI_CHECK) {
		check_settings(settings, &complaints);
		check_machine(settings, &complaints);
	}
	print_sentences(&complaints.warnings, "warning: ");
	print_sentences(&complaints.sentences, "");
	is_good = complaints.sentences.count == 0;
	if (!is_good && cli->action == CLI_HELP)
		cli_print_help_herd(stderr);
	complaints_fini(&complaints);
	if (!is_good)
		exit(cli->has_config ? EX_CONFIG : STATUS_ERROR);
}

/* What the command line asks for instead of a run. */
static void act(const struct cli *cli, const struct settings *settings)
{
	switch (cli->action) {
	case CLI_RUN:
		return;
	case CLI_CHECK:
		ini_write(settings, stdout);
		break;
	case CLI_HELP:
		cli_print_help_herd(stdout);
		break;
	case CLI_VERSION:
		puts("fcgi-herd " VERSION);
		break;
	}
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : STATUS_ERROR);
}

static char *start_log(const struct settings *settings)
{
	int error;

	log_init("fcgi-herd", (enum log_form)settings->log_format);
	log_set_level((enum log_level)settings->log_level);
	if (!settings->log)
		return NULL;
	error = log_open(settings->log);
	if (error == 0)
		return NULL;
	return text_new("cannot open log %s: %s", settings->log, strerror(-error));
}

/* Before going into the background: what it hands over is meant for the pid that it started. */
static void meet_service_manager(const struct cli *cli, struct notify *notify)
{
	int error = notify_open(notify);

	if (error < 0)
		log_warnx("cannot tell the service manager anything: %s", strerror(-error));
	if (listen_take_passed() < 0)
		fatalx(not_started(cli), "the passed sockets (LISTEN_FDS) cannot be used");
}

static int run(const struct cli *cli, struct settings *settings, struct notify *notify,
	       int background)
{
	struct herd herd;
	char *sentence;
	int status = not_started(cli);

	if (!loop_init())
		fatalx(status, "the kernel has no epoll");
	sentence = herd_init(&herd, settings);
	herd.startup.foreground = cli->foreground;
	herd.startup.background = background;
	herd.startup.exact = !cli->has_config;
	herd.notify = notify;
	if (sentence)
		fprintf(stderr, "fcgi-herd: %s\n", sentence);
	else
		status = herd_run(&herd);
	free(sentence);
	background = herd.startup.background;
	herd_fini(&herd);
	/* Still there: the start was not reported, so it has failed. */
	if (background >= 0)
		spawn_background_done(background, status ? status : not_started(cli));
	return status;
}

static int go_into_background(const struct cli *cli)
{
	int background = spawn_background();

	if (background < 0)
		fatalx(not_started(cli), "cannot go into the background: %s",
		       strerror(-background));
	return background;
}

int main(int argc, char **argv)
{
	struct cli cli;
	struct settings settings;
	struct notify notify;
	char *sentence;
	int background = -1, status;

	/* A reader of the log that goes away must not take us along. */
	signal(SIGPIPE, SIG_IGN);
	log_init("fcgi-herd", LOG_FORM_FULL);
	if (privileges_are_borrowed())
		fatalx(STATUS_ERROR, "refuses to run set-user-id or set-group-id");
	settings_init(&settings);
	read_settings(&cli, &settings, argc, argv);
	act(&cli, &settings);
	sentence = start_log(&settings);
	if (sentence)
		fatalx(not_started(&cli), "%s", sentence);
	meet_service_manager(&cli, &notify);
	if (!cli.foreground)
		background = go_into_background(&cli);
	status = run(&cli, &settings, &notify, background);
	notify_close(&notify);
	settings_fini(&settings);
	return status;
}
