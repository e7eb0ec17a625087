#include "mux/status_forms.h"

#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "mux/failure.h"
#include "mux/status_fields.h"

enum kind { GAUGE, COUNTER };
enum unit { PLAIN, MILLISECONDS };

/* One number of each object of its scope. */
struct family {
	const char *name; /* without prefix and _total */
	const char *help;
	size_t offset; /* in struct status_model, _backend or _proc */
	enum kind kind;
	enum unit unit;
};

#define MODEL(field) offsetof(struct status_model, field)
#define BACKEND(field) offsetof(struct status_backend, field)
#define PROC(field) offsetof(struct status_proc, field)

static const struct family mux_families[] = {
	{"start_time_seconds", "When fcgi-mux started, since 1970.", MODEL(started_s), GAUGE,
	 PLAIN},
	{"connections", "Open connections of web servers.", MODEL(connections), GAUGE, PLAIN},
	{"connections_limit", "How many there may be.", MODEL(connections_max), GAUGE, PLAIN},
	{"requests", "Requests that came in.", MODEL(counts.requests), COUNTER, PLAIN},
	{"retries", "Requests sent again after a process failed.", MODEL(counts.retries), COUNTER,
	 PLAIN},
	{"slow_requests", "Requests that ran for slow-request.", MODEL(counts.slow_requests),
	 COUNTER, PLAIN},
	{"access_lines_lost", "Lines that the access log did not take.",
	 MODEL(counts.access_lines_lost), COUNTER, PLAIN},
	{"refused_clients", "Connections of web servers closed for who they came from.",
	 MODEL(counts.refused_clients), COUNTER, PLAIN},
	{"bad_clients", "Connections of web servers closed for what came on them.",
	 MODEL(counts.bad_clients), COUNTER, PLAIN},
	{"bad_answers", "Answers that broke the protocol.", MODEL(counts.bad_answers), COUNTER,
	 PLAIN},
	{"broken_answers", "Answers that ended before their end.", MODEL(counts.broken_answers),
	 COUNTER, PLAIN},
};

static const struct family backend_families[] = {
	{"backend_load", "Requests that the processes of a section have.", BACKEND(sum.load), GAUGE,
	 PLAIN},
	{"backend_capacity", "Requests that they take at once; absent: any number.",
	 BACKEND(sum.capacity), GAUGE, PLAIN},
	{"backend_processes", "Processes that are there.", BACKEND(sum.up), GAUGE, PLAIN},
	{"backend_processes_limit", "Processes that there may be.", BACKEND(sum.count), GAUGE,
	 PLAIN},
	{"backend_processes_missing", "Processes that there should be, or that do not work.",
	 BACKEND(sum.missing), GAUGE, PLAIN},
	{"backend_processes_active", "Processes with a request.", BACKEND(sum.active), GAUGE,
	 PLAIN},
	{"backend_processes_active_max", "The most of them at once, so far.",
	 BACKEND(sum.active_max), GAUGE, PLAIN},
	{"backend_queued", "Requests that wait for a process.", BACKEND(sum.queue.count), GAUGE,
	 PLAIN},
	{"backend_queued_max", "The most of them at once, so far.", BACKEND(sum.queue.count_max),
	 GAUGE, PLAIN},
	{"backend_queue_limit", "How many may wait.", BACKEND(sum.queue.limit), GAUGE, PLAIN},
	{"backend_queue_waiting_seconds", "How long the first of them has waited.",
	 BACKEND(sum.queue.waiting_ms), GAUGE, MILLISECONDS},
	{"backend_queue_timeout_seconds", "How long a request may wait; absent: for ever.",
	 BACKEND(sum.queue.timeout_ms), GAUGE, MILLISECONDS},
	{"backend_request_timeout_seconds", "How long one may run; absent: for ever.",
	 BACKEND(request_timeout_ms), GAUGE, MILLISECONDS},
	{"backend_waits", "How often all processes were busy and requests began to wait.",
	 BACKEND(sum.queue.waits), COUNTER, PLAIN},
	{"backend_waited_seconds", "Time that answered requests had waited for a process.",
	 BACKEND(counts.waited_ms), COUNTER, MILLISECONDS},
};

static const struct family proc_families[] = {
	{"process_up", "1: there is a process.", PROC(is_up), GAUGE, PLAIN},
	{"process_start_time_seconds", "When it came up, since 1970.", PROC(started_s), GAUGE,
	 PLAIN},
	{"process_load", "Requests that it has.", PROC(load), GAUGE, PLAIN},
	{"process_other_load", "A quarter of the requests that others have given it, as it says.",
	 PROC(other_load), GAUGE, PLAIN},
	{"process_capacity", "Requests that it takes at once; absent: any number.", PROC(capacity),
	 GAUGE, PLAIN},
	{"process_resident_memory_bytes", "Memory that it has, shared pages among it.",
	 PROC(memory_len), GAUGE, PLAIN},
	{"process_requests", "Requests that it has answered.", PROC(counts.requests), COUNTER,
	 PLAIN},
	{"process_busy_seconds", "Time that these ran.", PROC(counts.busy_ms), COUNTER,
	 MILLISECONDS},
	{"process_restarts", "How often it was started again.", PROC(restarts), COUNTER, PLAIN},
	{"process_connected", "Connections made to it.", PROC(counts.connected), COUNTER, PLAIN},
	{"process_died", "How often it ended.", PROC(counts.died), COUNTER, PLAIN},
	{"process_disabled", "How often it was left out.", PROC(counts.disabled), COUNTER, PLAIN},
	{"process_overloaded", "How often it had no room for a request.", PROC(counts.overloaded),
	 COUNTER, PLAIN},
};

#define COUNT(families) (sizeof(families) / sizeof(*(families)))

/* Where the samples go, and how families of counters are called there. */
struct metrics {
	struct page *page;
	bool is_strict;
};

static void add_head(const struct metrics *metrics, const char *name, const char *help,
		     const char *type)
{
	bool is_counter = strcmp(type, "counter") == 0;
	const char *suffix = is_counter && !metrics->is_strict ? "_total" : "";

	page_print(metrics->page, "# HELP fcgi_herd_%s%s %s\n# TYPE fcgi_herd_%s%s %s\n", name,
		   suffix, help, name, suffix, type);
}

static void add_family(const struct metrics *metrics, const struct family *family)
{
	add_head(metrics, family->name, family->help,
		 family->kind == COUNTER ? "counter" : "gauge");
}

/* labels: with their braces. What is not known is left out. */
static void add_sample(const struct metrics *metrics, const struct family *family,
		       const char *labels, const void *shown)
{
	uint64_t value = status_value(shown, family->offset);

	if (value == STATUS_NONE)
		return;
	page_print(metrics->page, "fcgi_herd_%s%s%s ", family->name,
		   family->kind == COUNTER ? "_total" : "", labels);
	if (family->unit == MILLISECONDS)
		page_seconds(metrics->page, value);
	else
		page_print(metrics->page, "%llu", (unsigned long long)value);
	page_print(metrics->page, "\n");
}

static void add_mux(const struct metrics *metrics, const struct status_model *model)
{
	for (size_t i = 0; i < COUNT(mux_families); i++) {
		add_family(metrics, &mux_families[i]);
		add_sample(metrics, &mux_families[i], "", model);
	}
	add_head(metrics, "build_info", "Always 1.", "gauge");
	page_print(metrics->page, "fcgi_herd_build_info{version=\"%s\"} 1\n", VERSION);
	add_head(metrics, "failures", "Requests that fcgi-mux answered itself.", "counter");
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		page_print(metrics->page, "fcgi_herd_failures_total{status=\"%.3s\"} %llu\n",
			   failure_status((enum failure_kind)kind),
			   (unsigned long long)model->counts.failures[kind]);
}

/* A section's name is made of letters, digits and the like: nothing in it is to be escaped. */
enum { LABELS_SIZE = 128 + ADDRESS_TEXT_SIZE };

static void add_backends(const struct metrics *metrics, const struct status_model *model,
			 const struct family *family)
{
	char labels[LABELS_SIZE];

	add_family(metrics, family);
	for (size_t i = 0; i < model->backend_count; i++) {
		(void)text_format(labels, sizeof(labels), "{backend=\"%s\"}",
				  model->backends[i].name);
		add_sample(metrics, family, labels, &model->backends[i]);
	}
}

/* Hosts come and go, and the next one has the number of one that is gone. */
static void put_labels(char out[LABELS_SIZE], const char *backend, const struct status_proc *proc)
{
	char address[ADDRESS_TEXT_SIZE];

	if (proc->address->kind == ADDRESS_TCP)
		(void)text_format(out, LABELS_SIZE,
				  "{backend=\"%s\",process=\"%llu\",address=\"%s\"}", backend,
				  (unsigned long long)proc->number,
				  address_format(proc->address, address));
	else
		(void)text_format(out, LABELS_SIZE, "{backend=\"%s\",process=\"%llu\"}", backend,
				  (unsigned long long)proc->number);
}

static void add_procs_of(const struct metrics *metrics, const struct status_backend *backend,
			 const struct family *family)
{
	char labels[LABELS_SIZE];

	for (size_t i = 0; i < backend->proc_count; i++) {
		put_labels(labels, backend->name, &backend->procs[i]);
		add_sample(metrics, family, labels, &backend->procs[i]);
	}
}

/* All samples of a family stand together. */
static void add_procs(const struct metrics *metrics, const struct status_model *model,
		      const struct family *family)
{
	add_family(metrics, family);
	for (size_t i = 0; i < model->backend_count; i++)
		add_procs_of(metrics, &model->backends[i], family);
}

static void add_latency(struct page *page, const char *name, const struct histogram *latency)
{
	static const char sample[] = "fcgi_herd_backend_latency_seconds";

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		page_print(page, "%s_bucket{backend=\"%s\",le=\"", sample, name);
		if (histogram_bound_ms(i) == HISTOGRAM_BEYOND)
			page_print(page, "+Inf");
		else
			page_print(page, "%g", (double)histogram_bound_ms(i) / 1000);
		page_print(page, "\"} %llu\n",
			   (unsigned long long)histogram_count_within(latency, i));
	}
	page_print(page, "%s_sum{backend=\"%s\"} ", sample, name);
	page_seconds(page, latency->sum_ms);
	page_print(page, "\n%s_count{backend=\"%s\"} %llu\n", sample, name,
		   (unsigned long long)histogram_count(latency));
}

static void add_latencies(const struct metrics *metrics, const struct status_model *model)
{
	add_head(metrics, "backend_latency_seconds",
		 "Time of answered requests, from when they were whole to the end of the answer.",
		 "histogram");
	for (size_t i = 0; i < model->backend_count; i++)
		add_latency(metrics->page, model->backends[i].name,
			    &model->backends[i].counts.latency);
}

void status_metrics(struct page *page, const struct status_model *model, bool is_strict)
{
	const struct metrics metrics = {page, is_strict};

	add_mux(&metrics, model);
	for (size_t i = 0; i < COUNT(backend_families); i++)
		add_backends(&metrics, model, &backend_families[i]);
	add_latencies(&metrics, model);
	for (size_t i = 0; i < COUNT(proc_families); i++)
		add_procs(&metrics, model, &proc_families[i]);
	page_print(page, "# EOF\n");
}
