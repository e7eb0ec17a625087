#include "mux/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/list.h"
#include "base/text.h"

enum { READ_LEN = 16 * 1024, RECEIVED_MAX = 64 * 1024, REASON_SIZE = 64 };

/* The last thing that is done with the probe, which may be freed when this returns. */
static void finish(struct health_probe *probe, enum health_result result, const char *reason)
{
	const struct question *question = &probe->question;
	const struct health_answer answer = {
		.result = result,
		.values = question->values,
		.has_values = question->has_values,
		.reason = reason,
	};

	stream_close(&probe->stream);
	loop_timer_stop(&probe->timeout);
	probe->on_result(probe, &answer);
}

static void judge_status(struct health_probe *probe)
{
	unsigned status = probe->question.head.status;
	char reason[REASON_SIZE];

	if (status == probe->status) {
		finish(probe, HEALTH_GOOD, NULL);
		return;
	}
	(void)text_format(reason, sizeof(reason), "answered with the status %u", status);
	finish(probe, HEALTH_BAD, reason);
}

/* Some of the answer has come, and what has is none that is wrong. */
static void judge(struct health_probe *probe)
{
	const struct question *question = &probe->question;
	bool is_enough = question->is_over || probe->received > RECEIVED_MAX;

	if (question->has_head && (is_enough || question->head.status != probe->status))
		judge_status(probe);
	else if (question->is_over)
		finish(probe, HEALTH_GOOD, NULL);
	else if (is_enough)
		finish(probe, HEALTH_BAD, "sent 64 KiB without an answer in them");
}

static void fail(struct health_probe *probe, int error)
{
	/* It was reached; that there is no memory here is no fault of its own. */
	if (error == -ENOMEM)
		finish(probe, HEALTH_GOOD, NULL);
	else
		finish(probe, HEALTH_BAD, strerror(-error));
}

static void receive(struct health_probe *probe)
{
	static uint8_t scratch[RECORD_HEADROOM + READ_LEN];
	uint8_t *bytes = scratch + RECORD_HEADROOM;
	ssize_t len = stream_receive(&probe->stream, bytes, READ_LEN);
	int error;

	if (len == -EAGAIN)
		return;
	if (len < 0) {
		fail(probe, (int)len);
		return;
	}
	if (len == 0) {
		finish(probe, HEALTH_BAD, "closed the connection before the end of its answer");
		return;
	}
	probe->received += (size_t)len;
	error = question_take(&probe->question, bytes, (size_t)len);
	if (error == -EPROTO)
		finish(probe, HEALTH_BAD, probe->question.fault);
	else if (error < 0)
		fail(probe, error);
	else
		judge(probe);
}

/* 0 or -errno. Not before it is connected: until then it takes no memory. */
static int ask(struct health_probe *probe)
{
	struct buffer out = {0};
	int error = question_encode(&probe->question, &out);

	if (error == 0)
		error = stream_write(&probe->stream, buffer_data(&out), out.len);
	buffer_fini(&out);
	return error;
}

static void on_writable(struct health_probe *probe)
{
	bool was_connecting = probe->stream.connecting;
	int error = stream_on_writable(&probe->stream);

	if (error < 0 && was_connecting) {
		finish(probe, HEALTH_REFUSED, strerror(-error));
		return;
	}
	if (error == 0 && was_connecting)
		error = ask(probe);
	if (error < 0)
		fail(probe, error);
}

/* One thing a turn: each may be the last. What else is ready still is in the next. */
static void on_ready(struct loop_io *io, int events)
{
	struct health_probe *probe = container_of(io, struct health_probe, stream.io);

	if (events & LOOP_WRITE)
		on_writable(probe);
	else
		receive(probe);
}

static void on_timeout(struct loop_timer *timer)
{
	struct health_probe *probe = container_of(timer, struct health_probe, timeout);

	if (probe->error < 0)
		finish(probe, HEALTH_REFUSED, strerror(-probe->error));
	else if (probe->stream.connecting)
		finish(probe, HEALTH_SILENT, "could not be connected to within probe-timeout");
	else if (probe->received == 0)
		finish(probe, HEALTH_SILENT, "gave no answer within probe-timeout");
	else
		finish(probe, HEALTH_SILENT, "did not end its answer within probe-timeout");
}

/* Here, or of room in the backlog of a Unix socket: whether it is well shows in its answers. */
static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS ||
	       error == -EADDRNOTAVAIL || error == -EAGAIN;
}

static struct health_probe *probe_new(const struct health_plan *plan,
				      void (*on_result)(struct health_probe *,
							const struct health_answer *))
{
	struct health_probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return NULL;
	probe->owner = plan->owner;
	probe->on_result = on_result;
	probe->status = plan->status;
	question_init(&probe->question, plan->request);
	probe->question.docroot = plan->docroot;
	loop_timer_init(&probe->timeout, on_timeout);
	return probe;
}

struct health_probe *
health_probe_start(const struct socket_address *to, const struct health_plan *plan,
		   void (*on_result)(struct health_probe *, const struct health_answer *))
{
	struct health_probe *probe = probe_new(plan, on_result);
	bool is_connecting;
	int fd;

	if (!probe)
		return NULL;
	fd = socket_connect(to, &is_connecting);
	if (is_shortage(fd)) {
		free(probe);
		return NULL;
	}
	stream_init(&probe->stream, fd < 0 ? -1 : fd, on_ready);
	loop_timer_start(&probe->timeout, fd < 0 ? 0 : plan->timeout_ms);
	if (fd < 0) {
		probe->error = fd;
		return probe;
	}
	/* Also one that is connected by now: asked in one place, from the loop. */
	stream_set_connecting(&probe->stream);
	stream_set_reading(&probe->stream, true);
	return probe;
}

void health_probe_cancel(struct health_probe *probe)
{
	if (!probe)
		return;
	stream_close(&probe->stream);
	loop_timer_stop(&probe->timeout);
	question_fini(&probe->question);
	free(probe);
}
