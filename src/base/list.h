#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Doubly linked lists whose links live inside their members. A list's head is a link of its own; a
 * link in no list points to itself, so that detaching twice does no harm.
 */
struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

/* The object of this type that has link as the field of this name. */
#define container_of(link, type, field) ((type *)(void *)((char *)(link)-offsetof(type, field)))

/* Safe against the removal of the member that the body looks at, not of its successor. */
#define list_for_each(link, after, head)                                                           \
	for (struct list *link = (head)->next, *after = link->next; link != (head);                \
	     link = after, after = link->next)

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline struct list *list_first(const struct list *list)
{
	return list_is_empty(list) ? NULL : list->next;
}

static inline void list_append(struct list *list, struct list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline void list_prepend(struct list *list, struct list *link)
{
	list_append(list->next, link);
}

static inline void list_detach(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#endif
