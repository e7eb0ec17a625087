#ifndef POLICY_REWRITE_H
#define POLICY_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * Which variables of a request its application sees otherwise than the web server sent them. First
 * the plan, from the facts of the request and the rules of the backend. Then the pairs are gone
 * through once: those that are denied, or that the plan drops or sets, are left out, and what it
 * sets is written behind the others. Nothing is copied or allocated: values are made of pieces of
 * what was given.
 *
 * SCRIPT_NAME and PATH_INFO are the two parts of the path. Where the rules part it elsewhere than
 * the web server did, SCRIPT_FILENAME and PATH_TRANSLATED follow, and a PATH_INFO that would be
 * empty is left out. The script's file is where its last name stands in the SCRIPT_FILENAME that
 * was sent, since a web server may have scripts outside of its document root; where it does not,
 * below the root.
 */
enum rewrite_variable {
	REWRITE_SCRIPT_NAME,
	REWRITE_PATH_INFO,
	REWRITE_SCRIPT_FILENAME,
	REWRITE_PATH_TRANSLATED,
	REWRITE_DOCUMENT_ROOT,
	REWRITE_REQUEST_URI,
	REWRITE_CONTENT_LENGTH,
	REWRITE_VARIABLES, /* their number; also: none of them */
};

enum { REWRITE_PIECES = 3 };

/* A piece of text, borrowed; at is NULL where there is none. */
struct rewrite_text {
	const char *at;
	size_t len;
};

/* What the web server sent. */
struct rewrite_facts {
	struct rewrite_text path;	     /* SCRIPT_NAME and PATH_INFO in one piece */
	size_t sent_script_len;		     /* of it, SCRIPT_NAME as it was sent */
	size_t script_len;		     /* and as it is to be: from the route */
	bool is_root;			     /* from the route */
	struct rewrite_text script_filename; /* these three: NULL where they were not sent */
	struct rewrite_text document_root;
	struct rewrite_text request_uri;
	struct rewrite_text authorized_root; /* docroot of the authorizer that let it pass */
};

/* The settings of the backend. */
struct rewrite_rules {
	const char *docroot;	       /* NULL: none */
	const char *strip_request_uri; /* NULL: none */
	bool broken_scriptfilename;
	bool fix_root_scriptname; /* means something where the route is_root */
	bool is_authorizer;	  /* gets no SCRIPT_NAME, PATH_INFO, CONTENT_LENGTH */
};

enum rewrite_action { REWRITE_KEEP, REWRITE_DROP, REWRITE_SET };

struct rewrite_value {
	enum rewrite_action action;
	struct rewrite_text pieces[REWRITE_PIECES]; /* joined, the value of REWRITE_SET */
};

struct rewrite_plan {
	struct rewrite_value values[REWRITE_VARIABLES];
};

/* False: the plan keeps everything. The plan borrows what facts and rules point to. */
bool rewrite_decide(struct rewrite_plan *plan, const struct rewrite_facts *facts,
		    const struct rewrite_rules *rules);

const char *rewrite_name(enum rewrite_variable variable);
enum rewrite_variable rewrite_find(const char *name, size_t len);

/* Of the pieces, joined; the other returns what is behind them. */
size_t rewrite_value_len(const struct rewrite_value *value);
char *rewrite_value_write(char *out, const struct rewrite_value *value);

/* Whether it is one of the count names in denied, exactly. */
bool rewrite_is_listed(const char *name, size_t len, char *const *denied, size_t count);

/*
 * Whether no application gets this variable: one of the count names in denied; and HTTP_PROXY,
 * which a client's header Proxy sets and programs take for their own configuration. Inline, as it
 * is asked of every variable of every request.
 */
static inline bool rewrite_is_denied(const char *name, size_t len, char *const *denied,
				     size_t count)
{
	static const char proxy[] = "HTTP_PROXY";

	return (len == sizeof(proxy) - 1 && memcmp(name, proxy, len) == 0) ||
	       (count > 0 && rewrite_is_listed(name, len, denied, count));
}

#endif
