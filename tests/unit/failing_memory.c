#include "failing_memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

unsigned memory_left;
long memory_blocks;

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real_reallocarray(void *old, size_t count, size_t len);
void __real_free(void *memory);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
int __real_vasprintf(char **text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
int __real___vasprintf_chk(char **text, int flag, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_reallocarray(void *old, size_t count, size_t len);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_vasprintf(char **text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static bool fails(void)
{
	if (memory_left == 0 || --memory_left > 0)
		return false;
	errno = ENOMEM;
	return true;
}

static void *count(void *memory)
{
	memory_blocks += memory != NULL;
	return memory;
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
	bool is_new = !old;
	void *memory = fails() ? NULL : __real_realloc(old, len);

	return is_new ? count(memory) : memory;
}

void *__wrap_reallocarray(void *old, size_t members, size_t len)
{
	bool is_new = !old;
	void *memory = fails() ? NULL : __real_reallocarray(old, members, len);

	return is_new ? count(memory) : memory;
}

void __wrap_free(void *memory)
{
	memory_blocks -= memory != NULL;
	__real_free(memory);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : count(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t len)
{
	return fails() ? NULL : count(__real_strndup(text, len));
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
	int len = fails() ? -1 : __real_vasprintf(text, format, arguments);

	memory_blocks += len >= 0;
	return len;
}

/* The same where _FORTIFY_SOURCE is on. */
int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list arguments)
{
	int len = fails() ? -1 : __real___vasprintf_chk(text, flag, format, arguments);

	memory_blocks += len >= 0;
	return len;
}
