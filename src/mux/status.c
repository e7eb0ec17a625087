#include "mux/status.h"

#include <string.h>

#include "mux/failure.h"
#include "mux/mux.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/response.h"
#include "mux/route.h"
#include "mux/status_forms.h"

static struct param sent_param(const struct request *request, const char *name)
{
	struct param param = {.value = ""};

	(void)params_find(request_params(request), request->params_len, name, &param);
	return param;
}

/* Whether the query has this word; what may stand behind it after a "=" does not matter. */
static bool has_word(const struct param *query, const char *word)
{
	const char *at = query->value, *end = at + query->value_len;
	size_t len = strlen(word);

	while (at < end) {
		const char *and = memchr(at, '&', (size_t)(end - at));
		size_t part = (size_t)((and? and : end) - at);

		if (part >= len && memcmp(at, word, len) == 0 && (part == len || at[len] == '='))
			return true;
		at = part < (size_t)(end - at) ? at + part + 1 : end;
	}
	return false;
}

/* Prometheus says so; a person with curl gets what tools for its older form read. */
static bool accepts_openmetrics(const struct request *request)
{
	static const char type[] = "application/openmetrics-text";
	struct param accept = sent_param(request, "HTTP_ACCEPT");

	return memmem(accept.value ? accept.value : "", accept.value_len, type, strlen(type));
}

static void print_head(struct page *page, const char *type)
{
	page_print(page, "Content-Type: %s\r\nCache-Control: no-store\r\n\r\n", type);
}

static void print_status(struct page *page, const struct request *request,
			 const struct status_model *model)
{
	struct param query = sent_param(request, "QUERY_STRING");
	bool is_full = has_word(&query, "full");

	if (has_word(&query, "json")) {
		print_head(page, "application/json");
		status_json(page, model, is_full);
	} else if (has_word(&query, "html")) {
		print_head(page, "text/html; charset=utf-8");
		status_html(page, model);
	} else if (has_word(&query, "table")) {
		print_head(page, "text/plain; charset=utf-8");
		status_table(page, model);
	} else if (!has_word(&query, "openmetrics")) {
		print_head(page, "text/plain");
		status_text(page, model, is_full);
	} else if (accepts_openmetrics(request)) {
		print_head(page, "application/openmetrics-text; version=1.0.0; charset=utf-8");
		status_metrics(page, model, true);
	} else {
		print_head(page, "text/plain; version=0.0.4; charset=utf-8");
		status_metrics(page, model, false);
	}
}

static void answer(struct request *request, struct page *page)
{
	if (page->is_lost) {
		failure_answer(request, FAILURE_NO_ROOM, "out of memory");
	} else {
		response_send(request, buffer_data(&page->bytes), page->bytes.len);
		response_end(request);
	}
	page_fini(page);
}

static void answer_status(struct request *request)
{
	struct page page = {0};
	struct status_model model;

	if (status_model_init(&model, request->route->mux) == 0)
		print_status(&page, request, &model);
	else
		page.is_lost = true;
	status_model_fini(&model);
	answer(request, &page);
}

static void answer_ping(struct request *request)
{
	struct page page = {0};

	print_head(&page, "text/plain");
	page_print(&page, "pong");
	answer(request, &page);
}

bool status_answer(struct request *request, const struct param *script_name)
{
	const struct settings *settings = request->route->mux->settings;
	bool is_status =
		settings->status_path && params_value_is(script_name, settings->status_path);
	bool is_ping = settings->ping_path && params_value_is(script_name, settings->ping_path);

	request->trace.is_untold = is_status || is_ping;
	if (is_status)
		answer_status(request);
	else if (is_ping)
		answer_ping(request);
	return is_status || is_ping;
}
