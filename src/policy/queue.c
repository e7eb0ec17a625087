#include "policy/queue.h"

static struct queue_ticket *ticket_of(struct list *link)
{
	return container_of(link, struct queue_ticket, link);
}

void queue_init(struct queue *queue)
{
	*queue = (struct queue){0};
	list_init(&queue->tickets);
}

void queue_ticket_init(struct queue_ticket *ticket)
{
	*ticket = (struct queue_ticket){0};
	list_init(&ticket->link);
}

bool queue_has(const struct queue_ticket *ticket)
{
	return !list_is_empty(&ticket->link);
}

void queue_append(struct queue *queue, struct queue_ticket *ticket, struct queue_source *source,
		  uint64_t now_ms)
{
	struct list *before = queue->tickets.prev;

	/* A source that was quiet has no claim on the rounds that it missed. */
	source->round = (source->round > queue->round ? source->round : queue->round) + 1;
	ticket->round = source->round;
	ticket->since_ms = now_ms;
	/* Only sources with many tickets make this walk, past their own later ones. */
	while (before != &queue->tickets && ticket_of(before)->round > ticket->round)
		before = before->prev;
	list_prepend(before, &ticket->link);
	queue->count++;
}

void queue_return(struct queue *queue, struct queue_ticket *ticket)
{
	list_prepend(&queue->tickets, &ticket->link);
	queue->count++;
}

void queue_remove(struct queue *queue, struct queue_ticket *ticket)
{
	if (!queue_has(ticket))
		return;
	/* A later one that gives up must not make the others look late. */
	if (queue_first(queue) == ticket && ticket->round > queue->round)
		queue->round = ticket->round;
	list_detach(&ticket->link);
	queue->count--;
}

struct queue_ticket *queue_first(const struct queue *queue)
{
	struct list *first = list_first(&queue->tickets);

	return first ? ticket_of(first) : NULL;
}

struct queue_ticket *queue_expired(const struct queue *queue, uint64_t timeout_ms, uint64_t now_ms)
{
	list_for_each (link, after, &queue->tickets) {
		struct queue_ticket *ticket = ticket_of(link);

		if (now_ms >= ticket->since_ms + timeout_ms)
			return ticket;
	}
	return NULL;
}
