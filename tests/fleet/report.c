#include "report.h"

#include <stdio.h>

enum { MEDIAN = 500000, P99 = 990000, P999 = 999000 };

enum { DEPLOY_WAIT_MS = 100 };

static double mean_of(double sum, uint64_t count)
{
	return count > 0 ? sum / (double)count : 0;
}

static void print_head(const char *first)
{
	printf("%-38s %9s %6s %8s %7s  %7s %7s %7s  %6s %6s %6s  %6s %5s\n", first, "requests",
	       "lost", "repeated", "twice", "wait", "wait", "wait", "total", "total", "total",
	       "load", "load");
	printf("%-38s %9s %6s %8s %7s  %7s %7s %7s  %6s %6s %6s  %6s %5s\n", "", "", "", "", "",
	       "p50 ms", "p99 ms", "p99.9", "p50 s", "p99 s", "p99.9", "vary %", "peak");
}

static void print_row(const char *name, const struct measures *measures)
{
	const struct times *waiting = &measures->waiting, *total = &measures->total;

	printf("%-38s %9llu %6llu %8llu %7llu  %7.1f %7.1f %7.1f  %6.2f %6.2f %6.2f  %6.1f %5.2f\n",
	       name, (unsigned long long)measures->requests, (unsigned long long)measures->lost,
	       (unsigned long long)measures->repeated, (unsigned long long)measures->doubled,
	       times_quantile_ms(waiting, MEDIAN), times_quantile_ms(waiting, P99),
	       times_quantile_ms(waiting, P999), times_quantile_ms(total, MEDIAN) / 1000,
	       times_quantile_ms(total, P99) / 1000, times_quantile_ms(total, P999) / 1000,
	       100 * mean_of(measures->variation, measures->samples),
	       mean_of(measures->peak, measures->samples));
}

static void print_fleet(const struct plan *plan)
{
	printf("\n%u fronts, %u hosts with %u workers each, %u minutes, %u %% of what they can do, "
	       "seed %llu\n",
	       plan->fronts, plan->hosts, plan->workers, plan->minutes, plan->load_percent,
	       (unsigned long long)plan->seed);
}

void report_policies(const struct run *runs)
{
	print_fleet(&runs->plan);
	for (size_t phase = PHASE_STEADY; phase < PHASES; phase++) {
		printf("\n");
		print_head(phase_names[phase]);
		for (size_t i = 0; i < POLICIES; i++)
			print_row(runs[i].plan.policy->title, &runs[i].measured.phases[phase]);
	}
}

void report_sweep(const char *title, const struct run *runs, const char *const *labels,
		  size_t count)
{
	char name[64];

	printf("\n%s", title);
	print_fleet(&runs->plan);
	print_head("");
	for (size_t phase = PHASE_STEADY; phase < PHASES; phase++)
		for (size_t i = 0; i < count; i++) {
			(void)snprintf(name, sizeof(name), "%s, %s", phase_names[phase], labels[i]);
			print_row(name, &runs[i].measured.phases[phase]);
		}
}

static bool must(bool is_good, const char *phase, const char *what)
{
	if (!is_good)
		printf("BAD: %s: %s\n", phase, what);
	return is_good;
}

/* What was running on hosts that died is lost or sent again, and little besides. */
static bool judge_losses(size_t phase, const struct measures *measures)
{
	const char *name = phase_names[phase];

	if (measures->struck == 0)
		return must(measures->lost == 0, name, "requests are lost, and no host has died");
	return must(measures->lost <= measures->struck, name,
		    "more is lost than was running on the hosts that died") &
	       must(2 * measures->repeated <= 3 * measures->struck, name,
		    "much more is sent again than was lost") &
	       must(measures->unpaid == 0, name, "the budget is too small for a rack that dies");
}

static bool judge_times(size_t phase, const struct measures *ours, const struct measures *bound)
{
	const char *name = phase_names[phase];
	double total = times_quantile_ms(&ours->total, P99);
	double least = times_quantile_ms(&bound->total, P99);

	return must(total <= 1.1 * least, name, "p99 is more than a tenth above the bound") &
	       must(mean_of(ours->peak, ours->samples) <= 1.5, name,
		    "a host has more than one and a half times what they have on average");
}

bool report_judge(const struct run *runs)
{
	const struct measures *ours = runs[POLICY_DEFAULT].measured.phases;
	const struct measures *alone = runs[POLICY_ALONE].measured.phases;
	const struct measures *bound = runs[POLICY_ONE_QUEUE].measured.phases;
	bool is_good = must(runs[POLICY_DEFAULT].measured.phases[PHASE_RACK].struck > 0,
			    phase_names[PHASE_RACK], "no rack has died");

	for (size_t phase = PHASE_STEADY; phase < PHASES; phase++) {
		is_good &= judge_losses(phase, &ours[phase]);
		is_good &= judge_times(phase, &ours[phase], &bound[phase]);
	}
	is_good &= must(times_quantile_ms(&ours[PHASE_DEPLOY].waiting, P999) <= DEPLOY_WAIT_MS,
			phase_names[PHASE_DEPLOY], "hosts that have come up are run over");
	return is_good & must(times_quantile_ms(&ours[PHASE_UNEVEN].waiting, P999) <
				      times_quantile_ms(&alone[PHASE_UNEVEN].waiting, P999),
			      phase_names[PHASE_UNEVEN], "what hosts tell is of no use");
}
