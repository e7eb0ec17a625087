#include "mux/status_units.h"

#include <stddef.h>

#include "base/text.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

const char *status_format_time(char out[STATUS_UNIT_SIZE], uint64_t ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{"d", 24 * 3600 * 1000},
		{"h", 3600 * 1000},
		{"min", 60 * 1000},
		{"s", 1000},
		{"ms", 1},
	};
	size_t unit = 0;

	while (unit < COUNT(units) - 1 && ms < units[unit].ms)
		unit++;
	if (ms == 0)
		unit = COUNT(units) - 2; /* it may have been whole seconds */
	if (ms < 10 * units[unit].ms && ms % units[unit].ms != 0)
		(void)text_format(out, STATUS_UNIT_SIZE, "%.1f %s",
				  (double)ms / (double)units[unit].ms, units[unit].name);
	else
		(void)text_format(out, STATUS_UNIT_SIZE, "%llu %s",
				  (unsigned long long)(ms / units[unit].ms), units[unit].name);
	return out;
}

const char *status_format_memory(char out[STATUS_UNIT_SIZE], uint64_t len)
{
	(void)text_format(out, STATUS_UNIT_SIZE, "%.1f MiB", (double)len / (1 << 20));
	return out;
}
