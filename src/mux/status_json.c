#include "mux/status_forms.h"

#include <string.h>

#include "base/address.h"
#include "mux/status_fields.h"

/* Names of sections and of states, and our own words, have nothing in them to escape. */

static const struct status_field sum_fields[] = {
	{"procs_max", offsetof(struct status_sum, count)},
	{"procs_up", offsetof(struct status_sum, up)},
	{"procs_missing", offsetof(struct status_sum, missing)},
	{"procs_active", offsetof(struct status_sum, active)},
	{"procs_active_max", offsetof(struct status_sum, active_max)},
	{"load", offsetof(struct status_sum, load)},
	{"capacity", offsetof(struct status_sum, capacity)},
	{"queued", offsetof(struct status_sum, queue.count)},
	{"queued_max", offsetof(struct status_sum, queue.count_max)},
	{"queue_limit", offsetof(struct status_sum, queue.limit)},
	{"queue_waiting_ms", offsetof(struct status_sum, queue.waiting_ms)},
	{"queue_timeout_ms", offsetof(struct status_sum, queue.timeout_ms)},
	{"waits", offsetof(struct status_sum, queue.waits)},
};

static const struct status_field proc_fields[] = {
	{"number", offsetof(struct status_proc, number)},
	{"pid", offsetof(struct status_proc, pid)},
	{"load", offsetof(struct status_proc, load)},
	{"capacity", offsetof(struct status_proc, capacity)},
	{"other_load", offsetof(struct status_proc, other_load)},
	{"tier", offsetof(struct status_proc, tier)},
	{"weight_percent", offsetof(struct status_proc, weight_percent)},
	{"start_time", offsetof(struct status_proc, started_s)},
	{"start_since", offsetof(struct status_proc, since_s)},
	{"restarts", offsetof(struct status_proc, restarts)},
	{"memory", offsetof(struct status_proc, memory_len)},
	{"requests", offsetof(struct status_proc, requests)},
	{"busy_ms", offsetof(struct status_proc, counts.busy_ms)},
	{"connected", offsetof(struct status_proc, counts.connected)},
	{"died", offsetof(struct status_proc, counts.died)},
	{"disabled", offsetof(struct status_proc, counts.disabled)},
	{"overloaded", offsetof(struct status_proc, counts.overloaded)},
};

#define COUNT(fields) (sizeof(fields) / sizeof(*(fields)))

/* Each member is written with a comma behind it; with the end of its object the last one goes. */
static void add_number(struct page *page, const char *name, uint64_t number)
{
	if (number == STATUS_NONE)
		page_print(page, "\"%s\":null,", name);
	else
		page_print(page, "\"%s\":%llu,", name, (unsigned long long)number);
}

static void add_fields(struct page *page, const void *shown, const struct status_field *fields,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_number(page, fields[i].name, status_value(shown, fields[i].offset));
}

static void add_value(struct page *page, const char *name, const struct param *value)
{
	page_print(page, "\"%s\":\"", name);
	page_escape(page, PAGE_JSON, value->value, value->value_len);
	page_print(page, "\",");
}

static void add_text(struct page *page, const char *name, const char *text)
{
	struct param value = {.value = text, .value_len = strlen(text)};

	add_value(page, name, &value);
}

static void end(struct page *page, const char *bracket)
{
	page_cut(page, ',');
	page_print(page, "%s", bracket);
}

static void add_latency(struct page *page, const struct backend_counts *counts)
{
	const struct histogram *latency = &counts->latency;

	page_print(page, "\"latency\":{");
	add_number(page, "count", histogram_count(latency));
	add_number(page, "sum_ms", latency->sum_ms);
	add_number(page, "waited_ms", counts->waited_ms);
	page_print(page, "\"buckets\":[");
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		page_print(page, "{");
		add_number(page, "up_to_ms", histogram_bound_ms(i));
		add_number(page, "count", latency->counts[i]);
		end(page, "},");
	}
	end(page, "]},");
}

static void add_request(struct page *page, const struct status_proc *proc)
{
	const struct status_request *request = &proc->request;

	if (!proc->has_request) {
		page_print(page, "\"request\":null,");
		return;
	}
	page_print(page, "\"request\":{");
	add_number(page, "running_ms", proc->duration_ms);
	page_print(page, "\"abandoned\":%s,", proc->is_abandoned ? "true" : "false");
	add_value(page, "method", &request->method);
	add_value(page, "uri", &request->uri);
	add_value(page, "script", &request->script);
	add_value(page, "user", &request->user);
	add_number(page, "content_length", request->content_len);
	end(page, "},");
}

static void add_proc(struct page *page, const struct status_proc *proc)
{
	char address[ADDRESS_TEXT_SIZE];

	page_print(page, "{");
	add_text(page, "address", address_format(proc->address, address));
	add_text(page, "state", proc->state);
	add_fields(page, proc, proc_fields, COUNT(proc_fields));
	add_request(page, proc);
	end(page, "},");
}

static void add_backend(struct page *page, const struct status_backend *backend)
{
	page_print(page, "{");
	add_text(page, "name", backend->name);
	add_fields(page, &backend->sum, sum_fields, COUNT(sum_fields));
	add_number(page, "request_timeout_ms", backend->request_timeout_ms);
	add_latency(page, &backend->counts);
	page_print(page, "\"procs\":[");
	for (size_t i = 0; i < backend->proc_count; i++)
		add_proc(page, &backend->procs[i]);
	end(page, "]");
	end(page, "},");
}

/* As php-fpm has it; a duration is in microseconds there. */
static void add_process(struct page *page, const struct status_proc *proc)
{
	const struct status_request *request = &proc->request;

	page_print(page, "{");
	add_number(page, "pid", proc->pid);
	add_text(page, "state", proc->state);
	add_number(page, "start time", proc->started_s);
	add_number(page, "start since", proc->since_s);
	add_number(page, "requests", proc->requests);
	add_number(page, "request duration", proc->duration_ms * 1000);
	add_value(page, "request method", &request->method);
	add_value(page, "request uri", &request->uri);
	add_number(page, "content length", request->content_len);
	add_value(page, "user", &request->user);
	add_value(page, "script", &request->script);
	end(page, "},");
}

static void add_processes(struct page *page, const struct status_model *model)
{
	page_print(page, "\"processes\":[");
	for (size_t i = 0; i < model->backend_count; i++)
		for (size_t n = 0; n < model->backends[i].proc_count; n++)
			add_process(page, &model->backends[i].procs[n]);
	end(page, "],");
}

void status_json(struct page *page, const struct status_model *model, bool is_full)
{
	page_print(page, "{");
	add_text(page, "pool", status_model_pool(model));
	add_text(page, "process manager", status_model_manager(model));
	add_number(page, "start time", model->started_s);
	add_fields(page, model, status_fpm_fields, STATUS_FPM_FIELDS);
	add_fields(page, model, status_fields, STATUS_FIELDS);
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		page_print(page, "\"answered %.3s\":%llu,", failure_status((enum failure_kind)kind),
			   (unsigned long long)model->counts.failures[kind]);
	if (is_full)
		add_processes(page, model);
	page_print(page, "\"backends\":[");
	for (size_t i = 0; i < model->backend_count; i++)
		add_backend(page, &model->backends[i]);
	end(page, "]");
	end(page, "}\n");
}
