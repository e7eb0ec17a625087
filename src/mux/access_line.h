#ifndef MUX_ACCESS_LINE_H
#define MUX_ACCESS_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "fcgi/params.h"

/*
 * One line of the access log: every field in every line, in this order, "-" (null) where there is
 * nothing to say. What came from outside is cut to ACCESS_VALUE_LEN_MAX bytes and escaped.
 *
 *   TIME front= backend= proc= pid= method="" uri="" script="" status= body= sent= waited= first=
 *   total= retries= end=
 *
 * or an object with members of these names, and time. Times of the request are in seconds.
 */

#define ACCESS_NONE UINT64_MAX

enum { ACCESS_VALUE_LEN_MAX = 2048 };

/* No line is longer: three values of which each byte is escaped, addresses, and the rest. */
enum { ACCESS_LINE_SIZE = 40 * 1024 };

struct access_line {
	const char *time; /* when it was over: "2026-11-22T12:00:00.123Z" */
	const char *front;
	const char *backend; /* whose queue it was in or whose proc had it; NULL: none */
	uint64_t proc, pid;  /* that had it last, or ACCESS_NONE; 0: the pid is not known */
	struct param method, uri, script; /* only the values; empty: none */
	uint64_t status;		  /* ACCESS_NONE: there was no answer */
	uint64_t body_len, sent_len;	  /* of its body that came; of STDOUT that was sent */
	/* In the queue; from its beginning to the answer's; to its end. Or ACCESS_NONE. */
	uint64_t waited_ms, first_ms, total_ms;
	uint64_t retries;
	const char *end; /* a word */
};

/* Writes a line with its newline, and no NUL; returns its length. */
size_t access_line_plain(char out[ACCESS_LINE_SIZE], const struct access_line *line);
size_t access_line_json(char out[ACCESS_LINE_SIZE], const struct access_line *line);

#endif
