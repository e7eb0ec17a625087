#include "mux/request_time.h"

#include "base/log.h"
#include "mux/backend.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/proc_connection.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/route.h"
#include "os/loop.h"

uint64_t request_running_ms(const struct request *request)
{
	return loop_now_ms() - request->running_since_ms;
}

bool request_has_run_for(const struct request *request, uint64_t limit_ms)
{
	return limit_ms > 0 && request_running_ms(request) >= limit_ms;
}

void request_restart_time(struct request *request)
{
	if (list_is_empty(&request->running))
		return;
	list_detach(&request->running);
	list_append(&request->proc->proc->backend->running, &request->running);
	request->running_since_ms = loop_now_ms();
	request->timed_out_ms = 0;
}

void request_name_slow(struct request *request)
{
	struct param name = request_name(request);
	struct param script = request_script(request);

	request->is_slow = true;
	request->route->mux->counts.slow_requests++;
	log_warnx("request %.*s: slow: %s has not answered for %llu ms; script=%.*s",
		  (int)name.value_len, name.value, request->proc->proc->name,
		  (unsigned long long)request_running_ms(request), (int)script.value_len,
		  script.value);
}

void request_count_answer(const struct request *request)
{
	struct proc *proc = request->proc->proc;
	struct backend_counts *counts = &proc->backend->counts;
	uint64_t ran_ms = request_running_ms(request);
	uint64_t waited_ms = request->running_since_ms - request->ticket.since_ms;

	proc->counts.requests++;
	proc->counts.busy_ms += ran_ms;
	proc->counts.last_ms = ran_ms;
	counts->waited_ms += waited_ms;
	histogram_add(&counts->latency, waited_ms + ran_ms);
}
