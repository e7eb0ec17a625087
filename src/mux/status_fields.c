#include "mux/status_fields.h"

#include "mux/status_model.h"

#define MODEL(field) offsetof(struct status_model, field)

const struct status_field status_fpm_fields[STATUS_FPM_FIELDS] = {
	{"start since", MODEL(since_s)},
	{"accepted conn", MODEL(counts.requests)},
	{"listen queue", MODEL(sum.queue.count)},
	{"max listen queue", MODEL(sum.queue.count_max)},
	{"listen queue len", MODEL(sum.queue.limit)},
	{"idle processes", MODEL(sum.idle)},
	{"active processes", MODEL(sum.active)},
	{"total processes", MODEL(sum.up)},
	{"max active processes", MODEL(sum.active_max)},
	{"max children reached", MODEL(sum.queue.waits)},
	{"slow requests", MODEL(counts.slow_requests)},
};

const struct status_field status_fields[STATUS_FIELDS] = {
	{"connections", MODEL(connections)},
	{"max connections", MODEL(connections_max)},
	{"requests", MODEL(counts.requests)},
	{"retries", MODEL(counts.retries)},
	{"access lines lost", MODEL(counts.access_lines_lost)},
	{"refused clients", MODEL(counts.refused_clients)},
	{"bad clients", MODEL(counts.bad_clients)},
	{"bad answers", MODEL(counts.bad_answers)},
	{"broken answers", MODEL(counts.broken_answers)},
};
