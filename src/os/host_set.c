#include "os/host_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 16 };

int host_set_add(struct host_set *set, const struct host_item *item)
{
	if (set->count == HOST_SET_MAX) {
		set->left_out++;
		return 0;
	}
	if (set->count == set->size) {
		size_t size = set->size > 0 ? 2 * set->size : FIRST_SIZE;
		struct host_item *items = reallocarray(set->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		set->items = items;
		set->size = size;
	}
	set->items[set->count++] = *item;
	return 0;
}

void host_set_fini(struct host_set *set)
{
	free(set->items);
	*set = (struct host_set){0};
}

static int compare_places(const struct host_item *a, const struct host_item *b)
{
	int order = (int)a->type - (int)b->type;

	if (order == 0)
		order = memcmp(a->literal, b->literal, sizeof(a->literal));
	return order != 0 ? order : a->port - b->port;
}

static int compare_items(const void *one, const void *other)
{
	const struct host_item *a = one, *b = other;
	int order = compare_places(a, b);

	if (order == 0)
		order = a->priority - b->priority;
	return order != 0 ? order : b->weight - a->weight;
}

void host_set_finish(struct host_set *set, size_t max)
{
	size_t count = 0;

	if (set->count > 0)
		qsort(set->items, set->count, sizeof(*set->items), compare_items);
	for (size_t i = 0; i < set->count; i++)
		if (i == 0 || compare_places(&set->items[count - 1], &set->items[i]) != 0)
			set->items[count++] = set->items[i];
	if (count > max) {
		set->left_out += count - max;
		count = max;
	}
	set->count = count;
}
