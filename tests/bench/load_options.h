#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/address.h"

/* What the command line asks of fcgi-load; constant once parsed. */

enum { LOAD_CLASSES_MAX = 8, LOAD_PARAMS_MAX = 64 };

/* Requests of one service time. */
struct load_class {
	unsigned share; /* of all, by weight */
	uint64_t service_ms;
};

struct load_options {
	const char *target; /* as written */
	struct socket_address address;
	size_t connections;
	size_t per_connection; /* requests at once on each */
	uint64_t requests;     /* to be made in all */
	uint64_t duration_ms;
	uint64_t timeout_ms;
	double rate; /* arrivals a second; 0: each answer is followed by the next request */
	uint64_t seed;
	size_t body_len;
	size_t answer_len;
	size_t idle; /* connections to hold open; 0: a measurement */
	const char *method;
	const char *params[LOAD_PARAMS_MAX]; /* NAME=VALUE, more of them */
	size_t param_count;
	struct load_class classes[LOAD_CLASSES_MAX]; /* at least one */
	size_t class_count;
	bool keeps;
	bool takes_any; /* looks at records and status only, not at the body */
	bool prints_json;
};

/* Prints what is wrong, or the help, and exits where there is nothing to run. */
void load_options_parse(struct load_options *options, int argc, char **argv);

#endif
