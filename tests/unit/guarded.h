#ifndef UNIT_GUARDED_H
#define UNIT_GUARDED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Memory that ends at a page nobody may touch: one byte too far and the test dies. */
struct guarded {
	uint8_t *start;
	uint8_t *end;
	size_t mapped;
};

static inline struct guarded guarded_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (size / page + 1) * page;
	struct guarded guarded = {.mapped = usable + page};
	void *memory = mmap(NULL, guarded.mapped, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	guarded.start = memory;
	guarded.end = guarded.start + usable;
	if (mprotect(guarded.end, page, PROT_NONE) < 0)
		abort();
	return guarded;
}

/* Copies bytes to where the last of them is the last that may be touched. */
static inline uint8_t *guarded_place(const struct guarded *guarded, const void *bytes, size_t len)
{
	uint8_t *place = guarded->end - len;

	if (len > 0)
		memcpy(place, bytes, len);
	return place;
}

static inline void guarded_free(struct guarded *guarded)
{
	munmap(guarded->start, guarded->mapped);
}

#endif
