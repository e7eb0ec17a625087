#ifndef LIB_MISDEEDS_H
#define LIB_MISDEEDS_H

#include <ctype.h>
#include <signal.h>
#include <time.h>

#include "../../bench/pattern.h"
#include "proc.h"
#include "responder.h"

/* The commands of misbehave: the table below tells what there is, run_command does one. */

/* What to do after a command. */
enum outcome { GO_ON, ANSWERED, CLOSE };

static void sleep_ms(unsigned long ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000),
				.tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static bool is_aborted(const struct request *request)
{
	return request->is_gone || (request->is_aborted && !request->is_deaf);
}

/* Shorter where the request is aborted meanwhile. */
static enum outcome do_sleep(struct request *request, const char *value)
{
	enum { STEP_MS = 5 };
	unsigned long ms = strtoul(value, NULL, 10);

	while (request->shared != NULL && ms > STEP_MS && !is_aborted(request)) {
		sleep_ms(STEP_MS);
		ms -= STEP_MS;
	}
	if (!is_aborted(request))
		sleep_ms(ms);
	return GO_ON;
}

/* In pieces, so that a gigabyte takes no memory. */
static enum outcome send_pattern(struct request *request, size_t size, size_t piece,
				 unsigned long ms)
{
	for (size_t sent = 0, len; sent < size && !is_aborted(request); sent += len) {
		len = size - sent < piece ? size - sent : piece;
		bytes_add_pattern(&request->answer, sent, len);
		if (request_flush(request) < 0)
			return CLOSE;
		sleep_ms(ms);
	}
	return GO_ON;
}

static enum outcome do_size(struct request *request, const char *value)
{
	return send_pattern(request, strtoull(value, NULL, 10), 1 << 20, 0);
}

static enum outcome do_flood(struct request *request, const char *value)
{
	return send_pattern(request, strtoull(value, NULL, 10), 4096, 1);
}

static enum outcome do_echo(struct request *request, const char *value)
{
	const struct bytes *body = &request->body;

	(void)value;
	say(&request->answer, "length=%zu checksum=%016llx\n", body->len,
	    (unsigned long long)wire_checksum(WIRE_CHECKSUM_START, body->at, body->len));
	bytes_add(&request->answer, body->at, body->len);
	return GO_ON;
}

static enum outcome do_sum(struct request *request, const char *value)
{
	do_echo(request, value);
	request->answer.len -= request->body.len;
	return GO_ON;
}

static void say_param(void *context, const char *name, int name_len, const char *value,
		      int value_len)
{
	struct bytes *answer = context;

	bytes_add(answer, name, (size_t)name_len);
	bytes_add(answer, "=", 1);
	bytes_add(answer, value, (size_t)value_len);
	bytes_add(answer, "\n", 1);
}

static enum outcome do_env(struct request *request, const char *value)
{
	(void)value;
	if (wire_each_pair(&request->params, &request->answer, say_param) < 0)
		say(&request->answer, "PARAMS CUT OFF\n");
	return GO_ON;
}

/* At once; what is not there before is no head either. */
static enum outcome do_out(struct request *request, const char *value)
{
	request->head_sent = true;
	bytes_add(&request->answer, value, strlen(value));
	return request_flush(request) < 0 ? CLOSE : GO_ON;
}

static enum outcome do_proc(struct request *request, const char *value)
{
	(void)value;
	proc_say_status(&request->answer);
	proc_say_ids(&request->answer);
	proc_say_descriptors(&request->answer, request->connection);
	proc_say_environment(&request->answer);
	return GO_ON;
}

static enum outcome do_pid(struct request *request, const char *value)
{
	(void)value;
	say(&request->answer, "pid %d\n", getpid());
	return GO_ON;
}

static enum outcome do_count(struct request *request, const char *value)
{
	(void)value;
	say(&request->answer, "count %lu\n", request->number);
	return GO_ON;
}

static enum outcome do_at_once(struct request *request, const char *value)
{
	(void)value;
	say(&request->answer, "at-once %u\n", request->shared != NULL ? request->at_once_max : 1);
	return GO_ON;
}

static enum outcome do_id(struct request *request, const char *value)
{
	(void)value;
	say(&request->answer, "id %u\n", request->id);
	return GO_ON;
}

static enum outcome do_connection(struct request *request, const char *value)
{
	(void)value;
	say(&request->answer, "connection %lu\n", request->connection_number);
	return GO_ON;
}

static enum outcome do_deaf(struct request *request, const char *value)
{
	(void)value;
	request->is_deaf = true;
	return GO_ON;
}

static size_t param_number(const struct request *request, const char *name)
{
	char *text = request_param(request, name);
	size_t number = strtoull(text, NULL, 10);

	free(text);
	return number;
}

static bool is_pattern(const struct bytes *body, const struct pattern *pattern)
{
	size_t len;

	for (size_t at = 0; at < body->len; at += len) {
		len = body->len - at < PATTERN_MAX ? body->len - at : PATTERN_MAX;
		if (!pattern_is_at(pattern, at, body->at + at, len))
			return false;
	}
	return true;
}

static struct pattern bench_pattern;

static void init_bench_pattern(void)
{
	pattern_init(&bench_pattern);
}

/* What fcgi-load asks for and verifies, in place of bench-app. */
static enum outcome do_bench(struct request *request, const char *value)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t size = param_number(request, "BENCH_ANSWER"), len;
	char *token = request_param(request, "BENCH_TOKEN");

	(void)value;
	pthread_once(&once, init_bench_pattern);
	usleep((useconds_t)param_number(request, "BENCH_SLEEP"));
	say(&request->answer, "token=%s body=%zu %s\n", token, request->body.len,
	    is_pattern(&request->body, &bench_pattern) ? "good" : "bad");
	free(token);
	for (size_t at = 0; at < size; at += len) {
		len = size - at < PATTERN_MAX ? size - at : PATTERN_MAX;
		bytes_add(&request->answer, pattern_at(&bench_pattern, at), len);
	}
	return GO_ON;
}

static enum outcome do_say(struct request *request, const char *value)
{
	say(&request->answer, "%s\n", value);
	return GO_ON;
}

static enum outcome do_crash(struct request *request, const char *value)
{
	(void)request;
	kill(getpid(), strcmp(value, "kill") == 0 ? SIGKILL : SIGSEGV);
	pause();
	return CLOSE;
}

static enum outcome do_half(struct request *request, const char *value)
{
	(void)value;
	say(&request->answer, "the first half of an answer\n");
	(void)request_flush(request);
	_exit(1);
}

static enum outcome do_grow(struct request *request, const char *value)
{
	size_t len = strtoull(value, NULL, 10) << 20;
	volatile char *memory = malloc(len);

	(void)request;
	for (size_t i = 0; memory && i < len; i += 1024)
		memory[i] = 1;
	return GO_ON;
}

static enum outcome do_hang(struct request *request, const char *value)
{
	(void)request;
	(void)value;
	for (;;)
		pause();
	return CLOSE;
}

/* Where it has the connection for itself. */
static bool wait_abort(struct request *request)
{
	struct wire_record *record = malloc(sizeof(*record));
	bool aborted = false, open = true;

	while (record != NULL && open && !aborted) {
		open = wire_receive_record(request->connection, record) == 0;
		aborted = open && record->type == WIRE_ABORT_REQUEST;
	}
	free(record);
	return aborted;
}

/* Until the other side closes the connection or aborts the request; says so on stderr. */
static enum outcome do_wait_abort(struct request *request, const char *value)
{
	bool aborted;

	(void)value;
	while (request->shared != NULL && !is_aborted(request))
		sleep_ms(1);
	aborted = request->shared != NULL ? !request->is_gone : wait_abort(request);
	dprintf(2, "request %s\n", aborted ? "aborted" : "connection closed");
	return aborted ? GO_ON : CLOSE;
}

static enum outcome do_garbage(struct request *request, const char *value)
{
	static const char junk[] = "HTTP/1.1 200 OK\r\n\r\nthis is no FastCGI\n";

	(void)value;
	(void)wire_send(request->connection, junk, sizeof(junk) - 1);
	return CLOSE;
}

static enum outcome do_wrong_id(struct request *request, const char *value)
{
	(void)value;
	request->id++;
	say(&request->answer, "the answer to a request that nobody made\n");
	return request_end(request) < 0 ? CLOSE : ANSWERED;
}

static enum outcome do_twice(struct request *request, const char *value)
{
	struct bytes out = {0};
	int result;

	(void)value;
	wire_add_end(&out, request->id, 0, 0);
	result = request_end(request) < 0 ? -1 : wire_send(request->connection, out.at, out.len);
	free(out.at);
	return result < 0 ? CLOSE : ANSWERED;
}

static enum outcome do_close(struct request *request, const char *value)
{
	(void)request;
	(void)value;
	return CLOSE;
}

static enum outcome do_exit(struct request *request, const char *value)
{
	request->exit_status = (int)strtol(value, NULL, 10);
	return GO_ON;
}

static enum outcome do_stderr(struct request *request, const char *value)
{
	struct bytes out = {0};
	int result;

	wire_add_record(&out, WIRE_STDERR, request->id, value, strlen(value));
	wire_add_record(&out, WIRE_STDERR, request->id, NULL, 0);
	result = request_send(request, &out, false);
	free(out.at);
	return result < 0 ? CLOSE : GO_ON;
}

static enum outcome do_stdout_fd(struct request *request, const char *value)
{
	(void)request;
	dprintf(1, "%s\n", value);
	return GO_ON;
}

static enum outcome do_stderr_fd(struct request *request, const char *value)
{
	(void)request;
	dprintf(2, "%s\n", value);
	return GO_ON;
}

/* Status and app-status were looked at before the first command. */
static enum outcome do_nothing(struct request *request, const char *value)
{
	(void)request;
	(void)value;
	return GO_ON;
}

static enum outcome do_fork(struct request *request, const char *value)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		if (strcmp(value, "setsid") == 0)
			setsid();
		close(request->connection);
		for (;;)
			pause();
	}
	say(&request->answer, "forked %d\n", pid);
	return GO_ON;
}

static const struct command {
	const char *name;
	enum outcome (*run)(struct request *request, const char *value);
} commands[] = {
	{"app-status", do_nothing},    /* =N of END_REQUEST */
	{"at-once", do_at_once},       /* requests on the same connection at the same time */
	{"bench", do_bench},	       /* answers fcgi-load, as bench-app does */
	{"close", do_close},	       /* the connection, without an answer */
	{"connection", do_connection}, /* its number, of those of this process */
	{"count", do_count},	       /* requests that this process has had */
	{"crash", do_crash},	       /* by SIGSEGV; =kill by SIGKILL */
	{"deaf", do_deaf},     /* from now on it is not aborted, if it shares a connection */
	{"early", do_nothing}, /* answers after PARAMS; STDIN is then read and dropped */
	{"echo", do_echo},     /* length and checksum of the body, and the body */
	{"env", do_env},       /* the params */
	{"exit", do_exit},     /* =STATUS once answered */
	{"flood", do_flood},   /* =BYTES of the pattern, 4 KiB each millisecond */
	{"fork", do_fork},     /* leaves a process behind that ignores SIGTERM; =setsid */
	{"garbage", do_garbage},
	{"half", do_half}, /* an answer, then dies */
	{"grow", do_grow}, /* =MEBIBYTES, for good */
	{"hang", do_hang},
	{"id", do_id},	 /* of the request on its connection */
	{"out", do_out}, /* =TEXT to FCGI_STDOUT, in place of a head where it comes first */
	{"pid", do_pid},
	{"proc", do_proc},	     /* all about the process */
	{"say", do_say},	     /* =TEXT */
	{"size", do_size},	     /* =BYTES of the pattern */
	{"sleep", do_sleep},	     /* =MILLISECONDS */
	{"status", do_nothing},	     /* =N of HTTP */
	{"stderr", do_stderr},	     /* =TEXT in FCGI_STDERR */
	{"stderr-fd", do_stderr_fd}, /* =TEXT to descriptor 2 */
	{"stdout-fd", do_stdout_fd},
	{"sum", do_sum},	       /* length and checksum of the body */
	{"twice", do_twice},	       /* END_REQUEST */
	{"wait-abort", do_wait_abort}, /* ABORT_REQUEST or the end of the connection */
	{"wrong-id", do_wrong_id},
};

/* Decodes %XX in place. */
static void decode(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (*text == '%' && isxdigit(text[1]) && isxdigit(text[2])) {
			const char digits[] = {text[1], text[2], '\0'};

			*out++ = (char)strtol(digits, NULL, 16);
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static enum outcome run_command(struct request *request, char *text)
{
	char *value = strchr(text, '=');

	if (value != NULL)
		*value++ = '\0';
	if (value != NULL)
		decode(value);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, text) == 0)
			return commands[i].run(request, value != NULL ? value : "");
	}
	say(&request->answer, "no such command: %s\n", text);
	return GO_ON;
}

#endif
