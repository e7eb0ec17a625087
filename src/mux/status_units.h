#ifndef MUX_STATUS_UNITS_H
#define MUX_STATUS_UNITS_H

#include <stdint.h>

/* Numbers as people like to read them, with their unit. Both return out. */

enum { STATUS_UNIT_SIZE = 24 };

/* As exact as is of interest: "4 ms", "1.2 s", "5 min", "3 h", "8 d". */
const char *status_format_time(char out[STATUS_UNIT_SIZE], uint64_t ms);

/* "12.3 MiB". */
const char *status_format_memory(char out[STATUS_UNIT_SIZE], uint64_t len);

#endif
