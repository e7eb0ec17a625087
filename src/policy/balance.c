#include "policy/balance.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static bool is_before(const struct balance_entry *a, const struct balance_entry *b)
{
	if (a->load != b->load)
		return a->load < b->load;
	return a->number < b->number;
}

static void put(struct balance *balance, size_t place, struct balance_entry *entry)
{
	balance->heap[place] = entry;
	entry->place = (long)place;
}

static void sift_up(struct balance *balance, size_t place)
{
	struct balance_entry *entry = balance->heap[place];

	while (place > 0 && is_before(entry, balance->heap[(place - 1) / 2])) {
		put(balance, place, balance->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(balance, place, entry);
}

static void sift_down(struct balance *balance, size_t place)
{
	struct balance_entry *entry = balance->heap[place];
	size_t child;

	while ((child = 2 * place + 1) < balance->count) {
		if (child + 1 < balance->count &&
		    is_before(balance->heap[child + 1], balance->heap[child]))
			child++;
		if (is_before(entry, balance->heap[child]))
			break;
		put(balance, place, balance->heap[child]);
		place = child;
	}
	put(balance, place, entry);
}

static void insert(struct balance *balance, struct balance_entry *entry)
{
	assert(balance->count < balance->size);
	balance->heap[balance->count] = entry;
	sift_up(balance, balance->count++);
}

static void extract(struct balance *balance, struct balance_entry *entry)
{
	size_t place = (size_t)entry->place;
	struct balance_entry *last = balance->heap[--balance->count];

	entry->place = BALANCE_OUT;
	if (last == entry)
		return;
	put(balance, place, last);
	sift_up(balance, place);
	sift_down(balance, (size_t)last->place);
}

/* The one mover: in the heap exactly while it is usable and has room, at the place of its load. */
static void settle(struct balance *balance, struct balance_entry *entry)
{
	bool has_room = entry->usable && entry->load < entry->capacity;

	if (entry->place != BALANCE_OUT && !has_room) {
		extract(balance, entry);
	} else if (entry->place == BALANCE_OUT && has_room) {
		insert(balance, entry);
	} else if (has_room) {
		sift_up(balance, (size_t)entry->place);
		sift_down(balance, (size_t)entry->place);
	}
}

int balance_init(struct balance *balance, size_t size)
{
	*balance = (struct balance){.size = size};
	balance->heap = calloc(size > 0 ? size : 1, sizeof(*balance->heap));
	return balance->heap ? 0 : -ENOMEM;
}

void balance_fini(struct balance *balance)
{
	free(balance->heap);
	*balance = (struct balance){0};
}

void balance_entry_init(struct balance_entry *entry, unsigned number, unsigned capacity)
{
	*entry = (struct balance_entry){
		.number = number, .capacity = capacity, .place = BALANCE_OUT};
}

void balance_set_usable(struct balance *balance, struct balance_entry *entry, bool usable)
{
	entry->usable = usable;
	settle(balance, entry);
}

void balance_set_capacity(struct balance *balance, struct balance_entry *entry, unsigned capacity)
{
	entry->capacity = capacity;
	settle(balance, entry);
}

void balance_add_load(struct balance *balance, struct balance_entry *entry)
{
	entry->load++;
	settle(balance, entry);
}

void balance_take_load(struct balance *balance, struct balance_entry *entry)
{
	assert(entry->load > 0);
	entry->load--;
	settle(balance, entry);
}

struct balance_entry *balance_least(const struct balance *balance)
{
	return balance->count > 0 ? balance->heap[0] : NULL;
}

/* The second best of a heap is one of the two below the first. */
struct balance_entry *balance_least_but(const struct balance *balance,
					const struct balance_entry *failed)
{
	struct balance_entry *best = NULL;

	if (balance->count == 0 || balance->heap[0] != failed)
		return balance_least(balance);
	for (size_t place = 1; place <= 2 && place < balance->count; place++)
		if (!best || is_before(balance->heap[place], best))
			best = balance->heap[place];
	return best;
}

bool balance_group_has_room(const struct balance_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (balance_least(group->balances[i]))
			return true;
	return false;
}

struct balance_entry *balance_group_least(struct balance_group *group,
					  const struct balance_entry *failed)
{
	struct balance_entry *best = NULL;
	size_t best_at = 0;

	for (size_t i = 0; i < group->count; i++) {
		size_t at = (group->turn + i) % group->count;
		struct balance_entry *entry = balance_least_but(group->balances[at], failed);

		if (entry && (!best || entry->load < best->load)) {
			best = entry;
			best_at = at;
		}
	}
	if (best)
		group->turn = (best_at + 1) % group->count;
	return best;
}
