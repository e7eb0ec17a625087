/* The web servers of the model: what they ask, and whether they get what is theirs. */
#include <string.h>

#include "model.h"
#include "sim.h"

enum { RESPONDER = 1, KEEP_CONN = 1 };

/* What application statuses say: the mux's own answers, a broken one, one of a process. */
enum { STATUS_OWN = 0, STATUS_BROKEN = 1 };

/* Where the status of an answer is: "Status: 200". */
enum { STATUS_AT = 8 };

static struct client *any_client(void)
{
	struct client *client = &world.clients[sim_choose(CLIENTS)];

	return client->wire.socket ? client : NULL;
}

void web_connect(void)
{
	struct client *client = &world.clients[sim_choose(CLIENTS)];
	struct sim_socket *socket;
	uint8_t *in = client->wire.in;

	if (client->wire.socket)
		return;
	socket = sim_connect(world.sim.fronts[sim_choose((unsigned)world.sim.front_count)]);
	if (!socket)
		return;
	*client = (struct client){.wire = {.in = in}};
	wire_open(&client->wire, socket);
}

static struct want **find_place(struct client *client, uint16_t id)
{
	for (int i = 0; i < CLIENT_WANTS; i++)
		if (client->wants[i] && client->wants[i]->id == id)
			return &client->wants[i];
	return NULL;
}

/* The want is over for its web server. */
static void end_want(struct client *client, struct want *want, enum want_state state)
{
	struct want **place = find_place(client, want->id);

	want->state = state;
	*place = NULL;
}

/* What it has asked may come to a process otherwise than it was asked. */
static void spoil(struct client *client)
{
	client->is_bad = true;
	for (int i = 0; i < CLIENT_WANTS; i++)
		if (client->wants[i])
			client->wants[i]->is_bad = true;
}

static bool has_wants(const struct client *client)
{
	for (int i = 0; i < CLIENT_WANTS; i++)
		if (client->wants[i])
			return true;
	return false;
}

static void put(struct client *client, uint8_t type, uint16_t id, const void *content, size_t len)
{
	const struct wire_record record = {type, id, content, len};

	wire_put(&client->wire, &record, sim_choose(8) == 0 ? sim_choose(256) : 0);
}

static size_t choose_len(void)
{
	switch (sim_choose(16)) {
	case 0:
		return sim_choose(200000);
	case 1:
	case 2:
	case 3:
		return sim_choose(6000);
	case 4:
	case 5:
	case 6:
	case 7:
		return sim_choose(100);
	default:
		return 0;
	}
}

static void put_body(struct client *client, const struct want *want)
{
	struct buffer body = {0};
	uint8_t *room = want->body_len > 0 ? buffer_room(&body, want->body_len) : NULL;

	for (size_t i = 0; i < want->body_len; i++)
		room[i] = body_byte(want, i);
	if (room)
		buffer_grow(&body, want->body_len);
	wire_put_stream(&client->wire, STDIN, want->id, &body);
	put(client, STDIN, want->id, NULL, 0);
	buffer_fini(&body);
}

static void put_request(struct client *client, const struct want *want)
{
	const uint8_t begin[8] = {0, RESPONDER, want->keep ? KEEP_CONN : 0};
	struct buffer params = {0};

	put(client, BEGIN, want->id, begin, sizeof(begin));
	want_params(want, &params);
	wire_put_stream(&client->wire, PARAMS, want->id, &params);
	put(client, PARAMS, want->id, NULL, 0);
	put_body(client, want);
	buffer_fini(&params);
}

/* Ids come again soon: what is late for an old one must not reach the new one. */
static uint16_t choose_id(struct client *client)
{
	uint16_t id;

	do
		id = (uint16_t)(1 + sim_choose(sim_choose(4) > 0 ? CLIENT_WANTS : UINT16_MAX));
	while (find_place(client, id));
	return id;
}

static struct want **find_free(struct client *client)
{
	for (int i = 0; i < CLIENT_WANTS; i++)
		if (!client->wants[i])
			return &client->wants[i];
	return NULL;
}

void web_request(void)
{
	struct client *client = any_client();
	struct want **place = client ? find_free(client) : NULL;
	struct want *want;

	if (!place || client->is_bad || client->is_over || world.want_count == WANTS_MAX)
		return;
	want = &world.wants[world.want_count++];
	*want = (struct want){
		.id = choose_id(client),
		.keep = sim_choose(4) > 0,
		.is_post = sim_choose(3) == 0,
		.is_refused = world.has_authorizer && sim_choose(4) == 0,
		.body_len = choose_len(),
		.begin_at = client->wire.sent + client->wire.out.len,
		.since_ms = sim_now_ms(),
		.deaths_before = world.death_count,
	};
	*place = want;
	client->is_over = !want->keep;
	put_request(client, want);
}

void web_send(void)
{
	struct client *client = any_client();

	if (client)
		wire_flush(&client->wire, 1 + sim_choose(sim_choose(2) ? 64 : SIM_PIPE_LEN));
}

static void check_own_page(const struct want *want)
{
	uint64_t waited_ms = sim_now_ms() - want->since_ms;
	unsigned status = (unsigned)(want->head[STATUS_AT] - '0') * 100 +
			  (unsigned)(want->head[STATUS_AT + 1] - '0') * 10 +
			  want->head[STATUS_AT + 2] - '0';
	bool may_be;

	switch (status) {
	case 403:
		may_be = want->is_refused;
		break;
	case 502:
		may_be = world.fault_count > 0;
		break;
	case 503:
		may_be = (world.queue_timeout_ms > 0 && waited_ms >= world.queue_timeout_ms) ||
			 world.queue_limit < CLIENTS * CLIENT_WANTS;
		break;
	case 504:
		may_be = world.request_timeout_ms > 0 && waited_ms >= world.request_timeout_ms;
		/* It shares a connection to its process, and its client reads nothing. */
		may_be |= waited_ms >= 3000;
		break;
	default:
		may_be = false;
	}
	MUST(may_be || has_lacked_memory(), "request %u is answered %u without a reason",
	     token_of(want), status);
}

static bool is_own_page(const struct want *want)
{
	return want->head[STATUS_AT] != '2';
}

/* Which attempt an answer is of, as its head says; the head is whole. */
static unsigned read_head(const struct want *want)
{
	char text[HEAD_LEN + 1] = {0};
	unsigned token, attempt;

	memcpy(text, want->head, HEAD_LEN);
	token = (unsigned)strtoul(text + strlen("Status: 200\r\nX: "), NULL, 16);
	attempt = (unsigned)strtoul(text + strlen("Status: 200\r\nX: 01234567-"), NULL, 16);
	MUST(token == token_of(want), "request %u gets the answer to %u: %s", token_of(want), token,
	     text);
	MUST(attempt < want->attempt_count, "request %u: answer of attempt %u", token, attempt);
	return attempt;
}

static void take_stdout(struct want *want, const struct wire_record *record)
{
	for (size_t i = 0; i < record->len; i++) {
		size_t at = want->got++;

		if (at < HEAD_LEN) {
			want->head[at] = record->content[i];
		} else if (!is_own_page(want)) {
			/* The head may be cut: it is looked at once, where it is whole. */
			unsigned attempt = at == HEAD_LEN || i == 0 ? read_head(want) : UINT8_MAX;

			if (attempt == UINT8_MAX)
				attempt = want->head[HEAD_LEN - 5] - '0';
			MUST(record->content[i] == answer_byte(want, attempt, at - HEAD_LEN),
			     "request %u: wrong byte %zu of its answer", token_of(want), at);
		}
	}
}

static void take_stderr(const struct want *want, const struct wire_record *record)
{
	char text[16] = {0};

	if (record->len < 9 || record->content[0] != 'T')
		return;
	memcpy(text, record->content + 1, 8);
	MUST(strtoul(text, NULL, 16) == token_of(want), "request %u gets the errors of %s",
	     token_of(want), text);
}

static void check_whole(const struct want *want, unsigned status)
{
	unsigned attempt;

	MUST(want->got >= HEAD_LEN, "request %u: %zu bytes, and a good end", token_of(want),
	     want->got);
	if (is_own_page(want)) {
		check_own_page(want);
		return;
	}
	attempt = read_head(want);
	MUST(want->attempts[attempt].is_ended, "request %u has a good end and its process has not",
	     token_of(want));
	MUST(want->got == HEAD_LEN + want->attempts[attempt].answer_len,
	     "request %u has a good end after %zu bytes of %zu", token_of(want), want->got,
	     HEAD_LEN + want->attempts[attempt].answer_len);
	MUST(status == 0x51000000 + token_of(want), "request %u: application status %x",
	     token_of(want), status);
}

/* Its answer has begun, or had when its process babbled, and what had come was not sent. */
static bool has_begun(const struct want *want)
{
	/* What comes for one that is aborted is not looked at. */
	return want->got > 0 || want->state == WANT_ABORTED ||
	       (want->attempt_count > 0 && want->attempts[want->attempt_count - 1].is_on_bad_line);
}

static void take_end(struct client *client, struct want *want, const struct wire_record *record)
{
	unsigned status;

	MUST(record->len == 8, "END_REQUEST of %zu bytes", record->len);
	status = (unsigned)record->content[0] << 24 | (unsigned)record->content[1] << 16 |
		 (unsigned)record->content[2] << 8 | record->content[3];
	if (want->state == WANT_ABORTED) {
		end_want(client, want, WANT_ABORTED);
	} else if (client->is_bad) {
		end_want(client, want, WANT_ENDED);
	} else if (record->content[4] != 0) {
		MUST(has_lacked_memory(), "request %u is refused", token_of(want));
		end_want(client, want, WANT_ENDED);
	} else if (status == STATUS_BROKEN) {
		MUST(has_begun(want), "request %u is broken off before it began", token_of(want));
		end_want(client, want, WANT_BROKEN);
	} else {
		check_whole(want, status);
		end_want(client, want, WANT_ENDED);
	}
}

static void take(struct client *client, const struct wire_record *record)
{
	struct want **place = find_place(client, record->id);

	if (record->id == 0) {
		MUST(record->type == GET_VALUES_RESULT || record->type == UNKNOWN_TYPE,
		     "a web server gets a record of type %u", record->type);
		return;
	}
	MUST(place || client->is_bad,
	     "a web server gets a record of type %u for id %u, which is over", record->type,
	     record->id);
	if (!place)
		return;
	MUST(record->type == STDOUT || record->type == STDERR || record->type == END,
	     "a web server gets a record of type %u", record->type);
	if (record->type == END)
		take_end(client, *place, record);
	else if ((*place)->state == WANT_OPEN && record->type == STDOUT)
		take_stdout(*place, record);
	else if ((*place)->state == WANT_OPEN)
		take_stderr(*place, record);
}

/* It gets nothing more. Whether that may be. */
static bool may_be_lost(const struct client *client, const struct want *want)
{
	if (has_begun(want) || want->state == WANT_ABORTED || client->is_bad || has_lacked_memory())
		return true;
	if (client->drain_at > 0 && want->begin_at + 16 >= client->drain_at)
		return true;
	/* Another one was broken off, and this had not been read then. */
	return client->is_broken_off;
}

/* The mux has closed the connection. */
static void lose(struct client *client)
{
	for (int i = 0; i < CLIENT_WANTS; i++)
		if (client->wants[i] && has_begun(client->wants[i]))
			client->is_broken_off = true;
	for (int i = 0; i < CLIENT_WANTS; i++) {
		struct want *want = client->wants[i];

		if (!want)
			continue;
		MUST(may_be_lost(client, want), "request %u is lost: its connection was closed",
		     token_of(want));
		end_want(client, want, WANT_BROKEN);
	}
	wire_close(&client->wire, false);
}

static bool read_client(struct client *client, size_t max)
{
	uint64_t taken = client->wire.socket->taken;
	struct wire_record record;
	bool is_any;

	wire_fill(&client->wire, max);
	is_any = client->wire.socket->taken > taken;
	while (client->wire.socket && wire_next(&client->wire, &record)) {
		take(client, &record);
		wire_drop(&client->wire);
	}
	if (wire_has_ended(&client->wire)) {
		lose(client);
		return true;
	}
	return is_any;
}

void web_read(void)
{
	struct client *client = any_client();

	if (client && !client->is_slow)
		(void)read_client(client, 1 + sim_choose(sim_choose(2) ? 64 : SIM_PIPE_LEN));
}

void web_abort(void)
{
	struct client *client = any_client();
	struct want *want = client ? client->wants[sim_choose(CLIENT_WANTS)] : NULL;

	if (!want || want->state != WANT_OPEN)
		return;
	put(client, ABORT, want->id, NULL, 0);
	want->state = WANT_ABORTED;
}

/* By closing, or by saying that nothing more will come; with requests or without. */
static void leave(struct client *client)
{
	for (int i = 0; i < CLIENT_WANTS; i++)
		if (client->wants[i])
			end_want(client, client->wants[i], WANT_BROKEN);
	wire_close(&client->wire, sim_choose(4) == 0);
}

void web_leave(void)
{
	struct client *client = any_client();

	if (!client || (has_wants(client) && sim_choose(2)))
		return;
	if (sim_choose(4) > 0) {
		leave(client);
		return;
	}
	spoil(client);
	sim_shut(client->wire.socket);
	buffer_fini(&client->wire.out);
}

/* What is no request: good management records, and bad ones of many kinds. */
void web_babble(void)
{
	struct client *client = any_client();
	uint8_t bytes[64];

	if (!client || client->is_bad)
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)sim_random();
	switch (sim_choose(6)) {
	case 0:
		put(client, GET_VALUES, 0, "\017\0FCGI_MPXS_CONNS", 17);
		return;
	case 1:
		put(client, 77, 0, bytes, sizeof(bytes));
		return;
	case 2:
		/* For a request that never was. */
		put(client, STDIN, 60000, bytes, sizeof(bytes));
		return;
	case 3:
		wire_put_raw(&client->wire, bytes, sizeof(bytes));
		break;
	case 4:
		put(client, BEGIN, 1, bytes, 8);
		break;
	default:
		put(client, PARAMS, (uint16_t)(1 + sim_choose(CLIENT_WANTS)), bytes, sizeof(bytes));
	}
	spoil(client);
}

void web_change_pace(void)
{
	struct client *client = any_client();

	if (client)
		client->is_slow = !client->is_slow;
}

bool web_pump(bool with_slow)
{
	bool is_any = false;

	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &world.clients[i];
		size_t left = client->wire.out.len;

		if (!client->wire.socket)
			continue;
		client->is_slow &= !with_slow;
		if (!client->wire.socket->has_shut)
			wire_flush(&client->wire, SIZE_MAX);
		is_any |= client->wire.out.len < left;
		if (!client->is_slow)
			is_any |= read_client(client, SIZE_MAX);
	}
	return is_any;
}

/* Nobody has taken it: that is for the next mux, while somebody keeps this one from ending. */
static bool is_for_next_mux(const struct client *client)
{
	return world.is_draining && !client->wire.socket->peer->is_ours;
}

void web_check_answered(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &world.clients[i];

		if (!client->wire.socket)
			continue;
		for (int n = 0; n < CLIENT_WANTS && !client->is_bad; n++)
			MUST(!client->wants[n] || is_for_next_mux(client),
			     "request %u has had no answer for %u s", token_of(client->wants[n]),
			     (unsigned)(sim_now_ms() - client->wants[n]->since_ms) / 1000);
		leave(client);
	}
}
