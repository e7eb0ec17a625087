#include "herd/herd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "config/backend.h"
#include "config/backend_procs.h"
#include "os/passed.h"
#include "os/privileges.h"
#include "os/reexec.h"
#include "os/spawn.h"

/* Strays that are killed can leave strays of their own: looked for again, within reason. */
enum { HERD_SWEEP_MS = 10, HERD_SWEEPS_MAX = 200 };

/* What the log held back is told when its second is over, without a tick that wakes for nothing. */
enum { LOG_FLUSH_MS = 1000 };

/* What is open: for the herd as a whole; a socket and its directory; with pipes, of two lives. */
enum { HERD_DESCRIPTORS = 128, FRONT_DESCRIPTORS = 2, CHILD_DESCRIPTORS = 6 };

/* How soon it is seen that the directory of the children's sockets is gone. */
enum { HERD_LOOK_MS = 5000 };

static const char *const state_names[HERD_STATES] = {
	[HERD_STARTING] = "starting",	  [HERD_RUNNING] = "running",
	[HERD_ENDING_MUX] = "ending mux", [HERD_ENDING_CHILDREN] = "ending children",
	[HERD_SWEEPING] = "sweeping",	  [HERD_ENDED] = "ended",
};

/* The one mover. */
static void herd_set_state(struct herd *herd, enum herd_state state)
{
	log_debug("herd: %s -> %s", state_names[herd->state], state_names[state]);
	herd->state = state;
}

static void herd_event(struct herd *herd, enum child_event event)
{
	for (size_t i = 0; i < herd->backend_count; i++)
		children_event(&herd->backends[i], event);
	takeover_event(herd, event);
}

static bool herd_is_stopped(const struct herd *herd)
{
	for (size_t i = 0; i < herd->backend_count; i++) {
		if (!children_are_stopped(&herd->backends[i]))
			return false;
	}
	return takeover_is_over(herd);
}

static bool mux_is_stopped(const struct herd *herd)
{
	bool is_ours_stopped = !herd->has_mux || herd->mux.child.state == CHILD_STOPPED;

	return is_ours_stopped && takeover_has_no_mux(herd);
}

/* A service manager that does not listen must not keep us from our work. */
static void tell(struct herd *herd, enum notify_event event, const char *status)
{
	int error = notify_send(herd->notify, event, status);

	if (error < 0 && event != NOTIFY_ALIVE)
		log_warnx("cannot tell the service manager: %s", strerror(-error));
}

void herd_tell_ready(struct herd *herd)
{
	size_t count = 0;
	char status[64];

	for (size_t i = 0; i < herd->backend_count; i++)
		count += herd->backends[i].count;
	(void)text_format(status, sizeof(status), "backends: %zu, children: %zu",
			  herd->backend_count, count);
	tell(herd, NOTIFY_READY, status);
}

void herd_tell_reloading(struct herd *herd)
{
	tell(herd, NOTIFY_RELOADING, "taking up the configuration");
}

static void on_alive(struct loop_timer *timer)
{
	tell(container_of(timer, struct herd, alive), NOTIFY_ALIVE, NULL);
}

void herd_set_running(struct herd *herd)
{
	herd_set_state(herd, HERD_RUNNING);
	for (size_t i = 0; i < herd->backend_count; i++)
		scaling_begin(&herd->backends[i]);
	log_info("ready");
	if (!takeover_is_successor(&herd->takeover))
		herd_tell_ready(herd);
}

void herd_stop(struct herd *herd, int status)
{
	if (herd->state > HERD_RUNNING)
		return;
	startup_end(herd);
	for (size_t i = 0; i < herd->backend_count; i++)
		scaling_end(&herd->backends[i]);
	herd->status = status;
	tell(herd, NOTIFY_STOPPING, "finishing the running requests");
	herd_set_state(herd, HERD_ENDING_MUX);
	for (size_t i = 0; i < herd->backend_count; i++)
		children_close_fronts(&herd->backends[i]);
	takeover_finish_old_mux(herd);
	if (herd->has_mux)
		child_event(&herd->mux.child, CHILD_EVENT_STOP);
}

static void kill_all(struct herd *herd)
{
	if (herd->has_mux)
		child_event(&herd->mux.child, CHILD_EVENT_KILL);
	herd_event(herd, CHILD_EVENT_KILL);
}

static void sweep(struct herd *herd)
{
	size_t strays = spawn_signal_adopted(NULL, 0, SIGKILL);

	if (strays > 0 && herd->sweeps++ < HERD_SWEEPS_MAX) {
		loop_timer_start(&herd->sweep, HERD_SWEEP_MS);
		return;
	}
	herd_set_state(herd, HERD_ENDED);
	loop_stop();
}

static void on_sweep(struct loop_timer *timer)
{
	sweep(container_of(timer, struct herd, sweep));
}

static void step_backends(struct herd *herd)
{
	for (size_t i = 0; i < herd->backend_count; i++)
		scaling_step(&herd->backends[i]);
}

/* With children that run already: there is nothing to check, and nothing to end it. */
static void succeed_begin(struct herd *herd)
{
	if (herd->has_mux)
		child_event(&herd->mux.child, CHILD_EVENT_START);
	for (size_t i = 0; i < herd->backend_count; i++)
		for (size_t j = 0; j < children_start_count(&herd->backends[i]); j++)
			child_event(&herd->backends[i].items[j], CHILD_EVENT_START);
}

static void succeed_step(struct herd *herd)
{
	if (herd->has_mux && !herd->mux.link.is_ready)
		return;
	takeover_finish_old_mux(herd);
	herd_set_running(herd);
}

/* What the state waits for is looked at once a turn, whatever made it happen. */
static void herd_step(struct herd *herd)
{
	if (herd->state == HERD_STARTING && takeover_is_successor(&herd->takeover))
		succeed_step(herd);
	else if (herd->state == HERD_STARTING)
		startup_step(herd);
	if (herd->state == HERD_RUNNING) {
		step_backends(herd);
		takeover_step(herd);
	}
	if (herd->state == HERD_ENDING_MUX && mux_is_stopped(herd)) {
		herd_set_state(herd, HERD_ENDING_CHILDREN);
		herd_event(herd, CHILD_EVENT_STOP);
	}
	if (herd->state == HERD_ENDING_CHILDREN && herd_is_stopped(herd)) {
		herd_set_state(herd, HERD_SWEEPING);
		sweep(herd);
	}
}

static void on_turn_end(struct loop_turn *turn)
{
	struct herd *herd = container_of(turn, struct herd, turn);

	herd_step(herd);
	takeover_tell_old_mux(&herd->takeover);
	outputs_free_done(&herd->outputs);
	if (log_flush() && !loop_timer_is_running(&herd->log_flush))
		loop_timer_start(&herd->log_flush, LOG_FLUSH_MS);
}

/* That the turn ends is what it is for. */
static void on_log_flush(struct loop_timer *timer)
{
	(void)timer;
}

struct child *herd_find_child(const struct herd *herd, pid_t pid)
{
	struct child *child = NULL;

	for (size_t i = 0; i < herd->backend_count && pid > 0 && !child; i++)
		child = children_find(&herd->backends[i], pid);
	return child;
}

static void on_exit_of(struct loop_children *exits, pid_t pid, int status)
{
	struct herd *herd = container_of(exits, struct herd, exits);
	struct child *child = NULL;

	if (herd->has_mux && herd->mux.child.pid == pid)
		child = &herd->mux.child;
	else
		child = herd_find_child(herd, pid);
	/* Before the next one begins, which what was sent to this one could reach. */
	takeover_tell_exit(&herd->takeover, pid);
	if (child)
		child_on_exit(child, status);
	else if (!takeover_on_exit(herd, pid, status))
		log_debug("herd: a stray ended pid=%d", (int)pid);
}

static void end_on_signal(struct herd *herd, const char *name)
{
	if (herd->state > HERD_RUNNING) {
		log_warnx("%s again: killing everything", name);
		kill_all(herd);
		return;
	}
	log_info("%s: stopping", name);
	herd_stop(herd, EXIT_SUCCESS);
}

static void on_term(struct loop_signal *signal)
{
	end_on_signal(container_of(signal, struct herd, term), "SIGTERM");
}

static void on_interrupt(struct loop_signal *signal)
{
	end_on_signal(container_of(signal, struct herd, interrupt), "SIGINT");
}

static void on_hangup(struct loop_signal *signal)
{
	takeover_begin(container_of(signal, struct herd, hangup), "SIGHUP");
}

/* The same: the program is taken up anew with its configuration. */
static void on_user2(struct loop_signal *signal)
{
	takeover_begin(container_of(signal, struct herd, user2), "SIGUSR2");
}

static void on_user1(struct loop_signal *signal)
{
	struct herd *herd = container_of(signal, struct herd, user1);
	int error = log_reopen();

	if (error < 0)
		log_warnx("cannot open the log again: %s", strerror(-error));
	else
		log_info("log opened again");
	error = muxproc_reopen_log(&herd->mux);
	if (error < 0)
		log_warnx("cannot open the access log again: %s", strerror(-error));
}

/* Somebody cleaned up: children that are there can only be reached after a reload. */
static void on_look(struct loop_timer *timer)
{
	struct herd *herd = container_of(timer, struct herd, look);

	if (herd->state == HERD_RUNNING && herd->takeover.stage == TAKEOVER_NONE &&
	    access(herd->directory, F_OK) < 0)
		takeover_begin(herd, "the directory of the children's sockets is gone");
}

/* Sockets of children that the user left to us: in a directory that only the mux can enter too. */
static char *name_sockets(struct herd *herd, struct backend_settings *settings)
{
	gid_t group = geteuid() == 0 ? herd->settings->mux_gid : (gid_t)-1;

	if (!backend_is_supervised(settings) || !backend_has_mux(settings) || settings->socket ||
	    settings->host || settings->port != 0)
		return NULL;
	if (!herd->directory) {
		herd->directory = listen_directory_new(group);
		if (!herd->directory)
			return text_new("cannot make a directory for the children's sockets: %s",
					strerror(errno));
		log_debug("herd: the children's sockets are in %s", herd->directory);
	}
	settings->socket = text_new("%s/%s", herd->directory, settings->name);
	return settings->socket ? NULL : text_new("%s", strerror(ENOMEM));
}

static char *open_backends(struct herd *herd)
{
	struct settings *settings = herd->settings;
	struct muxlink *link = herd->has_mux ? &herd->mux.link : NULL;
	char *sentence = NULL;

	herd->backends = calloc(settings->backend_count, sizeof(*herd->backends));
	if (!herd->backends)
		return text_new("%s", strerror(ENOMEM));
	herd->backend_count = settings->backend_count;
	for (size_t i = 0; i < settings->backend_count && !sentence; i++) {
		sentence = name_sockets(herd, settings->backends[i]);
		if (!sentence)
			sentence = children_open(&herd->backends[i], settings, (uint32_t)i,
						 &herd->outputs, link);
	}
	return sentence;
}

/*
 * Only as far as it takes: the programs inherit the limit, and some of them do something for each
 * descriptor that there could be.
 */
static void raise_descriptor_limit(const struct settings *settings)
{
	rlim_t needed = HERD_DESCRIPTORS;
	struct rlimit limit;

	for (size_t i = 0; i < settings->backend_count; i++)
		needed += settings->backends[i]->listen.count * FRONT_DESCRIPTORS +
			  backend_child_count(settings->backends[i]) * CHILD_DESCRIPTORS;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* A program that stays root keeps what root can do, and so must we, whose bounding set it has. */
static bool keeps_root(const struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (backend_is_supervised(settings->backends[i]) &&
		    !settings->backends[i]->user.name)
			return geteuid() == 0;
	return false;
}

static char *narrow(const struct settings *settings)
{
	bool needs_chroot = false;
	int error;

	for (size_t i = 0; i < settings->backend_count; i++)
		needs_chroot = needs_chroot || settings->backends[i]->chroot;
	error = spawn_become_subreaper();
	if (error < 0)
		return text_new("cannot become a subreaper: %s", strerror(-error));
	if (keeps_root(settings))
		return NULL;
	error = privileges_narrow(needs_chroot);
	if (error < 0)
		return text_new("cannot drop privileges: %s", strerror(-error));
	return NULL;
}

/* The directory of the program before. Where somebody has removed it there will be another one. */
static char *take_directory(struct takeover *takeover)
{
	char *directory = takeover->directory;

	takeover->directory = NULL;
	if (!directory || access(directory, F_OK) == 0)
		return directory;
	log_warn("the children's sockets move from %s", directory);
	free(directory);
	return NULL;
}

char *herd_init(struct herd *herd, struct settings *settings)
{
	char *sentence;

	*herd = (struct herd){
		.state = HERD_STARTING, .settings = settings, .takeover = herd->takeover};
	herd->directory = take_directory(&herd->takeover);
	outputs_init(&herd->outputs);
	loop_timer_init(&herd->sweep, on_sweep);
	loop_timer_init(&herd->alive, on_alive);
	loop_timer_init(&herd->look, on_look);
	loop_timer_init(&herd->log_flush, on_log_flush);
	for (size_t i = 0; i < settings->backend_count; i++)
		herd->has_mux = herd->has_mux || backend_has_mux(settings->backends[i]);
	raise_descriptor_limit(settings);
	sentence = pidfile_open(&herd->pidfile, settings->pid_file);
	if (!sentence)
		sentence = open_backends(herd);
	if (!sentence)
		sentence = passed_find_untaken();
	if (!sentence && herd->has_mux)
		sentence = muxproc_open(&herd->mux, settings, herd->backends, &herd->outputs);
	if (!sentence && !takeover_adopt(herd))
		sentence = text_new("%s", strerror(ENOMEM));
	/* The first start of a child is made with no more than each later one. */
	return sentence ? sentence : narrow(settings);
}

int herd_run(struct herd *herd)
{
	loop_signal_start(&herd->term, SIGTERM, on_term);
	loop_signal_start(&herd->interrupt, SIGINT, on_interrupt);
	loop_signal_start(&herd->hangup, SIGHUP, on_hangup);
	loop_signal_start(&herd->user1, SIGUSR1, on_user1);
	loop_signal_start(&herd->user2, SIGUSR2, on_user2);
	loop_children_start(&herd->exits, on_exit_of);
	loop_turn_start(&herd->turn, on_turn_end);
	if (herd->notify->watchdog_ms > 0)
		loop_timer_repeat(&herd->alive, herd->notify->watchdog_ms);
	if (herd->directory)
		loop_timer_repeat(&herd->look, HERD_LOOK_MS);
	if (takeover_is_successor(&herd->takeover))
		succeed_begin(herd);
	else
		startup_begin(herd);
	reexec_go_on();
	loop_run();
	return herd->status;
}

void herd_fini(struct herd *herd)
{
	takeover_fini(&herd->takeover);
	outputs_fini(&herd->outputs);
	muxproc_close(&herd->mux);
	for (size_t i = 0; i < herd->backend_count; i++)
		children_close(&herd->backends[i]);
	free(herd->backends);
	if (herd->directory && rmdir(herd->directory) < 0)
		log_warn("cannot remove %s", herd->directory);
	free(herd->directory);
	pidfile_close(&herd->pidfile);
}
