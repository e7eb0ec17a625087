#include "mux/request_time.h"

#include "base/log.h"
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
