#ifndef MUX_INTAKE_H
#define MUX_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/record_reader.h"

struct request;

/* What comes of a request from its web server, until a proc has it and after. */

/*
 * A piece of PARAMS, STDIN or DATA for a request that is not running. It is queued for a proc once
 * enough is there, or answered where it is wrong.
 */
void intake_receive(struct request *request, const struct record_piece *piece);

/* It has been authorized, and is routed: queued once enough is there. */
void intake_go_on(struct request *request);

/*
 * So much of the connection's input is at hand. Where that fills the buffer with this request's
 * body alone, and a proc has room, it runs at once, and the body need not pass through the buffer.
 */
void intake_hurry(struct request *request, size_t len);

/*
 * A piece of STDIN or DATA for a running request, about to be passed on from where it lies: gives
 * it the id it has at the proc and notes its end. False: nothing more was due, or it was too much,
 * and it is dropped.
 */
bool intake_pass(struct request *request, const struct record_piece *piece);

#endif
