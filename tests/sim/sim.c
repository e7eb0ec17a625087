#include "sim.h"

#include <stdarg.h>
#include <sys/random.h>

struct sim_faults sim_faults;

static uint64_t state = 1;

void sim_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "not so: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, " (%s:%d)\n", file, line);
	abort();
}

void sim_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15U | 1;
}

/* xorshift64* */
uint64_t sim_random(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dU;
}

bool sim_happens(unsigned of_1024)
{
	return of_1024 > 0 && sim_choose(1024) < of_1024;
}

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(sim_random() >> 32);
	return (ssize_t)len;
}
