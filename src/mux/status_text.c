#include "mux/status_forms.h"

#include <time.h>

#include "mux/status_fields.h"

enum { DATE_SIZE = 64 };

static const struct status_field lighttpd_fields[] = {
	{"connected", offsetof(struct status_proc, counts.connected)},
	{"died", offsetof(struct status_proc, counts.died)},
	{"disabled", offsetof(struct status_proc, counts.disabled)},
	{"load", offsetof(struct status_proc, load)},
	{"overloaded", offsetof(struct status_proc, counts.overloaded)},
};

static void add_number(struct page *page, const char *name, uint64_t number)
{
	page_print(page, "%s: %llu\n", name, (unsigned long long)number);
}

static void add_fields(struct page *page, const struct status_model *model,
		       const struct status_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_number(page, fields[i].name, status_value(model, fields[i].offset));
}

static void add_start(struct page *page, uint64_t seconds)
{
	char text[DATE_SIZE] = "-";
	time_t time = (time_t)seconds;
	struct tm local;

	if (seconds > 0 && localtime_r(&time, &local))
		(void)strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S %z", &local);
	page_print(page, "start time: %s\n", text);
}

static void add_value(struct page *page, const char *name, const struct param *value)
{
	page_print(page, "%s: ", name);
	page_escape(page, PAGE_TEXT, value->value, value->value_len);
	page_print(page, "\n");
}

static void add_lighttpd(struct page *page, const struct status_backend *backend,
			 const struct status_proc *proc)
{
	for (size_t i = 0; i < sizeof(lighttpd_fields) / sizeof(*lighttpd_fields); i++)
		page_print(page, "fastcgi.backend.%s.%llu.%s: %llu\n", backend->name,
			   (unsigned long long)proc->number, lighttpd_fields[i].name,
			   (unsigned long long)status_value(proc, lighttpd_fields[i].offset));
}

static void add_backend(struct page *page, const struct status_backend *backend)
{
	page_print(page, "fastcgi.backend.%s.load: %llu\n", backend->name,
		   (unsigned long long)backend->sum.load);
	page_print(page, "fastcgi.backend.%s.queued: %llu\n", backend->name,
		   (unsigned long long)backend->sum.queue.count);
	for (size_t i = 0; i < backend->proc_count; i++)
		add_lighttpd(page, backend, &backend->procs[i]);
}

static void add_process(struct page *page, const struct status_proc *proc)
{
	const struct status_request *request = &proc->request;

	page_print(page, "\n************************\n");
	add_number(page, "pid", proc->pid);
	page_print(page, "state: %s\n", proc->state);
	add_start(page, proc->started_s);
	add_number(page, "start since", proc->since_s);
	add_number(page, "requests", proc->requests);
	add_number(page, "request duration", proc->duration_ms * 1000);
	add_value(page, "request method", &request->method);
	add_value(page, "request URI", &request->uri);
	add_number(page, "content length", request->content_len);
	add_value(page, "user", &request->user);
	add_value(page, "script", &request->script);
}

void status_text(struct page *page, const struct status_model *model, bool is_full)
{
	page_print(page, "pool: %s\nprocess manager: %s\n", status_model_pool(model),
		   status_model_manager(model));
	add_start(page, model->started_s);
	add_fields(page, model, status_fpm_fields, STATUS_FPM_FIELDS);
	add_fields(page, model, status_fields, STATUS_FIELDS);
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		page_print(page, "answered %.3s: %llu\n", failure_status((enum failure_kind)kind),
			   (unsigned long long)model->counts.failures[kind]);
	for (size_t i = 0; i < model->backend_count; i++)
		add_backend(page, &model->backends[i]);
	for (size_t i = 0; is_full && i < model->backend_count; i++)
		for (size_t n = 0; n < model->backends[i].proc_count; n++)
			add_process(page, &model->backends[i].procs[n]);
}
