#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The kernel that fcgi-mux runs on in tests: sockets, time and memory inside this process, and
 * nothing left to chance. What the mux calls of the system is replaced by the linker (SIM_WRAPS in
 * the Makefile) or, os/loop, as a whole; all other code is the real one.
 *
 * Random numbers come from one seed: the same seed, and the same calls, give the same run.
 */

/* What must hold. Where it does not, the process ends; what it says first is what is not so. */
#define MUST(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			sim_fail(__FILE__, __LINE__, __VA_ARGS__);                                 \
	} while (0)

void sim_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));

void sim_seed(uint64_t seed);
uint64_t sim_random(void);

/* 0 .. count - 1. */
static inline unsigned sim_choose(unsigned count)
{
	return (unsigned)(sim_random() >> 16) % count;
}

/* How often, of 1024 times, the system does what it rarely does. */
struct sim_faults {
	unsigned part;	      /* takes or gives a part of what it could */
	unsigned interrupted; /* EINTR */
	unsigned later;	      /* EAGAIN, though it could */
	unsigned shortage;    /* of descriptors: accept and connect fail */
	unsigned refused;     /* nobody listens at a remote address */
	unsigned no_memory;
};

extern struct sim_faults sim_faults;
bool sim_happens(unsigned of_1024);

/* Memory of the mux: what it holds now, in bytes and in blocks. */
struct sim_memory {
	size_t bytes;
	size_t blocks;
	size_t failures; /* that were made so far */
};

extern struct sim_memory sim_memory;

/* Whose memory is counted, and may be made to fail: that of the mux, while it runs. */
void sim_memory_enter(void);
void sim_memory_leave(void);

/* The time, in milliseconds; it stands still but for sim_advance. */
uint64_t sim_now_ms(void);
void sim_advance(uint64_t ms);

/* Nothing watched, no timers, the time as it was. */
void sim_loop_reset(void);

/* One turn: what is ready, in any order; timers that are due; the end of the turn. False: none. */
bool sim_turn(void);

/* Turns until nothing happens any more. */
void sim_settle(void);

/* As if the process had got this signal. */
void sim_signal(int number);

/* Whether loop_stop was called since the reset. */
bool sim_is_stopped(void);

#endif
