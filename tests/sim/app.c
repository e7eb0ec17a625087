/* The applications of the model: what they are asked, whether they may be, and what they answer. */
#include <errno.h>
#include <string.h>

#include "model.h"
#include "sim.h"

enum { AUTHORIZER = 2, KEEP_CONN = 1, OUT_MAX = 64 * 1024 };

enum { SERIALS_MAX = 1 << 17 };

/* What the mux has read of each line, also of those that are closed. */
static uint64_t taken[SERIALS_MAX];

uint64_t attempt_taken(const struct attempt *attempt)
{
	return taken[attempt->serial];
}

static struct actor *any_actor(void)
{
	return &world.actors[sim_choose((unsigned)world.actor_count)];
}

static bool is_alive(const struct actor *actor)
{
	return actor->pid != 0;
}

static struct line *any_line(struct actor *actor)
{
	for (unsigned i = 0, first = sim_choose(LINES); i < LINES; i++)
		if (actor->lines[(first + i) % LINES].wire.socket)
			return &actor->lines[(first + i) % LINES];
	return NULL;
}

static struct line *find_free(struct actor *actor)
{
	struct line *free = NULL;

	for (int i = 0; i < LINES; i++) {
		if (!actor->lines[i].wire.socket)
			free = &actor->lines[i];
		else if (actor->is_serial)
			return NULL;
	}
	return free;
}

static void open_line(struct line *line, struct sim_socket *socket)
{
	struct wire wire = line->wire;

	*line = (struct line){.wire = wire, .serial = ++world.last_serial};
	MUST(line->serial < SERIALS_MAX, "too many connections");
	taken[line->serial] = 0;
	wire_open(&line->wire, socket);
	if (socket->peer)
		socket->peer->taken_note = &taken[line->serial];
}

static void close_line(struct line *line, bool is_reset)
{
	for (int i = 0; i < JOBS; i++)
		buffer_fini(&line->jobs[i].params);
	wire_close(&line->wire, is_reset);
	line->serial = 0;
}

static bool accept_one(struct actor *actor, bool is_good)
{
	struct line *line = find_free(actor);
	struct sim_socket *socket = line ? sim_accept(actor->listening) : NULL;

	if (!socket)
		return false;
	if (actor->listening->is_remote)
		sim_finish_connecting(socket, is_good ? 0 : ECONNREFUSED);
	if (is_good) {
		open_line(line, socket);
		return true;
	}
	world.fault_count++;
	sim_close(socket, true);
	return true;
}

void app_accept(void)
{
	struct actor *actor = any_actor();

	if (is_alive(actor))
		(void)accept_one(actor, sim_choose(64) > 0);
}

static void put(struct line *line, uint8_t type, uint16_t id, const void *content, size_t len)
{
	const struct wire_record record = {type, id, content, len};

	wire_put(&line->wire, &record, sim_choose(8) == 0 ? sim_choose(256) : 0);
}

static struct job *find_job(struct line *line, uint16_t id)
{
	for (int i = 0; i < JOBS; i++)
		if (line->jobs[i].is_open && line->jobs[i].id == id)
			return &line->jobs[i];
	return NULL;
}

static struct job *find_free_job(struct line *line)
{
	for (int i = 0; i < JOBS; i++)
		if (!line->jobs[i].is_open)
			return &line->jobs[i];
	return NULL;
}

/* At the process, on lines that the mux has not closed. */
static unsigned count_jobs(const struct actor *actor)
{
	unsigned count = 0;

	for (int i = 0; i < LINES; i++) {
		const struct line *line = &actor->lines[i];

		if (!line->wire.socket || sim_is_left(line->wire.socket))
			continue;
		for (int n = 0; n < JOBS; n++)
			count += line->jobs[n].is_open;
	}
	return count;
}

static bool has_job(const struct line *line)
{
	for (int i = 0; i < JOBS; i++)
		if (line->jobs[i].is_open)
			return true;
	return false;
}

static void take_begin(struct actor *actor, struct line *line, const struct wire_record *record)
{
	struct job *job = find_free_job(line);

	MUST(record->len == 8, "BEGIN_REQUEST of %zu bytes", record->len);
	MUST(record->id != 0 && !find_job(line, record->id), "id %u is used twice at a process",
	     record->id);
	MUST(actor->is_multiplexing || !has_job(line),
	     "a process gets two requests on a connection, and does not multiplex");
	MUST(actor->is_multiplexing || line->half_id == 0,
	     "a process gets a request where half a body has come before it");
	MUST(job, "a process gets more requests on a connection than it takes");
	buffer_fini(&job->params);
	*job = (struct job){.is_open = true,
			    .id = record->id,
			    .is_authorizer = record->content[1] == AUTHORIZER};
	line->keep = record->content[2] & KEEP_CONN;
	MUST(count_jobs(actor) <= actor->limit, "a process gets %u requests at once, and takes %u",
	     count_jobs(actor), actor->limit);
}

/* The token is in the only variable of this name and length. */
static struct want *find_want(const struct job *job)
{
	static const char pair[] = "\013\011REQUEST_URI/";
	const char *at = memmem(buffer_data(&job->params), job->params.len, pair, sizeof(pair) - 1);
	char text[9] = {0};
	size_t token;

	if (!at)
		return NULL;
	memcpy(text, at + sizeof(pair) - 1, 8);
	token = strtoul(text, NULL, 16);
	MUST(token < world.want_count, "a process gets a request that nobody made: %s", text);
	return &world.wants[token];
}

/* The variables are those that were sent; the mux may add how long they waited. */
static void check_params(const struct want *want, const struct buffer *params)
{
	static const char waited[] = "\006\001WAITED";
	struct buffer sent = {0};

	want_params(want, &sent);
	MUST(params->len >= sent.len &&
		     memcmp(buffer_data(params), buffer_data(&sent), sent.len) == 0,
	     "request %u: its variables are not those that were sent", token_of(want));
	if (params->len > sent.len)
		MUST(memcmp(buffer_data(params) + sent.len, waited, 1) == 0 &&
			     memcmp(buffer_data(params) + sent.len + 2, waited + 2, 6) == 0,
		     "request %u: a variable was added", token_of(want));
	buffer_fini(&sent);
}

static bool is_live(const struct attempt *attempt)
{
	const struct line *line = attempt->line;

	return line->serial == attempt->serial && line->wire.socket &&
	       !sim_is_left(line->wire.socket) && !attempt->is_ended;
}

/* It was given to a process before: may it be given to one again? */
static void check_again(const struct want *want, const struct attempt *last)
{
	unsigned token = token_of(want);
	bool is_allowed =
		want->is_post ? world.retry == RETRY_EVERYTHING : world.retry != RETRY_NOTHING;

	MUST(!is_live(last), "request %u is with two processes at once", token);
	if (last->is_on_bad_line)
		return;
	MUST(is_allowed || (last->is_on_used_line && world.retry != RETRY_NOTHING),
	     "request %u is sent again, and is not safe to repeat", token);
	MUST(attempt_taken(last) <= last->answer_at,
	     "request %u is sent again after %u bytes of answer", token,
	     (unsigned)(attempt_taken(last) - last->answer_at));
	/* Three times; but what died before it took the request, as the mux hears later, is no
	 * time. */
	MUST(want->attempt_count < 3 + world.death_count - want->deaths_before + world.actor_count,
	     "request %u is sent for the %uth time", token, want->attempt_count + 1);
}

static size_t choose_answer_len(void)
{
	if (world.has_long_answers && sim_choose(3) == 0)
		return sim_choose(3000000);
	if (sim_choose(20) == 0)
		return sim_choose(400000);
	return sim_choose(sim_choose(3) ? 50 : 5000);
}

static void begin_attempt(struct actor *actor, struct line *line, struct job *job)
{
	struct want *want = job->want;
	struct attempt *attempt;

	if (!want->is_bad && want->attempt_count > 0)
		check_again(want, &want->attempts[want->attempt_count - 1]);
	MUST(want->attempt_count < ATTEMPTS_MAX, "request %u is sent again and again",
	     token_of(want));
	job->attempt = want->attempt_count++;
	attempt = &want->attempts[job->attempt];
	*attempt = (struct attempt){
		.line = line,
		.serial = line->serial,
		/* Of what several requests share, a record's header does not count. */
		.answer_at =
			actor->is_multiplexing ? UINT64_MAX : line->wire.sent + line->wire.out.len,
		.answer_len = choose_answer_len(),
		.is_on_used_line = line->done_count > 0,
	};
}

/*
 * The mux has closed this line, and given its request to another process before this one came to
 * read it: it runs twice, and nobody hears of it.
 */
static void check_late(struct job *job)
{
	const struct want *want = job->want;
	bool is_allowed = !want->is_post || world.retry == RETRY_EVERYTHING ||
			  want->attempts[want->attempt_count - 1].is_on_used_line;

	MUST(want->is_bad || is_allowed, "request %u runs twice, and is not safe to repeat",
	     token_of(want));
	job->want = NULL;
}

/* All its variables are there. */
static void begin_job(struct actor *actor, struct line *line, struct job *job)
{
	struct want *want = find_want(job);

	job->has_params = true;
	job->want = want;
	/* A client that babbles may ask for anything. */
	if (!want)
		return;
	if (job->is_authorizer) {
		MUST(world.has_authorizer, "a responder is asked to authorize");
		job->has_input = true;
		return;
	}
	if (!want->is_bad && world.has_authorizer)
		MUST(want->is_approved && !want->is_refused,
		     "request %u gets in, and was not authorized", token_of(want));
	else if (!want->is_bad)
		check_params(want, &job->params);
	/* Where nobody kills it, a process that multiplexes would be busy with this for ever. */
	job->is_hung = world.request_timeout_ms > 0 && sim_choose(40) == 0 &&
		       (world.has_supervisor || !actor->is_multiplexing);
	if (sim_is_left(line->wire.socket) && want->attempt_count > 0)
		check_late(job);
	else
		begin_attempt(actor, line, job);
}

static void take_params(struct actor *actor, struct line *line, struct job *job,
			const struct wire_record *record)
{
	MUST(!job->has_params, "a process gets variables after their end");
	if (record->len > 0)
		MUST(buffer_append(&job->params, record->content, record->len) == 0,
		     "no memory for the test");
	else
		begin_job(actor, line, job);
}

static void take_body(struct job *job, const struct wire_record *record)
{
	const struct want *want = job->want;

	MUST(job->has_params, "a process gets a body before the variables' end");
	MUST(!job->has_input, "a process gets a body after its end");
	job->has_input = record->len == 0;
	if (!want || want->is_bad || job->is_authorizer)
		return;
	for (size_t i = 0; i < record->len; i++)
		MUST(record->content[i] == body_byte(want, job->body_len + i),
		     "request %u: wrong byte %zu of its body", token_of(want), job->body_len + i);
	job->body_len += record->len;
	MUST(!job->has_input || job->body_len == want->body_len,
	     "request %u: its body ends after %zu bytes of %zu", token_of(want), job->body_len,
	     want->body_len);
}

static void put_values(const struct actor *actor, struct line *line, bool is_asked)
{
	char content[128];
	int len = snprintf(content, sizeof(content),
			   "%c%cFCGI_MAX_CONNS%02u%c%cFCGI_MAX_REQS%02u"
			   "%c%cFCGI_MPXS_CONNS%u",
			   14, 2, actor->capacity, 13, 2, actor->capacity, 15, 1,
			   actor->is_multiplexing);

	if (!actor->is_mute)
		put(line, GET_VALUES_RESULT, 0, content, is_asked ? (size_t)len : 0);
}

static void take(struct actor *actor, struct line *line, const struct wire_record *record)
{
	struct job *job = find_job(line, record->id);

	switch (record->type) {
	case GET_VALUES:
		put_values(actor, line, record->len > 0);
		return;
	case BEGIN:
		take_begin(actor, line, record);
		return;
	case ABORT:
		MUST(actor->is_multiplexing, "a process is to abort, and does not multiplex");
		if (job)
			job->is_aborted = true;
		return;
	case PARAMS:
		MUST(job, "a process gets variables of no request");
		take_params(actor, line, job, record);
		return;
	case STDIN:
		/* It may have answered before the end. */
		if (job)
			take_body(job, record);
		else if (record->id == line->half_id && record->len == 0)
			line->half_id = 0;
		return;
	default:
		MUST(record->type == DATA, "a process gets a record of type %u", record->type);
	}
}

static bool read_line(struct actor *actor, struct line *line, size_t max)
{
	struct wire_record record;
	uint64_t before = line->wire.socket->taken;

	wire_fill(&line->wire, max);
	while (wire_next(&line->wire, &record)) {
		take(actor, line, &record);
		wire_drop(&line->wire);
	}
	if (line->wire.socket->taken > before)
		return true;
	if (!wire_has_ended(&line->wire))
		return false;
	close_line(line, false);
	return true;
}

void app_read(void)
{
	struct actor *actor = any_actor();
	struct line *line = any_line(actor);

	if (line)
		(void)read_line(actor, line, 1 + sim_choose(sim_choose(3) ? SIM_PIPE_LEN : 64));
}

/* Up to len bytes of the answer that starts at job->sent, in one record. */
static void put_answer(struct line *line, struct job *job, size_t len)
{
	uint8_t content[UINT16_MAX];
	char head[HEAD_LEN + 1];
	unsigned token = token_of(job->want);

	(void)snprintf(head, sizeof(head), "Status: %s\r\nX: %08x-%u\r\n\r\n",
		       job->is_authorizer && job->want->is_refused ? "403" : "200", token,
		       job->attempt % 10);
	for (size_t i = 0; i < len; i++) {
		size_t at = job->sent + i;

		content[i] = at < HEAD_LEN ? (uint8_t)head[at]
					   : answer_byte(job->want, job->attempt, at - HEAD_LEN);
	}
	put(line, STDOUT, job->id, content, len);
	job->sent += len;
}

static void put_end(struct line *line, const struct job *job)
{
	const unsigned token = token_of(job->want);
	const uint8_t content[8] = {0x51, (uint8_t)(token >> 16), (uint8_t)(token >> 8),
				    (uint8_t)token};

	if (sim_choose(2))
		put(line, STDOUT, job->id, NULL, 0);
	put(line, END, job->id, content, sizeof(content));
}

static size_t answer_len(const struct job *job)
{
	if (job->is_authorizer)
		return HEAD_LEN;
	return HEAD_LEN + job->want->attempts[job->attempt].answer_len;
}

static void end_job(struct line *line, struct job *job)
{
	put_end(line, job);
	line->done_count++;
	if (!job->has_input)
		line->half_id = job->id;
	if (job->is_authorizer)
		job->want->is_approved |= !job->want->is_refused;
	else
		job->want->attempts[job->attempt].is_ended = job->sent == answer_len(job);
	job->is_open = false;
	buffer_fini(&job->params);
}

static void note_first(const struct line *line, const struct job *job)
{
	struct attempt *attempt = &job->want->attempts[job->attempt];

	if (!job->is_authorizer && attempt->answer_at == UINT64_MAX)
		attempt->answer_at = line->wire.sent + line->wire.out.len + 8;
}

/* A part of it, or all. */
static void answer_some(struct line *line, struct job *job, size_t max)
{
	size_t left = answer_len(job) - job->sent;
	char complaint[10];

	note_first(line, job);
	if (sim_choose(16) == 0) {
		(void)snprintf(complaint, sizeof(complaint), "T%08x", token_of(job->want));
		put(line, STDERR, job->id, complaint, 9);
	}
	left = left < max ? left : max;
	left = left < UINT16_MAX ? left : UINT16_MAX;
	if (left > 0 && !job->is_aborted)
		put_answer(line, job, left);
	if (job->is_aborted || job->sent == answer_len(job))
		end_job(line, job);
}

static struct job *any_ready(struct line *line, bool is_patient)
{
	for (unsigned i = 0, first = sim_choose(JOBS); i < JOBS; i++) {
		struct job *job = &line->jobs[(first + i) % JOBS];

		if (job->is_open && job->has_params && job->want && !job->is_hung &&
		    (job->has_input || job->is_aborted || !is_patient))
			return job;
	}
	return NULL;
}

/* One that was told not to keep its connection closes it behind the answer. */
static void flush(struct line *line, size_t max)
{
	wire_flush(&line->wire, max);
	if (line->done_count > 0 && !line->keep && line->wire.out.len == 0 && !has_job(line))
		close_line(line, false);
}

void app_answer(void)
{
	struct actor *actor = any_actor();
	struct line *line = any_line(actor);
	struct job *job = line && line->wire.out.len < OUT_MAX && !line->is_bad
				  ? any_ready(line, sim_choose(8) > 0)
				  : NULL;

	if (job && actor->is_frail && sim_choose(4) > 0) {
		world.fault_count++;
		close_line(line, sim_choose(2));
		return;
	}
	if (job)
		answer_some(line, job, sim_choose(2) ? SIZE_MAX : 1 + sim_choose(100));
	if (line)
		flush(line, 1 + sim_choose(sim_choose(3) ? SIM_PIPE_LEN : 64));
}

void app_close(void)
{
	struct line *line = any_line(any_actor());

	if (!line || (has_job(line) && sim_choose(4)))
		return;
	world.fault_count++;
	close_line(line, sim_choose(2));
}

static void mark_bad(struct line *line)
{
	line->is_bad = true;
	for (int i = 0; i < JOBS; i++) {
		const struct job *job = &line->jobs[i];

		if (job->is_open && job->want && !job->is_authorizer)
			job->want->attempts[job->attempt].is_on_bad_line = true;
	}
}

/* What breaks the protocol, so that the mux has to close the line. */
void app_babble(void)
{
	static const uint8_t no_record[16] = {7};
	struct line *line = any_line(any_actor());
	const uint8_t end[8] = {0};

	if (!line || line->is_bad)
		return;
	world.fault_count++;
	mark_bad(line);
	switch (sim_choose(5)) {
	case 0:
		wire_put_raw(&line->wire, no_record, sizeof(no_record));
		break;
	case 1:
		put(line, STDOUT, 60000, "Status: 200\r\n\r\n", 15);
		break;
	case 2:
		/* Of one that has ended. */
		put(line, END, 60000, end, sizeof(end));
		break;
	case 3:
		put(line, BEGIN, 1, end, sizeof(end));
		break;
	default:
		put(line, END, 1, end, 3);
	}
	wire_flush(&line->wire, SIZE_MAX);
}

void actor_die(struct actor *actor)
{
	for (int i = 0; i < LINES; i++)
		if (actor->lines[i].wire.socket)
			close_line(&actor->lines[i], sim_choose(4) == 0);
	world.fault_count++;
	world.death_count++;
}

void actor_end(struct actor *actor)
{
	MUST(count_jobs(actor) == 0, "%s is drained, and has %u requests", actor->path,
	     count_jobs(actor));
	for (int i = 0; i < LINES; i++)
		if (actor->lines[i].wire.socket)
			close_line(&actor->lines[i], false);
}

static bool pump_line(struct actor *actor, struct line *line)
{
	size_t before = line->wire.out.len;
	struct job *job;
	bool is_any = false;

	while (line->wire.out.len < OUT_MAX && !line->is_bad && (job = any_ready(line, true))) {
		answer_some(line, job, SIZE_MAX);
		is_any = true;
	}
	flush(line, SIZE_MAX);
	if (!line->wire.socket)
		return true;
	is_any |= line->wire.out.len < before;
	return read_line(actor, line, SIZE_MAX) || is_any;
}

bool app_pump(void)
{
	bool is_any = false;

	for (size_t i = 0; i < world.actor_count; i++) {
		struct actor *actor = &world.actors[i];

		while (is_alive(actor) && accept_one(actor, true))
			is_any = true;
		for (int n = 0; n < LINES; n++)
			if (actor->lines[n].wire.socket)
				is_any |= pump_line(actor, &actor->lines[n]);
	}
	return is_any;
}
