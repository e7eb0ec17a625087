#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The event loop: libev's default loop on epoll, and nothing of libev beyond this header. One loop
 * a process. Watchers live inside their owners; a callback gets its watcher and finds the owner
 * with container_of.
 */

enum { LOOP_READ = EV_READ, LOOP_WRITE = EV_WRITE };

struct loop_io {
	struct ev_io watcher;
	void (*on_ready)(struct loop_io *io, int events);
};

struct loop_timer {
	struct ev_timer watcher;
	void (*on_timeout)(struct loop_timer *timer);
};

struct loop_signal {
	struct ev_signal watcher;
	void (*on_signal)(struct loop_signal *signal);
};

/* Every child of the process that ends, known or adopted; status as from waitpid(2). */
struct loop_children {
	struct ev_child watcher;
	void (*on_exit)(struct loop_children *children, pid_t pid, int status);
};

/* Runs after all callbacks of a turn, before the loop waits again. */
struct loop_turn {
	struct ev_prepare watcher;
	void (*on_turn_end)(struct loop_turn *turn);
};

/* Once a process, before anything else here; false: the kernel has no epoll. */
bool loop_init(void) __attribute__((warn_unused_result));

/* Returns when loop_stop was called. */
void loop_run(void);
void loop_stop(void);

/* Milliseconds of the monotonic clock, read once a turn. */
uint64_t loop_now_ms(void);

/* A watcher of fd that watches nothing yet; fd stays the caller's. */
void loop_io_init(struct loop_io *io, int fd, void (*on_ready)(struct loop_io *, int));

/* Watches for these events (LOOP_READ | LOOP_WRITE) from now on; 0, as before a close, stops. */
void loop_io_set(struct loop_io *io, int events);

/* What is watched now. */
int loop_io_events(const struct loop_io *io);

/*
 * How often since the last call the kernel could not watch what it was to; it is asked again in
 * each turn.
 */
uint64_t loop_take_refusals(void);

void loop_timer_init(struct loop_timer *timer, void (*on_timeout)(struct loop_timer *));

/* Once, after so long; a timer that was running starts anew. */
void loop_timer_start(struct loop_timer *timer, uint64_t after_ms);

/* Again and again. */
void loop_timer_repeat(struct loop_timer *timer, uint64_t every_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);

void loop_signal_start(struct loop_signal *signal, int number,
		       void (*on_signal)(struct loop_signal *));
void loop_signal_stop(struct loop_signal *signal);

void loop_children_start(struct loop_children *children,
			 void (*on_exit)(struct loop_children *, pid_t, int));

void loop_turn_start(struct loop_turn *turn, void (*on_turn_end)(struct loop_turn *));

#endif
