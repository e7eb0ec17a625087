#ifndef MUX_MUX_H
#define MUX_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "config/settings.h"
#include "fcgi/record.h"
#include "fcgi/record_reader.h"
#include "mux/counts.h"
#include "os/loop.h"

struct access_log;
struct backend;
struct front;
struct resolver;
struct route;

/* Data moves in pieces of this size: more gains nothing, 16 KiB costs 2.7 times for bodies. */
enum { MUX_SCRATCH_LEN = 128 * 1024, MUX_SCRATCH_SIZE = RECORD_HEADROOM + MUX_SCRATCH_LEN };

/* How often what may wait is looked after: gone clients, resting procs, lingering connections. */
enum { MUX_TICK_MS = 1000 };

/*
 * One multiplexer. Ownership is a tree: mux > fronts > connections > requests, and mux > backends >
 * procs > connections. A request and a proc connection refer to each other while the request runs,
 * fronts and backends know the routes between them, and nothing else refers across the tree. What
 * ended rests on a list here until the end of the turn, so that no callback frees what its callers
 * still look at.
 */
struct mux {
	const struct settings *settings; /* borrowed */
	struct front *fronts;		 /* owned */
	size_t front_count;
	struct route **routes; /* owned; keys with the same backends have the same */
	size_t route_count;
	struct backend *backends; /* owned; in the order of the configuration */
	size_t backend_count;
	struct resolver *resolver; /* owned; NULL: no backend has a name to look up */

	size_t connection_count, connections_max; /* of web servers */
	size_t file_count;			  /* open, on their way to clients */
	uint64_t started_ms;
	struct mux_counts counts;
	struct access_log *access_log; /* owned; NULL: none is written */

	int control_fd; /* to the supervisor; -1: none */
	struct loop_io control;
	struct loop_timer tick;
	struct loop_turn turn;
	struct loop_signal terminate;
	struct loop_signal interrupt;
	struct loop_signal reopen;
	bool is_draining; /* accepts nothing more; ends with its last request */
	bool is_sharing;  /* another mux is draining, and needs the same procs */
	bool is_refused;  /* at the last tick: the kernel cannot watch all connections */

	struct list backends_to_serve; /* at the end of the turn */
	struct list ended_requests;
	struct list ended_fronts; /* front connections */
	struct list ended_procs;  /* proc connections */

	char path[RECORD_CONTENT_MAX + 1]; /* of the request that is looked at */
	/* Where all connections read into, one at a time, with room before it for what was held. */
	uint8_t scratch[MUX_SCRATCH_SIZE];
	bool is_scratch_taken;
};

struct mux_plan {
	const struct settings *settings;
	const int
		*front_fds; /* listening, in the order of the configuration; the mux closes them */
	size_t front_count;
	int access_log_fd;	/* that the mux closes; -1: the supervisor sends it, or none */
	int control_fd;		/* -1: runs alone, all procs count as up */
	size_t descriptors_max; /* that the process may have; half of them are for procs */
};

/*
 * Opens a mux on the loop: what is read of the machine to look up names is read here. Returns it
 * (heap, owned by the caller), or NULL with a malloced sentence in *error.
 */
struct mux *mux_new(const struct mux_plan *plan, char **error);

/* Closes everything at once. */
void mux_free(struct mux *mux);

/*
 * MUX_SCRATCH_LEN bytes for a connection to read into, and RECORD_HEADROOM before them, until they
 * are given back. While others look at theirs, as where the end of a request of theirs is the time
 * to read a connection that is drained, they are of the heap; NULL: no memory.
 */
uint8_t *mux_take_scratch(struct mux *mux);
void mux_give_scratch(struct mux *mux, uint8_t *scratch);

#endif
