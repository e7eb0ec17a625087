#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Which backends of a front a request is for: keys in the order of the file, the first that matches
 * wins. A key that starts with '/' is a prefix of the URL's path, and need not end where a name
 * does; any other is a suffix of the script, which is the path without its PATH_INFO; the empty one
 * (a section without extension) takes everything. Upper and lower case differ. Backends of one key
 * and role share its requests. The authorizer is found apart from the responder, and may have
 * another key. A map sends the scripts of one suffix to another key, before any key is tried.
 *
 * Where the script ends is known from the disk, where there is a look at it (check-local): that is
 * route_find_script. Without one, route_find takes as the script
 *   1. what the web server says, or else the whole path: suffixes and prefixes in their order;
 *   2. where none matches, the longest part of the path that ends before a '/' and has a suffix.
 * So "/t.php/info" is for ".php", whether or not the web server has split it, unless a prefix takes
 * it whole. With a prefix, the script ends at the first '/' behind the key.
 *
 * The table is built whole, then looked up: keys move while others are added. Texts are borrowed.
 */
enum route_role { ROUTE_RESPONDER, ROUTE_AUTHORIZER };

struct route_key {
	const char *text;
	size_t len;
	enum route_role role;
	unsigned *backends; /* owned: their numbers, in the order of the file */
	size_t backend_count;
};

struct route_map {
	const char *from; /* a suffix */
	const char *to;	  /* a key */
};

/* All zero is an empty one. */
struct route_table {
	struct route_key *keys; /* owned; in the order of the file */
	size_t count;
	struct route_map *maps; /* owned */
	size_t map_count;
};

/* The path of a URL: SCRIPT_NAME and PATH_INFO in one piece. */
struct route_path {
	const char *at;
	size_t len;
	size_t script_len; /* of SCRIPT_NAME; or of what the disk says is the script */
};

struct route_match {
	const struct route_key *key; /* NULL: none */
	size_t script_len;	     /* of what is SCRIPT_NAME now; behind it, PATH_INFO */
	bool is_root;		     /* a responder's key "/", and the disk was not asked */
};

void route_table_fini(struct route_table *table);

/* One backend of a key. 0 or -ENOMEM. */
int route_table_add(struct route_table *table, enum route_role role, const char *text,
		    unsigned backend) __attribute__((warn_unused_result));

/* To be called when all keys are there. 0, -ENOMEM, or -ENOENT: there is no key "to". */
int route_table_map(struct route_table *table, const char *from, const char *to)
	__attribute__((warn_unused_result));

/*
 * Without the disk. Where the backends found want check-local, the caller looks for the script, and
 * then again with route_find_script; no script, nothing to serve. An authorizer's path is not
 * split: script_len is what the web server says.
 */
struct route_match route_find(const struct route_table *table, enum route_role role,
			      const struct route_path *path);

/* With script_len as the disk has it: suffixes are tested there and nowhere else. */
struct route_match route_find_script(const struct route_table *table, enum route_role role,
				     const struct route_path *path);

#endif
