#ifndef POLICY_QUEUE_H
#define POLICY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

/*
 * Requests that wait for a proc, as tickets: first in, first out, but fair between the connections
 * that they come from. A ticket gets the round after the latest one of its source; tickets leave in
 * the order of their rounds. So a source with a hundred tickets takes turns with those that have
 * one, and where each has one it is plainly first in, first out.
 */
struct queue {
	struct list tickets; /* by round, then by arrival */
	size_t count;
	uint64_t round; /* of the last one whose turn came */
};

/* Where tickets come from; lives as long as they do. All zero is a new one. */
struct queue_source {
	uint64_t round; /* of its latest ticket */
};

struct queue_ticket {
	struct list link;
	uint64_t round;
	uint64_t since_ms; /* when it came */
};

void queue_init(struct queue *queue);
void queue_ticket_init(struct queue_ticket *ticket);
bool queue_has(const struct queue_ticket *ticket);

void queue_append(struct queue *queue, struct queue_ticket *ticket, struct queue_source *source,
		  uint64_t now_ms);

/* To the head: it has been out already. It keeps the time since it came first. */
void queue_return(struct queue *queue, struct queue_ticket *ticket);

/* Takes it out, wherever it stands; one that is in no queue stays out. */
void queue_remove(struct queue *queue, struct queue_ticket *ticket);

/* Whose turn it is, still inside; NULL: nobody waits. */
struct queue_ticket *queue_first(const struct queue *queue);

/* One that has waited for at least so long, or NULL. */
struct queue_ticket *queue_expired(const struct queue *queue, uint64_t timeout_ms, uint64_t now_ms);

#endif
