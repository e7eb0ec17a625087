/*
 * fleet [--short] [--minutes N] [--hosts N] [--seed N] [--jobs N] DIRECTORY
 *
 * Compares ways to balance a fleet that no test machine has, with the decisions of policy/ on
 * simulated machines and time. Prints tables, and leaves graphs in DIRECTORY. --short: a small
 * fleet for a short time, which is judged. Status 1: the default is not as good as it has to be.
 */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots.h"
#include "report.h"
#include "runs.h"

enum { LOADS = 2, SWEEP_MAX = 6 };

static const unsigned loads[LOADS] = {70, 90};

struct wishes {
	struct plan plan;
	unsigned jobs;
	bool is_short;
	const char *directory;
};

/* One setting, with other values each time. */
struct sweep {
	const char *title;
	size_t field; /* of struct plan, a uint64_t; where it is in it */
	size_t count;
	uint64_t values[SWEEP_MAX];
	const char *labels[SWEEP_MAX];
};

static const struct sweep sweeps[] = {
	{
		.title = "probe-interval",
		.field = offsetof(struct plan, probe_interval_ms),
		.count = 6,
		.values = {500, 1000, 2000, 5000, 10000, 30000},
		.labels = {"0.5 s", "1 s", "2 s", "5 s", "10 s", "30 s"},
	},
	{
		.title = "slow-start",
		.field = offsetof(struct plan, slow_start_ms),
		.count = 5,
		.values = {0, 3000, 10000, 20000, 30000},
		.labels = {"0", "3 s", "10 s", "20 s", "30 s"},
	},
};

static const struct plan usual = {
	.fronts = 10,
	.hosts = 1000,
	.workers = 64,
	.minutes = 60,
	.seed = 7,
	.probe_interval_ms = 2000,
	.probe_timeout_ms = 2000,
	.slow_start_ms = 10000,
	.ttl_s = 5,
	.retry_budget = 20,
};

static void shorten(struct plan *plan)
{
	plan->fronts = 5;
	plan->hosts = 100;
	plan->workers = 32;
	plan->minutes = 10;
}

static bool compare(const struct wishes *wishes, unsigned load_percent)
{
	struct run *runs = runs_new(POLICIES);
	bool is_good;

	for (size_t i = 0; i < POLICIES; i++) {
		runs[i].plan = wishes->plan;
		runs[i].plan.load_percent = load_percent;
		runs[i].plan.policy = &policies[i];
	}
	runs_do(runs, POLICIES, wishes->jobs);
	report_policies(runs);
	(void)fflush(stdout);
	plots_policies(runs, wishes->directory);
	is_good = report_judge(runs);
	runs_free(runs, POLICIES);
	return is_good;
}

/* On a fifth of the hosts and a tenth of the time: what differs is seen there too. */
static void vary(const struct wishes *wishes, const struct sweep *sweep)
{
	struct run *runs = runs_new(sweep->count);

	for (size_t i = 0; i < sweep->count; i++) {
		struct plan *plan = &runs[i].plan;

		*plan = wishes->plan;
		plan->policy = &policies[POLICY_DEFAULT];
		plan->load_percent = loads[LOADS - 1];
		plan->hosts = (plan->hosts + 4) / 5;
		plan->minutes = plan->minutes >= 60 ? plan->minutes / 10 : 6;
		memcpy((char *)plan + sweep->field, &sweep->values[i], sizeof(uint64_t));
	}
	runs_do(runs, sweep->count, wishes->jobs);
	report_sweep(sweep->title, runs, sweep->labels, sweep->count);
	(void)fflush(stdout);
	plots_sweep(sweep->title, runs, sweep->labels, sweep->count, wishes->directory);
	runs_free(runs, sweep->count);
}

static unsigned number_of(const char *text, unsigned most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || number == 0 || number > most) {
		(void)fprintf(stderr, "fleet: %s is not a number from 1 to %u\n", text, most);
		exit(2);
	}
	return (unsigned)number;
}

static void read_options(int argc, char **argv, struct wishes *wishes)
{
	static const struct option known[] = {
		{"short", no_argument, NULL, 's'},	 {"minutes", required_argument, NULL, 'm'},
		{"hosts", required_argument, NULL, 'h'}, {"seed", required_argument, NULL, 'r'},
		{"jobs", required_argument, NULL, 'j'},	 {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (option == 's') {
			wishes->is_short = true;
			shorten(&wishes->plan);
		} else if (option == 'm') {
			wishes->plan.minutes = number_of(optarg, 10000);
		} else if (option == 'h') {
			wishes->plan.hosts = number_of(optarg, 100000);
		} else if (option == 'r') {
			wishes->plan.seed = number_of(optarg, 1000000000);
		} else if (option == 'j') {
			wishes->jobs = number_of(optarg, 1000);
		} else {
			exit(2);
		}
	}
	if (optind + 1 != argc) {
		(void)fprintf(stderr, "fleet: which directory?\n");
		exit(2);
	}
	wishes->directory = argv[optind];
}

int main(int argc, char **argv)
{
	struct wishes wishes = {.plan = usual, .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	bool is_good = true;

	read_options(argc, argv, &wishes);
	for (size_t i = wishes.is_short ? LOADS - 1 : 0; i < LOADS; i++)
		is_good &= compare(&wishes, loads[i]);
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]) && !wishes.is_short; i++)
		vary(&wishes, &sweeps[i]);
	return is_good ? 0 : 1;
}
