/* What has to hold inside the mux between any two turns, and how fair its queues are. */
#include "model.h"

#include "mux/backend.h"
#include "mux/front.h"
#include "mux/front_connection.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/route.h"
#include "sim.h"

/* The most that an idle connection of a web server takes. */
enum { IDLE_LEN_MAX = 256 };

_Static_assert(sizeof(struct front_connection) <= IDLE_LEN_MAX, "an idle connection is small");

static size_t list_len(const struct list *list)
{
	size_t len = 0;

	list_for_each (link, after, (struct list *)(uintptr_t)list)
		len++;
	return len;
}

static void check_connection(const struct proc *proc, struct list *link, bool is_idle)
{
	const struct proc_connection *connection = container_of(link, struct proc_connection, link);

	MUST(connection->proc == proc, "a connection is in the list of another process");
	MUST(list_len(&connection->carried) == connection->carried_count,
	     "a connection carries others than it counts");
	MUST((connection->carried_count == 0) == is_idle, "a connection is in the wrong list");
	MUST(connection->carried_count < 2 || connection->is_shared,
	     "a connection carries two requests, and does not multiplex");
	MUST(stream_is_open(&connection->stream), "a connection is closed, and in use");
}

/* The load is what is in flight; what may be given requests is in the heap, and nothing else. */
static size_t check_proc(const struct proc *proc)
{
	size_t carried = 0;

	list_for_each (idle, behind, (struct list *)(uintptr_t)&proc->idle)
		check_connection(proc, idle, true);
	list_for_each (busy, after, (struct list *)(uintptr_t)&proc->busy) {
		check_connection(proc, busy, false);
		carried += container_of(busy, struct proc_connection, link)->carried_count;
	}
	MUST(proc->balance.load == carried, "%s: load %u, and %zu requests in flight", proc->name,
	     proc->balance.load, carried);
	MUST(proc->idle_count == list_len(&proc->idle), "%s: idle connections", proc->name);
	MUST(proc->connection_count == list_len(&proc->idle) + list_len(&proc->busy),
	     "%s: connections", proc->name);
	MUST((proc->balance.place != BALANCE_OUT) ==
		     (proc->state == PROC_UP && proc->balance.load < proc->balance.capacity),
	     "%s: whether it has room", proc->name);
	return carried > 0;
}

static void check_backend(const struct backend *backend)
{
	size_t active = 0;

	for (size_t i = 0; i < backend->proc_count; i++)
		active += check_proc(backend->procs[i]);
	MUST(backend->active_count == active, "active processes: %zu, and %zu are counted", active,
	     (size_t)backend->active_count);
	MUST(list_len(&backend->down) + list_len(&backend->probing) + list_len(&backend->up) +
			     list_len(&backend->resting) + list_len(&backend->draining) ==
		     backend->proc_count,
	     "a process is in no list, or in two");
}

/* Nobody waits while a process has room, but for those whose client is slow. */
static void check_route(const struct route *route)
{
	MUST(list_len(&route->queue.tickets) == route->queue.count, "the queue's length");
	MUST(route->queue.count == 0 || !route_has_room(route),
	     "%zu requests wait, and a process has room", route->queue.count);
}

static bool may_have(const struct request *request)
{
	bool has_proc = request->state == REQUEST_RUNNING || request->state == REQUEST_ABANDONED;

	return has_proc == (request->proc != NULL) || request->state == REQUEST_SENDING;
}

static void check_requests(const struct front_connection *connection)
{
	unsigned blocked = 0, count = 0;

	list_for_each (link, after, (struct list *)(uintptr_t)&connection->requests) {
		const struct request *request = container_of(link, struct request, link);

		MUST(request->connection == connection, "a request is on another connection");
		MUST(request->state < REQUEST_ABANDONED, "a request is over, and on a connection");
		MUST(may_have(request), "a request in state %u has a process, or none",
		     request->state);
		MUST(!request->is_blocked || !request->has_input,
		     "a request is blocked, and nothing more of it comes");
		blocked += request->is_blocked;
		count++;
	}
	MUST(connection->request_count == count, "a connection's requests");
	MUST(connection->blocked == blocked, "a connection's blocked requests");
}

/* What waits for a client that does not read: each request may bring a buffer and a read. */
static void check_memory(const struct front_connection *connection)
{
	size_t buffer = connection->front->mux->settings->response_buffer;
	size_t waiting = stream_waiting(&connection->stream);

	MUST(waiting <= (CLIENT_WANTS + 1) * (buffer + MUX_SCRATCH_LEN),
	     "%zu bytes wait for a client", waiting);
}

static size_t check_list(const struct list *list)
{
	list_for_each (link, after, (struct list *)(uintptr_t)list) {
		const struct front_connection *connection =
			container_of(link, struct front_connection, link);

		check_requests(connection);
		check_memory(connection);
	}
	return list_len(list);
}

void check_mux(void)
{
	const struct mux *mux = world.sim.mux;
	size_t connections = 0;

	for (size_t i = 0; i < mux->front_count; i++)
		connections += check_list(&mux->fronts[i].fresh) +
			       check_list(&mux->fronts[i].watched) +
			       check_list(&mux->fronts[i].ending);
	MUST(mux->connection_count == connections, "%zu connections, and %zu are counted",
	     connections, mux->connection_count);
	for (size_t i = 0; i < mux->backend_count; i++)
		check_backend(&mux->backends[i]);
	for (size_t i = 0; i < mux->route_count; i++)
		check_route(mux->routes[i]);
}

/* Nobody is there any more: nothing runs, nothing waits. */
void check_rest(void)
{
	const struct mux *mux = world.sim.mux;

	MUST(mux->connection_count == 0, "%zu connections of web servers are left",
	     mux->connection_count);
	for (size_t i = 0; i < mux->backend_count; i++)
		for (size_t n = 0; n < mux->backends[i].proc_count; n++)
			MUST(mux->backends[i].procs[n]->balance.load == 0, "%s: load is left",
			     mux->backends[i].procs[n]->name);
	MUST(list_is_empty(&mux->ended_requests) && list_is_empty(&mux->ended_fronts) &&
		     list_is_empty(&mux->ended_procs),
	     "what has ended is not freed");
}

/* Those that wait, in the order in which they came. */
enum { WAITING_MAX = 1024 };

static struct waiting {
	const struct queue *queue;
	const struct queue_ticket *ticket;
	const struct queue_source *source;
	unsigned place; /* among those of its source, from 1, since the queue was empty */
} waiting[WAITING_MAX];
static size_t waiting_count;

void __wrap_queue_append(struct queue *queue, struct queue_ticket *ticket,
			 struct queue_source *source, uint64_t now_ms);
void __wrap_queue_remove(struct queue *queue, struct queue_ticket *ticket);
void __wrap_proc_run(struct proc *proc, struct request *request);
void __real_queue_append(struct queue *queue, struct queue_ticket *ticket,
			 struct queue_source *source, uint64_t now_ms);
void __real_queue_remove(struct queue *queue, struct queue_ticket *ticket);
void __real_proc_run(struct proc *proc, struct request *request);

void check_reset_queue(void)
{
	waiting_count = 0;
}

static size_t find_waiting(const struct queue_ticket *ticket)
{
	size_t i = 0;

	while (i < waiting_count && waiting[i].ticket != ticket)
		i++;
	return i;
}

static void forget(size_t index)
{
	if (index == waiting_count)
		return;
	waiting_count--;
	for (size_t i = index; i < waiting_count; i++)
		waiting[i] = waiting[i + 1];
}

void __wrap_queue_append(struct queue *queue, struct queue_ticket *ticket,
			 struct queue_source *source, uint64_t now_ms)
{
	unsigned place =
		(unsigned)(source->round > queue->round ? source->round - queue->round : 0);

	__real_queue_append(queue, ticket, source, now_ms);
	MUST(waiting_count < WAITING_MAX, "too many requests wait");
	waiting[waiting_count++] = (struct waiting){
		.queue = queue, .ticket = ticket, .source = source, .place = place + 1};
}

/* Set aside or given up; those that come back come to the head. */
void __wrap_queue_remove(struct queue *queue, struct queue_ticket *ticket)
{
	__real_queue_remove(queue, ticket);
	forget(find_waiting(ticket));
}

/* The mux was told that this process has ended, and of none in its place; or that it is to end. */
static bool is_known_to_be_down(const struct actor *actor)
{
	return (actor->announced == 0 || actor->is_drain_announced) && world.sim.control &&
	       world.sim.control->peer->len == 0;
}

static void check_is_there(const struct proc *proc)
{
	for (size_t i = 0; i < world.actor_count; i++) {
		const struct actor *actor = &world.actors[i];

		if (actor->backend == (uint32_t)(proc->backend - world.sim.mux->backends) &&
		    actor->proc == proc->number)
			MUST(!is_known_to_be_down(actor),
			     "%s gets a request, and is known to be down", proc->name);
	}
}

/* First come, first served; but who has several waiting takes turns with the others. */
void __wrap_proc_run(struct proc *proc, struct request *request)
{
	size_t index = find_waiting(&request->ticket);

	for (size_t i = 0; i < index && index < waiting_count; i++) {
		if (waiting[i].queue != waiting[index].queue ||
		    waiting[i].source == waiting[index].source)
			continue;
		MUST(waiting[i].place > 1,
		     "a request, the only one of its connection, is overtaken");
	}
	check_is_there(proc);
	forget(index);
	__real_proc_run(proc, request);
}
