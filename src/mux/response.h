#ifndef MUX_RESPONSE_H
#define MUX_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/record_reader.h"

struct request;
struct response;

/*
 * What of an application's answer goes to the web server. X-Sendfile, X-LIGHTTPD-send-file and
 * X-Sendfile2 are for the mux and never for the client. Nearly all heads come in one piece and have
 * none of these: they are looked at once, and go on from where they lie. Else the head is held
 * until it is whole, and written again without these fields; where the section allows it, the files
 * that they name are sent in place of the body (mux/sendfile).
 *
 * A head of more than 64 KiB in which there is no such field so far goes on as it is. One that has
 * such a field, and is longer, malformed or cut off, is answered 502.
 */

/*
 * A piece of STDOUT, or of END_REQUEST, of an answer of which no STDOUT has gone to the web server
 * yet. True: it goes on as it is. False: it was taken; and where the request has a response when
 * its answer is complete, response_finish is due.
 */
bool response_take(struct request *request, const struct record_piece *piece);

/* All of the answer was taken, and its proc is released: sends the files, or says what is wrong. */
void response_finish(struct request *request);

/* What is held of an answer that nobody waits for any more, or NULL. */
void response_free(struct response *response);

/* Bytes of memory as STDOUT; the client may leave meanwhile, and the request be over. */
void response_send(struct request *request, const uint8_t *bytes, size_t len);

/* The end of STDOUT and of the request; ends it on our side too. */
void response_end(struct request *request);

#endif
