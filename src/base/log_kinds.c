#include "base/log_kinds.h"

#include <assert.h>
#include <stddef.h>

static bool is_over(const struct log_kind *kind, uint64_t now_ms)
{
	return now_ms - kind->since_ms >= LOG_SECOND_MS;
}

/* The second with lines held back that ends first may end before this one. */
static void note_due(struct log_kinds *kinds, const struct log_kind *kind)
{
	uint64_t due_ms = kind->since_ms + LOG_SECOND_MS;

	if (kinds->due_ms == 0 || due_ms < kinds->due_ms)
		kinds->due_ms = due_ms;
}

struct log_kind *log_kinds_find_due(struct log_kinds *kinds, uint64_t now_ms)
{
	/* Each line asks: nearly always this is all it costs. */
	if (kinds->due_ms == 0 || now_ms < kinds->due_ms)
		return NULL;
	kinds->due_ms = 0;
	for (size_t i = 0; i < LOG_KINDS; i++) {
		struct log_kind *kind = &kinds->kinds[i];

		if (kind->held == 0)
			continue;
		note_due(kinds, kind);
		if (is_over(kind, now_ms))
			return kind;
	}
	return NULL;
}

/* Where a kind is looked for first; formats are mostly further apart than eight bytes. */
static size_t home(const char *format)
{
	return (uintptr_t)format / 8 % LOG_KINDS;
}

static struct log_kind *find(struct log_kinds *kinds, const char *format, int level,
			     uint64_t now_ms)
{
	size_t start = home(format);
	struct log_kind *room = NULL;

	for (size_t i = 0; i < LOG_KINDS; i++) {
		struct log_kind *kind = &kinds->kinds[(start + i) % LOG_KINDS];

		if (kind->format == format && kind->level == level)
			return kind;
		if (!room && (!kind->format || is_over(kind, now_ms)))
			room = kind;
	}
	return room ? room : &kinds->kinds[start];
}

struct log_kind *log_kinds_count(struct log_kinds *kinds, const char *format, int level,
				 uint64_t now_ms)
{
	struct log_kind *kind = find(kinds, format, level, now_ms);

	if (!kind->format || is_over(kind, now_ms)) {
		assert(kind->held == 0);
		kind->format = format;
		kind->level = level;
		kind->since_ms = now_ms;
		kind->written = 0;
	}
	if (kind->written < LOG_BURST) {
		kind->written++;
		return NULL;
	}
	kind->held++;
	note_due(kinds, kind);
	return kind;
}

bool log_kinds_has_held(const struct log_kinds *kinds)
{
	return kinds->due_ms != 0;
}
