#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include <stdint.h>

/*
 * A number that nobody can foretell, so that what began together does not go on together: delays,
 * and whom equals are given to first. Where the kernel has none yet, that of the clock. Not for
 * secrets.
 */
uint32_t random_draw(void);

#endif
