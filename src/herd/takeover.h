#ifndef HERD_TAKEOVER_H
#define HERD_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/settings.h"
#include "herd/child.h"
#include "herd/legacy.h"

struct herd;

/*
 * A reload, and the change to another fcgi-herd: the supervisor executes its own program anew, in
 * the same process, with all that it holds. So there is one way to begin, and nothing of the old
 * configuration is left in the new. A trial in a process of its own goes before: where that fails,
 * nothing has changed.
 *
 * The successor finds the sockets open, the children running and the old mux at work. It starts a
 * mux of its own on the same fronts; when that is ready the old one is told to finish. After its
 * end what is no longer wanted is stopped, and the children are replaced one by one
 * (policy/rollout).
 */
enum takeover_stage {
	TAKEOVER_NONE,
	TAKEOVER_TRIAL,	   /* the program is tried */
	TAKEOVER_SETTLING, /* the last signals that came to this program are handled */
	TAKEOVER_MUX,	 /* the successor waits for its own mux, then for the end of the old one */
	TAKEOVER_ROLLING /* children are replaced */
};

struct takeover {
	enum takeover_stage stage;
	char *program; /* owned: our own path; another may be there by the time of the takeover */
	char *const *argv; /* borrowed: how we were called */
	bool is_wanted;	   /* asked for while another one is under way */
	pid_t trial;	   /* in TRIAL */
	uint64_t begun_ms;
	struct legacy_process *processes; /* owned; what the text says */
	size_t process_count;
	struct legacy_output *outputs;
	size_t output_count;
	char *directory;	/* owned: of the children's own sockets */
	int control;		/* to the old mux; -1: it has gone */
	struct loop_io reports; /* what it says there */
	struct loop_timer late; /* until the child that was replaced is */
	struct child *retired;	/* owned: the old mux, and children that are no longer wanted */
	size_t retired_count;
};

/* Before anything is opened: takes what an earlier self has left; text NULL: nothing. */
char *takeover_init(struct takeover *takeover, char *const *argv, const char *text)
	__attribute__((warn_unused_result));
void takeover_fini(struct takeover *takeover);

/* Whether there was an earlier self. */
bool takeover_is_successor(const struct takeover *takeover);

/* In a trial: NULL, or a malloced sentence: why these settings cannot follow without a restart. */
char *takeover_refuse(const struct takeover *takeover, const struct settings *settings)
	__attribute__((warn_unused_result));

/* When the herd is open: its children that run already are so from now on. False: no memory. */
bool takeover_adopt(struct herd *herd) __attribute__((warn_unused_result));

/* Begins one, or remembers to; why: "SIGHUP". */
void takeover_begin(struct herd *herd, const char *why);

/* At the end of each turn while the herd runs. */
void takeover_step(struct herd *herd);

/* The mux of the successor is ready, or the herd ends: the old one, if there is one, finishes. */
void takeover_finish_old_mux(struct herd *herd);
bool takeover_has_no_mux(const struct herd *herd);

/* The old mux hears which processes its children are: that one ends; at the end of each turn. */
void takeover_tell_exit(struct takeover *takeover, pid_t pid);
void takeover_tell_old_mux(struct takeover *takeover);

/* A process that ended was one of ours here. */
bool takeover_on_exit(struct herd *herd, pid_t pid, int status);

/* The end of the herd: to what is left of before; and whether there is nothing any more. */
void takeover_event(struct herd *herd, enum child_event event);
bool takeover_is_over(const struct herd *herd);

#endif
