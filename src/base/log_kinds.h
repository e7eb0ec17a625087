#ifndef BASE_LOG_KINDS_H
#define BASE_LOG_KINDS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Bounds how much is logged of one kind: LOG_BURST lines a second are written, the others held
 * back, which is to say counted. A kind is a level and a format, by its address: whatever the lines
 * are about, so that a thousand connections are no way round. Writes nothing and has no clock;
 * memory is this struct, where a kind whose second is over makes room for another. Only base/log
 * uses it.
 */

enum { LOG_BURST = 50, LOG_SECOND_MS = 1000, LOG_KINDS = 64, LOG_LAST_SIZE = 256 };

struct log_kind {
	const char *format;	  /* borrowed; NULL: never used */
	int level;		  /* enum log_level */
	unsigned written;	  /* in this second */
	uint64_t since_ms;	  /* when it began, with a line */
	uint64_t held;		  /* lines that it held back and that nobody was told of */
	char last[LOG_LAST_SIZE]; /* text of the last of them, from the caller */
};

/* Good when zeroed. */
struct log_kinds {
	struct log_kind kinds[LOG_KINDS];
	uint64_t due_ms; /* when the first second with lines held back is over; 0: there is none */
};

/*
 * A kind that held lines back in a second that is over, or NULL. The caller tells of them, sets
 * held to 0 and asks again. To end with all there are: UINT64_MAX for now_ms.
 */
struct log_kind *log_kinds_find_due(struct log_kinds *kinds, uint64_t now_ms);

/*
 * Counts a line, after log_kinds_find_due has said NULL for this now_ms. NULL: it is to be written;
 * else it is held back, and its text belongs in the last of what is returned. More kinds than there
 * is room for in a second share one.
 */
struct log_kind *log_kinds_count(struct log_kinds *kinds, const char *format, int level,
				 uint64_t now_ms);

/* Whether there are lines held back that nobody was told of. */
bool log_kinds_has_held(const struct log_kinds *kinds);

#endif
