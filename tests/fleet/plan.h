#ifndef FLEET_PLAN_H
#define FLEET_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* What a front makes of the load that a host tells it of. */
enum told_mode { TOLD_NOTHING, TOLD_QUARTER, TOLD_ALL };

struct policy {
	const char *title;
	bool takes_two;
	bool is_central; /* one front, which knows all, has all requests */
	enum told_mode told;
};

/* How large the fleet is, and what it is like. Times in ms. */
struct plan {
	unsigned fronts, hosts, workers;
	unsigned load_percent; /* of what all workers can do */
	unsigned minutes;
	uint64_t seed;
	uint64_t probe_interval_ms, probe_timeout_ms;
	uint64_t slow_start_ms;
	uint64_t ttl_s;
	uint64_t retry_budget; /* percent */
	const struct policy *policy;
};

#endif
