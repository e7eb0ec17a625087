/*
 * What a hostile mux says to the supervisor: packets of any length, on the real socket. No message
 * may change a child that is not named by its numbers and its pid.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "herd/child.h"
#include "herd/children.h"
#include "herd/muxlink.h"
#include "os/control.h"

enum { COUNT = 3, PACKETS_MAX = 16 };

/* Beyond every pid that Linux gives: what is signalled is not there. */
enum { PID = 0x40000000 };

static struct muxlink side;
static struct child mux;
static struct children backends[2]; /* the first has no mux */
static const struct child_kind kind = {.start = NULL};
static struct backend_settings settings = {.request_timeout_ms = 1, .max_requests = 1};

static void make_children(struct children *children, bool has_mux)
{
	*children = (struct children){
		.settings = &settings, .link = has_mux ? &side : NULL, .count = COUNT};
	CHECK(scaling_init(children) == 0);
	children->items = calloc(COUNT, sizeof(*children->items));
	CHECK(children->items);
	for (unsigned i = 0; i < COUNT; i++) {
		struct child *child = &children->items[i];

		child_init(child, &kind, strdup("app"));
		child->siblings = children;
		child->backend = has_mux;
		child->number = i;
		child->state = CHILD_RUNNING;
		child->pid = PID + (pid_t)i;
	}
}

static void free_children(struct children *children)
{
	for (size_t i = 0; i < children->count; i++)
		child_fini(&children->items[i]);
	scaling_fini(children);
	free(children->items);
}

/* One packet: mostly a message near to a good one. */
static void send_packet(int end, struct input *input)
{
	unsigned shape = take_byte(input);
	struct control_message message = {
		.type = take_byte(input),
		.backend = shape & 1 ? take_byte(input) % 4 : (uint32_t)take_number(input),
		.proc = shape & 2 ? take_byte(input) % 4 : (uint32_t)take_number(input),
		.pid = shape & 4 ? PID + (int)(take_byte(input) % 4) : (int32_t)take_number(input),
	};
	uint8_t packet[2 * sizeof(message)] = {0};
	size_t len = shape & 0xf0 ? sizeof(message) : shape % (sizeof(packet) + 1);

	memcpy(packet, &message, sizeof(message));
	(void)!send(end, packet, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void check_children(void)
{
	for (size_t i = 0; i < COUNT; i++)
		for (size_t n = 0; n < 2; n++)
			CHECK(backends[n].items[i].pid == PID + (pid_t)i);
}

static void run(struct input *input)
{
	int end = muxlink_open(&side);

	CHECK(end >= 0);
	for (int i = 0; i < PACKETS_MAX && input->len > 0; i++)
		send_packet(end, input);
	side.io.on_ready(&side.io, LOOP_READ);
	check_children();
	close(end);
	if (side.fd >= 0)
		side.io.on_ready(&side.io, LOOP_READ);
	muxlink_close(&side);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, len};
	static bool is_ready;

	if (!is_ready)
		CHECK(loop_init());
	is_ready = true;
	log_set_level(LOG_LEVEL_ERROR);
	make_children(&backends[0], false);
	make_children(&backends[1], true);
	child_init(&mux, &kind, strdup("mux"));
	muxlink_init(&side, &mux, backends, 2);
	run(&input);
	child_fini(&mux);
	free_children(&backends[0]);
	free_children(&backends[1]);
	return 0;
}
