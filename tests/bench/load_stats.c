#include "load_stats.h"

#include <inttypes.h>

/* Buckets of one power of two. */
enum { SUB_BITS = 6, SUB_COUNT = 1 << SUB_BITS };

static const double percents[] = {50, 99, 99.9};
static const char *const percent_names[] = {"p50", "p99", "p99.9"};
static const char *const percent_keys[] = {"p50_us", "p99_us", "p999_us"};
enum { PERCENT_COUNT = sizeof(percents) / sizeof(percents[0]) };

static const char *const error_names[] = {
	[LOAD_REFUSED] = "refused", [LOAD_RESET] = "reset",	[LOAD_CUT_OFF] = "cut_off",
	[LOAD_WRONG] = "wrong",	    [LOAD_TIMEOUT] = "timeout", [LOAD_STATUS] = "status_5xx",
	[LOAD_UNHAPPY] = "unhappy",
};

/* Small numbers have a bucket each; of larger ones the highest SUB_BITS + 1 bits count. */
static size_t bucket_of(uint64_t latency_ns)
{
	unsigned shift;
	size_t bucket;

	if (latency_ns < SUB_COUNT)
		return (size_t)latency_ns;
	shift = 63 - (unsigned)__builtin_clzll(latency_ns) - SUB_BITS;
	bucket = (size_t)shift * SUB_COUNT + (size_t)(latency_ns >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static double bucket_ns(size_t bucket)
{
	unsigned shift;

	if (bucket < SUB_COUNT)
		return (double)bucket;
	shift = (unsigned)(bucket / SUB_COUNT) - 1;
	return ((double)(bucket % SUB_COUNT + SUB_COUNT) + 0.5) * (double)(1ULL << shift);
}

void histogram_add(struct histogram *histogram, uint64_t latency_ns)
{
	histogram->counts[bucket_of(latency_ns)]++;
	histogram->total++;
	if (latency_ns > histogram->max_ns)
		histogram->max_ns = latency_ns;
}

double histogram_percentile_us(const struct histogram *histogram, double percent)
{
	double wanted = (double)histogram->total * percent / 100;
	uint64_t seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram->total > 0; i++) {
		seen += histogram->counts[i];
		if ((double)seen >= wanted && bucket_ns(i) < (double)histogram->max_ns)
			return bucket_ns(i) / 1000;
	}
	return (double)histogram->max_ns / 1000;
}

uint64_t load_stats_errors(const struct load_stats *stats)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LOAD_ERROR_COUNT; i++)
		sum += stats->errors[i];
	return sum;
}

static double seconds(const struct load_stats *stats)
{
	return (double)stats->duration_ns / 1e9;
}

static double rate(const struct load_stats *stats)
{
	if (stats->duration_ns == 0)
		return 0;
	return (double)(stats->answers - stats->answers_late) / seconds(stats);
}

static void print_json_latency(const struct histogram *histogram, FILE *out)
{
	for (size_t i = 0; i < PERCENT_COUNT; i++)
		fprintf(out, "\"%s\":%.1f,", percent_keys[i],
			histogram_percentile_us(histogram, percents[i]));
	fprintf(out, "\"max_us\":%.1f", (double)histogram->max_ns / 1000);
}

static void print_json(const struct load_stats *stats, const struct load_options *options,
		       FILE *out)
{
	fprintf(out, "{\"answers\":%" PRIu64 ",\"seconds\":%.3f,\"rps\":%.1f,", stats->answers,
		seconds(stats), rate(stats));
	fprintf(out,
		"\"starved\":%zu,\"connects\":%" PRIu64 ",\"reopened\":%" PRIu64
		",\"unfinished\":%" PRIu64 ",\"stderr_bytes\":%" PRIu64 ",",
		stats->starved, stats->connects, stats->reopened, stats->unfinished,
		stats->stderr_len);
	print_json_latency(&stats->all, out);
	fprintf(out, ",\"error_count\":%" PRIu64 ",\"errors\":{", load_stats_errors(stats));
	for (size_t i = 0; i < LOAD_ERROR_COUNT; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", error_names[i], stats->errors[i]);
	fputs("},\"classes\":[", out);
	for (size_t i = 0; i < options->class_count; i++) {
		fprintf(out, "%s{\"service_ms\":%" PRIu64 ",\"answers\":%" PRIu64 ",", i ? "," : "",
			options->classes[i].service_ms, stats->classes[i].total);
		print_json_latency(&stats->classes[i], out);
		fputc('}', out);
	}
	fputs("]}\n", out);
}

static void print_row(const char *name, const struct histogram *histogram, FILE *out)
{
	fprintf(out, "%-12s %10" PRIu64, name, histogram->total);
	for (size_t i = 0; i < PERCENT_COUNT; i++)
		fprintf(out, " %10.3f", histogram_percentile_us(histogram, percents[i]) / 1000);
	fprintf(out, " %10.3f\n", (double)histogram->max_ns / 1e6);
}

static void print_latency(const struct load_stats *stats, const struct load_options *options,
			  FILE *out)
{
	char name[32];

	fprintf(out, "%-12s %10s", "latency, ms", "answers");
	for (size_t i = 0; i < PERCENT_COUNT; i++)
		fprintf(out, " %10s", percent_names[i]);
	fprintf(out, " %10s\n", "max");
	print_row("all", &stats->all, out);
	for (size_t i = 0; i < options->class_count && options->class_count > 1; i++) {
		snprintf(name, sizeof(name), "of %" PRIu64 " ms", options->classes[i].service_ms);
		print_row(name, &stats->classes[i], out);
	}
}

static void print_table(const struct load_stats *stats, const struct load_options *options,
			FILE *out)
{
	fprintf(out, "%s: %" PRIu64 " good answers in %.2f s, %.0f a second\n", options->target,
		stats->answers, seconds(stats), rate(stats));
	print_latency(stats, options, out);
	fprintf(out, "errors: %" PRIu64, load_stats_errors(stats));
	for (size_t i = 0; i < LOAD_ERROR_COUNT; i++)
		if (stats->errors[i] > 0)
			fprintf(out, ", %s %" PRIu64, error_names[i], stats->errors[i]);
	fprintf(out,
		"\nconnections: %" PRIu64 " made, %" PRIu64
		" closed by the peer between requests, %zu starved\n",
		stats->connects, stats->reopened, stats->starved);
}

void load_stats_print(const struct load_stats *stats, const struct load_options *options, FILE *out)
{
	if (options->prints_json)
		print_json(stats, options, out);
	else
		print_table(stats, options, out);
}
