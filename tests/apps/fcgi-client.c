/*
 * fcgi-client: a FastCGI client for tests. "fcgi-client --help" tells its options.
 *
 * Exit status: 0 complete answers; 1 an app-status that is not zero, or a refused request; 2 the
 * connection failed or was closed too early, or what came is no FastCGI; 3 the time is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/connect.h"
#include "lib/wire.h"

enum status { COMPLETE, APP_FAILED, BROKEN, TIMED_OUT };

enum { READ_PIECE = 65536, SLOW_PIECE = 4096 };

static struct {
	const char *address;
	bool keeps;
	bool at_once; /* all repeats on one connection, under ids 1, 2, ... */
	bool asks_values;
	bool sums; /* prints length and checksum of each answer in place of it */
	bool has_method;
	unsigned long repeat;
	unsigned long timeout_ms;
	unsigned long abort_ms;	    /* when the requests are aborted; 0: never */
	unsigned long slow_read_ms; /* rest between two reads of SLOW_PIECE */
	size_t chop;		    /* bytes in a write; 0: all */
	struct bytes params, body, raw;
} settings = {.repeat = 1, .timeout_ms = 10000};

/* One connection and what is on its way there. */
struct client {
	int fd;
	uint64_t deadline_ms;
	uint64_t abort_at_ms; /* 0: not, or it was done */
	struct bytes out;
	size_t sent;
	struct bytes in;
	size_t pending; /* requests not ended */
	uint64_t sum;	/* of STDOUT */
	size_t length;
	enum status status;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void add_request(struct client *client, uint16_t id)
{
	const uint8_t begin[8] = {0, 1, settings.keeps ? WIRE_KEEP_CONN : 0};
	struct bytes params = {0};
	char length[32];

	snprintf(length, sizeof(length), "%zu", settings.body.len);
	if (!settings.has_method)
		wire_add_pair(&params, "REQUEST_METHOD", settings.body.len != 0 ? "POST" : "GET");
	wire_add_pair(&params, "CONTENT_LENGTH", length);
	wire_add_pair(&params, "SERVER_PROTOCOL", "HTTP/1.1");
	bytes_add(&params, settings.params.at, settings.params.len);

	wire_add_record(&client->out, WIRE_BEGIN_REQUEST, id, begin, sizeof(begin));
	wire_add_stream(&client->out, WIRE_PARAMS, id, &params);
	wire_add_record(&client->out, WIRE_PARAMS, id, NULL, 0);
	wire_add_stream(&client->out, WIRE_STDIN, id, &settings.body);
	wire_add_record(&client->out, WIRE_STDIN, id, NULL, 0);
	client->pending++;
	free(params.at);
}

static void add_values(struct client *client)
{
	struct bytes pairs = {0};

	wire_add_pair(&pairs, "FCGI_MAX_CONNS", "");
	wire_add_pair(&pairs, "FCGI_MAX_REQS", "");
	wire_add_pair(&pairs, "FCGI_MPXS_CONNS", "");
	wire_add_record(&client->out, WIRE_GET_VALUES, 0, pairs.at, pairs.len);
	client->pending++;
	free(pairs.at);
}

static void print_pair(void *context, const char *name, int name_len, const char *value,
		       int value_len)
{
	(void)context;
	printf("%.*s=%.*s\n", name_len, name, value_len, value);
}

static void fail(struct client *client, const char *why)
{
	fprintf(stderr, "fcgi-client: %s\n", why);
	client->status = BROKEN;
}

static void take_stdout(struct client *client, const uint8_t *content, size_t len)
{
	client->sum = wire_checksum(client->sum, content, len);
	client->length += len;
	if (!settings.sums)
		fwrite(content, 1, len, stdout);
}

static void take_end(struct client *client, const uint8_t *content, size_t len)
{
	if (len < 5 || client->pending == 0) {
		fail(client, "an END_REQUEST that does not belong here");
		return;
	}
	client->pending--;
	if (content[4] != 0)
		fprintf(stderr, "fcgi-client: refused with protocol status %u\n", content[4]);
	if (get_be32(content) != 0)
		fprintf(stderr, "fcgi-client: app-status %u\n", get_be32(content));
	if (content[4] != 0 || get_be32(content) != 0)
		client->status = APP_FAILED;
}

static void check_id(struct client *client, uint8_t type, uint16_t id)
{
	bool is_management = type == WIRE_GET_VALUES_RESULT || type == WIRE_UNKNOWN_TYPE;

	if (is_management ? id != 0 : id == 0 || id > (settings.at_once ? settings.repeat : 1))
		fail(client, "a record with an id that was not asked");
}

static void take_record(struct client *client, uint8_t type, const uint8_t *content, size_t len)
{
	const struct bytes pairs = {.at = (uint8_t *)content, .len = len};

	switch (type) {
	case WIRE_STDOUT:
		take_stdout(client, content, len);
		break;
	case WIRE_STDERR:
		fwrite(content, 1, len, stderr);
		break;
	case WIRE_END_REQUEST:
		take_end(client, content, len);
		break;
	case WIRE_GET_VALUES_RESULT:
		if (wire_each_pair(&pairs, NULL, print_pair) < 0)
			fail(client, "values that are cut off");
		client->pending--;
		break;
	default:
		fail(client, "a record of a type that no application sends");
	}
}

/* With --raw: a line a record, so that a test sees all that came. */
static void print_record(const uint8_t *record, size_t len)
{
	static const char *const names[] = {"0",
					    "BEGIN_REQUEST",
					    "ABORT_REQUEST",
					    "END_REQUEST",
					    "PARAMS",
					    "STDIN",
					    "STDOUT",
					    "STDERR",
					    "DATA",
					    "GET_VALUES",
					    "GET_VALUES_RESULT",
					    "UNKNOWN_TYPE"};

	printf("%s id=%u length=%zu", record[1] < 12 ? names[record[1]] : "?", get_be16(record + 2),
	       len);
	if (record[1] == WIRE_END_REQUEST && len == 8)
		printf(" app-status=%u status=%u", get_be32(record + WIRE_HEADER),
		       record[WIRE_HEADER + 4]);
	printf("\n");
}

/* Takes all whole records from what was received. */
static void take_records(struct client *client)
{
	const uint8_t *at = client->in.at, *end = at + client->in.len;

	while (end - at >= WIRE_HEADER && client->status != BROKEN) {
		size_t len = get_be16(at + 4), whole = WIRE_HEADER + len + at[6];

		if (at[0] != 1) {
			fail(client, "what came is no FastCGI");
		} else if ((size_t)(end - at) < whole) {
			break;
		} else if (settings.raw.len != 0) {
			print_record(at, len);
		} else {
			check_id(client, at[1], get_be16(at + 2));
			take_record(client, at[1], at + WIRE_HEADER, len);
		}
		at += whole;
	}
	if (client->status != BROKEN) {
		client->in.len = (size_t)(end - at);
		memmove(client->in.at, at, client->in.len);
	}
}

static void on_closed(struct client *client)
{
	client->pending = settings.raw.len != 0 ? 0 : client->pending;
	if (client->pending != 0 || client->in.len != 0)
		fail(client, "the connection was closed before the end of the answer");
}

static void on_readable(struct client *client)
{
	static uint8_t piece[READ_PIECE];
	const struct timespec rest = {.tv_sec = (time_t)(settings.slow_read_ms / 1000),
				      .tv_nsec = (long)(settings.slow_read_ms % 1000) * 1000000};
	ssize_t count = recv(client->fd, piece, settings.slow_read_ms ? SLOW_PIECE : READ_PIECE, 0);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0) {
		on_closed(client);
		return;
	}
	bytes_add(&client->in, piece, (size_t)count);
	take_records(client);
	if (settings.slow_read_ms != 0)
		nanosleep(&rest, NULL);
}

/* What cannot be sent any more does not matter where an answer came. */
static void on_writable(struct client *client)
{
	size_t len = client->out.len - client->sent;
	ssize_t count;

	if (settings.chop != 0 && len > settings.chop)
		len = settings.chop;
	count = send(client->fd, client->out.at + client->sent, len, MSG_NOSIGNAL);
	if (count >= 0)
		client->sent += (size_t)count;
	else if (errno != EAGAIN && errno != EINTR)
		client->sent = client->out.len;
}

static void abort_all(struct client *client)
{
	for (size_t i = 0; i < (settings.at_once ? settings.repeat : 1); i++)
		wire_add_record(&client->out, WIRE_ABORT_REQUEST, (uint16_t)(i + 1), NULL, 0);
	client->abort_at_ms = 0;
}

/* When something is to be done even if nothing happens. */
static uint64_t next_ms(const struct client *client)
{
	return client->abort_at_ms != 0 ? client->abort_at_ms : client->deadline_ms;
}

/* Sends and receives until all pending has ended; raw bytes: until the other side closes. */
static void converse(struct client *client)
{
	while (client->pending != 0 && client->status < BROKEN) {
		uint64_t now = now_ms();
		struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};

		if (client->sent < client->out.len)
			poll_fd.events |= POLLOUT;
		if (client->abort_at_ms != 0 && now >= client->abort_at_ms) {
			abort_all(client);
			continue;
		}
		if (now >= client->deadline_ms) {
			fprintf(stderr, "fcgi-client: no complete answer in time\n");
			client->status = TIMED_OUT;
			return;
		}
		if (poll(&poll_fd, 1, (int)(next_ms(client) - now)) <= 0)
			continue;
		if (poll_fd.revents & POLLOUT)
			on_writable(client);
		if (poll_fd.revents & (POLLIN | POLLHUP | POLLERR))
			on_readable(client);
	}
}

static void fill(struct client *client)
{
	if (settings.raw.len != 0) {
		bytes_add(&client->out, settings.raw.at, settings.raw.len);
		client->pending = 1;
	} else if (settings.asks_values) {
		add_values(client);
	} else {
		for (size_t i = 0; i < (settings.at_once ? settings.repeat : 1); i++)
			add_request(client, (uint16_t)(i + 1));
	}
}

/* One round over a connection that is there. */
static void run(struct client *client)
{
	client->out.len = client->sent = client->length = 0;
	client->sum = WIRE_CHECKSUM_START;
	client->deadline_ms = now_ms() + settings.timeout_ms;
	client->abort_at_ms = settings.abort_ms != 0 ? now_ms() + settings.abort_ms : 0;
	fill(client);
	converse(client);
	if (settings.sums && client->status < BROKEN)
		printf("length=%zu checksum=%016llx\n", client->length,
		       (unsigned long long)client->sum);
}

static void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->in.len = 0;
}

static enum status run_all(void)
{
	struct client client = {.fd = -1};
	unsigned long rounds = settings.at_once ? 1 : settings.repeat;

	for (unsigned long i = 0; i < rounds && client.status < BROKEN; i++) {
		if (client.fd < 0)
			client.fd = connect_to(settings.address);
		if (client.fd < 0 || fcntl(client.fd, F_SETFL, O_NONBLOCK) < 0) {
			fprintf(stderr, "fcgi-client: %s: %m\n", settings.address);
			client.status = BROKEN;
			break;
		}
		run(&client);
		if (!settings.keeps)
			client_close(&client);
	}
	client_close(&client);
	free(client.out.at);
	free(client.in.at);
	return client.status;
}

static void load(struct bytes *bytes, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	uint8_t piece[4096];
	size_t count;

	if (file == NULL) {
		perror(path);
		exit(BROKEN);
	}
	while ((count = fread(piece, 1, sizeof(piece), file)) > 0)
		bytes_add(bytes, piece, count);
	fclose(file);
}

static void add_param(char *text)
{
	char *value = strchr(text, '=');

	if (value == NULL) {
		fprintf(stderr, "fcgi-client: --param needs NAME=VALUE\n");
		exit(BROKEN);
	}
	*value++ = '\0';
	settings.has_method |= strcmp(text, "REQUEST_METHOD") == 0;
	wire_add_pair(&settings.params, text, value);
}

static const char usage[] =
	"usage: fcgi-client [options] ADDR      (a path, host:port or [v6]:port)\n"
	"  --query TEXT, --param NAME=VALUE     of the request; --param may be repeated\n"
	"  --body FILE, --body-size N           FILE may be -; N bytes of a pattern\n"
	"  --keep                               one connection for all of --repeat N\n"
	"  --at-once                            all of --repeat N at the same time on it\n"
	"  --timeout MS                         for each round (10000)\n"
	"  --abort MS                           after this time all requests are aborted\n"
	"  --chop N, --slow-read MS             bytes in a write; rest after reading 4 KiB\n"
	"  --sum                                prints length and checksum in place of the answer\n"
	"  --values                             asks FCGI_GET_VALUES\n"
	"  --raw FILE                           sends these bytes, lists the records that come\n";

static bool take_flag(const char *name)
{
	if (strcmp(name, "--keep") == 0)
		settings.keeps = true;
	else if (strcmp(name, "--at-once") == 0)
		settings.at_once = settings.keeps = true;
	else if (strcmp(name, "--values") == 0)
		settings.asks_values = true;
	else if (strcmp(name, "--sum") == 0)
		settings.sums = true;
	else
		return false;
	return true;
}

static bool take_content(const char *name, char *value)
{
	if (strcmp(name, "--param") == 0)
		add_param(value);
	else if (strcmp(name, "--query") == 0)
		wire_add_pair(&settings.params, "QUERY_STRING", value);
	else if (strcmp(name, "--body") == 0)
		load(&settings.body, value);
	else if (strcmp(name, "--body-size") == 0)
		bytes_add_pattern(&settings.body, 0, strtoull(value, NULL, 10));
	else if (strcmp(name, "--raw") == 0)
		load(&settings.raw, value);
	else
		return false;
	return true;
}

static bool take_number(const char *name, const char *value)
{
	unsigned long number = strtoul(value, NULL, 10);

	if (strcmp(name, "--repeat") == 0)
		settings.repeat = number;
	else if (strcmp(name, "--timeout") == 0)
		settings.timeout_ms = number;
	else if (strcmp(name, "--abort") == 0)
		settings.abort_ms = number;
	else if (strcmp(name, "--chop") == 0)
		settings.chop = number;
	else if (strcmp(name, "--slow-read") == 0)
		settings.slow_read_ms = number;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (take_flag(argv[i]))
			continue;
		if (i + 1 == argc ||
		    !(take_content(argv[i], argv[i + 1]) || take_number(argv[i], argv[i + 1])))
			break;
		i++;
	}
	if (i + 1 != argc) {
		fputs(usage, stderr);
		return BROKEN;
	}
	settings.address = argv[i];
	return (int)run_all();
}
