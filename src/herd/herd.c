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
#include "os/privileges.h"
#include "os/spawn.h"

/* Strays that are killed can leave strays of their own: looked for again and again, within reason.
 */
enum { HERD_SWEEP_MS = 10, HERD_SWEEPS_MAX = 200 };

/* What the log held back is told when its second is over, without a tick that wakes for nothing. */
enum { LOG_FLUSH_MS = 1000 };

/* What is open: for the herd as a whole; a socket and its directory; with pipes, of two lives. */
enum { HERD_DESCRIPTORS = 128, FRONT_DESCRIPTORS = 2, CHILD_DESCRIPTORS = 6 };

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
}

static bool herd_is_stopped(const struct herd *herd)
{
	for (size_t i = 0; i < herd->backend_count; i++) {
		if (!children_are_stopped(&herd->backends[i]))
			return false;
	}
	return true;
}

static bool mux_is_stopped(const struct herd *herd)
{
	return !herd->has_mux || herd->mux.child.state == CHILD_STOPPED;
}

/* A service manager that does not listen must not keep us from our work. */
static void tell(struct herd *herd, enum notify_event event, const char *status)
{
	int error = notify_send(herd->notify, event, status);

	if (error < 0 && event != NOTIFY_ALIVE)
		log_warnx("cannot tell the service manager: %s", strerror(-error));
}

static void tell_ready(struct herd *herd)
{
	size_t count = 0;
	char status[64];

	for (size_t i = 0; i < herd->backend_count; i++)
		count += herd->backends[i].count;
	(void)text_format(status, sizeof(status), "backends: %zu, children: %zu",
			  herd->backend_count, count);
	tell(herd, NOTIFY_READY, status);
}

static void on_alive(struct loop_timer *timer)
{
	tell(container_of(timer, struct herd, alive), NOTIFY_ALIVE, NULL);
}

void herd_set_running(struct herd *herd)
{
	herd_set_state(herd, HERD_RUNNING);
	log_info("ready");
	tell_ready(herd);
}

void herd_stop(struct herd *herd, int status)
{
	if (herd->state > HERD_RUNNING)
		return;
	startup_end(herd);
	herd->status = status;
	tell(herd, NOTIFY_STOPPING, "finishing the running requests");
	herd_set_state(herd, HERD_ENDING_MUX);
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

/* What the state waits for is looked at once a turn, whatever made it happen. */
static void herd_step(struct herd *herd)
{
	if (herd->state == HERD_STARTING)
		startup_step(herd);
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
	outputs_free_done(&herd->outputs);
	if (log_flush() && !loop_timer_is_running(&herd->log_flush))
		loop_timer_start(&herd->log_flush, LOG_FLUSH_MS);
}

/* That the turn ends is what it is for. */
static void on_log_flush(struct loop_timer *timer)
{
	(void)timer;
}

static void on_exit_of(struct loop_children *exits, pid_t pid, int status)
{
	struct herd *herd = container_of(exits, struct herd, exits);
	struct child *child = NULL;

	if (herd->has_mux && herd->mux.child.pid == pid)
		child = &herd->mux.child;
	for (size_t i = 0; i < herd->backend_count && !child; i++)
		child = children_find(&herd->backends[i], pid);
	if (child)
		child_on_exit(child, status);
	else
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
	(void)signal;
	log_warnx("SIGHUP: there is no reload yet; restart to take up a changed configuration");
}

static void on_user1(struct loop_signal *signal)
{
	int error = log_reopen();

	(void)signal;
	if (error < 0)
		log_warnx("cannot open the log again: %s", strerror(-error));
	else
		log_info("log opened again");
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

char *herd_init(struct herd *herd, struct settings *settings)
{
	char *sentence;

	*herd = (struct herd){.state = HERD_STARTING, .settings = settings};
	outputs_init(&herd->outputs);
	loop_timer_init(&herd->sweep, on_sweep);
	loop_timer_init(&herd->alive, on_alive);
	loop_timer_init(&herd->log_flush, on_log_flush);
	for (size_t i = 0; i < settings->backend_count; i++)
		herd->has_mux = herd->has_mux || backend_has_mux(settings->backends[i]);
	raise_descriptor_limit(settings);
	sentence = pidfile_open(&herd->pidfile, settings->pid_file);
	if (!sentence)
		sentence = open_backends(herd);
	if (!sentence)
		sentence = listen_find_untaken();
	if (!sentence && herd->has_mux)
		sentence = muxproc_open(&herd->mux, settings, herd->backends, &herd->outputs);
	/* The first start of a child is made with no more than each later one. */
	return sentence ? sentence : narrow(settings);
}

int herd_run(struct herd *herd)
{
	loop_signal_start(&herd->term, SIGTERM, on_term);
	loop_signal_start(&herd->interrupt, SIGINT, on_interrupt);
	loop_signal_start(&herd->hangup, SIGHUP, on_hangup);
	loop_signal_start(&herd->user1, SIGUSR1, on_user1);
	loop_children_start(&herd->exits, on_exit_of);
	loop_turn_start(&herd->turn, on_turn_end);
	if (herd->notify->watchdog_ms > 0)
		loop_timer_repeat(&herd->alive, herd->notify->watchdog_ms);
	startup_begin(herd);
	loop_run();
	return herd->status;
}

void herd_fini(struct herd *herd)
{
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
