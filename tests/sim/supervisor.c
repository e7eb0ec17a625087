/* The supervisor of the model: processes end and begin, and the mux is told, sooner or later. */
#include <signal.h>

#include "model.h"
#include "os/control.h"
#include "sim.h"

static struct actor *find_actor(uint32_t backend, uint32_t proc)
{
	for (size_t i = 0; i < world.actor_count; i++)
		if (world.actors[i].backend == backend && world.actors[i].proc == proc)
			return &world.actors[i];
	return NULL;
}

void supervisor_kill(void)
{
	struct actor *actor = &world.actors[sim_choose((unsigned)world.actor_count)];

	if (actor->pid == 0)
		return;
	actor_die(actor);
	if (world.has_supervisor)
		actor->pid = 0;
}

static bool send(const struct actor *actor, enum control_type type, int32_t pid)
{
	const struct control_message message = {
		.type = type, .backend = actor->backend, .proc = actor->proc, .pid = pid};

	return sim_put_message(world.sim.control, &message, sizeof(message));
}

static bool tell_drain(struct actor *actor)
{
	if (actor->is_drain_announced)
		return false;
	actor->is_drain_announced = send(actor, CONTROL_CHILD_DRAIN, actor->pid);
	return true;
}

/* The next thing that the mux does not know yet of a process. */
static bool tell(struct actor *actor)
{
	if (actor->announced == actor->pid)
		return actor->pid > 0 && actor->is_draining && tell_drain(actor);
	if (actor->announced > 0) {
		if (send(actor, CONTROL_CHILD_DOWN, actor->announced))
			actor->announced = 0;
	} else if (send(actor, CONTROL_CHILD_UP, actor->pid)) {
		actor->announced = actor->pid;
		actor->is_drain_announced = false;
	}
	return true;
}

/* What the mux says; each number in it has to be right. */
static bool listen_to_mux(void)
{
	struct control_message message;
	struct actor *actor;

	if (sim_get_message(world.sim.control, &message, sizeof(message)) == 0)
		return false;
	if (message.type == CONTROL_READY || message.type == CONTROL_LOAD)
		return true;
	actor = find_actor(message.backend, message.proc);
	MUST(actor && message.pid > 0, "the mux names a child that there is not");
	if (message.type == CONTROL_CHILD_STUCK && actor->pid == message.pid) {
		actor_die(actor);
		actor->pid = 0;
	}
	MUST(message.type != CONTROL_CHILD_FREE || world.is_draining,
	     "%s is given up by a mux that goes on", actor->path);
	if (message.type == CONTROL_CHILD_DRAINED && actor->pid == message.pid) {
		MUST(actor->is_drain_announced, "%s is drained, and was not to be", actor->path);
		actor_end(actor);
		actor->pid = 0;
	}
	return true;
}

static bool start(struct actor *actor)
{
	if (actor->pid > 0)
		return false;
	actor->pid = ++world.last_pid;
	actor->is_draining = false;
	return true;
}

/* Another mux has the same processes, which has begun before, or that one has gone. */
static void tell_sharing(void)
{
	const struct control_message message = {.type = sim_choose(2) ? CONTROL_SHARED
								      : CONTROL_ALONE};

	(void)sim_put_message(world.sim.control, &message, sizeof(message));
}

void supervisor_tell(void)
{
	struct actor *actor = &world.actors[sim_choose((unsigned)world.actor_count)];

	if (!world.sim.control)
		return;
	(void)listen_to_mux();
	if (sim_choose(8) == 0)
		tell_sharing();
	else if (sim_choose(2))
		(void)start(actor);
	else
		(void)tell(actor);
}

bool supervisor_pump(void)
{
	bool is_any = false;

	if (!world.sim.control)
		return false;
	while (listen_to_mux())
		is_any = true;
	for (size_t i = 0; i < world.actor_count; i++) {
		is_any |= start(&world.actors[i]);
		is_any |= tell(&world.actors[i]);
	}
	return is_any;
}

/* What makes no sense; the mux has to take no notice. */
void supervisor_babble(void)
{
	const struct control_message messages[] = {
		{.type = 99},
		{.type = CONTROL_CHILD_UP, .backend = 99, .pid = 1},
		{.type = CONTROL_CHILD_UP, .proc = 99, .pid = 1},
		{.type = CONTROL_CHILD_UP, .pid = -1},
		{.type = CONTROL_CHILD_DOWN, .backend = UINT32_MAX, .proc = UINT32_MAX},
	};
	size_t len = sim_choose(2) ? sizeof(messages[0]) : 1 + sim_choose(2 * sizeof(messages[0]));

	if (world.sim.control && len <= sizeof(messages[0]))
		(void)sim_put_message(world.sim.control,
				      &messages[sim_choose(sizeof(messages) / sizeof(messages[0]))],
				      len);
}

/* The mux is to give this one no new request. */
void supervisor_drain(void)
{
	struct actor *actor = &world.actors[sim_choose((unsigned)world.actor_count)];

	if (world.has_supervisor && actor->pid > 0)
		actor->is_draining = true;
}

/* It accepts nothing more, and ends when what it has accepted is answered. */
void supervisor_stop_mux(void)
{
	if (world.is_draining)
		return;
	world.is_draining = true;
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &world.clients[i];

		/* From the first time on it reads what is of no use to it. */
		if (client->drain_at == 0 && client->wire.socket && client->wire.socket->peer)
			client->drain_at = client->wire.socket->peer->taken + 1;
	}
	sim_signal(SIGTERM);
}
