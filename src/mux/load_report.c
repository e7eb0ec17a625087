#include "mux/load_report.h"

#include "config/backend_procs.h"
#include "mux/backend.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/route.h"
#include "os/control.h"

/* They are all of the same program: the largest is what each has or will have. */
static size_t capacity_of(const struct backend *backend)
{
	size_t capacity = 1;

	for (size_t i = 0; i < backend_child_count(backend->settings); i++)
		if (backend->procs[i]->capacity > capacity)
			capacity = backend->procs[i]->capacity;
	return capacity;
}

/* For a child: also what went to servers of others because no child had room. */
static size_t count_waiting(const struct backend *backend)
{
	size_t count = backend->load - backend->child_load;

	for (size_t i = 0; i < backend->route_count; i++)
		count += backend->routes[i]->queue.count;
	return count;
}

/* More of them than there can be are not worth a message. */
static uint32_t processes_for(const struct backend *backend, size_t requests)
{
	size_t capacity = capacity_of(backend);
	size_t count = requests / capacity + (requests % capacity > 0);
	size_t children = backend_child_count(backend->settings);

	return (uint32_t)(count < children ? count : children);
}

static struct load_report look(const struct backend *backend)
{
	size_t waiting = count_waiting(backend);

	/* While some wait, what was busy before may be what they waited for, and died. */
	return (struct load_report){
		.busy = processes_for(backend,
				      waiting > 0 ? backend->child_load : backend->child_load_max),
		.queued = processes_for(backend, waiting),
	};
}

static void tell(struct backend *backend, const struct load_report *report)
{
	const struct mux *mux = backend->mux;
	const struct control_message message = {
		.type = CONTROL_LOAD,
		.backend = (uint32_t)(backend - mux->backends),
		.busy = report->busy,
		.queued = report->queued,
	};

	/* Where it cannot be told, the next turn or tick tries again. */
	if (control_send(mux->control_fd, &message) < 0)
		return;
	backend->reported = *report;
	backend->child_load_max = backend->child_load;
}

static bool is_wanted(const struct backend *backend)
{
	return backend->mux->control_fd >= 0 && backend_scales(backend->settings);
}

void load_report_turn(struct backend *backend)
{
	struct load_report report;

	if (!is_wanted(backend) || count_waiting(backend) == 0)
		return;
	report = look(backend);
	if (report.busy + report.queued > backend->reported.busy + backend->reported.queued)
		tell(backend, &report);
}

void load_report_tick(struct backend *backend)
{
	struct load_report report;

	if (!is_wanted(backend))
		return;
	report = look(backend);
	if (report.busy != backend->reported.busy || report.queued != backend->reported.queued)
		tell(backend, &report);
	else
		backend->child_load_max = backend->child_load;
}
