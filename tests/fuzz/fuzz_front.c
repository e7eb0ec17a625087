/*
 * A web server's side of a connection: any bytes, read in any pieces, by the real mux on a
 * simulated system. Two processes answer whatever gets through to them. What comes back has to be
 * records, and nothing may be left of it all.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "../sim/sim.h"
#include "../sim/sim_mux.h"
#include "../sim/wire.h"

enum { CONFIGS = 4, APPS = 2, LINES = 8, TICKS = 12, TICK_MS = 1000 };

/* FastCGI's types. */
enum { BEGIN = 1, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, GET_VALUES = 9, RESULT, UNKNOWN };

/* What the first byte of an input chooses besides the configuration. */
enum { FLAG_PARTS = 4, FLAG_NO_MEMORY = 8, FLAG_LEAVES = 16, FLAG_SILENT = 32 };

static const char *const configs[CONFIGS] = {
	"status-path = /status\nping-path = /ping\n"
	"[app]\nlisten = /front\nserver = /app-0\nserver = /app-1\ncapacity = 1\n",

	"request-buffer = 0\nresponse-buffer = 4k\nqueue-limit = 1\nqueue-timeout = 2\n"
	"[app]\nlisten = /front\nserver = /app-0\ncapacity = 1\nmax-request-size = 100\n"
	"request-timeout = 3\nqueue-time-variable = WAITED\n",

	"[php]\nlisten = /front\nextension = .php, /app\nmap-extensions = .php5 => .php\n"
	"check-local = disable\nserver = /app-0\ndocroot = /srv\nbroken-scriptfilename = enable\n"
	"[rest]\nlisten = /front\nextension = /\nserver = /app-1\nfix-root-scriptname = enable\n"
	"strip-request-uri = /app\ndeny-params = HTTP_X, QUERY_STRING\n",

	"response-buffer = 4k\n[auth]\nlisten = /front\nmode = authorizer\nserver = /app-0\n"
	"[app]\nlisten = /front\nserver = /app-1\n",
};

static struct wire lines[LINES];
static struct sim_socket *apps[APPS];
static struct wire client;

static void put(struct wire *wire, uint8_t type, uint16_t id, const char *content, size_t len)
{
	const struct wire_record record = {type, id, (const uint8_t *)content, len};

	wire_put(wire, &record, 0);
}

/* Where the body, or what has none, is complete: the same answer to all. */
static void answer(struct wire *line, const struct wire_record *record)
{
	static const char text[] = "Status: 200 OK\r\nVariable-A: b\r\nX-Sendfile: /a\r\n\r\nbody";

	if (record->type == GET_VALUES || record->len > 0 ||
	    (record->type != STDIN && record->type != PARAMS))
		return;
	put(line, STDOUT, record->id, text, record->type == PARAMS ? 3 : sizeof(text) - 1);
	put(line, END, record->id, "\0\0\0\0\0\0\0", 8);
}

static void run_line(struct wire *line, bool is_silent)
{
	struct wire_record record;

	wire_fill(line, SIZE_MAX);
	while (wire_next(line, &record)) {
		if (!is_silent && sim_choose(8) > 0)
			answer(line, &record);
		wire_drop(line);
	}
	wire_flush(line, SIZE_MAX);
	if (wire_has_ended(line))
		wire_close(line, false);
}

static void run_apps(bool is_silent)
{
	for (int i = 0; i < LINES; i++) {
		struct sim_socket *socket =
			lines[i].socket ? NULL : sim_accept(apps[sim_choose(APPS)]);

		if (socket)
			wire_open(&lines[i], socket);
		if (lines[i].socket)
			run_line(&lines[i], is_silent);
	}
}

static void read_client(void)
{
	struct wire_record record;

	wire_fill(&client, SIZE_MAX);
	while (wire_next(&client, &record)) {
		CHECK(record.type == END || record.type == STDOUT || record.type == STDERR ||
		      record.type == RESULT || record.type == UNKNOWN);
		CHECK((record.id == 0) == (record.type >= RESULT));
		wire_drop(&client);
	}
}

/* What is not whole at the end broke off. */
static void run(struct input *input, unsigned flags)
{
	while (client.socket && (input->len > 0 || client.out.len > 0)) {
		size_t part = input->len > 0 ? 1 + sim_choose((unsigned)input->len) : 0;

		wire_put_raw(&client, input->at, part);
		take_bytes(input, part);
		wire_flush(&client, SIZE_MAX);
		(void)sim_turn();
		run_apps(flags & FLAG_SILENT);
		read_client();
		if (sim_is_left(client.socket))
			return;
	}
}

static void wait_for_all(unsigned flags)
{
	for (int i = 0; i < TICKS; i++) {
		for (int n = 0; n < 4; n++) {
			run_apps(flags & FLAG_SILENT);
			sim_settle();
			if (client.socket)
				read_client();
		}
		sim_advance(TICK_MS);
	}
}

static void close_all(void)
{
	if (client.socket)
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
	apps[0] = sim_listen("/app-0", false);
	apps[1] = sim_listen("/app-1", flags & FLAG_SILENT);
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
	sim_faults.part = sim_faults.later = flags & FLAG_PARTS ? 200 : 0;
	sim_faults.no_memory = flags & FLAG_NO_MEMORY ? 30 : 0;
	run(&input, flags);
	sim_faults = (struct sim_faults){0};
	if (flags & FLAG_LEAVES && client.socket)
		wire_close(&client, false);
	wait_for_all(flags);
	close_all();
	sim_settle();
	sim_mux_stop(sim);
	return 0;
}
