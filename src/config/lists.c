#include "config/lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Room for one item more and the NULL behind it. Lists are short and read once: no doubling. */
static int text_list_grow(struct text_list *list)
{
	char **items = reallocarray(list->items, list->count + 2, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = NULL;
	return 0;
}

int text_list_add(struct text_list *list, char *item)
{
	if (!item || text_list_grow(list)) {
		free(item);
		return -ENOMEM;
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
	return 0;
}

int text_list_set(struct text_list *list)
{
	return list->items ? 0 : text_list_grow(list);
}

void text_list_remove(struct text_list *list, size_t index)
{
	free(list->items[index]);
	memmove(list->items + index, list->items + index + 1,
		(list->count - index) * sizeof(*list->items));
	list->count--;
}

int text_list_copy(struct text_list *to, const struct text_list *from)
{
	if (!from->items)
		return 0;
	to->items = calloc(from->count + 1, sizeof(*to->items));
	if (!to->items)
		return -ENOMEM;
	for (; to->count < from->count; to->count++) {
		to->items[to->count] = text_new("%s", from->items[to->count]);
		if (!to->items[to->count]) {
			text_list_fini(to);
			return -ENOMEM;
		}
	}
	return 0;
}

bool text_list_has(const struct text_list *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], item) == 0)
			return true;
	return false;
}

void text_list_fini(struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){0};
}

int address_list_add(struct address_list *list, const struct address *address)
{
	struct address *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = *address;
	return 0;
}

int address_list_copy(struct address_list *to, const struct address_list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		if (address_list_add(to, &from->items[i])) {
			address_list_fini(to);
			return -ENOMEM;
		}
	}
	return 0;
}

bool address_list_has(const struct address_list *list, const struct address *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_is_equal(&list->items[i], address))
			return true;
	return false;
}

void address_list_fini(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){0};
}
