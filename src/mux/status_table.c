#include "mux/status_forms.h"

#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "mux/failure.h"
#include "mux/status_units.h"

enum { CELL_SIZE = 48 };

/* A number of its limit, where there is one: "1/4". */
static const char *format_share(char out[CELL_SIZE], uint64_t value, uint64_t limit)
{
	if (limit == STATUS_NONE)
		(void)text_format(out, CELL_SIZE, "%llu", (unsigned long long)value);
	else
		(void)text_format(out, CELL_SIZE, "%llu/%llu", (unsigned long long)value,
				  (unsigned long long)limit);
	return out;
}

/* What it is known by to those who look for it: its pid, or where it listens. */
static const char *format_process(char out[ADDRESS_TEXT_SIZE], const struct status_proc *proc)
{
	if (proc->pid == 0)
		return address_format(proc->address, out);
	(void)text_format(out, ADDRESS_TEXT_SIZE, "%llu", (unsigned long long)proc->pid);
	return out;
}

static int widest_process(const struct status_backend *backend)
{
	static const char heading[] = "PROCESS";
	char text[ADDRESS_TEXT_SIZE];
	size_t widest = strlen(heading);

	for (size_t i = 0; i < backend->proc_count; i++) {
		size_t width = strlen(format_process(text, &backend->procs[i]));

		widest = width > widest ? width : widest;
	}
	return (int)widest;
}

static void add_request(struct page *page, const struct status_proc *proc)
{
	const struct status_request *request = &proc->request;
	char duration[STATUS_UNIT_SIZE];

	if (!proc->has_request)
		return;
	page_print(page, "  %7s  ", status_format_time(duration, proc->duration_ms));
	if (proc->is_abandoned) {
		page_print(page, "(its client has left)");
		return;
	}
	page_escape(page, PAGE_TERMINAL, request->method.value, request->method.value_len);
	page_print(page, " ");
	page_escape(page, PAGE_TERMINAL, request->uri.value, request->uri.value_len);
}

static void add_proc(struct page *page, const struct status_proc *proc, int width)
{
	char process[ADDRESS_TEXT_SIZE], load[CELL_SIZE];
	char since[STATUS_UNIT_SIZE] = "-", memory[STATUS_UNIT_SIZE] = "-";

	if (proc->is_up)
		status_format_time(since, proc->since_s * 1000);
	if (proc->memory_len != STATUS_NONE)
		status_format_memory(memory, proc->memory_len);
	page_print(page, "%4llu  %*s  %-8s  %7s  %10llu  %7s  %8llu  %10s",
		   (unsigned long long)proc->number, width, format_process(process, proc),
		   proc->state, format_share(load, proc->load, proc->capacity),
		   (unsigned long long)proc->requests, since, (unsigned long long)proc->restarts,
		   memory);
	add_request(page, proc);
	page_print(page, "\n");
}

static void add_queue(struct page *page, const struct status_queue *queue)
{
	char share[CELL_SIZE], waiting[STATUS_UNIT_SIZE];

	page_print(page, "queue %s", format_share(share, queue->count, queue->limit));
	if (queue->count > 0)
		page_print(page, ", the first waits for %s",
			   status_format_time(waiting, queue->waiting_ms));
}

static void add_backend(struct page *page, const struct status_backend *backend)
{
	int width = widest_process(backend);
	char share[CELL_SIZE];

	page_print(page, "\n%s: load %s, ", backend->name,
		   format_share(share, backend->sum.load, backend->sum.capacity));
	add_queue(page, &backend->sum.queue);
	page_print(page, "\n%4s  %*s  %-8s  %7s  %10s  %7s  %8s  %10s  %7s  %s\n", "#", width,
		   "PROCESS", "STATE", "LOAD", "REQUESTS", "UP", "RESTARTS", "MEMORY", "FOR",
		   "REQUEST");
	for (size_t i = 0; i < backend->proc_count; i++)
		add_proc(page, &backend->procs[i], width);
}

static void add_sums(struct page *page, const struct status_model *model)
{
	const struct mux_counts *counts = &model->counts;
	uint64_t failures = 0;

	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		failures += counts->failures[kind];
	add_queue(page, &model->sum.queue);
	page_print(page, "; requests %llu, sent again %llu, slow %llu, failed %llu, broken %llu\n",
		   (unsigned long long)counts->requests, (unsigned long long)counts->retries,
		   (unsigned long long)counts->slow_requests, (unsigned long long)failures,
		   (unsigned long long)counts->broken_answers);
}

void status_table(struct page *page, const struct status_model *model)
{
	char since[STATUS_UNIT_SIZE];

	page_print(page,
		   STATUS_TABLE_BEGIN "%s, up %s: %llu of %llu processes, %llu at work: ", VERSION,
		   status_format_time(since, model->since_s * 1000),
		   (unsigned long long)model->sum.up, (unsigned long long)model->sum.count,
		   (unsigned long long)model->sum.active);
	if (model->sum.missing > 0)
		page_print(page, "%llu missing\n", (unsigned long long)model->sum.missing);
	else
		page_print(page, STATUS_TABLE_GOOD "\n");
	add_sums(page, model);
	for (size_t i = 0; i < model->backend_count; i++)
		add_backend(page, &model->backends[i]);
}
