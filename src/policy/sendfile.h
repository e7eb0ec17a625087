#ifndef POLICY_SENDFILE_H
#define POLICY_SENDFILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What an application asks for with X-Sendfile (a path) and X-Sendfile2 (parts of files), and
 * whether it may: by the text alone. Symbolic links are the business of os/document.
 *
 * A path is decoded from its percent-encoding, where a '%' that no two hexadecimal digits follow
 * stands for itself, and must be UTF-8 then; '.' and '..' are resolved, never above the root.
 */

enum { SENDFILE_PATH_SIZE = 4096, SENDFILE_PARTS_MAX = 64 };

enum sendfile_result {
	SENDFILE_OK,
	SENDFILE_END,	    /* no part is left */
	SENDFILE_BAD,	    /* 502: cannot be decoded, or is not of the form */
	SENDFILE_FORBIDDEN, /* 403: not an absolute path, or longer than any */
};

/* The path that a value of len bytes stands for. */
enum sendfile_result sendfile_decode(char path[SENDFILE_PATH_SIZE], const char *value, size_t len);

/* Resolves '.', '..' and '//' in an absolute path, in place. A slash at the end stays. */
void sendfile_simplify(char *path);

/*
 * Which of the directories (NULL-ended, absolute and simplified) a simplified path is below: the
 * outermost, so that a link from one inside it into another holds. Returns what of the path lies
 * below it, without a slash in front, and its number in which; NULL: it is below none.
 */
const char *sendfile_permit(char *const *directories, const char *path, size_t *which);

struct sendfile_part {
	char path[SENDFILE_PATH_SIZE];
	uint64_t first; /* byte to send */
	uint64_t last;	/* inclusive; UINT64_MAX: to the end of the file */
};

/* The parts of all X-Sendfile2 fields of a head, one field after the other. All zero begins. */
struct sendfile_parts {
	const char *at; /* in the value, which is borrowed */
	const char *end;
	unsigned count; /* parts so far */
};

void sendfile_parts_set_value(struct sendfile_parts *parts, const char *value, size_t len);

/*
 * The next part of the value: "path first-[last]", ',' between two, in a path as %2c. More than
 * SENDFILE_PARTS_MAX of them all are bad.
 */
enum sendfile_result sendfile_parts_next(struct sendfile_parts *parts, struct sendfile_part *part);

/*
 * How many bytes of a file of that size a part is: what lies behind the file's end is left out.
 * SENDFILE_BAD: it begins behind the end.
 */
enum sendfile_result sendfile_part_len(const struct sendfile_part *part, uint64_t size,
				       uint64_t *len);

#endif
