#include "policy/balance.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { TIER_SIZE_MIN = 4 };

/* With one more request, in proportion to b's. 33 bits by 17 of weight: nothing overflows. */
static uint64_t load_beside(const struct balance_entry *a, const struct balance_entry *b)
{
	return ((uint64_t)a->load + a->other + 1) * b->weight;
}

static bool is_less_loaded(const struct balance_entry *a, const struct balance_entry *b)
{
	return load_beside(a, b) < load_beside(b, a);
}

static bool is_before(const struct balance_entry *a, const struct balance_entry *b)
{
	uint64_t load_a = load_beside(a, b), load_b = load_beside(b, a);

	return load_a != load_b ? load_a < load_b : a->order < b->order;
}

static void put(struct balance_tier *tier, size_t place, struct balance_entry *entry)
{
	tier->heap[place] = entry;
	entry->place = (long)place;
}

static void sift_up(struct balance_tier *tier, size_t place)
{
	struct balance_entry *entry = tier->heap[place];

	while (place > 0 && is_before(entry, tier->heap[(place - 1) / 2])) {
		put(tier, place, tier->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(tier, place, entry);
}

static void sift_down(struct balance_tier *tier, size_t place)
{
	struct balance_entry *entry = tier->heap[place];
	size_t child;

	while ((child = 2 * place + 1) < tier->count) {
		if (child + 1 < tier->count && is_before(tier->heap[child + 1], tier->heap[child]))
			child++;
		if (!is_before(tier->heap[child], entry))
			break;
		put(tier, place, tier->heap[child]);
		place = child;
	}
	put(tier, place, entry);
}

static void insert(struct balance_tier *tier, struct balance_entry *entry)
{
	assert(tier->count < tier->size);
	tier->heap[tier->count] = entry;
	sift_up(tier, tier->count++);
}

static void extract(struct balance_tier *tier, struct balance_entry *entry)
{
	size_t place = (size_t)entry->place;
	struct balance_entry *last = tier->heap[--tier->count];

	entry->place = BALANCE_OUT;
	if (last == entry)
		return;
	put(tier, place, last);
	sift_up(tier, place);
	sift_down(tier, (size_t)last->place);
}

/* The one mover: in the heap exactly while it is usable and has room, at the place of its load. */
static void settle(struct balance *balance, struct balance_entry *entry)
{
	struct balance_tier *tier = &balance->tiers[entry->tier];
	bool has_room = entry->usable && entry->load < entry->capacity;

	if (entry->place != BALANCE_OUT && !has_room) {
		extract(tier, entry);
	} else if (entry->place == BALANCE_OUT && has_room) {
		insert(tier, entry);
	} else if (has_room) {
		sift_up(tier, (size_t)entry->place);
		sift_down(tier, (size_t)entry->place);
	}
}

void balance_fini(struct balance *balance)
{
	for (size_t i = 0; i < BALANCE_TIERS; i++)
		free(balance->tiers[i].heap);
	*balance = (struct balance){0};
}

void balance_entry_init(struct balance_entry *entry, unsigned tier, uint32_t order,
			uint32_t capacity)
{
	assert(tier < BALANCE_TIERS);
	*entry = (struct balance_entry){
		.tier = (uint8_t)tier,
		.order = order,
		.capacity = capacity,
		.weight = BALANCE_WEIGHT_UNIT,
		.place = BALANCE_OUT,
	};
}

int balance_add(struct balance *balance, struct balance_entry *entry)
{
	struct balance_tier *tier = &balance->tiers[entry->tier];
	size_t size = tier->size > 0 ? 2 * tier->size : TIER_SIZE_MIN;
	struct balance_entry **heap;

	assert(!entry->is_member);
	if (tier->member_count == tier->size) {
		heap = reallocarray(tier->heap, size, sizeof(struct balance_entry *));
		if (!heap)
			return -ENOMEM;
		tier->heap = heap;
		tier->size = size;
	}
	tier->member_count++;
	entry->is_member = true;
	if (entry->order > balance->last_order)
		balance->last_order = entry->order;
	return 0;
}

void balance_remove(struct balance *balance, struct balance_entry *entry)
{
	if (!entry->is_member)
		return;
	balance_set_usable(balance, entry, false);
	balance->tiers[entry->tier].member_count--;
	entry->is_member = false;
}

void balance_set_usable(struct balance *balance, struct balance_entry *entry, bool usable)
{
	struct balance_tier *tier = &balance->tiers[entry->tier];

	assert(entry->is_member || !usable);
	if (usable && !entry->usable)
		tier->usable_count++;
	else if (!usable && entry->usable)
		tier->usable_count--;
	if (tier->usable_count > 0)
		balance->usable_tiers |= 1U << entry->tier;
	else
		balance->usable_tiers &= ~(1U << entry->tier);
	entry->usable = usable;
	settle(balance, entry);
}

void balance_set_capacity(struct balance *balance, struct balance_entry *entry, uint32_t capacity)
{
	entry->capacity = capacity;
	settle(balance, entry);
}

void balance_set_weight(struct balance *balance, struct balance_entry *entry, uint32_t weight)
{
	assert(weight > 0);
	entry->weight = weight;
	settle(balance, entry);
}

void balance_set_other(struct balance *balance, struct balance_entry *entry, uint32_t other)
{
	entry->other = other;
	settle(balance, entry);
}

void balance_pass_turn(struct balance *balance, struct balance_entry *entry)
{
	entry->order = ++balance->last_order;
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

/* Tiers to be asked, one after the other: one, or two where requests spill over. None: 0. */
struct tiers {
	unsigned at[2];
	size_t count;
};

static size_t count_room(const struct balance_group *group, unsigned tier)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += group->balances[i]->tiers[tier].count;
	return count;
}

static struct tiers find_tiers(const struct balance_group *group, bool may_spill)
{
	struct tiers tiers = {.count = 0};
	unsigned usable = 0;

	for (size_t i = 0; i < group->count; i++)
		usable |= group->balances[i]->usable_tiers;
	if (usable != 0)
		tiers.at[tiers.count++] = (unsigned)__builtin_ctz(usable);
	if (may_spill && (usable & 1) && usable != 1)
		tiers.at[tiers.count++] = (unsigned)__builtin_ctz(usable & ~1U);
	return tiers;
}

bool balance_group_has_room(const struct balance_group *group, bool may_spill)
{
	struct tiers tiers = find_tiers(group, may_spill);

	for (size_t i = 0; i < tiers.count; i++)
		if (count_room(group, tiers.at[i]) > 0)
			return true;
	return false;
}

/* The second best of a heap is one of the two below the first. */
static struct balance_entry *least_of(const struct balance_tier *tier,
				      const struct balance_entry *failed)
{
	struct balance_entry *best = NULL;

	if (tier->count == 0 || tier->heap[0] != failed)
		return tier->count > 0 ? tier->heap[0] : NULL;
	for (size_t place = 1; place <= 2 && place < tier->count; place++)
		if (!best || is_before(tier->heap[place], best))
			best = tier->heap[place];
	return best;
}

static struct balance_entry *find_least(struct balance_group *group, unsigned tier,
					const struct balance_entry *failed)
{
	struct balance_entry *best = NULL;
	size_t best_at = 0;

	for (size_t i = 0; i < group->count; i++) {
		size_t at = group->turn + i < group->count ? group->turn + i
							   : group->turn + i - group->count;
		struct balance_entry *entry = least_of(&group->balances[at]->tiers[tier], failed);

		if (entry && (!best || is_less_loaded(entry, best))) {
			best = entry;
			best_at = at;
		}
	}
	if (best)
		group->turn = best_at + 1 < group->count ? best_at + 1 : 0;
	return best;
}

/* Of all those with room in the tier, in whatever order; the number is less than their count. */
static struct balance_entry *entry_at(const struct balance_group *group, unsigned tier, size_t at)
{
	size_t i = 0;

	while (at >= group->balances[i]->tiers[tier].count)
		at -= group->balances[i++]->tiers[tier].count;
	return group->balances[i]->tiers[tier].heap[at];
}

/* The second is counted on from the first, so that it is another. What failed makes way for it. */
static struct balance_entry *find_of_two(const struct balance_group *group, unsigned tier,
					 const struct balance_choice *choice)
{
	size_t count = count_room(group, tier), step;
	struct balance_entry *a, *b;

	if (count == 0)
		return NULL;
	a = entry_at(group, tier, choice->random % count);
	if (count == 1)
		return a == choice->failed ? NULL : a;
	step = 1 + choice->random / count % (count - 1);
	b = entry_at(group, tier, (choice->random + step) % count);
	if (a == choice->failed)
		return b;
	return b != choice->failed && is_less_loaded(b, a) ? b : a;
}

static struct balance_entry *find_in(struct balance_group *group, unsigned tier,
				     const struct balance_choice *choice)
{
	if (choice->takes_two)
		return find_of_two(group, tier, choice);
	return find_least(group, tier, choice->failed);
}

struct balance_entry *balance_group_least(struct balance_group *group,
					  const struct balance_choice *choice)
{
	struct tiers tiers = find_tiers(group, choice->may_spill);
	struct balance_entry *best = NULL;

	for (size_t i = 0; i < tiers.count && !best; i++)
		best = find_in(group, tiers.at[i], choice);
	return best;
}
