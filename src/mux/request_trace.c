#include "mux/request_trace.h"

#include "os/loop.h"

void request_trace_sent(struct request_trace *trace, size_t len)
{
	if (trace->sent_len == 0)
		trace->first_ms = loop_now_ms();
	trace->sent_len += len;
}
