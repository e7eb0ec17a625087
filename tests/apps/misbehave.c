/*
 * misbehave: a FastCGI responder that does what QUERY_STRING says, to try how others take it.
 *
 * QUERY_STRING is a row of commands joined by '&', each NAME or NAME=VALUE (%XX in a value), done
 * in this order; the table in lib/misdeeds.h tells them. None: those of --default; or "ok".
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/misdeeds.h"
#include "lib/multiplex.h"
#include "lib/responder.h"

static struct {
	const char *commands;	    /* where a request has none */
	unsigned long max_requests; /* then exit; 0: never */
	const char *max_conns, *max_reqs;
	bool multiplexes;
	bool has_threads; /* one a connection, at least */
	bool closes_always;
	bool refuses_values;
	bool delays_values; /* until the next record, as libfcgi does */
	unsigned long workers;
} settings = {.commands = "", .max_conns = "1", .max_reqs = "1"};

static atomic_ulong requests_done;

/* The number behind the command of this name, wherever it stands. */
static unsigned number_of(const char *query, const char *name, unsigned otherwise)
{
	for (; query != NULL; query = strchr(query, '&')) {
		query += *query == '&';
		if (strncmp(query, name, strlen(name)) == 0 && query[strlen(name)] == '=')
			return (unsigned)strtoul(query + strlen(name) + 1, NULL, 10);
	}
	return otherwise;
}

static char *request_query(const struct request *request)
{
	char *query = request_param(request, "QUERY_STRING");

	if (*query != '\0')
		return query;
	free(query);
	return strdup(settings.commands);
}

/* Whether the connection stays. */
static bool answer(struct request *request)
{
	char *query = request_query(request), *rest = query, *text;
	enum outcome outcome = GO_ON;

	request->number = ++requests_done;
	request->exit_status = -1;
	request->status = number_of(query, "status", 200);
	request->app_status = number_of(query, "app-status", 0);
	if (*query == '\0')
		say(&request->answer, "ok\n");
	while (outcome == GO_ON && !is_aborted(request) && (text = strsep(&rest, "&")) != NULL) {
		if (*text != '\0')
			outcome = run_command(request, text);
	}
	free(query);
	if (outcome == GO_ON)
		outcome = request_end(request) < 0 ? CLOSE : ANSWERED;
	if (request->exit_status >= 0)
		exit(request->exit_status);
	if (settings.max_requests > 0 && request->number >= settings.max_requests)
		exit(0);
	return outcome == ANSWERED && request->keep && !settings.closes_always;
}

/* Whether the connection stays. */
static bool answer_values(int connection)
{
	struct bytes pairs = {0}, out = {0};
	int result;

	if (settings.refuses_values)
		return false;
	wire_add_pair(&pairs, "FCGI_MAX_CONNS", settings.max_conns);
	wire_add_pair(&pairs, "FCGI_MAX_REQS", settings.max_reqs);
	wire_add_pair(&pairs, "FCGI_MPXS_CONNS", settings.multiplexes ? "1" : "0");
	wire_add_record(&out, WIRE_GET_VALUES_RESULT, 0, pairs.at, pairs.len);
	result = wire_send(connection, out.at, out.len);
	free(pairs.at);
	free(out.at);
	return result == 0;
}

static bool is_early(const struct request *request, const struct wire_record *record)
{
	char *query =
		record->type == WIRE_PARAMS && record->len == 0 ? request_query(request) : NULL;
	bool early = query != NULL && strstr(query, "early") != NULL;

	free(query);
	return early;
}

static bool take_values(int connection, struct wire_record *record)
{
	if (record->type != WIRE_GET_VALUES)
		return false;
	if (settings.delays_values && wire_receive_record(connection, record) < 0)
		return false;
	return answer_values(connection);
}

static bool refuse_request(int connection, uint16_t id)
{
	struct bytes out = {0};
	int result;

	wire_add_end(&out, id, 0, WIRE_CANT_MPX_CONN);
	result = wire_send(connection, out.at, out.len);
	free(out.at);
	return result == 0;
}

/* One at a time; whether the connection stays. */
static bool take_record(struct request *request, struct wire_record *record)
{
	bool stays;

	if (record->id == 0)
		return take_values(request->connection, record);
	if (record->type == WIRE_BEGIN_REQUEST && request->id != 0)
		return refuse_request(request->connection, record->id);
	if (record->type != WIRE_BEGIN_REQUEST && record->id != request->id)
		return true;
	if (!request_take(request, record) && !is_early(request, record))
		return true;
	stays = answer(request);
	request_fini(request);
	return stays;
}

static void serve(int connection)
{
	static unsigned long number;
	struct request request = {.connection = connection, .connection_number = ++number};
	struct wire_record *record = malloc(sizeof(*record));

	while (record != NULL && wire_receive_record(connection, record) == 0) {
		if (!take_record(&request, record))
			break;
	}
	request_fini(&request);
	free(record);
	close(connection);
}

static void *serve_shared(void *argument)
{
	shared_serve(argument, take_values);
	return NULL;
}

static void accept_loop(void)
{
	for (;;) {
		int connection = accept4(0, NULL, NULL, SOCK_CLOEXEC);

		if (connection >= 0 && settings.has_threads)
			start_thread(serve_shared, shared_open(connection));
		else if (connection >= 0)
			serve(connection);
		else if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	perror("misbehave: accept");
	exit(1);
}

static pid_t start_worker(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		accept_loop();
	}
	return pid;
}

static void stop_workers(int number)
{
	signal(number, SIG_IGN);
	kill(0, number);
	_exit(0);
}

/* Like php-cgi with PHP_FCGI_CHILDREN: does nothing itself but keep their number. */
static void keep_workers(void)
{
	if (signal(SIGTERM, SIG_IGN) == SIG_DFL)
		signal(SIGTERM, stop_workers);
	for (unsigned long i = 0; i < settings.workers; i++)
		start_worker();
	while (wait(NULL) > 0 || errno == EINTR)
		start_worker();
	exit(1);
}

static const char usage[] =
	"usage: misbehave [--default COMMANDS] [--max-requests N] [--start-delay MS]\n"
	"                 [--die-at-start STATUS] [--ignore-term] [--fork-workers N] [--no-values]\n"
	"                 [--late-values] [--max-conns N] [--max-reqs N] [--mpxs]\n"
	"                 [--threads] [--close-always]\n";

static bool take_flag(const char *name)
{
	if (strcmp(name, "--ignore-term") == 0)
		signal(SIGTERM, SIG_IGN);
	else if (strcmp(name, "--no-values") == 0)
		settings.refuses_values = true;
	else if (strcmp(name, "--late-values") == 0)
		settings.delays_values = true;
	else if (strcmp(name, "--mpxs") == 0)
		settings.multiplexes = settings.has_threads = true;
	else if (strcmp(name, "--threads") == 0)
		settings.has_threads = true;
	else if (strcmp(name, "--close-always") == 0)
		settings.closes_always = true;
	else
		return false;
	return true;
}

static bool take_option(const char *name, const char *value)
{
	if (strcmp(name, "--default") == 0)
		settings.commands = value;
	else if (strcmp(name, "--max-requests") == 0)
		settings.max_requests = strtoul(value, NULL, 10);
	else if (strcmp(name, "--max-conns") == 0)
		settings.max_conns = value;
	else if (strcmp(name, "--max-reqs") == 0)
		settings.max_reqs = value;
	else if (strcmp(name, "--fork-workers") == 0)
		settings.workers = strtoul(value, NULL, 10);
	else if (strcmp(name, "--start-delay") == 0)
		sleep_ms(strtoul(value, NULL, 10));
	else if (strcmp(name, "--die-at-start") == 0)
		exit((int)strtol(value, NULL, 10));
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (take_flag(argv[i]))
			continue;
		if (i + 1 == argc || !take_option(argv[i], argv[i + 1])) {
			fputs(usage, stderr);
			return 2;
		}
		i++;
	}
	multiplex.answer = answer;
	multiplex.max_reqs =
		strtoul(settings.multiplexes ? settings.max_reqs : settings.max_conns, NULL, 10);
	if (settings.workers > 0)
		keep_workers();
	accept_loop();
}
