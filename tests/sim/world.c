/* A world of the model, its steps and its end. */
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "model.h"
#include "sim.h"

struct world world;

enum { TEXT_SIZE = 4096 };

/* How long everything has to be answered in, when nothing fails any more; and by how much time goes
 * on. */
enum { END_MS = 120000, END_STEP_MS = 250 };

/* What is configured, and who is there. */
struct plan {
	char text[TEXT_SIZE];
	size_t len;
};

unsigned token_of(const struct want *want)
{
	return (unsigned)(want - world.wants);
}

static void put_pair(struct buffer *params, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	const uint8_t lens[5] = {(uint8_t)name_len, 0x80, 0, (uint8_t)(value_len >> 8),
				 (uint8_t)value_len};
	const uint8_t short_lens[2] = {(uint8_t)name_len, (uint8_t)value_len};

	/* Every length below 128 may also be written with four bytes. */
	MUST(buffer_append(params, value_len < 128 ? short_lens : lens, value_len < 128 ? 2 : 5) ==
			     0 &&
		     buffer_append(params, name, name_len) == 0 &&
		     buffer_append(params, value, value_len) == 0,
	     "no memory for the test");
}

void want_params(const struct want *want, struct buffer *params)
{
	unsigned token = token_of(want);
	char text[1024];

	(void)text_format(text, sizeof(text), "/%08x", token);
	put_pair(params, "REQUEST_URI", text);
	put_pair(params, "REQUEST_METHOD", want->is_post ? "POST" : "GET");
	put_pair(params, "SCRIPT_NAME", "/index.php");
	memset(text, 'a' + (int)(token % 26), sizeof(text));
	text[token % 7 == 0 ? 1000 : token % 97] = '\0';
	put_pair(params, "HTTP_COOKIE", text);
}

uint8_t body_byte(const struct want *want, size_t at)
{
	return (uint8_t)(token_of(want) * 7 + at * 13 + (at >> 8));
}

uint8_t answer_byte(const struct want *want, unsigned attempt, size_t at)
{
	return (uint8_t)(token_of(want) * 31 + attempt * 101 + at * 17 + (at >> 8));
}

bool has_lacked_memory(void)
{
	return sim_memory.failures > 0;
}

static void add(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct plan *plan, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(plan->text + plan->len, sizeof(plan->text) - plan->len, format, arguments);
	va_end(arguments);
	MUST(len >= 0 && (size_t)len < sizeof(plan->text) - plan->len, "too long a configuration");
	plan->len += (size_t)len;
}

static void add_whole(struct plan *plan)
{
	static const char *const buffers[] = {"0", "1k", "64k"};
	static const char *const retries[] = {"none", "safe", "idempotent", "all"};
	static const unsigned limits[] = {0, 3, 1024, 1024};

	add(plan, "request-buffer = %s\n", buffers[sim_choose(3)]);
	add(plan, "response-buffer = %s\n", sim_choose(2) ? "4k" : "512k");
	world.retry = sim_choose(3) ? RETRY_GETS : sim_choose(4);
	add(plan, "retry = %s\n", retries[world.retry]);
	world.queue_limit = limits[sim_choose(4)];
	world.queue_timeout_ms = sim_choose(2) ? 0 : 5000;
	world.request_timeout_ms = sim_choose(2) ? 0 : 10000;
	add(plan, "queue-limit = %u\nqueue-timeout = %u\nrequest-timeout = %u\n",
	    (unsigned)world.queue_limit, (unsigned)world.queue_timeout_ms / 1000,
	    (unsigned)world.request_timeout_ms / 1000);
	add(plan, "keepalive = %u\nkeepalive-time = %s\ndisable-time = %u\n", sim_choose(3),
	    sim_choose(2) ? "1h" : "2s", sim_choose(2));
	if (sim_choose(3) == 0)
		add(plan, "queue-time-variable = WAITED\n");
}

/* What a process of this backend says of itself, and whether it is true. */
static void add_actor(uint32_t backend, uint32_t proc, const char *path, unsigned configured)
{
	struct actor *actor = &world.actors[world.actor_count++];
	struct line lines[LINES];

	/* What lines have allocated stays. */
	memcpy(lines, actor->lines, sizeof(lines));
	*actor = (struct actor){.backend = backend, .proc = proc};
	for (int i = 0; i < LINES; i++)
		actor->lines[i] = (struct line){.wire = {.in = lines[i].wire.in}};
	(void)text_format(actor->path, sizeof(actor->path), "%s-%u", path, (unsigned)proc);
	actor->is_mute = sim_choose(4) == 0;
	actor->is_frail = sim_choose(6) == 0;
	actor->is_multiplexing = !actor->is_mute && sim_choose(2);
	actor->capacity = actor->is_mute ? 1 : 1 + sim_choose(actor->is_multiplexing ? 16 : 3);
	if (configured > 0)
		actor->capacity = configured;
	/* Of what others run, nothing is known where its answer is lost. */
	actor->limit = configured > 0 || world.has_supervisor ? actor->capacity : UINT_MAX;
	actor->is_serial = actor->capacity == 1 && sim_choose(2);
	actor->listening = sim_listen(actor->path, !world.has_supervisor && sim_choose(2));
	actor->pid = world.has_supervisor && sim_choose(8) == 0 ? 0 : ++world.last_pid;
}

static unsigned add_capacity(struct plan *plan)
{
	unsigned capacity = sim_choose(3) ? 0 : 1 + sim_choose(3);

	if (capacity > 0)
		add(plan, "capacity = %u\n", capacity);
	return capacity;
}

static void add_children(struct plan *plan, uint32_t backend, const char *path)
{
	unsigned count = 1 + sim_choose(3);
	unsigned capacity;

	add(plan, "listen = /front\nbin-path = /bin/true\nsocket = %s\nmax-procs = %u\n", path,
	    count);
	capacity = add_capacity(plan);
	for (uint32_t i = 0; i < count; i++)
		add_actor(backend, i, path, capacity);
}

/* Procs that others run. */
static void add_servers(struct plan *plan)
{
	unsigned count = 1 + sim_choose(3);
	unsigned capacity;

	add(plan, "[remote]\nlisten = /front\n");
	capacity = add_capacity(plan);
	for (uint32_t i = 0; i < count; i++) {
		add(plan, "server = /remote-%u\n", i);
		add_actor(0, i, "/remote", capacity);
	}
}

static void make_plan(struct plan *plan)
{
	unsigned kind = sim_choose(5);

	world.has_supervisor = kind > 0;
	world.has_authorizer = kind == 1;
	world.has_long_answers = sim_choose(16) == 0;
	add_whole(plan);
	if (kind == 0) {
		add_servers(plan);
		return;
	}
	if (kind <= 2) {
		add(plan, "[first]\n%s", kind == 1 ? "mode = authorizer\n" : "");
		add_children(plan, 0, "/first");
	}
	add(plan, "[app]\n");
	add_children(plan, kind <= 2, "/app");
}

static void start_mux(void)
{
	for (size_t i = 0; i < world.actor_count; i++) {
		world.actors[i].announced = 0;
		world.actors[i].is_drain_announced = false;
	}
	world.is_draining = false;
	check_reset_queue();
	/* What it says where there is none to start with takes memory, too. */
	sim_faults.no_memory = 0;
	MUST(sim_mux_start(&world.sim, world.has_supervisor), "the mux does not start");
}

/* A connection's room for what comes in lasts from one world to the next. */
static void forget_world(void)
{
	struct want *wants = world.wants ? world.wants : calloc(WANTS_MAX, sizeof(*wants));

	MUST(wants, "no memory for the test");
	for (int i = 0; i < CLIENTS; i++)
		world.clients[i] = (struct client){.wire = {.in = world.clients[i].wire.in}};
	world.wants = wants;
	world.want_count = world.actor_count = 0;
	world.fault_count = world.death_count = 0;
	world.last_pid = 0;
	world.last_serial = 0;
	sim_memory = (struct sim_memory){0};
	sim_faults = (struct sim_faults){0};
}

void world_init(uint64_t number)
{
	static struct plan plan;

	plan.len = 0;
	forget_world();
	sim_seed(number);
	sim_sockets_reset();
	make_plan(&plan);
	if (sim_is_verbose)
		fprintf(stderr, "%s", plan.text);
	sim_mux_init(&world.sim, plan.text);
	sim_mux_open_fronts(&world.sim);
	start_mux();
}

static void pass_time(void)
{
	sim_advance(1 + sim_choose(sim_choose(4) ? 300 : 2000));
}

static void change_faults(void)
{
	bool is_hard = sim_choose(4) == 0;

	sim_faults = (struct sim_faults){0};
	if (sim_choose(2))
		return;
	sim_faults.part = sim_choose(512);
	sim_faults.interrupted = sim_choose(128);
	sim_faults.later = sim_choose(128);
	if (!is_hard)
		return;
	world.fault_count++;
	sim_faults.shortage = sim_choose(128);
	sim_faults.refused = sim_choose(4) ? 0 : 1024;
	sim_faults.no_memory = sim_choose(2) ? sim_choose(64) : 0;
}

static void do_nothing(void)
{
}

/* Everybody goes on as far as possible. */
static void go_on(void)
{
	for (unsigned i = 0, rounds = sim_choose(8) ? 2 : 30; i < rounds; i++) {
		(void)web_pump(false);
		(void)app_pump();
		(void)sim_turn();
	}
}

static const struct {
	const char *name;
	void (*run)(void);
	unsigned weight;
} kinds[] = {
	{"a web server connects", web_connect, 6},
	{"a web server asks", web_request, 14},
	{"a web server sends", web_send, 16},
	{"a web server reads", web_read, 14},
	{"a web server aborts", web_abort, 1},
	{"a web server leaves", web_leave, 1},
	{"a web server babbles", web_babble, 1},
	{"a web server becomes slow, or quick", web_change_pace, 1},
	{"a process accepts", app_accept, 10},
	{"a process reads", app_read, 14},
	{"a process answers", app_answer, 18},
	{"a process closes a connection", app_close, 1},
	{"a process babbles", app_babble, 1},
	{"a process is killed", supervisor_kill, 1},
	{"the supervisor tells", supervisor_tell, 8},
	{"a process is to be drained", supervisor_drain, 1},
	{"the supervisor babbles", supervisor_babble, 1},
	{"time passes", pass_time, 3},
	{"the mux has another turn", do_nothing, 8},
	{"the system changes its mood", change_faults, 1},
	{"everybody goes on", go_on, 2},
	{"the mux is to stop", supervisor_stop_mux, 0},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), RARE = 2000 };

/* The rarest one has no weight. */
struct step step_of(uint64_t number)
{
	unsigned all = 0, chosen, kind = 0;

	for (unsigned i = 0; i < KINDS; i++)
		all += kinds[i].weight;
	sim_seed(number);
	chosen = sim_choose(all);
	while (chosen >= kinds[kind].weight)
		chosen -= kinds[kind++].weight;
	if (sim_choose(RARE) == 0)
		kind = KINDS - 1;
	return (struct step){.kind = (uint8_t)kind, .number = number};
}

const char *step_name(const struct step *step)
{
	return kinds[step->kind].name;
}

/* It has ended in order: a new one takes its place. */
static void restart_mux(void)
{
	sim_mux_stop(&world.sim);
	start_mux();
}

void world_step(const struct step *step)
{
	sim_seed(step->number ^ 0x5555555555555555U);
	kinds[step->kind].run();
	if (sim_choose(4) > 0)
		(void)sim_turn();
	check_mux();
	if (sim_is_stopped())
		restart_mux();
}

/* Until nothing more happens at this moment. */
static void come_to_rest(void)
{
	bool is_any = true;

	while (is_any) {
		is_any = web_pump(true);
		is_any |= app_pump();
		is_any |= supervisor_pump();
		is_any |= sim_turn();
		check_mux();
		if (sim_is_stopped())
			restart_mux();
	}
}

static void let_time_pass(uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += END_STEP_MS) {
		come_to_rest();
		sim_advance(END_STEP_MS);
	}
	come_to_rest();
}

/* Processes that hang are killed by nobody but the mux, and only where it has a time limit. */
static bool has_wants(void)
{
	for (int i = 0; i < CLIENTS; i++)
		for (int n = 0; n < CLIENT_WANTS; n++)
			if (world.clients[i].wants[n])
				return true;
	return false;
}

void world_end(void)
{
	sim_faults = (struct sim_faults){0};
	for (uint64_t passed = 0; passed < END_MS && has_wants(); passed += END_STEP_MS)
		let_time_pass(END_STEP_MS);
	web_check_answered();
	/* Those that linger, and idle connections that are old. */
	let_time_pass(15000);
	check_rest();
	sim_mux_stop(&world.sim);
	for (size_t i = 0; i < world.actor_count; i++)
		actor_die(&world.actors[i]);
	sim_mux_fini(&world.sim);
}
