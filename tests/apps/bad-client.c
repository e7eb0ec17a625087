/*
 * bad-client: FastCGI clients that come as far as a stage of a request and then do nothing, or
 * leave. "bad-client --help" tells its options. After the first round it prints "there".
 *
 * Exit status: 0; 2 where a client could not get as far as that.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib/connect.h"
#include "lib/wire.h"

enum { CLIENTS_MAX = 4096, PATIENCE_S = 30, FIRST_PIECE = 1000 };

enum stage {
	CONNECTED,  /* sent nothing */
	HEADER,	    /* is in the middle of the first header */
	BEGIN_BODY, /* is in the middle of BEGIN_REQUEST */
	BEGUN,
	PARAMS,	    /* is in the middle of them */
	PARAMS_END, /* of the body came nothing */
	BODY,	    /* is in the middle of it */
	BODY_END,   /* but for the record that says so */
	SENT,
	ANSWERING, /* has read the first bytes of the answer */
	ANSWERED,
	STAGES
};

static const char *const stage_names[STAGES] = {
	"connected", "header",	 "begin-body", "begun",	    "params",	"params-end",
	"body",	     "body-end", "sent",       "answering", "answered",
};

static struct {
	const char *address;
	enum stage stage;
	unsigned long clients;
	unsigned long rounds;  /* 0: until it is killed */
	unsigned long at_once; /* requests on a connection: the last one gets as far as the stage */
	unsigned long rest_ms; /* at the stage */
	bool resets;	       /* TCP, when it leaves */
	bool shuts;	       /* its sending side, at the stage */
	struct bytes params, body, raw;
} settings = {.stage = STAGES, .clients = 1, .rounds = 1, .at_once = 1};

static void fail(const char *what)
{
	fprintf(stderr, "bad-client: %s: %m\n", what);
	exit(2);
}

/* One request, with what was sent at the end of each stage. */
static void add_request(struct bytes *out, uint16_t id, size_t ends[STAGES])
{
	static const uint8_t begin[8] = {0, 1, WIRE_KEEP_CONN};
	const size_t start = out->len;

	ends[CONNECTED] = start;
	ends[HEADER] = start + WIRE_HEADER / 2;
	ends[BEGIN_BODY] = start + WIRE_HEADER + sizeof(begin) / 2;
	wire_add_record(out, WIRE_BEGIN_REQUEST, id, begin, sizeof(begin));
	ends[BEGUN] = out->len;
	wire_add_stream(out, WIRE_PARAMS, id, &settings.params);
	ends[PARAMS] = ends[BEGUN] + (out->len - ends[BEGUN]) / 2;
	wire_add_record(out, WIRE_PARAMS, id, NULL, 0);
	ends[PARAMS_END] = out->len;
	wire_add_stream(out, WIRE_STDIN, id, &settings.body);
	ends[BODY] = ends[PARAMS_END] + (out->len - ends[PARAMS_END]) / 2;
	ends[BODY_END] = out->len;
	wire_add_record(out, WIRE_STDIN, id, NULL, 0);
	ends[SENT] = ends[ANSWERING] = ends[ANSWERED] = out->len;
}

/* What each client sends. */
static void build(struct bytes *out)
{
	size_t ends[STAGES];

	if (settings.raw.len > 0) {
		bytes_add(out, settings.raw.at, settings.raw.len);
		return;
	}
	for (unsigned long i = 1; i <= settings.at_once; i++)
		add_request(out, (uint16_t)i, ends);
	out->len = ends[settings.stage];
}

static int client_open(const struct bytes *out)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = connect_to(settings.address);

	if (fd < 0)
		fail(settings.address);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* Of raw bytes the other side need not take all. */
	if (wire_send(fd, out->at, out->len) < 0 && settings.raw.len == 0)
		fail("sending");
	return fd;
}

/* Reads as far as the stage wants. */
static void client_read(int fd)
{
	static struct wire_record record;
	static uint8_t piece[FIRST_PIECE];
	unsigned long pending = settings.at_once;

	if (settings.stage == ANSWERING && recv(fd, piece, sizeof(piece), 0) <= 0)
		fail("no answer");
	while (settings.stage == ANSWERED && pending > 0) {
		if (wire_receive_record(fd, &record) < 0)
			fail("no whole answer");
		pending -= record.type == WIRE_END_REQUEST;
	}
}

static void client_leave(int fd)
{
	const struct linger now = {.l_onoff = 1};

	if (settings.resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void rest(void)
{
	const struct timespec time = {.tv_sec = (time_t)(settings.rest_ms / 1000),
				      .tv_nsec = (long)(settings.rest_ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

static void run_round(const struct bytes *out, bool is_first)
{
	static int fds[CLIENTS_MAX];

	for (unsigned long i = 0; i < settings.clients; i++)
		fds[i] = client_open(out);
	for (unsigned long i = 0; i < settings.clients; i++) {
		client_read(fds[i]);
		if (settings.shuts)
			shutdown(fds[i], SHUT_WR);
	}
	if (is_first)
		printf("there\n");
	fflush(stdout);
	rest();
	for (unsigned long i = 0; i < settings.clients; i++)
		client_leave(fds[i]);
}

static void load(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t piece[4096];
	size_t count;

	if (file == NULL)
		fail(path);
	while ((count = fread(piece, 1, sizeof(piece), file)) > 0)
		bytes_add(&settings.raw, piece, count);
	fclose(file);
	settings.stage = SENT;
}

static bool take_stage(const char *name)
{
	for (size_t i = 0; i < STAGES; i++) {
		if (strcmp(stage_names[i], name) == 0)
			settings.stage = (enum stage)i;
	}
	return settings.stage != STAGES;
}

static bool take_param(char *text)
{
	char *value = strchr(text, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	wire_add_pair(&settings.params, text, value);
	return true;
}

static bool take_number(const char *name, unsigned long number)
{
	if (strcmp(name, "--clients") == 0)
		settings.clients = number;
	else if (strcmp(name, "--rounds") == 0)
		settings.rounds = number;
	else if (strcmp(name, "--at-once") == 0)
		settings.at_once = number;
	else if (strcmp(name, "--rest") == 0)
		settings.rest_ms = number;
	else if (strcmp(name, "--body-size") == 0)
		bytes_add_pattern(&settings.body, 0, number);
	else
		return false;
	return settings.clients <= CLIENTS_MAX;
}

static bool take_option(const char *name, char *value)
{
	if (strcmp(name, "--stage") == 0)
		return take_stage(value);
	if (strcmp(name, "--param") == 0)
		return take_param(value);
	if (strcmp(name, "--raw") != 0)
		return take_number(name, strtoul(value, NULL, 10));
	load(value);
	return true;
}

static const char usage[] =
	"usage: bad-client [options] ADDR        (a path, host:port or [v6]:port)\n"
	"  --stage STAGE       connected header begin-body begun params params-end body body-end\n"
	"                      sent answering answered: how far it gets\n"
	"  --raw FILE          sends these bytes instead\n"
	"  --rest MS           what it stays there (0), before it leaves\n"
	"  --shut              shuts its sending side down before\n"
	"  --reset             leaves with a reset, over TCP\n"
	"  --clients N         so many at a time (1)\n"
	"  --rounds N          again, so often (1); 0: until it is killed\n"
	"  --at-once N         requests on each connection (1): the last gets as far as the stage\n"
	"  --param NAME=VALUE, --body-size N\n";

static bool take_flag(const char *name)
{
	if (strcmp(name, "--shut") == 0)
		settings.shuts = true;
	else if (strcmp(name, "--reset") == 0)
		settings.resets = true;
	else
		return false;
	return true;
}

static bool take_arguments(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (take_flag(argv[i]))
			continue;
		if (i + 1 == argc || !take_option(argv[i], argv[i + 1]))
			return false;
		i++;
	}
	settings.address = argv[i];
	return i + 1 == argc && settings.stage != STAGES;
}

int main(int argc, char **argv)
{
	struct bytes out = {0};

	if (!take_arguments(argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	build(&out);
	for (unsigned long i = 0; settings.rounds == 0 || i < settings.rounds; i++)
		run_round(&out, i == 0);
	return 0;
}
