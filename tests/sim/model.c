/*
 * model [--steps N] [--length N] [--seed N | --replay SEED] [--brief]
 *
 * Histories of the model of so many steps, each with a seed of its own, until a number of steps is
 * made. Where one fails, it is made as short as it can be and still fails, and printed, unless it
 * is to be brief. A seed that failed can be replayed.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "model.h"
#include "sim.h"

struct history {
	uint64_t seed;
	struct step *steps; /* owned */
	size_t count;
};

/* How far the process that runs histories has come; shared with it. */
struct progress {
	uint64_t seed;
	uint64_t steps, histories, requests;
};

struct plan {
	uint64_t steps, length, seed;
	bool is_replay, is_brief;
};

static uint64_t next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15U;
	sim_seed(*state);
	return sim_random();
}

static struct history history_new(uint64_t seed, size_t count)
{
	struct history history = {.seed = seed, .count = count};
	uint64_t state = seed;

	history.steps = calloc(count, sizeof(*history.steps));
	MUST(history.steps, "no memory for the test");
	for (size_t i = 0; i < count; i++)
		history.steps[i] = step_of(next(&state));
	return history;
}

static void run(const struct history *history, struct progress *progress)
{
	world_init(history->seed);
	for (size_t i = 0; i < history->count; i++) {
		world_step(&history->steps[i]);
		progress->steps++;
	}
	world_end();
	progress->histories++;
	progress->requests += world.want_count;
}

/* In a process of its own, for at most a minute. True: it fails. quiet: says nothing of why. */
static bool fails(const struct history *history, bool quiet)
{
	struct progress progress = {0};
	pid_t pid = fork();
	int status;

	MUST(pid >= 0, "cannot fork");
	if (pid == 0) {
		alarm(60);
		if (quiet &&
		    (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout)))
			_exit(EXIT_FAILURE);
		sim_is_verbose = !quiet;
		run(history, &progress);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status != 0;
}

/* Without so many steps from the one at. */
static struct history without(const struct history *history, size_t at, size_t count)
{
	struct history shorter = {.seed = history->seed, .count = history->count - count};

	shorter.steps = calloc(history->count, sizeof(*shorter.steps));
	MUST(shorter.steps, "no memory for the test");
	memcpy(shorter.steps, history->steps, at * sizeof(struct step));
	memcpy(shorter.steps + at, history->steps + at + count,
	       (shorter.count - at) * sizeof(struct step));
	return shorter;
}

/* Leaves pieces of this length out, one after the other, as long as it fails without them. */
static bool drop_pieces(struct history *history, size_t len)
{
	bool is_any = false;

	for (size_t at = 0; at + len <= history->count;) {
		struct history shorter = without(history, at, len);

		if (fails(&shorter, true)) {
			free(history->steps);
			*history = shorter;
			is_any = true;
		} else {
			free(shorter.steps);
			at += len;
		}
	}
	return is_any;
}

static void shrink(struct history *history)
{
	for (size_t len = history->count / 2; len > 0; len /= 2)
		(void)drop_pieces(history, len);
	while (drop_pieces(history, 1))
		;
}

static void print(const struct history *history)
{
	printf("the shortest history that fails, %zu steps:\n", history->count);
	for (size_t i = 0; i < history->count; i++)
		printf("%4zu  %016llx  %s\n", i, (unsigned long long)history->steps[i].number,
		       step_name(&history->steps[i]));
	fflush(stdout);
}

/* Says why, now that it is as short as it can be, and what the mux did meanwhile. */
static void explain(uint64_t seed, size_t length)
{
	struct history history = history_new(seed, length);

	printf("seed %llu fails\n", (unsigned long long)seed);
	fflush(stdout);
	if (!fails(&history, true)) {
		printf("but not when it runs alone\n");
	} else {
		shrink(&history);
		print(&history);
		(void)fails(&history, false);
	}
	free(history.steps);
}

/* One process after the other would cost more than the histories themselves: they share one. */
static bool run_all(const struct plan *plan, struct progress *progress)
{
	uint64_t state = plan->seed;
	pid_t pid = fork();
	int status;

	MUST(pid >= 0, "cannot fork");
	while (pid == 0 && progress->steps < plan->steps) {
		struct history history;

		progress->seed = plan->is_replay ? plan->seed : next(&state);
		history = history_new(progress->seed, plan->length);
		alarm(60);
		run(&history, progress);
		free(history.steps);
	}
	if (pid == 0)
		exit(EXIT_SUCCESS);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

static uint64_t number_of(const char *text)
{
	uint64_t number;

	if (text_parse_number(text, 0, UINT64_MAX, &number) == 0)
		return number;
	fprintf(stderr, "not a number: %s\n", text);
	exit(2);
}

static struct plan read_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"steps", required_argument, NULL, 's'}, {"length", required_argument, NULL, 'l'},
		{"seed", required_argument, NULL, 'r'},	 {"replay", required_argument, NULL, 'R'},
		{"brief", no_argument, NULL, 'b'},	 {0}};
	struct plan plan = {.steps = 1000000, .length = 1000, .seed = (uint64_t)time(NULL)};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			plan.steps = number_of(optarg);
		else if (option == 'l')
			plan.length = number_of(optarg);
		else if (option == 'r' || option == 'R')
			plan.seed = number_of(optarg);
		else if (option != 'b')
			exit(2);
		plan.is_brief |= option == 'b';
		plan.is_replay |= option == 'R';
	}
	if (plan.is_replay)
		plan.steps = 1;
	return plan;
}

int main(int argc, char **argv)
{
	struct plan plan = read_arguments(argc, argv);
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_good;

	MUST(progress != MAP_FAILED, "no memory for the test");
	printf("seed %llu\n", (unsigned long long)plan.seed);
	fflush(stdout);
	is_good = run_all(&plan, progress);
	printf("%llu steps, %llu histories, %llu requests\n", (unsigned long long)progress->steps,
	       (unsigned long long)progress->histories, (unsigned long long)progress->requests);
	if (!is_good && !plan.is_brief)
		explain(progress->seed, plan.length);
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
