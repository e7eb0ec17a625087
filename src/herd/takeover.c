#include "herd/takeover.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "herd/herd.h"
#include "herd/legacy.h"
#include "herd/rolling.h"
#include "os/control.h"
#include "os/passed.h"
#include "os/privileges.h"
#include "os/reexec.h"

/* That the turn ends is what it is for. */
static void on_late(struct loop_timer *timer)
{
	(void)timer;
}

char *takeover_init(struct takeover *takeover, char *const *argv, const char *text)
{
	*takeover = (struct takeover){
		.program = realpath("/proc/self/exe", NULL), .argv = argv, .control = -1};
	loop_timer_init(&takeover->late, on_late);
	if (!text)
		return NULL;
	takeover->stage = TAKEOVER_MUX;
	if (legacy_read(takeover, text))
		return NULL;
	return text_new("what the program before has left cannot be read");
}

bool takeover_is_successor(const struct takeover *takeover)
{
	return takeover->stage == TAKEOVER_MUX;
}

static bool needs_chroot(const struct settings *settings)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (settings->backends[i]->chroot)
			return true;
	return false;
}

char *takeover_refuse(const struct takeover *takeover, const struct settings *settings)
{
	struct stat status;

	if (needs_chroot(settings) && !privileges_can_chroot())
		return text_new("chroot: the right to it was given up at the start: restart for "
				"this");
	if (takeover->directory && geteuid() == 0 && stat(takeover->directory, &status) == 0 &&
	    status.st_gid != settings->mux_gid)
		return text_new("mux-user: another one cannot reach the children's sockets: "
				"restart for this");
	return NULL;
}

static struct child *find_among(struct children *children, const char *name)
{
	for (size_t i = 0; i < children->count; i++)
		if (strcmp(children->items[i].name, name) == 0)
			return &children->items[i];
	return NULL;
}

static struct child *find_child(struct herd *herd, const char *name)
{
	struct child *child = NULL;

	for (size_t i = 0; i < herd->backend_count && !child; i++)
		child = find_among(&herd->backends[i], name);
	return child;
}

static uint64_t longest_stop_ms(const struct herd *herd)
{
	uint64_t longest_ms = herd->has_mux ? herd->mux.child.stop_timeout_ms : 0;

	for (size_t i = 0; i < herd->backend_count; i++)
		if (herd->backends[i].settings->shutdown_timeout_ms > longest_ms)
			longest_ms = herd->backends[i].settings->shutdown_timeout_ms;
	return longest_ms;
}

/* It has no place any more; it is DRAINING until its time has come. */
static bool retire(struct herd *herd, const struct legacy_process *process)
{
	static const struct child_kind retired_kind = {0};
	struct takeover *takeover = &herd->takeover;
	struct child *child = &takeover->retired[takeover->retired_count];
	char *name = strdup(process->name);

	if (!name)
		return false;
	takeover->retired_count++;
	child_init(child, &retired_kind, name);
	child->stop_timeout_ms = longest_stop_ms(herd);
	child_adopt(child, process->pid, process->started_ms, CHILD_DRAINING);
	return true;
}

/* Not where the socket of before is gone, or is somewhere else by now: nobody would come to it. */
static bool has_socket(const struct child *child)
{
	const struct listener *sockets = child->siblings->sockets;

	return !sockets || sockets[child->number].is_passed;
}

static bool adopt_process(struct herd *herd, struct legacy_process *process)
{
	struct child *child = find_child(herd, process->name);

	if (!child || process->is_ending || !has_socket(child))
		return retire(herd, process);
	process->child = child;
	child->is_lent = herd->takeover.control >= 0;
	child_adopt(child, process->pid, process->started_ms, CHILD_RUNNING);
	return true;
}

static bool adopt_output(struct herd *herd, struct legacy_output *output)
{
	int error = outputs_adopt(&herd->outputs, output->fd, output->name, output->pid,
				  output->has_levels);

	output->fd = -1;
	return error == 0;
}

bool takeover_adopt(struct herd *herd)
{
	struct takeover *takeover = &herd->takeover;
	bool is_good = true;

	takeover->retired = calloc(takeover->process_count + 1, sizeof(*takeover->retired));
	if (herd->has_mux)
		muxlink_set_sharing(&herd->mux.link, takeover->control >= 0);
	for (size_t i = 0; i < takeover->output_count && is_good; i++)
		is_good = adopt_output(herd, &takeover->outputs[i]);
	for (size_t i = 0; i < takeover->process_count && is_good && takeover->retired; i++)
		is_good = adopt_process(herd, &takeover->processes[i]);
	return is_good && takeover->retired;
}

void takeover_fini(struct takeover *takeover)
{
	for (size_t i = 0; i < takeover->process_count; i++)
		free(takeover->processes[i].name);
	for (size_t i = 0; i < takeover->output_count; i++)
		free(takeover->outputs[i].name);
	for (size_t i = 0; i < takeover->retired_count; i++)
		child_fini(&takeover->retired[i]);
	if (takeover->control >= 0)
		close(takeover->control);
	free(takeover->program);
	free(takeover->processes);
	free(takeover->outputs);
	free(takeover->retired);
	free(takeover->directory);
}

/* -- The one that is about to be succeeded */

static int try(struct herd *herd, const struct reexec_plan *plan)
{
	struct output *output;
	int err = outputs_open(&herd->outputs, &output, "reload", false);
	pid_t pid;

	if (err < 0)
		return err;
	pid = reexec_try(plan, err);
	close(err);
	if (pid < 0)
		return (int)pid;
	output->pid = herd->takeover.trial = pid;
	return 0;
}

/* Runs the plan, in earnest or as a trial; returns only -errno, or 0 for a trial that was begun. */
static int reexec(struct herd *herd, bool is_trial)
{
	struct legacy_kept kept = {0};
	char *text = legacy_write(herd, &kept);
	const struct reexec_plan plan = {
		.program = herd->takeover.program,
		.argv = herd->takeover.argv,
		.text = text,
		.kept = kept.fds,
		.kept_count = kept.count,
	};
	int error = text && plan.program ? 0 : -ENOMEM;

	if (error == 0 && is_trial)
		error = try(herd, &plan);
	else if (error == 0)
		error = reexec_run(&plan);
	free(kept.fds);
	free(text);
	return error;
}

static void give_up(struct herd *herd, const char *why)
{
	log_warnx("reload: %s: nothing has changed", why);
	herd->takeover.stage = TAKEOVER_NONE;
	herd_tell_ready(herd);
}

static void begin(struct herd *herd)
{
	struct takeover *takeover = &herd->takeover;
	int error;

	takeover->is_wanted = false;
	takeover->begun_ms = loop_now_ms();
	takeover->stage = TAKEOVER_TRIAL;
	error = reexec(herd, true);
	if (error < 0)
		give_up(herd, strerror(-error));
}

void takeover_begin(struct herd *herd, const char *why)
{
	struct takeover *takeover = &herd->takeover;

	if (herd->state != HERD_RUNNING || takeover->stage != TAKEOVER_NONE) {
		log_info("%s: as soon as what is under way is done", why);
		takeover->is_wanted = true;
		return;
	}
	log_info("%s: reload", why);
	herd_tell_reloading(herd);
	begin(herd);
}

static void on_trial_end(struct herd *herd, int status)
{
	herd->takeover.trial = 0;
	if (herd->state != HERD_RUNNING)
		return;
	/* What was tried may not be what is there by now. */
	if (herd->takeover.is_wanted) {
		begin(herd);
		return;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		give_up(herd, "the configuration, or the program, cannot be used");
		return;
	}
	/* One turn more: of the signals that have come, none is to be lost with this program. */
	reexec_hold();
	herd->takeover.stage = TAKEOVER_SETTLING;
	loop_timer_start(&herd->takeover.late, 0);
}

static void hand_over(struct herd *herd)
{
	int error;

	notify_export(herd->notify);
	error = reexec(herd, false);
	reexec_go_on();
	give_up(herd, strerror(-error));
}

/* -- The successor */

static struct child *find_old_mux(const struct takeover *takeover)
{
	for (size_t i = 0; i < takeover->retired_count; i++)
		if (strcmp(takeover->retired[i].name, "mux") == 0)
			return &takeover->retired[i];
	return NULL;
}

/* The mux of before needs it no more: ours may have it. */
static void give_back(struct child *child)
{
	if (!child->is_lent)
		return;
	child->is_lent = false;
	if (child->siblings->link)
		muxlink_note(child->siblings->link, child);
}

static void lose_old_mux(struct herd *herd)
{
	struct takeover *takeover = &herd->takeover;

	if (takeover->control >= 0) {
		loop_io_set(&takeover->reports, 0);
		close(takeover->control);
	}
	takeover->control = -1;
	if (herd->has_mux)
		muxlink_set_sharing(&herd->mux.link, false);
	for (size_t i = 0; i < herd->backend_count; i++)
		for (size_t j = 0; j < herd->backends[i].count; j++)
			give_back(&herd->backends[i].items[j]);
}

/* Its numbers are of the configuration before: only the pid says which child is meant. */
static void take_report(struct herd *herd, const struct control_message *message)
{
	struct child *child = herd_find_child(herd, (pid_t)message->pid);

	if (!child)
		return;
	if (message->type == CONTROL_CHILD_FREE)
		give_back(child);
	else if (message->type == CONTROL_CHILD_STUCK)
		muxlink_on_stuck(child);
}

static void on_report(struct loop_io *io, int events)
{
	struct takeover *takeover = container_of(io, struct takeover, reports);
	struct herd *herd = container_of(takeover, struct herd, takeover);
	struct control_message message;
	int error;

	(void)events;
	while ((error = control_receive(takeover->control, &message)) == 0 || error == -EBADMSG)
		if (error == 0)
			take_report(herd, &message);
	if (error != -EAGAIN)
		lose_old_mux(herd);
}

static int send_pid(int control, struct legacy_process *process, enum control_type type, pid_t pid)
{
	const struct control_message message = {
		.type = (uint32_t)type,
		.backend = process->backend,
		.proc = process->number,
		.pid = (int32_t)pid,
	};
	int error = control_send(control, &message);

	if (error == 0)
		process->pid = type == CONTROL_CHILD_UP ? pid : 0;
	return error;
}

/* What it cannot take now it is told in a later turn. */
static void tell_pid(int control, struct legacy_process *process)
{
	pid_t pid = process->child->pid;
	int error = 0;

	if (process->pid == pid)
		return;
	if (process->pid > 0)
		error = send_pid(control, process, CONTROL_CHILD_DOWN, process->pid);
	if (error == 0 && pid > 0)
		(void)!send_pid(control, process, CONTROL_CHILD_UP, pid);
}

void takeover_tell_exit(struct takeover *takeover, pid_t pid)
{
	for (size_t i = 0; takeover->control >= 0 && i < takeover->process_count; i++)
		if (takeover->processes[i].child && takeover->processes[i].pid == pid)
			(void)!send_pid(takeover->control, &takeover->processes[i],
					CONTROL_CHILD_DOWN, pid);
}

void takeover_tell_old_mux(struct takeover *takeover)
{
	for (size_t i = 0; takeover->control >= 0 && i < takeover->process_count; i++)
		if (takeover->processes[i].child)
			tell_pid(takeover->control, &takeover->processes[i]);
}

void takeover_finish_old_mux(struct herd *herd)
{
	struct takeover *takeover = &herd->takeover;
	struct child *mux = find_old_mux(takeover);

	if (takeover->stage == TAKEOVER_SETTLING)
		reexec_go_on();
	if (!mux || mux->state == CHILD_STOPPED || takeover->control < 0) {
		lose_old_mux(herd);
		return;
	}
	/* It has been told. */
	if (loop_io_events(&takeover->reports))
		return;
	loop_io_init(&takeover->reports, takeover->control, on_report);
	loop_io_set(&takeover->reports, LOOP_READ);
	kill(mux->pid, SIGTERM);
	loop_timer_start(&mux->timer, mux->stop_timeout_ms);
}

bool takeover_has_no_mux(const struct herd *herd)
{
	const struct child *mux = find_old_mux(&herd->takeover);

	return !mux || mux->state == CHILD_STOPPED;
}

void takeover_event(struct herd *herd, enum child_event event)
{
	for (size_t i = 0; i < herd->takeover.retired_count; i++)
		child_event(&herd->takeover.retired[i], event);
}

bool takeover_is_over(const struct herd *herd)
{
	for (size_t i = 0; i < herd->takeover.retired_count; i++)
		if (herd->takeover.retired[i].state != CHILD_STOPPED)
			return false;
	return true;
}

static void end(struct herd *herd, size_t old_count)
{
	struct takeover *takeover = &herd->takeover;

	takeover->stage = TAKEOVER_NONE;
	loop_timer_stop(&takeover->late);
	if (old_count > 0)
		log_warnx("reload: a new process failed: %zu go on as they were started before",
			  old_count);
	else
		log_info("reload: done in %llu ms",
			 (unsigned long long)(loop_now_ms() - takeover->begun_ms));
	herd_tell_ready(herd);
	if (takeover->is_wanted)
		takeover_begin(herd, "asked for meanwhile");
}

/* One backend after the other: where one fails, the others are still replaced. */
static void roll(struct herd *herd)
{
	size_t old_count = 0;

	for (size_t i = 0; i < herd->backend_count; i++)
		if (rolling_step(&herd->backends[i], &herd->takeover.late, &old_count))
			return;
	if (takeover_is_over(herd))
		end(herd, old_count);
}

void takeover_step(struct herd *herd)
{
	struct takeover *takeover = &herd->takeover;
	const struct child *mux = find_old_mux(takeover);

	if (takeover->stage == TAKEOVER_SETTLING && !loop_timer_is_running(&takeover->late))
		hand_over(herd);
	if (takeover->stage == TAKEOVER_MUX && (!mux || mux->state == CHILD_STOPPED)) {
		takeover->stage = TAKEOVER_ROLLING;
		lose_old_mux(herd);
		takeover_event(herd, CHILD_EVENT_STOP);
		passed_close_untaken();
	}
	if (takeover->stage == TAKEOVER_ROLLING)
		roll(herd);
}

bool takeover_on_exit(struct herd *herd, pid_t pid, int status)
{
	struct takeover *takeover = &herd->takeover;

	if (takeover->stage == TAKEOVER_TRIAL && pid == takeover->trial) {
		on_trial_end(herd, status);
		return true;
	}
	for (size_t i = 0; i < takeover->retired_count; i++) {
		if (takeover->retired[i].pid != pid)
			continue;
		child_on_exit(&takeover->retired[i], status);
		return true;
	}
	return false;
}
