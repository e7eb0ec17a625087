/*
 * An application's side of its connections: any bytes, in any pieces, to the real mux on a
 * simulated system, in answer to a few good requests. What the web server gets has to be records of
 * its own requests, each with one end at most, and nothing may be left of it all.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "../sim/sim.h"
#include "../sim/sim_mux.h"
#include "../sim/wire.h"

enum { CONFIGS = 4, LINES = 6, IDS = 5, TICKS = 16, TICK_MS = 1000, ROUNDS = 200 };

enum { BEGIN = 1, ABORT, END, PARAMS, STDIN, STDOUT, STDERR };

/* What the first byte of an input chooses besides the configuration. */
enum { FLAG_PARTS = 4, FLAG_NO_MEMORY = 8, FLAG_ABORTS = 16, FLAG_SLOW = 32, FLAG_UNASKED = 64 };

static const char *const configs[CONFIGS] = {
	"[app]\nlisten = /front\nserver = /app\ncapacity = 1\n",

	"response-buffer = 4k\nrequest-buffer = 0\n"
	"[app]\nlisten = /front\nserver = /app\nallow-x-send-file = enable\n"
	"x-sendfile-docroot = /usr/share/common-licenses\nretry = all\nrequest-timeout = 4\n",

	"[auth]\nlisten = /front\nmode = authorizer\nserver = /app\ndocroot = "
	"/usr/share/common-licenses\n"
	"[app]\nlisten = /front\nextension = .php\ncheck-local = disable\nserver = /app\n",

	"response-buffer = 4k\n"
	"[app]\nlisten = /front\nserver = /app\nslow-request = 1\nkeepalive-time = 2s\n"
	"request-timeout = 3\n",
};

static struct wire lines[LINES];
static bool is_asked[LINES]; /* a request has come there: it may be answered */
static struct sim_socket *app;
static struct wire client;
static bool is_open[IDS + 1]; /* the request of this id */

static void put(struct wire *wire, uint8_t type, uint16_t id, const char *content, size_t len)
{
	const struct wire_record record = {type, id, (const uint8_t *)content, len};

	wire_put(wire, &record, 0);
}

static void ask(uint16_t id)
{
	static const char get[] = "\016\003REQUEST_METHODGET\013\003SCRIPT_NAME/BS";
	static const char post[] = "\016\004REQUEST_METHODPOST\013\006SCRIPT_NAME/a.php";

	is_open[id] = true;
	put(&client, BEGIN, id, "\0\1\1\0\0\0\0", 8);
	put(&client, PARAMS, id, id % 2 ? get : post, (id % 2 ? sizeof(get) : sizeof(post)) - 1);
	put(&client, PARAMS, id, NULL, 0);
	put(&client, STDIN, id, "body", id % 2 == 0 ? 4 : 0);
	if (id % 2 == 0)
		put(&client, STDIN, id, NULL, 0);
}

static void read_client(void)
{
	struct wire_record record;

	wire_fill(&client, SIZE_MAX);
	while (wire_next(&client, &record)) {
		CHECK(record.type == END || record.type == STDOUT || record.type == STDERR);
		CHECK(record.id >= 1 && record.id <= IDS && is_open[record.id]);
		if (record.type == END)
			is_open[record.id] = false;
		wire_drop(&client);
	}
}

static void read_line(struct wire *line, bool *is_line_asked)
{
	struct wire_record record;

	wire_fill(line, SIZE_MAX);
	while (wire_next(line, &record)) {
		*is_line_asked |= record.type == BEGIN;
		wire_drop(line);
	}
}

/* The next of the bytes. */
static void write_line(struct wire *line, struct input *input)
{
	size_t len = input->len > 0 ? 1 + sim_choose((unsigned)input->len) : 0;

	wire_put_raw(line, input->at, len);
	take_bytes(input, len);
	wire_flush(line, SIZE_MAX);
}

static void run_line(int number, struct input *input)
{
	struct wire *line = &lines[number];

	read_line(line, &is_asked[number]);
	if (is_asked[number])
		write_line(line, input);
	if (wire_has_ended(line) || sim_choose(32) == 0)
		wire_close(line, false);
}

static void run_app(struct input *input, bool is_unasked)
{
	for (int i = 0; i < LINES; i++) {
		struct sim_socket *socket = lines[i].socket ? NULL : sim_accept(app);

		if (socket) {
			wire_open(&lines[i], socket);
			is_asked[i] = is_unasked;
		}
		if (lines[i].socket && sim_choose(2))
			run_line(i, input);
	}
}

static void run(struct input *input, unsigned flags)
{
	for (int i = 0; i < ROUNDS && input->len > 0 && !sim_is_left(client.socket); i++) {
		wire_flush(&client, SIZE_MAX);
		(void)sim_turn();
		run_app(input, flags & FLAG_UNASKED);
		if (!(flags & FLAG_SLOW))
			read_client();
		if (flags & FLAG_ABORTS && sim_choose(16) == 0)
			put(&client, ABORT, (uint16_t)(1 + sim_choose(IDS)), NULL, 0);
		sim_advance(sim_choose(8) == 0 ? TICK_MS : 0);
	}
}

/* The application has nothing more to say, and ends. */
static void wait_for_all(void)
{
	struct input nothing = {0};

	for (int i = 0; i < TICKS; i++) {
		for (int n = 0; n < LINES; n++)
			if (lines[n].socket)
				wire_close(&lines[n], false);
		sim_settle();
		run_app(&nothing, false);
		sim_settle();
		if (client.socket)
			read_client();
		sim_advance(TICK_MS);
	}
}

static void close_all(void)
{
	wire_close(&client, false);
	for (int i = 0; i < LINES; i++)
		if (lines[i].socket)
			wire_close(&lines[i], false);
}

static struct sim_mux *mux_for(unsigned flags)
{
	static struct sim_mux muxes[CONFIGS];
	static bool are_ready;

	for (int i = 0; i < CONFIGS && !are_ready; i++)
		sim_mux_init(&muxes[i], configs[i]);
	are_ready = true;
	sim_sockets_reset();
	sim_memory = (struct sim_memory){0};
	sim_faults = (struct sim_faults){0};
	sim_mux_open_fronts(&muxes[flags % CONFIGS]);
	app = sim_listen("/app", false);
	return &muxes[flags % CONFIGS];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	unsigned flags = take_byte(&input);
	struct sim_mux *sim = mux_for(flags);

	sim_seed(take_byte(&input));
	CHECK(sim_mux_start(sim, false));
	wire_open(&client, sim_connect(sim->fronts[0]));
	for (int id = 1; id <= IDS; id++)
		ask((uint16_t)id);
	sim_faults.part = sim_faults.later = flags & FLAG_PARTS ? 200 : 0;
	sim_faults.no_memory = flags & FLAG_NO_MEMORY ? 30 : 0;
	run(&input, flags);
	sim_faults = (struct sim_faults){0};
	wait_for_all();
	close_all();
	sim_settle();
	sim_mux_stop(sim);
	return 0;
}
