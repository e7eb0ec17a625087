/*
 * bench-app: a FastCGI program that costs next to nothing, so that what is in front of it is
 * measured. One connection at a time, as php-cgi. "bench-app --help" tells the rest.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fcgi/params.h"
#include "pattern.h"
#include "walk.h"

enum {
	READ_PIECE = 131072,
	PARAMS_MAX = 65536,
	ANSWER_MAX = 16 << 20,
	HEAD_MAX = 512,	       /* room for what is new in each answer, before the rest */
	CONTENT_PIECE = 65528, /* of the answer's records */
	PROCS_MAX = 10000,
};

/* What has come of a request. */
struct request {
	uint16_t id; /* 0: none */
	bool keeps;
	bool has_params;
	bool has_ended; /* its body too */
	bool is_body_good;
	size_t body_len;
	size_t params_len;
	uint8_t params[PARAMS_MAX];
};

/*
 * The last answer, from its second record to its end. Most requests ask for the same again, so that
 * only the first record is written anew, before `rest`: one buffer, one send.
 */
struct answer {
	uint8_t *bytes; /* HEAD_MAX, then rest */
	size_t rest_len;
	size_t size; /* of the pattern in it */
	uint16_t id; /* 0: nothing built yet */
};

static struct {
	struct pattern pattern;
	struct request request;
	struct answer answer;
	struct walk walk;
	uint8_t scratch[READ_PIECE];
} app;

/* With --listen. */
struct proc {
	pid_t pid;
	int fd;
};
static struct {
	struct proc *procs;
	size_t count;
	size_t delay_ms;
	bool own;
	bool respawns;
	volatile sig_atomic_t is_stopping;
} parent = {.count = 1};

static const char help[] =
	"Usage: bench-app [options]\n"
	"\n"
	"A FastCGI responder for measurements. It accepts on descriptor 0, or:\n"
	"\n"
	"      --listen PATH       opens a Unix socket, starts processes that accept there, and\n"
	"                          stops them when it is stopped\n"
	"      --procs N           so many (1)\n"
	"      --own               each has a socket of its own: PATH-0, PATH-1, ...\n"
	"      --respawn           starts a process again that ended\n"
	"      --start-delay MS    each waits so long before it accepts (0)\n"
	"  -h, --help              this text\n"
	"\n"
	"Parameters of a request: BENCH_TOKEN comes back in the body; BENCH_ANSWER=BYTES of a\n"
	"pattern follow it; BENCH_SLEEP=MICROSECONDS pass before the answer. A body must be of\n"
	"the same pattern; the answer says how long it was and whether it was good.\n";

static void die(const char *what)
{
	fprintf(stderr, "bench-app: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static size_t param_number(const char *name, size_t max)
{
	const struct request *request = &app.request;
	struct param param;
	size_t number = 0;

	if (!params_find(request->params, request->params_len, name, &param))
		return 0;
	for (size_t i = 0; i < param.value_len && number <= max; i++)
		number = number * 10 + (size_t)(param.value[i] - '0');
	return number <= max ? number : max;
}

static uint8_t *put_pattern(uint8_t *out, uint16_t id, size_t size)
{
	for (size_t place = 0; place < size;) {
		size_t len = walk_least(size - place, CONTENT_PIECE);

		out = record_header_encode(out, RECORD_STDOUT, id, (uint16_t)len);
		memcpy(out, pattern_at(&app.pattern, place), len);
		out += len;
		place += len;
	}
	return out;
}

static void build_rest(struct answer *answer, uint16_t id, size_t size)
{
	size_t records = size / CONTENT_PIECE + 4;
	uint8_t *end;

	free(answer->bytes);
	answer->bytes = malloc(HEAD_MAX + size + records * RECORD_BEGIN_LEN);
	if (!answer->bytes)
		die("memory");
	end = put_pattern(answer->bytes + HEAD_MAX, id, size);
	end = record_header_encode(end, RECORD_STDOUT, id, 0);
	end = record_end_encode(end, id, 0, RECORD_REQUEST_COMPLETE);
	answer->rest_len = (size_t)(end - answer->bytes) - HEAD_MAX;
	answer->size = size;
	answer->id = id;
}

/* The first record, which ends where the rest begins; returns where it begins. */
static uint8_t *build_head(struct answer *answer, const struct request *request)
{
	struct param token = {.value = "", .value_len = 0};
	char text[HEAD_MAX - RECORD_HEADER_LEN];
	uint8_t *begin;
	int len;

	(void)params_find(request->params, request->params_len, "BENCH_TOKEN", &token);
	len = snprintf(text, sizeof(text),
		       "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"
		       "token=%.*s body=%zu %s\n",
		       (int)walk_least(token.value_len, 64), token.value, request->body_len,
		       request->is_body_good ? "good" : "bad");
	begin = answer->bytes + HEAD_MAX - len - RECORD_HEADER_LEN;
	memcpy(record_header_encode(begin, RECORD_STDOUT, request->id, (uint16_t)len), text,
	       (size_t)len);
	return begin;
}

static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return false;
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		}
	}
	return true;
}

static void rest_us(size_t us)
{
	const struct timespec time = {.tv_sec = (time_t)(us / 1000000),
				      .tv_nsec = (long)(us % 1000000) * 1000};

	if (us > 0)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* False: the connection is over. */
static bool answer_request(int fd)
{
	struct request *request = &app.request;
	struct answer *answer = &app.answer;
	size_t size = param_number("BENCH_ANSWER", ANSWER_MAX);
	uint8_t *begin;
	bool keeps = request->keeps;

	rest_us(param_number("BENCH_SLEEP", 60000000));
	if (answer->id != request->id || answer->size != size)
		build_rest(answer, request->id, size);
	begin = build_head(answer, request);
	request->id = 0;
	return send_all(fd, begin, (size_t)(answer->bytes + HEAD_MAX - begin) + answer->rest_len) &&
	       keeps;
}

/* All three, whichever were asked for: one request at a time. */
static bool answer_values(int fd)
{
	static const char pairs[] = "\x0e\x01"
				    "FCGI_MAX_CONNS1"
				    "\x0d\x01"
				    "FCGI_MAX_REQS1"
				    "\x0f\x01"
				    "FCGI_MPXS_CONNS0";
	uint8_t record[RECORD_HEADER_LEN + sizeof(pairs)];
	uint8_t *end = record_header_encode(record, RECORD_GET_VALUES_RESULT, 0, sizeof(pairs) - 1);

	memcpy(end, pairs, sizeof(pairs) - 1);
	return send_all(fd, record, RECORD_HEADER_LEN + sizeof(pairs) - 1);
}

static bool take_begin(const struct walk_piece *piece)
{
	struct request *request = &app.request;
	const uint8_t flags = 2;

	/* Cut up (8 bytes of content): as good as never; one more request at a time: never. */
	if (piece->len != RECORD_BEGIN_LEN - RECORD_HEADER_LEN || request->id != 0)
		return false;
	request->id = piece->id;
	request->keeps = piece->bytes[flags] & RECORD_FLAG_KEEP_CONN;
	request->has_params = request->has_ended = false;
	request->is_body_good = true;
	request->body_len = request->params_len = 0;
	return true;
}

static bool take_params(const struct walk_piece *piece)
{
	struct request *request = &app.request;

	if (request->params_len + piece->len > PARAMS_MAX)
		return false;
	memcpy(request->params + request->params_len, piece->bytes, piece->len);
	request->params_len += piece->len;
	if (piece->len == 0 && piece->is_first)
		request->has_params = true;
	return true;
}

static void take_body(const struct walk_piece *piece)
{
	struct request *request = &app.request;

	if (!pattern_is_at(&app.pattern, request->body_len, piece->bytes, piece->len))
		request->is_body_good = false;
	request->body_len += piece->len;
	if (piece->len == 0 && piece->is_first)
		request->has_ended = true;
}

/* False: the connection is over. */
static bool take_piece(int fd, const struct walk_piece *piece)
{
	struct request *request = &app.request;

	if (piece->type == RECORD_BEGIN_REQUEST)
		return take_begin(piece);
	if (piece->type == RECORD_GET_VALUES)
		return piece->len == 0 || !piece->is_last || answer_values(fd);
	if (piece->id != request->id || request->id == 0)
		return true;
	if (piece->type == RECORD_ABORT_REQUEST)
		return false;
	if (piece->type == RECORD_PARAMS && !take_params(piece))
		return false;
	if (piece->type == RECORD_STDIN)
		take_body(piece);
	return !request->has_params || !request->has_ended || answer_request(fd);
}

/* False: the connection is over. */
static bool take_bytes(int fd, size_t len)
{
	uint8_t *at = app.scratch, *end = at + len;
	struct walk_piece piece;
	enum walk_result result;

	while ((result = walk_next(&app.walk, &at, end, &piece)) == WALK_PIECE)
		if (!take_piece(fd, &piece))
			return false;
	return result != WALK_BAD;
}

static void serve(int fd)
{
	ssize_t len;

	app.walk = (struct walk){0};
	app.request.id = 0;
	do
		len = recv(fd, app.scratch, sizeof(app.scratch), 0);
	while (len > 0 && take_bytes(fd, (size_t)len));
}

static void serve_for_ever(int listen_fd, size_t delay_ms)
{
	rest_us(delay_ms * 1000);
	/* Sleeps are to be as long as they were ordered, not 50 microseconds longer. */
	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			die("accept");
		if (fd >= 0) {
			serve(fd);
			close(fd);
		}
	}
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0666) < 0 || listen(fd, 4096) < 0)
		die(path);
	return fd;
}

/* The kernel kills the processes when this one ends, however it does. */
static pid_t start_proc(int listen_fd, size_t delay_ms)
{
	pid_t parent_pid = getpid();
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent_pid)
		exit(EXIT_FAILURE);
	serve_for_ever(listen_fd, delay_ms);
	return 0;
}

static void kill_procs(void)
{
	for (size_t i = 0; i < parent.count; i++)
		if (parent.procs[i].pid > 0)
			kill(parent.procs[i].pid, SIGKILL);
}

static void on_terminate(int signal_number)
{
	(void)signal_number;
	parent.is_stopping = true;
	kill_procs();
}

static void open_sockets(const char *path)
{
	char numbered[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	for (size_t i = 0; i < parent.count; i++) {
		snprintf(numbered, sizeof(numbered), "%s-%zu", path, i);
		if (parent.own)
			parent.procs[i].fd = open_socket(numbered);
		else
			parent.procs[i].fd = i > 0 ? parent.procs[0].fd : open_socket(path);
	}
}

static void start_procs(const char *path)
{
	parent.procs = calloc(parent.count, sizeof(*parent.procs));
	if (!parent.procs)
		die("memory");
	open_sockets(path);
	signal(SIGTERM, on_terminate);
	for (size_t i = 0; i < parent.count; i++)
		parent.procs[i].pid = start_proc(parent.procs[i].fd, parent.delay_ms);
	puts("ready");
	fflush(stdout);
}

static void start_again(pid_t ended)
{
	for (size_t i = 0; i < parent.count; i++)
		if (parent.procs[i].pid == ended)
			parent.procs[i].pid = start_proc(parent.procs[i].fd, parent.delay_ms);
}

/* Until all have ended: with --respawn, until SIGTERM. */
static void watch_procs(void)
{
	pid_t ended;

	while ((ended = wait(NULL)) > 0 || errno == EINTR) {
		if (ended > 0 && parent.respawns && !parent.is_stopping)
			start_again(ended);
		if (parent.is_stopping)
			kill_procs(); /* one that was being started when the signal came, too */
	}
}

static size_t number(const char *text, size_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value > max) {
		fprintf(stderr, "bench-app: %s: not a number up to %zu\n", text, max);
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"listen", required_argument, NULL, 'l'},
		{"procs", required_argument, NULL, 'n'},
		{"own", no_argument, NULL, 'o'},
		{"respawn", no_argument, NULL, 'r'},
		{"start-delay", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *path = NULL;
	int letter;

	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (letter == 'l')
			path = optarg;
		else if (letter == 'n')
			parent.count = number(optarg, PROCS_MAX);
		else if (letter == 'd')
			parent.delay_ms = number(optarg, 3600000);
		else if (letter == 'o')
			parent.own = true;
		else if (letter == 'r')
			parent.respawns = true;
		else
			return fputs(help, letter == 'h' ? stdout : stderr),
			       letter == 'h' ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	pattern_init(&app.pattern); /* before fork: one for all */
	if (path) {
		start_procs(path);
		watch_procs();
	} else {
		serve_for_ever(STDIN_FILENO, parent.delay_ms);
	}
	return EXIT_SUCCESS;
}
