#ifndef MUX_STATUS_FIELDS_H
#define MUX_STATUS_FIELDS_H

#include <stddef.h>
#include <stdint.h>

/* What the numbers of status_model are called, where several forms call them the same. */

/* Where a number of a struct is, and its name. */
struct status_field {
	const char *name;
	size_t offset;
};

static inline uint64_t status_value(const void *shown, size_t offset)
{
	return *(const uint64_t *)(const void *)((const char *)shown + offset);
}

/* Of the model: what php-fpm's status has too, in its words and order; and what it has not. */
enum { STATUS_FPM_FIELDS = 11, STATUS_FIELDS = 9 };
extern const struct status_field status_fpm_fields[STATUS_FPM_FIELDS];
extern const struct status_field status_fields[STATUS_FIELDS];

#endif
