#include "load_options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"

enum {
	CONNECTIONS_MAX = 1000000,
	PER_CONNECTION_MAX = 65535, /* ids have 16 bits */
	BODY_MAX = 64 << 20,
	ANSWER_MAX = 16 << 20, /* what bench-app gives at most */
	SECONDS_ALONE = 10,
	SECONDS_WITH_REQUESTS = 60,
	HOUR_MS = 3600000,
};

static const char help[] =
	"Usage: fcgi-load [options] ADDRESS\n"
	"\n"
	"Puts a FastCGI load on ADDRESS (/path, host:port or [v6]:port) and checks every answer:\n"
	"the token sent as BENCH_TOKEN must come back, the body must have the length and the\n"
	"pattern that was asked for (bench-app answers so), and the request must end well. One\n"
	"thread. Ends with status 1 if there was any error.\n"
	"\n"
	"How much:\n"
	"      --connections N       connections at a time (16)\n"
	"      --keep                keep them for more than one request\n"
	"      --per-connection N    requests at once on each connection (1)\n"
	"      --requests N          requests in all (no limit)\n"
	"      --seconds S           end after this time (10; 60 with --requests)\n"
	"      --rate R              R requests a second at random moments, however long the\n"
	"                            answers take; latency counts from those moments. Default:\n"
	"                            each answer is followed by the next request\n"
	"      --seed N              of the random moments and of the mix (1)\n"
	"      --timeout TIME        give a request up after (10s)\n"
	"What:\n"
	"      --method GET|POST     (POST with --body, else GET)\n"
	"      --body SIZE           of each request (0)\n"
	"      --answer SIZE         ask for an answer of this size, as BENCH_ANSWER (0)\n"
	"      --mix 90:1ms,10:50ms  ask for these service times, as BENCH_SLEEP, in these\n"
	"                            proportions (0)\n"
	"      --param NAME=VALUE    one more parameter; may be repeated\n"
	"      --any                 take any body (for other programs than bench-app)\n"
	"Else:\n"
	"      --idle N              open N connections, with --keep one request on each, and\n"
	"                            hold them idle until a signal or --seconds\n"
	"      --json                print the result as JSON\n"
	"  -h, --help                this text\n"
	"\n"
	"Sizes are bytes, 64k or 1m. A connection is starved that got no answer to the end.\n";

enum letter {
	OPTION_ANSWER = 256,
	OPTION_ANY,
	OPTION_BODY,
	OPTION_CONNECTIONS,
	OPTION_IDLE,
	OPTION_JSON,
	OPTION_KEEP,
	OPTION_METHOD,
	OPTION_MIX,
	OPTION_PARAM,
	OPTION_PER_CONNECTION,
	OPTION_RATE,
	OPTION_REQUESTS,
	OPTION_SECONDS,
	OPTION_SEED,
	OPTION_TIMEOUT,
};

static const struct option long_options[] = {
	{"answer", required_argument, NULL, OPTION_ANSWER},
	{"any", no_argument, NULL, OPTION_ANY},
	{"body", required_argument, NULL, OPTION_BODY},
	{"connections", required_argument, NULL, OPTION_CONNECTIONS},
	{"help", no_argument, NULL, 'h'},
	{"idle", required_argument, NULL, OPTION_IDLE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"keep", no_argument, NULL, OPTION_KEEP},
	{"method", required_argument, NULL, OPTION_METHOD},
	{"mix", required_argument, NULL, OPTION_MIX},
	{"param", required_argument, NULL, OPTION_PARAM},
	{"per-connection", required_argument, NULL, OPTION_PER_CONNECTION},
	{"rate", required_argument, NULL, OPTION_RATE},
	{"requests", required_argument, NULL, OPTION_REQUESTS},
	{"seconds", required_argument, NULL, OPTION_SECONDS},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{0},
};

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("fcgi-load: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("; fcgi-load --help tells more\n", stderr);
	va_end(arguments);
	exit(EX_USAGE);
}

static uint64_t parse_number(const char *text, uint64_t min, uint64_t max)
{
	uint64_t number;

	if (text_parse_number(text, min, max, &number) < 0)
		refuse("%s: a number from %ju to %ju is wanted", text, (uintmax_t)min,
		       (uintmax_t)max);
	return number;
}

static size_t parse_size(const char *text, size_t max)
{
	uint64_t len;

	if (text_parse_size(text, 0, max, &len) < 0)
		refuse("%s: a size up to %zu is wanted", text, max);
	return len;
}

static double parse_decimal(const char *text, double max)
{
	char *end;
	double number = strtod(text, &end);

	if (*end || end == text || !(number > 0 && number <= max))
		refuse("%s: a number above 0 and up to %g is wanted", text, max);
	return number;
}

static uint64_t parse_duration(const char *text)
{
	uint64_t duration_ms;

	if (text_parse_duration(text, 0, HOUR_MS, &duration_ms) < 0)
		refuse("%s: a time is wanted, as 50ms or 10s", text);
	return duration_ms;
}

/* One of "90:1ms,10:50ms", cut off already. */
static void add_class(struct load_options *options, char *text)
{
	struct load_class *class = &options->classes[options->class_count];
	char *colon = strchr(text, ':');

	if (options->class_count == LOAD_CLASSES_MAX)
		refuse("--mix: %d service times are the most", LOAD_CLASSES_MAX);
	if (!colon)
		refuse("%s: SHARE:TIME is wanted", text);
	*colon = '\0';
	class->share = (unsigned)parse_number(text, 1, 1000000);
	class->service_ms = parse_duration(colon + 1);
	options->class_count++;
}

static void parse_mix(struct load_options *options, char *text)
{
	char *rest = NULL;

	options->class_count = 0;
	for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest))
		add_class(options, part);
	if (options->class_count == 0)
		refuse("--mix is empty");
}

static void add_param(struct load_options *options, const char *text)
{
	if (options->param_count == LOAD_PARAMS_MAX)
		refuse("--param: %d are the most", LOAD_PARAMS_MAX);
	if (!strchr(text, '='))
		refuse("%s: NAME=VALUE is wanted", text);
	options->params[options->param_count++] = text;
}

static void take_amount(struct load_options *options, int letter, char *text)
{
	if (letter == OPTION_CONNECTIONS)
		options->connections = parse_number(text, 1, CONNECTIONS_MAX);
	else if (letter == OPTION_IDLE)
		options->idle = parse_number(text, 1, CONNECTIONS_MAX);
	else if (letter == OPTION_PER_CONNECTION)
		options->per_connection = parse_number(text, 1, PER_CONNECTION_MAX);
	else if (letter == OPTION_REQUESTS)
		options->requests = parse_number(text, 1, UINT64_MAX / 2);
	else if (letter == OPTION_SECONDS)
		options->duration_ms = (uint64_t)(parse_decimal(text, 86400) * 1000);
	else if (letter == OPTION_RATE)
		options->rate = parse_decimal(text, 1e7);
	else if (letter == OPTION_SEED)
		options->seed = parse_number(text, 0, UINT64_MAX);
	else if (letter == OPTION_TIMEOUT)
		options->timeout_ms = parse_duration(text);
}

static void take_option(struct load_options *options, int letter, char *text)
{
	if (letter == OPTION_KEEP)
		options->keeps = true;
	else if (letter == OPTION_ANY)
		options->takes_any = true;
	else if (letter == OPTION_JSON)
		options->prints_json = true;
	else if (letter == OPTION_METHOD)
		options->method = text;
	else if (letter == OPTION_BODY)
		options->body_len = parse_size(text, BODY_MAX);
	else if (letter == OPTION_ANSWER)
		options->answer_len = parse_size(text, ANSWER_MAX);
	else if (letter == OPTION_MIX)
		parse_mix(options, text);
	else if (letter == OPTION_PARAM)
		add_param(options, text);
	else
		take_amount(options, letter, text);
}

static void set_target(struct load_options *options, const char *target)
{
	struct address address;
	const char *wrong = address_parse(target, &address);

	if (!wrong)
		wrong = socket_address_resolve(&address, &options->address);
	if (wrong)
		refuse("%s: %s", target, wrong);
	options->target = target;
}

/* What follows from the others. */
static void set_defaults(struct load_options *options)
{
	if (!options->method)
		options->method = options->body_len > 0 ? "POST" : "GET";
	if (options->duration_ms == 0 && options->idle == 0)
		options->duration_ms =
			(options->requests ? SECONDS_WITH_REQUESTS : SECONDS_ALONE) * 1000;
	if (options->requests == 0)
		options->requests = UINT64_MAX;
	if (options->per_connection > 1 && !options->keeps)
		refuse("--per-connection goes with --keep only");
}

void load_options_parse(struct load_options *options, int argc, char **argv)
{
	int letter;

	*options = (struct load_options){
		.connections = 16,
		.per_connection = 1,
		.timeout_ms = 10000,
		.seed = 1,
		.classes = {{.share = 1}},
		.class_count = 1,
	};
	while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (letter == 'h') {
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		}
		if (letter == '?')
			exit(EX_USAGE);
		take_option(options, letter, optarg);
	}
	if (optind + 1 != argc)
		refuse("one address is wanted");
	set_target(options, argv[optind]);
	set_defaults(options);
}
