#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const struct policy policies[POLICIES] = {
	[POLICY_DEFAULT] = {.title = "least load, a quarter of what is told", .told = TOLD_QUARTER},
	[POLICY_ALONE] = {.title = "least load, each front alone", .told = TOLD_NOTHING},
	[POLICY_TOLD] = {.title = "least load, all that is told", .told = TOLD_ALL},
	[POLICY_TWO] = {.title = "random of two, each front alone", .takes_two = true},
	[POLICY_TWO_TOLD] = {.title = "random of two, all that is told",
			     .takes_two = true,
			     .told = TOLD_ALL},
	[POLICY_ONE_QUEUE] = {.title = "one queue that knows all",
			      .is_central = true,
			      .told = TOLD_ALL},
};

struct run *runs_new(size_t count)
{
	struct run *runs = mmap(NULL, count * sizeof(*runs), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (runs == MAP_FAILED)
		abort();
	return runs;
}

void runs_free(struct run *runs, size_t count)
{
	munmap(runs, count * sizeof(*runs));
}

static void start(struct run *run)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid > 0)
		return;
	fleet_run(&run->plan, &run->measured);
	(void)fprintf(stderr, "%3u %% load, %s: %.0f million events in %.1f s\n",
		      run->plan.load_percent, run->plan.policy->title,
		      (double)run->measured.events / 1e6, run->measured.cpu_s);
	_exit(0);
}

static void await_one(void)
{
	int status;

	if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "a run has died\n");
		exit(2);
	}
}

void runs_do(struct run *runs, size_t count, unsigned jobs)
{
	for (size_t i = 0; i < count; i++) {
		if (i >= jobs)
			await_one();
		start(&runs[i]);
	}
	for (size_t i = 0; i < count && i < jobs; i++)
		await_one();
}
