/* The mux's memory: counted, and failing where it is to. */
#include "sim.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <string.h>

struct sim_memory sim_memory;

static unsigned depth;

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void __real_free(void *memory);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_reallocarray(void *old, size_t count, size_t len);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_vasprintf(char **text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

void sim_memory_enter(void)
{
	depth++;
}

void sim_memory_leave(void)
{
	depth--;
}

static void *count(void *memory)
{
	if (depth > 0 && memory) {
		sim_memory.bytes += malloc_usable_size(memory);
		sim_memory.blocks++;
	}
	return memory;
}

static void discount(void *memory)
{
	if (depth == 0 || !memory)
		return;
	sim_memory.bytes -= malloc_usable_size(memory);
	sim_memory.blocks--;
}

static bool fails(void)
{
	if (depth == 0 || !sim_happens(sim_faults.no_memory))
		return false;
	sim_memory.failures++;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : count(__real_malloc(len));
}

void *__wrap_calloc(size_t members, size_t len)
{
	return fails() ? NULL : count(__real_calloc(members, len));
}

void *__wrap_realloc(void *old, size_t len)
{
	void *memory;

	if (fails())
		return NULL;
	discount(old);
	memory = __real_realloc(old, len);
	return count(memory);
}

void *__wrap_reallocarray(void *old, size_t members, size_t len)
{
	return len > 0 && members > SIZE_MAX / len ? NULL : __wrap_realloc(old, members * len);
}

void __wrap_free(void *memory)
{
	discount(memory);
	__real_free(memory);
}

char *__wrap_strndup(const char *text, size_t len)
{
	size_t used = strnlen(text, len);
	char *copy = __wrap_malloc(used + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, used);
	copy[used] = '\0';
	return copy;
}

char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, strlen(text));
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
	va_list again;
	int len;

	va_copy(again, arguments);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	*text = len < 0 ? NULL : __wrap_malloc((size_t)len + 1);
	return *text ? vsnprintf(*text, (size_t)len + 1, format, arguments) : -1;
}
