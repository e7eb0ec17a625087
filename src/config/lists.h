#ifndef CONFIG_LISTS_H
#define CONFIG_LISTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"

/* Growing arrays that settings are made of. All zero is an empty one. */

struct text_list {
	char **items; /* NULL-ended, each owned; NULL: not set, which is not the same as set to
			 nothing */
	size_t count;
};

struct address_list {
	struct address *items;
	size_t count;
};

/* Adds item (malloced; taken in any case). 0, or -ENOMEM, also for a NULL item. */
int text_list_add(struct text_list *list, char *item) __attribute__((warn_unused_result));

/* Sets to nothing what was not set. 0 or -ENOMEM. */
int text_list_set(struct text_list *list) __attribute__((warn_unused_result));

/* Frees the item at index; those behind it move up. */
void text_list_remove(struct text_list *list, size_t index);

/* to is unset. 0, or -ENOMEM and it is unset. */
int text_list_copy(struct text_list *to, const struct text_list *from)
	__attribute__((warn_unused_result));
bool text_list_has(const struct text_list *list, const char *item);
void text_list_fini(struct text_list *list);

/* 0 or -ENOMEM. */
int address_list_add(struct address_list *list, const struct address *address)
	__attribute__((warn_unused_result));
int address_list_copy(struct address_list *to, const struct address_list *from)
	__attribute__((warn_unused_result));
bool address_list_has(const struct address_list *list, const struct address *address);
void address_list_fini(struct address_list *list);

#endif
