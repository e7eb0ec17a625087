#ifndef MUX_SENDFILE_H
#define MUX_SENDFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/head.h"

struct front_connection;
struct proc;
struct request;
struct sendfile;

/*
 * Sends files in place of an application's body, or where no application is asked. A request whose
 * files are on their way is SENDING: no proc has it, and it costs its descriptors and no buffer,
 * however slow the client is. Each file goes out as records of STDOUT, a header from memory and the
 * content from the kernel's cache, one record of each such request on a connection after the other;
 * the records of its other requests go between them.
 *
 * All files are opened before the first byte of the answer. One that becomes shorter afterwards
 * breaks the connection: its client must not take the answer for whole.
 */

/* Whether a complete head names any: X-Sendfile2, else X-Sendfile or X-LIGHTTPD-send-file. */
bool sendfile_is_asked(const struct head *head, const uint8_t *bytes);

/*
 * The answer of this proc is complete, and its head asks for files: sends the head with their
 * length in place of what it says itself, and them, or answers why not. bytes: of the head.
 */
void sendfile_start(struct request *request, const struct proc *proc, const struct head *head,
		    const uint8_t *bytes);

/*
 * Answers a request that no proc has with the file at this path below a directory, whatever its
 * method, with its media type and the time of its last change; or says why not.
 */
void sendfile_answer(struct request *request, const char *directory, const char *path);

/* For the connection only: it is writable, and the next record can follow. */
void sendfile_go_on(struct front_connection *connection);

/*
 * For the connection only: it broke with this error, while a file waited. Says so where that is the
 * reason.
 */
void sendfile_complain(const struct front_connection *connection, int error);

/* Its request, on this connection, ends; NULL: it has none. Closes the files. */
void sendfile_free(struct sendfile *files, struct front_connection *connection);

#endif
