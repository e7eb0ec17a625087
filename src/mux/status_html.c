#include "mux/status_forms.h"

#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "mux/failure.h"
#include "mux/status_units.h"

/* Names of sections and of states, and our own words, have nothing in them to escape. */

/*
 * All is in the page itself: it needs no script and nothing else of the web server, whose processes
 * browsers would ask for an icon else.
 */
static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<meta http-equiv=\"refresh\" content=\"2\">"
	"<meta name=\"viewport\" content=\"width=device-width\">"
	"<meta name=\"robots\" content=\"noindex\">"
	"<link rel=\"icon\" href=\"data:,\">"
	"<title>fcgi-herd</title><style>\n"
	":root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--text:#1c2330;--soft:#667085;"
	"--line:#e3e6eb;--bar:#3b76d4;--idle:#8a94a6;--run:#2a9d5c;--wait:#c98a12;--bad:#cf3f4f}\n"
	"@media(prefers-color-scheme:dark){:root{--page:#12151b;--card:#1b2029;--text:#e4e8ef;"
	"--soft:#93a0b4;--line:#2b323e;--bar:#5b93ea;--idle:#76839a;--run:#45b877;--wait:#dca53a;"
	"--bad:#ec6a78}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--page);"
	"color:var(--text);font:15px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}\n"
	"header,h2{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 1rem}\n"
	"h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:0 0 .75rem}\n"
	"small span{margin-right:.7rem}small,.soft,th{color:var(--soft);font-weight:400;"
	"font-size:.85rem}\n"
	".cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));"
	"margin:1rem 0}\n"
	".card,section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;"
	"padding:1rem}section{margin:0 0 1rem;overflow-x:auto}\n"
	".card b{display:block;font-size:1.6rem;line-height:1.25;font-weight:600}\n"
	".meter{display:block;height:.4rem;border-radius:.2rem;background:var(--line);"
	"overflow:hidden;margin:.3rem 0;min-width:3rem}"
	".meter i{display:block;height:100%;background:var(--bar)}\n"
	"table{border-collapse:collapse;width:100%}"
	"th,td{text-align:right;padding:.35rem .6rem;border-top:1px solid var(--line);"
	"white-space:nowrap}th{border:0;padding-top:0}\n"
	".l{text-align:left}.w{width:40%;min-width:14rem;max-width:14rem;overflow:hidden;"
	"text-overflow:ellipsis}\n"
	".s::before{content:\"\";display:inline-block;width:.6rem;height:.6rem;"
	"border-radius:50%;background:var(--c,var(--idle));margin-right:.45rem}"
	".Running,.Good{--c:var(--run)}.Starting,.Draining{--c:var(--wait)}"
	".Down,.Failing,.Resting,.Bad{--c:var(--bad)}.Off{--c:var(--line)}\n"
	"p{margin:1rem 0 .5rem}"
	".bars{display:flex;gap:.3rem;height:6rem;min-width:56rem;white-space:nowrap}"
	".bars div{flex:1;display:flex;flex-direction:column;justify-content:flex-end;"
	"text-align:center}.bars i{background:var(--bar);border-radius:.2rem .2rem 0 0;"
	"min-height:1px}\n"
	"@media(max-width:44rem){body{padding:.75rem}.o{display:none}"
	".w{min-width:7rem;max-width:7rem}th,td{padding:.35rem .3rem}"
	"td:last-child small{display:none}"
	".bars{min-width:0;gap:.15rem}.bars div{min-width:0}.bars small{font-size:.65rem;"
	"text-align:left}.bars div:not(:nth-child(3n+1)) small{visibility:hidden}}\n"
	"</style></head><body>\n";

static void add_number(struct page *page, uint64_t number)
{
	if (number == STATUS_NONE)
		page_print(page, "\xe2\x88\x9e");
	else
		page_print(page, "%llu", (unsigned long long)number);
}

static void add_time(struct page *page, uint64_t ms)
{
	char text[STATUS_UNIT_SIZE];

	page_print(page, "%s", ms == STATUS_NONE ? "\xe2\x88\x9e" : status_format_time(text, ms));
}

static void add_memory(struct page *page, uint64_t len)
{
	char text[STATUS_UNIT_SIZE];

	page_print(page, "%s",
		   len == STATUS_NONE ? "\xe2\x80\x93" : status_format_memory(text, len));
}

/* How much of its limit is used; nothing where there is no limit. */
static void add_meter(struct page *page, uint64_t value, uint64_t limit)
{
	if (limit != STATUS_NONE && limit > 0)
		page_print(page, "<span class=\"meter\"><i style=\"width:%.0f%%\"></i></span>",
			   value < limit ? 100 * (double)value / (double)limit : 100);
}

static void begin_card(struct page *page, const char *title, uint64_t value)
{
	page_print(page, "<div class=\"card\"><span class=\"soft\">%s</span><b>", title);
	add_number(page, value);
}

static void add_gauge(struct page *page, const char *title, uint64_t value, uint64_t limit)
{
	begin_card(page, title, value);
	page_print(page, " <small>of ");
	add_number(page, limit);
	page_print(page, "</small></b>");
	add_meter(page, value, limit);
}

static void add_queue(struct page *page, const struct status_queue *queue)
{
	add_gauge(page, "Requests that wait", queue->count, queue->limit);
	page_print(page, "<small>longest ");
	add_time(page, queue->waiting_ms);
	page_print(page, " of ");
	add_time(page, queue->timeout_ms);
	page_print(page, " \xc2\xb7 most %llu</small></div>", (unsigned long long)queue->count_max);
}

static void add_failures(struct page *page, const struct mux_counts *counts)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		sum += counts->failures[kind];
	begin_card(page, "Errors of fcgi-mux", sum);
	page_print(page, "</b><small>");
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		if (counts->failures[kind] > 0)
			page_print(page, "<span>%.3s: %llu</span> ",
				   failure_status((enum failure_kind)kind),
				   (unsigned long long)counts->failures[kind]);
	page_print(page, "</small></div>");
}

static void add_cards(struct page *page, const struct status_model *model)
{
	const struct status_sum *sum = &model->sum;

	page_print(page, "<div class=\"cards\">");
	add_gauge(page, "Processes at work", sum->active, sum->count);
	page_print(page, "<small>%llu idle \xc2\xb7 most %llu</small></div>",
		   (unsigned long long)sum->idle, (unsigned long long)sum->active_max);
	add_queue(page, &sum->queue);
	add_gauge(page, "Connections", model->connections, model->connections_max);
	page_print(page, "</div>");
	begin_card(page, "Requests", model->counts.requests);
	page_print(page, "</b><small>%llu sent again \xc2\xb7 %llu slow</small></div>",
		   (unsigned long long)model->counts.retries,
		   (unsigned long long)model->counts.slow_requests);
	add_failures(page, &model->counts);
	page_print(page, "</div>\n");
}

static void add_duration(struct page *page, uint64_t duration_ms, uint64_t limit_ms)
{
	add_time(page, duration_ms);
	if (limit_ms != STATUS_NONE) {
		page_print(page, " <small>of ");
		add_time(page, limit_ms);
		page_print(page, "</small>");
	}
}

static void add_request(struct page *page, const struct status_proc *proc, uint64_t timeout_ms)
{
	const struct status_request *request = &proc->request;

	if (!proc->has_request) {
		page_print(page, "<td></td><td></td></tr>\n");
		return;
	}
	page_print(page, "<td class=\"l w\" title=\"");
	page_escape(page, PAGE_HTML, request->script.value, request->script.value_len);
	page_print(page, "\">");
	if (proc->is_abandoned) {
		page_print(page, "<span class=\"soft\">its client has left</span>");
	} else {
		page_escape(page, PAGE_HTML, request->method.value, request->method.value_len);
		page_print(page, " ");
		page_escape(page, PAGE_HTML, request->uri.value, request->uri.value_len);
	}
	page_print(page, "</td><td>");
	add_duration(page, proc->duration_ms, timeout_ms);
	page_print(page, "</td></tr>\n");
}

static void add_proc(struct page *page, const struct status_proc *proc, uint64_t timeout_ms)
{
	char address[ADDRESS_TEXT_SIZE];

	address_format(proc->address, address);
	page_print(page, "<tr><td class=\"l\" title=\"");
	page_escape(page, PAGE_HTML, address, strlen(address));
	page_print(page, "\">%llu</td><td>", (unsigned long long)proc->number);
	if (proc->pid > 0)
		add_number(page, proc->pid);
	else
		page_escape(page, PAGE_HTML, address, strlen(address));
	page_print(page, "</td><td class=\"l\"><span class=\"s %s\">%s</span></td><td>",
		   proc->state, proc->state);
	add_number(page, proc->load);
	page_print(page, " <small>of ");
	add_number(page, proc->capacity);
	page_print(page, "</small></td><td class=\"o\">%llu</td><td class=\"o\">",
		   (unsigned long long)proc->requests);
	if (proc->is_up)
		add_time(page, proc->since_s * 1000);
	page_print(page, "</td><td class=\"o\">%llu</td><td class=\"o\">",
		   (unsigned long long)proc->restarts);
	add_memory(page, proc->memory_len);
	page_print(page, "</td>");
	add_request(page, proc, timeout_ms);
}

static uint64_t largest(const struct histogram *latency)
{
	uint64_t most = 1;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		most = latency->counts[i] > most ? latency->counts[i] : most;
	return most;
}

static void add_percentile(struct page *page, const struct histogram *latency, unsigned percent)
{
	uint64_t bound_ms = histogram_percentile_ms(latency, percent);

	page_print(page, " \xc2\xb7 %u %% within ", percent);
	add_time(page, bound_ms == HISTOGRAM_BEYOND ? STATUS_NONE : bound_ms);
}

static void add_latency(struct page *page, const struct histogram *latency)
{
	uint64_t most = largest(latency);

	if (histogram_count(latency) == 0)
		return;
	page_print(page, "<p class=\"soft\">How long requests took, waiting included");
	add_percentile(page, latency, 50);
	add_percentile(page, latency, 99);
	page_print(page, "</p><div class=\"bars\">");
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		page_print(page, "<div title=\"%llu\"><i style=\"height:%.1f%%\"></i><small>",
			   (unsigned long long)latency->counts[i],
			   75 * (double)latency->counts[i] / (double)most);
		if (histogram_bound_ms(i) == HISTOGRAM_BEYOND)
			page_print(page, "more");
		else
			add_time(page, histogram_bound_ms(i));
		page_print(page, "</small></div>");
	}
	page_print(page, "</div>");
}

static void add_backend(struct page *page, const struct status_backend *backend)
{
	const struct status_sum *sum = &backend->sum;

	page_print(page, "<section><h2>%s <small>load %llu of ", backend->name,
		   (unsigned long long)sum->load);
	add_number(page, sum->capacity);
	page_print(page, " \xc2\xb7 %llu wait of ", (unsigned long long)sum->queue.count);
	add_number(page, sum->queue.limit);
	if (sum->queue.count > 0) {
		page_print(page, ", longest ");
		add_time(page, sum->queue.waiting_ms);
	}
	page_print(page, "</small></h2><table><tr><th class=\"l\">#</th><th>process</th>"
			 "<th class=\"l\">state</th><th>load</th>"
			 "<th class=\"o\">requests</th><th class=\"o\">up</th>"
			 "<th class=\"o\">restarts</th><th class=\"o\">memory</th>"
			 "<th class=\"l w\">request</th><th>for</th></tr>\n");
	for (size_t i = 0; i < backend->proc_count; i++)
		add_proc(page, &backend->procs[i], backend->request_timeout_ms);
	page_print(page, "</table>");
	add_latency(page, &backend->counts.latency);
	page_print(page, "</section>\n");
}

static void add_verdict(struct page *page, uint64_t missing)
{
	if (missing == 0)
		page_print(page, "<span class=\"s Good\">all is well</span>");
	else
		page_print(page, "<span class=\"s Bad\">processes missing: %llu</span>",
			   (unsigned long long)missing);
}

void status_html(struct page *page, const struct status_model *model)
{
	page_print(page, "%s<header><h1>fcgi-herd</h1><small>%s \xc2\xb7 up for ", head, VERSION);
	add_time(page, model->since_s * 1000);
	page_print(page, "</small>");
	add_verdict(page, model->sum.missing);
	page_print(page, "</header>\n");
	add_cards(page, model);
	for (size_t i = 0; i < model->backend_count; i++)
		add_backend(page, &model->backends[i]);
	page_print(page, "</body></html>\n");
}
