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
#include "mux/status_view.h"
#include "os/loop.h"
#include "os/notify.h"
#include "os/passed.h"
#include "os/privileges.h"
#include "os/reexec.h"
#include "os/spawn.h"

/* Exit statuses: spawn-fcgi's; with --config EX_CONFIG for mistakes, and 1 for a failed start. */
enum { STATUS_ERROR = 255, STATUS_NOT_STARTED = 1 };

/* Where it is looked for when only the front is known. */
#define STATUS_PATH "/status"

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
	if (cli->action == CLI_CHECK)
		check_advice(settings, cli->as, &complaints);
	print_sentences(&complaints.warnings, "warning: ");
	print_sentences(&complaints.sentences, "");
	is_good = complaints.sentences.count == 0;
	if (!is_good && cli->action == CLI_HELP)
		cli_print_help_herd(stderr);
	complaints_fini(&complaints);
	if (!is_good && (cli->action == CLI_STATUS || cli->action == CLI_WATCH))
		exit(STATUS_VIEW_NO_ANSWER);
	if (!is_good)
		exit(cli->has_config ? EX_CONFIG : STATUS_ERROR);
}

static const struct address *find_front(const struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (backend_has_mux(settings->backends[i]) &&
		    settings->backends[i]->listen.count > 0)
			return &settings->backends[i]->listen.items[0];
	return NULL;
}

/* Of the one that runs with these settings. */
static int show_status(const struct cli *cli, const struct settings *settings)
{
	const struct address *front = find_front(settings);
	char text[ADDRESS_TEXT_SIZE];
	struct status_view view = {
		.address = cli->address,
		.path = settings->status_path ? settings->status_path : STATUS_PATH,
		.is_watch = cli->action == CLI_WATCH,
	};

	if (!cli->address && !settings->status_path)
		fatalx(STATUS_VIEW_NO_ANSWER, "there is no status-path in the configuration: add "
					      "status-path = " STATUS_PATH ", and restart");
	if (!cli->address && !front)
		fatalx(STATUS_VIEW_NO_ANSWER, "there is no fcgi-mux to ask in this configuration");
	if (!cli->address)
		view.address = address_format(front, text);
	return (int)status_view_run(&view);
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
	case CLI_STATUS:
	case CLI_WATCH:
		exit(show_status(cli, settings));
	}
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : STATUS_ERROR);
}

/* A successor in the background is there from its start, without a terminal. */
static void start_log(const struct cli *cli, const struct settings *settings, bool is_successor)
{
	bool has_terminal = cli->foreground || !is_successor;
	const char *target = has_terminal || settings->log ? settings->log : "syslog";
	int error;

	log_init("fcgi-herd", (enum log_form)settings->log_format);
	log_set_level((enum log_level)settings->log_level);
	error = target ? log_open(target) : 0;
	if (error < 0)
		fatalx(not_started(cli), "cannot open log %s: %s", target, strerror(-error));
}

/* Before going into the background: what it hands over is meant for the pid that it started. */
static void meet_service_manager(const struct cli *cli, struct notify *notify)
{
	int error = notify_open(notify);

	if (error < 0)
		log_warnx("cannot tell the service manager anything: %s", strerror(-error));
	if (passed_take() < 0)
		fatalx(not_started(cli), "the passed sockets (LISTEN_FDS) cannot be used");
}

static int go_into_background(const struct cli *cli)
{
	int background = spawn_background();

	if (background < 0)
		fatalx(not_started(cli), "cannot go into the background: %s",
		       strerror(-background));
	return background;
}

/* The program that is to succeed a supervisor: whether it would get as far as to run. */
static int run_trial(const struct takeover *takeover, const struct settings *settings)
{
	char *sentence = takeover_refuse(takeover, settings);
	int status;

	if (!sentence)
		sentence = children_try_fronts(settings);
	status = sentence ? EXIT_FAILURE : EXIT_SUCCESS;
	if (sentence)
		fprintf(stderr, "fcgi-herd: %s\n", sentence);
	free(sentence);
	return status;
}

/* Goes into the background, unless it is there. */
static int run(const struct cli *cli, struct settings *settings, struct notify *notify,
	       const struct takeover *takeover)
{
	struct herd herd;
	char *sentence;
	int background = -1;
	int status = not_started(cli);

	if (!cli->foreground && !takeover_is_successor(takeover))
		background = go_into_background(cli);
	if (!loop_init())
		fatalx(status, "the kernel has no epoll");
	herd.takeover = *takeover;
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

int main(int argc, char **argv)
{
	struct cli cli;
	struct settings settings;
	struct notify notify;
	struct takeover takeover;
	char *sentence, *text;
	bool is_trial;
	int status;

	/* A reader of the log that goes away must not take us along. */
	signal(SIGPIPE, SIG_IGN);
	log_init("fcgi-herd", LOG_FORM_FULL);
	if (privileges_are_borrowed())
		fatalx(STATUS_ERROR, "refuses to run set-user-id or set-group-id");
	text = reexec_take(&is_trial);
	settings_init(&settings);
	read_settings(&cli, &settings, argc, argv);
	act(&cli, &settings);
	if (!is_trial)
		start_log(&cli, &settings, text != NULL);
	meet_service_manager(&cli, &notify);
	sentence = takeover_init(&takeover, argv, text);
	if (sentence)
		fatalx(not_started(&cli), "%s", sentence);
	free(text);
	if (is_trial) {
		status = run_trial(&takeover, &settings);
		takeover_fini(&takeover);
	} else {
		status = run(&cli, &settings, &notify, &takeover);
	}
	notify_close(&notify);
	settings_fini(&settings);
	return status;
}
