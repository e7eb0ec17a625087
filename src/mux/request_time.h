#ifndef MUX_REQUEST_TIME_H
#define MUX_REQUEST_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* How long a request has been running. */

/* For how long its proc has had it; whether that is at least a limit, where 0 is none. */
uint64_t request_running_ms(const struct request *request);
bool request_has_run_for(const struct request *request, uint64_t limit_ms);

/* Nobody has begun on it, as is known now: its time begins anew. Nothing, where it has none. */
void request_restart_time(struct request *request);

/* It has run for long: says so in the log, once. */
void request_name_slow(struct request *request);

/* Its answer is complete, and it still has its proc: how long it took goes into the counts. */
void request_count_answer(const struct request *request);

#endif
