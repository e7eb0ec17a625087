#ifndef OS_DOCUMENT_H
#define OS_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * Files below a directory, opened so that neither a symbolic link nor a race leads out of it:
 * openat2(2) with RESOLVE_BENEATH, from a descriptor of the directory. Relative links that stay
 * inside are followed. Absolute ones are refused even where they lead back inside, and so are those
 * of /proc that stand for open files. What lies below a mount point is inside.
 *
 * Where there is no openat2(2) (before Linux 5.6, or kept out by an old container's filter) no link
 * at all is followed below the directory.
 */

enum document_result {
	DOCUMENT_FOUND,
	DOCUMENT_ABSENT,
	DOCUMENT_DIRECTORY,
	DOCUMENT_NOT_REGULAR, /* a fifo, a socket, a device */
	DOCUMENT_OUTSIDE,     /* a link leads, or may lead, out of the directory */
	DOCUMENT_DENIED,      /* this process may not read it, or not search its directories */
	DOCUMENT_FAILED,      /* out of descriptors, input and output errors: see error */
};

/* "is not there", "may not be read", ...: "%s %s", path, document_result_text(result). */
const char *document_result_text(enum document_result result);

/* A directory whose documents may be opened. It stays the same one wherever it is moved. */
struct document_root {
	int fd;	       /* O_PATH; -1: closed */
	bool is_whole; /* "/": nothing is outside, and absolute links are followed */
};

/* The path itself may hold symbolic links. 0 or -errno, and closed. */
int document_root_open(struct document_root *root, const char *path)
	__attribute__((warn_unused_result));
void document_root_close(struct document_root *root);

struct document {
	int fd; /* for reading, close-on-exec; the caller's where it was found, else -1 */
	uint64_t size;
	time_t modified; /* seconds since 1970 */
	int error;	 /* errno of what was not found; 0 */
};

/*
 * Opens a regular file; never waits, whatever is there. path: below the root; slashes in front of
 * it do not matter.
 */
enum document_result document_open(struct document *document, const struct document_root *root,
				   const char *path);

/*
 * Whether the script of a request is a readable regular file below the web server's document root.
 * path, from a slash on, is that of the script, with PATH_INFO behind it: *script_len is how much
 * of it names the file ("/t.php" of "/t.php/info"), or all where none was found. Both may hold any
 * bytes; '.' and '..' as names, which web servers resolve, are outside.
 */
enum document_result document_check(const char *root, size_t root_len, const char *path,
				    size_t path_len, size_t *script_len);

#endif
